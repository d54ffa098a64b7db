"""Cut the region of an edit out at a size that suits a model, and put the patch back where it was."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields

import cv2
import numpy as np
import torch
from torch import Tensor

from . import masks, resample

RESIZES = ("native", "megapixels", "size")
PADDINGS = ("reflect", "replicate")
MEGAPIXEL = 1024 * 1024  # px, as in ComfyUI's own "scale to total pixels"
MIN_MARGIN_PX = 24  # context on each side of a small mask: what seam and grain need to learn from the surroundings
MAX_ASPECT = 4.0  # of a crop whose size is free: beyond it models lose the picture
MAX_STRETCH = 1.25  # a patch whose aspect ratio is further off than this belongs to another crop
MAX_REGIONS = 64  # far beyond what a person draws

Box = tuple[int, int, int, int]  # x, y, width, height in px


@dataclass(frozen=True)
class CropPlan:
    """Where a crop was taken from and how large it was delivered. All values in px."""

    frame_width: int
    frame_height: int
    x: int  # left edge of the window in the frame; negative or beyond only where the frame is too small for it
    y: int
    width: int  # of the window
    height: int
    crop_width: int  # of the delivered crop
    crop_height: int
    padding: str = "reflect"  # one of PADDINGS: what shows where the window leaves the frame

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "padding":
                if value not in PADDINGS:
                    raise ValueError(f"crop plan: padding is {value!r}; choose one of {', '.join(PADDINGS)}")
            elif not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(f"crop plan: {field.name} is {value!r}; expected a whole number of px")
            elif field.name not in ("x", "y") and value < 1:
                raise ValueError(f"crop plan: {field.name} is {value}; expected at least 1 px")
        if not (-self.width < self.x < self.frame_width and -self.height < self.y < self.frame_height):
            raise ValueError(f"crop plan: the window {self.window} lies outside its {self.frame_size} frame")

    @property
    def window(self) -> Box:
        """The window in the frame: x, y, width, height."""
        return self.x, self.y, self.width, self.height

    @property
    def visible(self) -> Box:
        """The part of the window that lies in the frame."""
        x, y = max(self.x, 0), max(self.y, 0)
        right, bottom = min(self.x + self.width, self.frame_width), min(self.y + self.height, self.frame_height)
        return x, y, right - x, bottom - y

    @property
    def frame_size(self) -> str:
        """Frame size as text, WxH."""
        return f"{self.frame_width}x{self.frame_height}"

    def to_json(self) -> str:
        """The plan as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CropPlan:
        """Read a plan.

        Raises:
            ValueError: not a crop plan; says which value is wrong.
        """
        try:
            return cls(**json.loads(text))
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(f"not a crop plan: {error}") from None


def plan_crop(
    mask: Tensor,
    *,
    context: float = 1.5,
    resize: str = "native",
    megapixels: float = 1.0,
    size: tuple[int, int] = (1024, 1024),
    multiple_of: int = 16,
    context_mask: Tensor | None = None,
    padding: str = "reflect",
) -> CropPlan:
    """Plan one window around everything the mask holds; a batch gets one common window, so that a clip does not jitter.

    Args:
        mask: (B, 1, H, W), > 0 where the picture may change.
        context: size of the window relative to the mask's box; small masks get at least `MIN_MARGIN_PX` on each side
            unless it is 1.
        resize: "native" delivers the frame's own pixels, "megapixels" an area, "size" exactly `size`.
        megapixels: area of the delivered crop, 1 = 1024x1024 px.
        size: (width, height) of the delivered crop in px.
        multiple_of: both sides of the delivered crop are multiples of this; "size" is rounded to it.
        context_mask: (B or 1, 1, H, W), > 0 where the window must reach as well.
        padding: one of `PADDINGS`, used only where the frame is too small for the window.

    Returns:
        A plan whose window holds the whole mask. It is moved inside the frame first, then gives up context.

    Raises:
        ValueError: the mask is empty, sizes differ, or a number is out of range.
    """
    _check_masks(mask, context_mask)
    box = masks.bounding_box(mask)
    if context_mask is not None:
        box = _join(box, masks.bounding_box(context_mask))
    frame = (mask.shape[3], mask.shape[2])
    return _plan_around(box, frame, _Sizing(context, resize, megapixels, size, multiple_of, padding))


