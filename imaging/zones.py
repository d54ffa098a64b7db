"""Named zones of a picture: what must stay (anchor) and what may change (edit), and the masks they become."""

from __future__ import annotations

import base64
import io
import json
import logging
import math
import numbers
import struct
import unicodedata
import zlib
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from . import color, masks

ROLES = ("anchor", "edit")
SHAPES = ("box", "ellipse", "polygon", "brush", "mask")

# Far beyond what a person draws; they keep a hostile value from stalling the server.
MAX_ZONES = 500
MAX_POINTS = 20_000  # of one zone
MAX_ALL_POINTS = 200_000
MAX_JSON_CHARS = 20_000_000
MAX_NAME_CHARS = 200
MAX_PROMPT_CHARS = 20_000
MAX_MASK_PIXELS = 64_000_000  # of one zone of shape "mask": 8K
MAX_ALL_MASK_PIXELS = 128_000_000

SPANS_AT_ONCE = 500_000  # rows of brush segments; about 100 MB of intermediate values

logger = logging.getLogger("edit_first")

Point = tuple[float, float]


@dataclass(frozen=True)
class Zone:
    """One named zone. Coordinates are fractions of the picture, so a zone survives a resize."""

    name: str
    role: str  # one of ROLES
    shape: str  # one of SHAPES
    points: tuple[Point | None, ...] = ()  # (x of width, y of height); box, ellipse: two corners; None lifts the brush
    radius: float = 0.0  # brush radius, fraction of the shorter side
    prompt: str = ""  # what a model should make of this zone
    strength: float = 1.0  # weight of the prompt
    png: str = ""  # shape "mask": base64 of an 8-bit gray PNG

    def to_dict(self) -> dict:
        """Plain JSON value; keys without content are left out."""
        value = {"name": self.name, "role": self.role, "shape": self.shape}
        if self.shape == "mask":
            value["png"] = self.png
        else:
            value["points"] = [list(point) if point else None for point in self.points]
        if self.shape == "brush":
            value["radius"] = self.radius
        return {**value, "prompt": self.prompt, "strength": self.strength}


@dataclass(frozen=True)
class Zones:
    """Zones in drawing order. Where zones overlap, anchors win over edit zones; order decides nothing else."""

    zones: tuple[Zone, ...] = ()
    # Width and height in px of the picture they were drawn on, where known; not part of the JSON, which fits any size.
    frame: tuple[int, int] | None = field(default=None, compare=False)

    def __iter__(self):
        return iter(self.zones)

    def __len__(self) -> int:
        return len(self.zones)

    def add(self, *zones: Zone) -> Zones:
        """The same zones with more at the end; a name already taken gets a number."""
        result, names = list(self.zones), {zone.name for zone in self.zones}
        for zone in zones:
            name, number = zone.name, 2
            while name in names:
                name, number = f"{zone.name} {number}", number + 1
            names.add(name)
            result.append(replace(zone, name=name))
        return replace(self, zones=tuple(result))

    def select(self, name: str) -> Zones:
        """Zones by name, or by role with `*anchor` and `*edit`.

        Raises:
            ValueError: no zone has that name; lists the names there are.
        """
        if name in ("*anchor", "*edit"):
            return replace(self, zones=tuple(zone for zone in self.zones if zone.role == name[1:]))
        chosen = tuple(zone for zone in self.zones if zone.name == name)
        if not chosen:
            names = ", ".join(f"'{zone.name}'" for zone in self.zones[:20]) or "none"
            raise ValueError(f"no zone is named '{name[:80]}'; zones here: {names}; or use *edit or *anchor")
        return replace(self, zones=chosen)

    def to_json(self) -> str:
        """JSON list of zones, the form the editor and `AnchorZoneMask` use."""
        return json.dumps([zone.to_dict() for zone in self.zones], ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Zones:
        """Read zones from JSON; an empty string is no zones.

        Raises:
            ValueError: not JSON, or a zone is wrong; names the zone by position and name, and says what was expected.
        """
        if not text.strip():
            return cls()
        if len(text) > MAX_JSON_CHARS:
            raise ValueError(f"zones: the text has {len(text)} characters; at most {MAX_JSON_CHARS} are read")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"zones: not valid JSON ({str(error)[:120]}); expected a list such as {EXAMPLE}") from None
        if not isinstance(value, list):
            raise ValueError(f"zones: expected a JSON list of zones, got {_kind(value)}; for example {EXAMPLE}")
        if len(value) > MAX_ZONES:
            raise ValueError(f"zones: {len(value)} zones; at most {MAX_ZONES} are read")
        budget = _Budget()
        return cls().add(*(_parse_zone(entry, number, budget) for number, entry in enumerate(value, 1)))


