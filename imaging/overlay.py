"""Pictures that explain: zones over a photograph, heat maps, before/after sheets."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from . import color, masks
from .zones import Zones, zone_mask

# Okabe and Ito 2008: told apart by every common kind of colour vision.
ANCHOR_COLOR = "#0072b2"
EDIT_COLOR = "#e69f00"
HEAT_COLORS = ("#000000", "#0072b2", "#e69f00", "#f0e442")  # from nothing to worst
HEAT_LEVELS = 256  # colors of the scale


def _hatch(height: int, width: int, device: torch.device) -> Tensor:
    """Diagonal stripes, (1, 1, H, W) bool; their width follows the picture's size."""
    pitch = max(8, round(min(height, width) / 40))
    rows, columns = torch.arange(height, device=device)[:, None], torch.arange(width, device=device)[None, :]
    return ((rows + columns) % pitch < pitch / 4)[None, None]


def draw_zones(image: Tensor, zones: Zones, edit: Tensor, lock: Tensor) -> Tensor:
    """Tint what may change, hatch the anchors, outline and name every zone.

    Args:
        image: (1, 3, H, W).
        zones: the zones to outline and name.
        edit, lock: the masks that follow from them, (1, 1, H, W).

    Returns:
        (1, 3, H, W).
    """
    height, width = image.shape[2:]
    tinted = torch.where(lock > 0, 0.65 * image, image + 0.3 * edit * (color.swatch(EDIT_COLOR, image) - image))
    hatch = _hatch(height, width, image.device)
    line = max(1.0, min(height, width) / 400)
    labels = []
    for zone in zones:
        inside = zone_mask(zone, width, height).to(image.device) > 0
        box = masks.bounding_box(inside.float())
        if box is None:
            continue
        name = ANCHOR_COLOR if zone.role == "anchor" else EDIT_COLOR
        labels.append((zone.name, name, box[0], box[1]))
        margin = math.ceil(line) + 1  # an outline lies on both sides of the edge
        x, y = max(0, box[0] - margin), max(0, box[1] - margin)
        window = (..., slice(y, box[1] + box[3] + margin), slice(x, box[0] + box[2] + margin))
        shown = tinted[window]
        if zone.role == "anchor":  # shows its own pixels between the stripes
            shown = torch.where(inside[window], image[window], shown)
            shown = torch.where(inside[window] & hatch[window], color.swatch(name, image), shown)
        outline = masks.signed_distance(inside[window].float()).abs() <= line
        tinted[window] = torch.where(outline, color.swatch(name, image), shown)
    return _draw_labels(tinted, labels)


def _draw_labels(image: Tensor, labels: list[tuple[str, str, int, int]]) -> Tensor:
    """Write (text, background color, x, y) tags over (1, 3, H, W)."""
    picture = to_pil(image)
    draw = ImageDraw.Draw(picture)
    size = max(11, round(min(picture.size) / 32))
    font = ImageFont.load_default(size)
    for text, background, x, y in labels:
        shown = text if len(text) <= 40 else text[:39] + "…"
        left, top, right, bottom = draw.textbbox((0, 0), shown, font=font)
        width, height = right - left + size // 2, bottom - top + size // 2
        x, y = max(0, min(x, picture.width - width)), y - height if y >= height else y  # above the zone where it fits
        draw.rectangle((x, y, x + width, y + height), fill=background)
        draw.text((x + size // 4 - left, y + size // 4 - top), shown, font=font, fill="white")
    return from_pil(picture).to(image)


def to_pil(image: Tensor) -> Image.Image:
    """The first frame of (B, 3, H, W) as an 8-bit picture, rounded."""
    levels = (image[0].clamp(0, 1) * 255).round().byte().movedim(0, 2).cpu().numpy()
    return Image.fromarray(np.ascontiguousarray(levels))


def from_pil(picture: Image.Image) -> Tensor:
    """A picture as (1, 3, H, W) float32."""
    levels = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(levels).movedim(2, 0)[None].contiguous()


def heatmap(image: Tensor, heat: Tensor) -> Tensor:
    """Lay heat over a gray copy of the image.

    Args:
        image: (B, 3, H, W).
        heat: (B, 1, H, W); 0 = nothing to see, 1 = at the limit or beyond.

    Returns:
        (B, 3, H, W): from gray over blue and orange to yellow.
    """
    gray = dimmed(image).repeat(1, 3, 1, 1)
    box = masks.bounding_box(heat)
    if box is None:
        return gray
    x, y, width, height = box
    heat, shown = (t[..., y : y + height, x : x + width] for t in (heat, gray))
    shown.copy_(torch.where(heat > 0, torch.maximum(heat_colors(heat).to(image), shown), shown))
    return gray


def dimmed(image: Tensor) -> Tensor:
    """The dark gray copy (B, 1, H, W) of an image over which heat is laid."""
    return 0.35 * color.luma(image)


def heat_colors(heat: Tensor) -> Tensor:
    """Heat (B, 1, H, W), 0 to 1, as colors (B, 3, H, W) from black over blue and orange to yellow."""
    stops = np.array([color.hex_to_rgb(name) for name in HEAT_COLORS])
    position = np.linspace(0, len(stops) - 1, HEAT_LEVELS)
    table = np.stack([np.interp(position, np.arange(len(stops)), channel) for channel in stops.T], 1)
    level = (heat[:, 0].clamp(0, 1) * (HEAT_LEVELS - 1)).round().int()
    return F.embedding(level, torch.from_numpy(table).to(heat)).movedim(3, 1)


def side_by_side(pictures: list[tuple[str, Tensor]], *, max_height: int = 640) -> Image.Image:
    """A sheet of titled pictures (1, 3, H, W) in one row, each scaled down to a height when it is larger."""
    panels = []
    for title, image in pictures:
        picture = to_pil(image)
        if picture.height > max_height:
            picture = picture.resize((round(picture.width * max_height / picture.height), max_height), Image.LANCZOS)
        panels.append((title, picture))
    gap, bar = 12, 28
    width = sum(picture.width for _, picture in panels) + gap * (len(panels) + 1)
    sheet = Image.new("RGB", (width, max(p.height for _, p in panels) + bar + 2 * gap), "#202020")
    draw, font, x = ImageDraw.Draw(sheet), ImageFont.load_default(16), gap
    for title, picture in panels:
        draw.text((x, gap), title, font=font, fill="#e8e8e8")
        sheet.paste(picture, (x, gap + bar))
        x += picture.width + gap
    return sheet