def plan_crops(mask: Tensor, *, context_mask: Tensor | None = None, separate: bool = True, **sizing) -> list[CropPlan]:
    """Plan one window for each separate region of the mask, in reading order, or a single one for all.

    Regions are merged when they are nearer than `MIN_MARGIN_PX`, and until no window reaches into another region: a
    patch stitched later would undo the earlier one.

    Args:
        mask, context_mask: as for `plan_crop`. A part of the context mask counts for the region it touches.
        separate: False plans the one window of `plan_crop`.
        sizing: the other arguments of `plan_crop`.

    Raises:
        ValueError: as `plan_crop`, or there are more than `MAX_REGIONS` regions.
    """
    if not separate:
        return [plan_crop(mask, context_mask=context_mask, **sizing)]
    _check_masks(mask, context_mask)
    frame, sizing = (mask.shape[3], mask.shape[2]), _Sizing(**sizing)
    boxes = _region_boxes(mask, context_mask)
    while True:
        plans = [_plan_around(box, frame, sizing) for box in boxes]
        meeting = _meeting(np.array([plan.window for plan in plans]), np.array(boxes))
        if not meeting.any():
            return sorted(plans, key=lambda plan: (plan.y, plan.x))
        first, second = sorted(int(i) for i in np.argwhere(meeting)[0])
        joined = _join(boxes[first], boxes.pop(second))
        boxes[first] = joined


def crop(image: Tensor, plan: CropPlan) -> Tensor:
    """Cut the window out and resize it, in float all the way.

    Args:
        image: (B, C, H, W) in [0, 1].
        plan: made for this frame size.

    Returns:
        (B, C, crop height, crop width). At native size the frame's own numbers.

    Raises:
        ValueError: the image is not of the plan's frame size.
    """
    return resample.resize(_window(image, plan), plan.crop_width, plan.crop_height)


def crop_mask(mask: Tensor, plan: CropPlan) -> Tensor:
    """As `crop`, for a mask (B, 1, H, W): no ringing. Padding shows what the image's padding shows, mirrored edit
    included, so that no copy of what must change is left as context."""
    return resample.resize_mask(_window(mask, plan), plan.crop_width, plan.crop_height)


def stitch(original: Tensor, patch: Tensor, plan: CropPlan) -> Tensor:
    """Put a patch back into its window. The whole patch is placed, context included; blending comes after.

    Args:
        original: (B, C, H, W).
        patch: (N, C, h, w) of any size with about the window's aspect ratio; B, N or both may be 1: several variants
            of one frame give several frames, one patch serves all frames.
        plan: made for this frame size.

    Returns:
        (max(B, N), C, H, W), on the original's device and dtype. Outside the window bit-identical to the original;
        inside bit-identical to a patch of the window's size.

    Raises:
        ValueError: sizes, channels or batch do not fit; says which.
    """
    _check_frame(original, plan)
    frames = _check_patch(original, patch, plan)
    patch = resample.resize(patch, plan.width, plan.height).to(original)
    x, y, width, height = plan.visible
    left, top = x - plan.x, y - plan.y
    result = original.expand(frames, -1, -1, -1).clone()
    result[:, :, y : y + height, x : x + width] = patch[:, :, top : top + height, left : left + width]
    return result


def stitch_all(originals: list[Tensor], patches: list[Tensor], plans: list[CropPlan]) -> list[Tensor]:
    """Stitch lists of patches: several regions into one frame, or one patch into each of several frames.

    Args:
        originals: one image for all patches, or one for each.
        patches, plans: of equal length.

    Returns:
        As many images as `originals`.

    Raises:
        ValueError: the lists do not fit together; as `stitch` for each patch.
    """
    if len(patches) != len(plans) or len(originals) not in (1, len(patches)):
        raise ValueError(
            f"{len(originals)} originals, {len(patches)} patches and {len(plans)} crops do not fit together; connect "
            "one original, and patch and crop from the same Crop to Region"
        )
    if len(originals) == len(patches):
        return [stitch(*parts) for parts in zip(originals, patches, plans, strict=True)]
    result = originals[0]
    for patch, plan in zip(patches, plans, strict=True):
        result = stitch(result, patch, plan)
    return [result]