EXAMPLE = '[{"name":"face","role":"anchor","shape":"box","points":[[0.4,0.1],[0.6,0.4]]}]'


def _kind(value) -> str:
    """Name of a JSON value's type, for error messages."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value)) or f"the number {str(value)[:40]}"


@dataclass
class _Budget:
    """What zones may still cost together; counts down while they are read."""

    points: int = MAX_ALL_POINTS
    mask_pixels: int = MAX_ALL_MASK_PIXELS

    def take(self, zone: Zone, where: str) -> None:
        """Count a zone.

        Raises:
            ValueError: it is the one that is too much.
        """
        self.points -= len(zone.points)
        if self.points < 0:
            raise ValueError(f"{where}: all zones together have more than {MAX_ALL_POINTS} points; draw with fewer")
        if zone.shape == "mask":
            self.mask_pixels -= _decode_mask(zone.png, where).size
            if self.mask_pixels < 0:
                raise ValueError(
                    f"{where}: all masks together have more than {MAX_ALL_MASK_PIXELS} px; use smaller ones"
                )


def _parse_zone(value, number: int, budget: _Budget) -> Zone:
    """One zone from its JSON value; `number` counts from 1 and appears in errors."""
    if not isinstance(value, dict):
        raise ValueError(f"zone {number}: expected an object, got {_kind(value)}; for example {EXAMPLE}")
    name = value.get("name", f"zone {number}")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME_CHARS:
        raise ValueError(f"zone {number}: name must be a text of 1 to {MAX_NAME_CHARS} characters, got {_short(name)}")
    name = name.strip()
    where = f"zone {number} ('{_printable(name)[:40]}')"
    if _printable(name) != name:
        raise ValueError(f"{where}: name holds characters that are no text (control characters or half surrogates)")
    if name.startswith("*"):
        raise ValueError(f"{where}: a name must not start with *; *edit and *anchor stand for all zones of a role")

    def choice(key: str, options: tuple[str, ...], default: str | None = None) -> str:
        chosen = value.get(key, default)
        if chosen not in options:
            raise ValueError(f"{where}: {key} must be one of {', '.join(options)}; got {_short(chosen)}")
        return chosen

    def number_in(key: str, default: float, low: float, high: float) -> float:
        chosen = value.get(key, default)
        if isinstance(chosen, bool) or not isinstance(chosen, int | float) or not low <= chosen <= high:
            raise ValueError(f"{where}: {key} must be a number from {low:g} to {high:g}; got {_short(chosen)}")
        return float(chosen)

    role, shape = choice("role", ROLES), choice("shape", SHAPES)
    prompt = value.get("prompt", "")
    if not isinstance(prompt, str) or len(prompt) > MAX_PROMPT_CHARS:
        raise ValueError(f"{where}: prompt must be a text of at most {MAX_PROMPT_CHARS} characters")
    if any(unicodedata.category(letter) == "Cs" for letter in prompt):
        raise ValueError(f"{where}: prompt holds half a surrogate pair, which is no text")
    zone = Zone(
        name=name,
        role=role,
        shape=shape,
        points=_parse_points(value.get("points", []), shape, where) if shape != "mask" else (),
        radius=number_in("radius", 0.0, 0.0, 1.0) if shape == "brush" else 0.0,
        prompt=prompt,
        strength=number_in("strength", 1.0, 0.0, 10.0),
        png=value.get("png", "") if shape == "mask" else "",
    )
    if shape == "brush" and zone.radius == 0:
        raise ValueError(f"{where}: a brush needs a radius above 0 (fraction of the shorter side)")
    budget.take(zone, where)
    return zone


def _printable(text: str) -> str:
    """The text without control characters and half surrogates, which no label, file or message can hold."""
    return "".join(letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cs"))


def _parse_points(value, shape: str, where: str) -> tuple[Point | None, ...]:
    """Points of a zone: finite, and clamped to one frame's width around the picture."""
    if not isinstance(value, list):
        raise ValueError(f"{where}: points must be a list of [x, y] pairs, got {_kind(value)}")
    if len(value) > MAX_POINTS:
        raise ValueError(f"{where}: {len(value)} points; at most {MAX_POINTS} are read")
    points: list[Point | None] = []
    for position, point in enumerate(value, 1):
        if point is None and shape == "brush":
            points.append(None)
            continue
        pair = isinstance(point, list) and len(point) == 2
        if not pair or any(isinstance(c, bool) or not isinstance(c, int | float) for c in point):
            raise ValueError(f"{where}: point {position} must be [x, y], two numbers from 0 to 1; got {_short(point)}")
        if not all(-1e300 < c < 1e300 and math.isfinite(c) for c in point):
            raise ValueError(f"{where}: point {position} must be finite; got {_short(point)}")
        points.append((min(max(float(point[0]), -1.0), 2.0), min(max(float(point[1]), -1.0), 2.0)))
    drawn = sum(point is not None for point in points)
    need = {"box": 2, "ellipse": 2, "polygon": 3, "brush": 1}[shape]
    if shape in ("box", "ellipse") and drawn != 2:
        raise ValueError(f"{where}: {shape} takes two opposite corners, got {drawn} points")
    if drawn < need:
        raise ValueError(f"{where}: {shape} takes at least {need} points, got {drawn}")
    return tuple(points)