@dataclass(frozen=True)
class _Sizing:
    """The choices of `plan_crop` that are not pictures."""

    context: float = 1.5
    resize: str = "native"
    megapixels: float = 1.0
    size: tuple[int, int] = (1024, 1024)
    multiple_of: int = 16
    padding: str = "reflect"

    def __post_init__(self):
        if self.resize not in RESIZES:
            raise ValueError(f"resize is '{self.resize}'; choose one of {', '.join(RESIZES)}")
        if not self.context >= 1:
            raise ValueError(f"context is {self.context}; it must be at least 1, the size of the mask's box")
        if self.multiple_of < 1:
            raise ValueError(f"multiple_of is {self.multiple_of}; it must be at least 1 px")
        if not self.megapixels > 0:
            raise ValueError(f"megapixels is {self.megapixels}; it must be above 0")
        if min(self.size) < 1:
            raise ValueError(f"size is {self.size[0]}x{self.size[1]} (WxH); both sides must be at least 1 px")


def _plan_around(box: Box, frame: tuple[int, int], sizing: _Sizing) -> CropPlan:
    """Plan the window around a box that it must hold."""
    with_context = _grow_box(box, sizing.context)
    if sizing.resize == "native":
        window = tuple(_native_side(with_context[2 + i], box[2 + i], frame[i], sizing.multiple_of) for i in (0, 1))
        delivered = window
    else:
        delivered = _delivered_size(with_context, sizing)
        window = _window_of_aspect(delivered, with_context, box, frame)
    x, y = (_place(with_context[i] + with_context[2 + i] / 2, window[i], box[i], box[2 + i], frame[i]) for i in (0, 1))
    return CropPlan(*frame, x, y, *window, *delivered, sizing.padding)


def _grow_box(box: Box, context: float) -> tuple[float, float, float, float]:
    """Grow a box about its center by a factor, small boxes by `MIN_MARGIN_PX` at least; 1 leaves it alone."""
    x, y, width, height = box
    margin = 2 * MIN_MARGIN_PX if context > 1 else 0
    grown_width, grown_height = max(width * context, width + margin), max(height * context, height + margin)
    return x + (width - grown_width) / 2, y + (height - grown_height) / 2, grown_width, grown_height


def _round_up(length: float, multiple: int) -> int:
    return math.ceil(length / multiple - 1e-9) * multiple


def _round_to(length: float, multiple: int) -> int:
    return max(round(length / multiple), 1) * multiple


def _native_side(wanted: float, needed: int, available: int, multiple: int) -> int:
    """Side of a native window: a multiple that holds `wanted`; real pixels rather than padding where they suffice."""
    side, inside = _round_up(wanted, multiple), available // multiple * multiple
    if side <= available:
        return side
    return inside if inside >= needed else _round_up(needed, multiple)


def _delivered_size(wanted: tuple[float, ...], sizing: _Sizing) -> tuple[int, int]:
    """Size of the crop as the model gets it, both sides multiples."""
    if sizing.resize == "size":
        return tuple(_round_to(side, sizing.multiple_of) for side in sizing.size)
    aspect = min(max(wanted[2] / wanted[3], 1 / MAX_ASPECT), MAX_ASPECT)
    height = math.sqrt(sizing.megapixels * MEGAPIXEL / aspect)
    return _round_to(height * aspect, sizing.multiple_of), _round_to(height, sizing.multiple_of)


def _window_of_aspect(delivered: tuple[int, int], wanted: tuple, box: Box, frame: tuple[int, int]) -> tuple[int, int]:
    """Window with the delivered crop's aspect ratio: as large as wanted, but inside the frame if the box allows it."""
    aspect = delivered[0] / delivered[1]
    height = max(wanted[3], wanted[2] / aspect)
    fits, needed = min(frame[1], frame[0] / aspect), max(box[3], box[2] / aspect)
    height = min(height, max(fits, needed))
    sides = (round(height * aspect), round(height))
    return tuple(max(side, box[2 + i]) for i, side in enumerate(sides))