def _short(value) -> str:
    """A value as it may appear in an error: never longer than a line."""
    text = repr(value) if isinstance(value, str | int | float | bool | type(None)) else _kind(value)
    text = _printable(text)
    return text if len(text) <= 60 else text[:57] + "..."


def zones_from_inputs(
    name: str,
    role: str,
    prompt: str,
    strength: float,
    mask: Tensor | None,
    boxes: object,
    frame: tuple[int, int] | None,
) -> list[Zone]:
    """Zones from a mask and from bounding boxes in pixels, as graphs deliver them.

    Args:
        mask: (1, 1, H, W) or None.
        boxes: None, `{"x", "y", "width", "height"}`, or (nested) lists of these, as detectors give them.
        frame: width and height that the boxes refer to; None takes the mask's.

    Raises:
        ValueError: neither mask nor box, a box without a frame, or a malformed box.
    """
    shapes = []
    if mask is not None:
        shapes.append({"shape": "mask", "png": encode_mask(mask)})
        frame = frame or (mask.shape[3], mask.shape[2])
        if not (mask > 0).any():
            logger.warning("zone '%s': its mask is empty; the zone covers nothing", name)
    found = _flatten_boxes(boxes)
    if boxes is not None and not found:
        logger.warning("zone '%s': no box was found; the zone covers nothing", name)
        shapes.append({"shape": "mask", "png": encode_mask(torch.zeros(1, 1, 1, 1))})
    for box in found:
        if frame is None:
            raise ValueError("box is in pixels of a picture; connect that picture to image, or its mask to mask")
        left, top, width, height = (float(box[key]) for key in BOX_KEYS)
        corners = [[left / frame[0], top / frame[1]], [(left + width) / frame[0], (top + height) / frame[1]]]
        shapes.append({"shape": "box", "points": corners})
    if not shapes:
        raise ValueError("Add Zone needs a shape; connect a mask or a bounding box")
    given = {"name": name, "role": role, "prompt": prompt, "strength": strength}
    return [_parse_zone({**given, **shape}, number, _Budget()) for number, shape in enumerate(shapes, 1)]


BOX_KEYS = ("x", "y", "width", "height")


def _flatten_boxes(boxes: object) -> list[dict]:
    """All boxes in nested lists, in order."""
    if boxes is None:
        return []
    if isinstance(boxes, list | tuple):
        return [box for entry in boxes for box in _flatten_boxes(entry)]
    if isinstance(boxes, dict) and all(isinstance(boxes.get(key), numbers.Real) for key in BOX_KEYS):
        return [boxes]
    raise ValueError(f"box must have x, y, width and height in pixels, or be a list of such boxes; got {_kind(boxes)}")


def encode_mask(mask: Tensor) -> str:
    """A mask (1, 1, H, W) as base64 of an 8-bit gray PNG, for a zone of shape "mask"."""
    levels = (mask[0, 0].clamp(0, 1) * 255).round().byte().cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _decode_mask(png: object, where: str) -> np.ndarray:
    """The gray levels of a zone's PNG; its size is checked before anything is unpacked."""
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(png, validate=True)), formats=["PNG"])
        size, mode = picture.size, picture.mode
        levels = np.asarray(picture.convert("L")) if size[0] * size[1] <= MAX_MASK_PIXELS else None
    except Image.DecompressionBombError:
        raise ValueError(f"{where}: mask is too large; at most {MAX_MASK_PIXELS} px") from None
    except (ValueError, TypeError, OSError, SyntaxError, EOFError, zlib.error, struct.error):
        raise ValueError(f"{where}: png must be base64 of a whole gray PNG; draw the zone again") from None
    if levels is None:
        raise ValueError(f"{where}: mask is {size[0]}x{size[1]}; at most {MAX_MASK_PIXELS} px")
    if mode.startswith(("I", "F")):
        raise ValueError(f"{where}: png has more than 8 bits a pixel (mode {mode}); save it as 8-bit gray")
    return levels