def _place(center: float, side: int, box_start: int, box_side: int, available: int) -> int:
    """Start of a window on one axis: centered, moved inside the frame, and always holding the box."""
    if side >= available:
        return -((side - available) // 2)
    start = min(max(math.floor(center - side / 2 + 0.5), 0), available - side)
    return min(max(start, box_start + box_side - side), box_start)


def _region_boxes(mask: Tensor, context_mask: Tensor | None) -> list[Box]:
    """Boxes of the separate regions of a batch's union; parts of the context mask join the regions they touch."""
    from scipy import ndimage  # here, for its import takes longer than all of the pack's

    edit = (mask > 0).flatten(0, 1).any(0).cpu().numpy()
    union = edit
    if context_mask is not None:
        union = edit | (context_mask > 0).flatten(0, 1).any(0).cpu().numpy()
    distance = cv2.distanceTransform((~union).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    _, labels = cv2.connectedComponents((distance <= MIN_MARGIN_PX / 2).astype(np.uint8), connectivity=8)
    slices = ndimage.find_objects(np.where(union, labels, 0))
    regions = [slices[label - 1] for label in np.unique(labels[edit])]
    if len(regions) > MAX_REGIONS:
        raise ValueError(
            f"the mask has {len(regions)} separate regions; at most {MAX_REGIONS} are cropped one by one: "
            "remove its specks, or crop everything as one region"
        )
    return [(int(x.start), int(y.start), int(x.stop - x.start), int(y.stop - y.start)) for y, x in regions]


def _meeting(windows: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(n, n) whether window i reaches into box j, its own left out."""
    windows, boxes = windows[:, None], boxes[None]
    before = windows[..., :2] < boxes[..., :2] + boxes[..., 2:]
    after = boxes[..., :2] < windows[..., :2] + windows[..., 2:]
    return (before & after).all(-1) & ~np.eye(windows.shape[0], dtype=bool)


def _join(first: Box, second: Box | None) -> Box:
    """The smallest box around two."""
    if second is None:
        return first
    x, y = min(first[0], second[0]), min(first[1], second[1])
    right, bottom = max(first[0] + first[2], second[0] + second[2]), max(first[1] + first[3], second[1] + second[3])
    return x, y, right - x, bottom - y


def _window(image: Tensor, plan: CropPlan) -> Tensor:
    """The window's pixels, padded where it leaves the frame."""
    _check_frame(image, plan)
    x, y, width, height = plan.window
    if plan.visible == plan.window:
        return image[:, :, y : y + height, x : x + width].clone()
    rows = _padded_index(y, height, plan.frame_height, plan.padding).to(image.device)
    columns = _padded_index(x, width, plan.frame_width, plan.padding).to(image.device)
    return image.index_select(2, rows).index_select(3, columns)


def _padded_index(start: int, length: int, size: int, padding: str) -> Tensor:
    """Which pixel of the frame each pixel of a padded window shows."""
    index = np.arange(start, start + length)
    index = resample.mirror_index(index, size) if padding == "reflect" else index.clip(0, size - 1)
    return torch.from_numpy(index)


def _check_masks(mask: Tensor, context_mask: Tensor | None) -> None:
    if not bool((mask > 0).any()):
        raise ValueError("the edit mask is empty, so there is no region to crop; paint the region or connect its mask")
    if context_mask is not None and context_mask.shape[2:] != mask.shape[2:]:
        raise ValueError(
            f"context mask is {context_mask.shape[3]}x{context_mask.shape[2]} but edit mask is "
            f"{mask.shape[3]}x{mask.shape[2]} (WxH); make both for the same image"
        )


def _check_frame(image: Tensor, plan: CropPlan) -> None:
    size = f"{image.shape[3]}x{image.shape[2]}"
    if size != plan.frame_size:
        raise ValueError(
            f"image is {size} but the crop was planned for {plan.frame_size} (WxH); use the image that was cropped"
        )


def _check_patch(original: Tensor, patch: Tensor, plan: CropPlan) -> int:
    """Number of frames of the stitched result."""
    if patch.shape[1] != original.shape[1]:
        raise ValueError(f"patch has {patch.shape[1]} channels but original has {original.shape[1]}; convert one")
    counts = (original.shape[0], patch.shape[0])
    if counts[0] != counts[1] and 1 not in counts:
        raise ValueError(f"{counts[1]} patches for {counts[0]} frames; give one of either, or the same number")
    stretch = patch.shape[3] * plan.height / (patch.shape[2] * plan.width)
    if not 1 / MAX_STRETCH <= stretch <= MAX_STRETCH:
        raise ValueError(
            f"patch is {patch.shape[3]}x{patch.shape[2]} but its window is {plan.width}x{plan.height} (WxH); "
            "the shapes differ too much for the same region: connect the patch that was made from this crop"
        )
    return max(counts)