def zone_mask(zone: Zone, width: int, height: int) -> Tensor:
    """Rasterize one zone at a size. A pixel belongs to a zone when its center does.

    Returns:
        (1, 1, height, width) float32; 0 or 1, except shape "mask", which keeps its soft values.
    """
    if zone.shape == "mask":
        levels = torch.from_numpy(_decode_mask(zone.png, f"zone '{zone.name}'").astype(np.float32) / 255)
        levels = levels[None, None]
        if levels.shape[2:] == (height, width):
            return levels
        return torch.nn.functional.interpolate(levels, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
    scaled = [None if point is None else (point[0] * width, point[1] * height) for point in zone.points]
    if zone.shape == "box":
        inside = _fill_box(scaled, width, height)
    elif zone.shape == "ellipse":
        inside = _fill_ellipse(scaled, width, height)
    elif zone.shape == "polygon":
        inside = _fill_polygon(scaled, width, height)
    else:
        inside = _fill_brush(scaled, zone.radius * min(width, height), width, height)
    return torch.from_numpy(inside.astype(np.float32))[None, None]


def _centers(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(width)[None, :] + 0.5, np.arange(height)[:, None] + 0.5


def _fill_box(corners: list[Point], width: int, height: int) -> np.ndarray:
    (x0, y0), (x1, y1) = corners
    x, y = _centers(width, height)
    return (x >= min(x0, x1)) & (x < max(x0, x1)) & (y >= min(y0, y1)) & (y < max(y0, y1))


def _fill_ellipse(corners: list[Point], width: int, height: int) -> np.ndarray:
    (x0, y0), (x1, y1) = corners
    x, y = _centers(width, height)
    half_width, half_height = max(abs(x1 - x0) / 2, 1e-9), max(abs(y1 - y0) / 2, 1e-9)
    return ((x - (x0 + x1) / 2) / half_width) ** 2 + ((y - (y0 + y1) / 2) / half_height) ** 2 <= 1


def _fill_polygon(points: list[Point], width: int, height: int) -> np.ndarray:
    """Even-odd fill: every edge toggles the pixels to its right on the rows it crosses."""
    toggles = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if y0 == y1:
            continue
        (x0, y0), (x1, y1) = sorted(((x0, y0), (x1, y1)), key=lambda point: point[1])
        rows = np.arange(max(0, math.ceil(y0 - 0.5)), min(height, math.ceil(y1 - 0.5)))
        crossing = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        toggles[rows, np.clip(np.ceil(crossing - 0.5), 0, width).astype(int)] += 1
    return np.cumsum(toggles, 1)[:, :width] % 2 == 1


def _fill_brush(points: list[Point | None], radius_px: float, width: int, height: int) -> np.ndarray:
    """All pixels within the radius of the stroke's segments.

    A segment with its radius is convex, so it covers one span of every row; spans are counted where they begin and
    end. On a long stroke with a wide brush that is seven times faster than testing pixels.
    """
    pairs = [(a or b, b) for a, b in zip((None, *points[:-1]), points, strict=True) if b is not None]
    start, end = np.array(pairs, np.float64).swapaxes(0, 1)
    top = np.maximum(0, np.ceil(np.minimum(start[:, 1], end[:, 1]) - radius_px - 0.5)).astype(int)
    bottom = np.minimum(height - 1, np.floor(np.maximum(start[:, 1], end[:, 1]) + radius_px - 0.5)).astype(int)
    tall = np.maximum(bottom - top + 1, 0)
    at_once = max(1, SPANS_AT_ONCE // max(int(tall.max()), 1))
    counts = np.zeros(height * (width + 1), np.int64)
    for first in range(0, len(pairs), at_once):
        part = slice(first, first + at_once)
        segment = np.repeat(np.arange(len(pairs))[part], tall[part])
        rows = np.arange(len(segment)) - np.repeat(np.cumsum(tall[part]) - tall[part], tall[part]) + top[segment]
        low, high = _capsule_spans(start[segment], end[segment], radius_px, rows + 0.5)
        # The first pixel center of a span and the one after its last; an empty span cancels itself.
        begin = np.clip(np.ceil(low - 0.5), 0, width).astype(int)
        after = np.maximum(np.clip(np.floor(high - 0.5) + 1, 0, width).astype(int), begin)
        counts += np.bincount(rows * (width + 1) + begin, minlength=len(counts))
        counts -= np.bincount(rows * (width + 1) + after, minlength=len(counts))
    return np.cumsum(counts.reshape(height, width + 1), 1)[:, :width] > 0


def _capsule_spans(start: np.ndarray, end: np.ndarray, radius: float, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From which x to which x the lines at heights `y` (N,) run within a radius of segments (N, 2); low > high: nowhere."""
    low, high = np.full(len(y), np.inf), np.full(len(y), -np.inf)
    for center in (start, end):  # the round ends
        square = radius**2 - (y - center[:, 1]) ** 2
        half = np.sqrt(np.maximum(square, 0))
        low = np.where(square >= 0, np.minimum(low, center[:, 0] - half), low)
        high = np.where(square >= 0, np.maximum(high, center[:, 0] + half), high)
    length = np.hypot(*(end - start).T)
    along_x, along_y = (end - start).T / np.maximum(length, 1e-12)
    down = y - start[:, 1]
    bar_low, bar_high = np.full(len(y), -np.inf), np.full(len(y), np.inf)
    # The bar between them: 0 <= distance along <= length, and -radius <= distance across <= radius; linear in x.
    for slope, offset, least, most in (
        (along_x, down * along_y, np.zeros_like(length), length),
        (-along_y, down * along_x, np.full_like(length, -radius), np.full_like(length, radius)),
    ):
        flat = np.abs(slope) < 1e-12  # parallel to the row: all of it or nothing
        outside = flat & ((offset < least) | (offset > most))
        safe = np.where(flat, 1.0, slope)
        edges = np.sort(np.stack(((least - offset) / safe, (most - offset) / safe)), 0) + start[:, 0]
        bar_low = np.where(flat, np.where(outside, np.inf, bar_low), np.maximum(bar_low, edges[0]))
        bar_high = np.where(flat, bar_high, np.minimum(bar_high, edges[1]))
    exists = (bar_low <= bar_high) & (length > 0)
    return np.where(exists, np.minimum(low, bar_low), low), np.where(exists, np.maximum(high, bar_high), high)


def zones_mask(zones: Zones, width: int, height: int) -> Tensor:
    """Union (maximum) of several zones, (1, 1, height, width); zeros when there are none."""
    union = torch.zeros(1, 1, height, width)
    for zone in zones:
        union = torch.maximum(union, zone_mask(zone, width, height))
    return union


def edit_and_lock(
    edit: Tensor,
    anchor: Tensor,
    *,
    outside: str = "keep",
    grow_px: int = 0,
    feather_px: int = 0,
    anchor_margin_px: int = 0,
) -> tuple[Tensor, Tensor]:
    """Combine what may change with what must stay. Anchors win, and every pixel is either editable or locked.

    Args:
        edit: (B, 1, H, W), > 0 where a pixel may change.
        anchor: (B or 1, 1, H, W), > 0 where a pixel must stay.
        outside: "keep" or "edit": what a pixel in neither does.
        grow_px: grows the edit region, or shrinks it when negative; never into an anchor.
        feather_px: width of the inward ramp of the edit mask.
        anchor_margin_px: grows the anchors.

    Returns:
        edit mask (B, 1, H, W) in [0, 1], and lock mask of the same shape, 1 exactly where the edit mask is 0.
    """
    anchored = masks.grow((anchor > 0).to(edit.dtype), anchor_margin_px)
    edit = torch.ones_like(edit) if outside == "edit" else masks.grow(edit, grow_px)
    edit = torch.where(anchored > 0, torch.zeros_like(edit), edit)
    edit = masks.feather_inward(edit, feather_px)
    return edit, (edit <= 0).to(edit.dtype)


def edit_and_lock_masks(
    image: Tensor,
    zones: Zones,
    *,
    edit: Tensor | None = None,
    anchor: Tensor | None = None,
    anchor_colors: list[str] | tuple[str, ...] = (),
    color_tolerance: float = 3.0,
    **options,
) -> tuple[Tensor, Tensor]:
    """Edit and lock masks of a picture from zones, masks and brand colors together.

    Args:
        image: (B, 3, H, W); gives the size, and the pixels that brand colors are looked for in.
        zones: drawn zones; those of both roles are read.
        edit, anchor: (1 or B, 1, H, W), added to the zones.
        anchor_colors: `#rrggbb`; pixels within `color_tolerance` (CIEDE2000) of one are anchored.
        options: as `edit_and_lock`.

    Returns:
        Two masks of one batch size: 1, or B when a mask or the brand colors differ from frame to frame.
    """
    height, width = image.shape[2:]
    editable = zones_mask(zones.select("*edit"), width, height).to(image.device)
    anchored = zones_mask(zones.select("*anchor"), width, height).to(image.device)
    if edit is not None:
        editable = torch.maximum(editable, edit)
    if anchor is not None:
        anchored = torch.maximum(anchored, (anchor > 0).float())
    if anchor_colors:
        anchored = torch.maximum(anchored, color.near_colors(image, anchor_colors, color_tolerance))
    frames = max(len(editable), len(anchored))
    expand = (frames, -1, -1, -1)
    return edit_and_lock(editable.expand(expand), anchored.expand(expand), **options)
