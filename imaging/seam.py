"""Blending an edit into the picture it was made for, so that its border cannot be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from . import color, masks
from .local_shift import align_locally
from .matte import estimate_alpha, estimate_foreground
from .membrane import solve_membrane
from .paired import CONTEXT_PX, change_evidence, color_difference, correct_tone, is_raw, local_activity, same_scene
from .pyramid import blend_multiband

METHODS = ("auto", "alpha", "multiband", "gradient", "matte")
MARGIN_PX = CONTEXT_PX + 16  # surroundings cut out with each edit

# Ramp widths in px: the narrowest hides a change of content, the widest a step of tone on a flat surface.
NARROWEST_PX, WIDEST_PX = 2.0, 16.0
TEXTURE_ACTIVITY = 0.05  # local standard deviation of OKLab lightness at which a wide ramp would show as a blur
DIFFERENCE = 0.06  # OKLab difference at which a wide ramp would show as a ghost
INRADIUS_SHARE = 0.5  # a ramp never takes more of a small region than this, unless its width is asked for

MULTIBAND_REACH = 2.5  # width of the coarsest transition, in widths of the ramp that a single alpha would take
# Weight of a residual in gradient-domain blending. A value that is met exactly would carry every grain of the border
# inward as a streak; at this weight neighbors share the difference.
RESIDUAL_WEIGHT = 1.0

MATTE_REACH_PX = 64.0  # depth of the band in which hair is looked for

# Auto: how far the change-over may move into the edit, and what counts as edited content.
BAND_PX, BAND_SHARE = 32.0, 0.6
CHANGED, MAYBE_CHANGED = 4.0, 2.0  # hysteresis on the change evidence, in units of the usual residual
CHANGE_MARGIN_PX = 2.0  # kept of the edit around changed content: its blur
CHANGE_OVER_PX = 4.0  # ramp beyond that margin, where both frames agree


@dataclass(frozen=True)
class Frame:
    """One frame cut down to an edit and its surroundings. All (1, C, H, W)."""

    original: Tensor
    edited: Tensor
    mask: Tensor  # [0, 1]; locked pixels are 0
    distance: Tensor  # px to the mask's edge, > 0 inside
    feather_px: float  # 0: from the local texture


def feather(
    original: Tensor,
    edited: Tensor,
    edit_mask: Tensor,
    *,
    method: str = "auto",
    feather_px: float = 0,
    lock_mask: Tensor | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Blend the edited picture into the original. All blending happens inside the edit.

    Args:
        original: (B or 1, 3, H, W), the approved picture, sRGB in [0, 1].
        edited: (B, 3, H, W), the raw frame of the model. A composite, equal to the original outside the edit, works
            too, but proves nothing about the model's drift.
        edit_mask: (B or 1, 1, H, W), 1 = may change. Soft values are an upper bound of the blend.
        method: "alpha": a ramp. "multiband": a ramp per octave of detail. "gradient": the edit's detail on the
            original's tone. "matte": alpha of hair and translucent edges. "auto": drift taken off, change-over where
            both agree, width from texture.
        feather_px: pixels of partial blend, from the edge inward; 0 = from the local texture.
        lock_mask: (B or 1, 1, H, W); pixels above 0 stay the original's.
        progress: called with the fraction done.

    Returns:
        image (B, 3, H, W), bit-identical to the original wherever the edit mask is 0 or the lock is above 0, and the
        blend (B, 1, H, W): the share of the edit in each pixel.

    Raises:
        ValueError: the method is unknown, or sizes differ.
    """
    if method not in METHODS:
        raise ValueError(f"method is '{method}'; choose one of {', '.join(METHODS)}")
    _check_sizes(original, edited, edit_mask, lock_mask)
    region = edit_mask if lock_mask is None else torch.where(lock_mask > 0, 0.0, edit_mask)
    image = original.expand_as(edited).clone()
    blend = edited.new_zeros(len(edited), 1, *edited.shape[2:])
    for index in range(len(edited)):
        mask = _frame_of(region, index)
        box = _window(mask)
        if box is not None:
            blended, alpha = _blend_window(_frame_of(original, index), edited[index : index + 1], mask, box, method,
                                           feather_px)  # fmt: skip
            image[index : index + 1, :, box[0], box[1]] = blended
            blend[index : index + 1, :, box[0], box[1]] = alpha
        if progress:
            progress((index + 1) / len(edited))
    return image, blend


def _check_sizes(original: Tensor, edited: Tensor, edit_mask: Tensor, lock_mask: Tensor | None) -> None:
    size = edited.shape[2:]
    named = {"original": original, "edit_mask": edit_mask, "lock_mask": lock_mask}
    for name, tensor in named.items():
        if tensor is None:
            continue
        if tensor.shape[2:] != size:
            raise ValueError(
                f"{name} is {tensor.shape[3]}x{tensor.shape[2]} but edited is {size[1]}x{size[0]} (WxH); resize it first"
            )
        if len(tensor) not in (1, len(edited)):
            raise ValueError(f"{name} has {len(tensor)} frames but edited has {len(edited)}; give 1 or {len(edited)}")


def _frame_of(batch: Tensor, index: int) -> Tensor:
    return batch[index : index + 1] if len(batch) > 1 else batch


def _window(mask: Tensor) -> tuple[slice, slice] | None:
    """Rows and columns of the edit and its surroundings; None when nothing is edited."""
    box = masks.bounding_box(mask)
    if box is None:
        return None
    x, y, width, height = box
    return (
        slice(max(0, y - MARGIN_PX), min(mask.shape[2], y + height + MARGIN_PX)),
        slice(max(0, x - MARGIN_PX), min(mask.shape[3], x + width + MARGIN_PX)),
    )


def _blend_window(
    original: Tensor, edited: Tensor, mask: Tensor, box: tuple[slice, slice], method: str, feather_px: float
) -> tuple[Tensor, Tensor]:
    """Blend one frame inside a window; everything outside the mask is copied."""
    ours, theirs, inside = (tensor[:, :, box[0], box[1]] for tensor in (original, edited, mask))
    frame = Frame(ours.float(), theirs.float(), inside.float(), masks.signed_distance(inside), float(feather_px))
    blended, alpha = _BLENDERS[method](frame)
    alpha = torch.where(frame.distance > 0, alpha, 0.0)
    blended = torch.where(alpha > 0, blended.clamp(0, 1).to(ours.dtype), ours)
    return blended, alpha.to(edited.dtype)


def _blend_alpha(frame: Frame) -> tuple[Tensor, Tensor]:
    """A ramp of the asked or the locally chosen width."""
    alpha = _ramp(frame, frame.edited)
    return torch.lerp(frame.original, frame.edited, alpha), alpha


def _ramp(frame: Frame, edited: Tensor) -> Tensor:
    if frame.feather_px > 0:
        return masks.feather_inward(frame.mask, frame.feather_px)
    width = torch.minimum(
        local_width(frame.original, edited, frame.distance), INRADIUS_SHARE * inradius(frame.distance)
    )
    return torch.minimum(frame.mask, (frame.distance / (width + 1)).clamp(0, 1))


def local_width(original: Tensor, edited: Tensor, distance: Tensor) -> Tensor:
    """Ramp width (1, 1, H, W) in px that suits the border nearby: wide where both are flat and alike, else narrow."""
    ours, theirs = color.srgb_to_oklab(original), color.srgb_to_oklab(edited.clamp(0, 1))
    difference = color_difference(ours, theirs, 1.5)
    activity = torch.maximum(local_activity(ours[:, :1]), local_activity(theirs[:, :1]))
    smooth = torch.exp(-((difference / DIFFERENCE) ** 2) - (activity / TEXTURE_ACTIVITY) ** 2)
    near = ((distance > 0) & (distance <= WIDEST_PX)).float()
    share = masks.gaussian_blur(near * smooth, 6.0) / masks.gaussian_blur(near, 6.0).clamp(min=1e-4)
    return NARROWEST_PX + (WIDEST_PX - NARROWEST_PX) * share


def inradius(distance: Tensor) -> Tensor:
    """For each pixel of a region, the largest distance to the edge within its connected component; 1 elsewhere."""
    plane = distance[0, 0].cpu().numpy()
    count, labels = cv2.connectedComponents((plane > 0).astype(np.uint8), connectivity=8)
    deepest = np.zeros(count, np.float32)
    np.maximum.at(deepest, labels.ravel(), plane.ravel())
    deepest[0] = 1
    return torch.from_numpy(deepest[labels]).to(distance.device)[None, None].clamp(1, 1e4)


def _blend_multiband(frame: Frame) -> tuple[Tensor, Tensor]:
    if frame.feather_px > 0:
        reach = torch.full_like(frame.distance, frame.feather_px)
    else:
        reach = MULTIBAND_REACH * local_width(frame.original, frame.edited, frame.distance)
    reach = torch.minimum(reach, 0.8 * inradius(frame.distance))
    blended = blend_multiband(frame.original, frame.edited, frame.distance, reach)
    return torch.lerp(frame.original, blended, frame.mask), frame.mask


def _blend_gradient(frame: Frame) -> tuple[Tensor, Tensor]:
    """The edited frame plus the membrane through its residuals on the unchanged pixels around the edit."""
    outside = frame.distance <= 0
    if not is_raw(frame.original, frame.edited, frame.distance):
        # In a composite the residuals outside are 0 by construction; the first pixels inside stand in for them.
        outside = outside | (frame.distance < 1.5)
    if not outside.any():
        return _blend_alpha(frame)
    image = frame.edited + solve_membrane(RESIDUAL_WEIGHT * outside, frame.original - frame.edited)
    alpha = masks.feather_inward(frame.mask, frame.feather_px)
    return torch.lerp(frame.original, image, alpha), alpha


def _blend_auto(frame: Frame) -> tuple[Tensor, Tensor]:
    """Take the drift off, keep the original where both frames then agree, and change over in what they agree on.

    The path of the change-over runs around the changed content, inside the band where nothing was changed. A minimum
    cut through the band (Kwatra et al. 2003) was measured and shows more: it may stop short of the content.
    """
    inside = frame.distance > 0
    if not is_raw(frame.original, frame.edited, frame.distance):
        return _blend_alpha(frame)  # nothing proves a drift or an agreement
    image = align_locally(frame.original, frame.edited, frame.distance)
    image = correct_tone(frame.original, image, frame.distance)
    change = change_evidence(frame.original, image, frame.distance)
    deep = frame.distance > (BAND_SHARE * inradius(frame.distance)).clamp(max=BAND_PX)
    changed = grow_within((change > CHANGED) & inside, (change > MAYBE_CHANGED) & inside)
    core = (inside & (deep | (masks.grow(changed.float(), CHANGE_MARGIN_PX) > 0))).float()
    alpha = torch.minimum(_fall_off(core, frame), _ramp(frame, frame.edited))
    return torch.lerp(frame.original, image, alpha), alpha


def _fall_off(core: Tensor, frame: Frame) -> Tensor:
    """1 on what must show the edit and a ramp outward from it, so that a strand of hair is whole."""
    width = frame.feather_px if frame.feather_px > 0 else CHANGE_OVER_PX
    ramp = (1 + masks.signed_distance(core) / (width + 1)).clamp(0, 1)
    return torch.where(core > 0, 1.0, ramp)


def grow_within(seeds: Tensor, limit: Tensor) -> Tensor:
    """Connected components of `limit` that hold a seed (hysteresis); all bool (1, 1, H, W)."""
    grown, start = ((tensor[0, 0]).cpu().numpy() for tensor in (limit | seeds, seeds))
    return torch.from_numpy(masks.connected_to(start, grown)).to(seeds.device)[None, None]


def _blend_matte(frame: Frame) -> tuple[Tensor, Tensor]:
    """Estimate the content's own alpha and color inside the mask, and lay it over the original."""
    image = frame.edited
    if same_scene(frame.original, image, frame.distance):
        image = correct_tone(frame.original, image, frame.distance).clamp(0, 1)
    reach = (INRADIUS_SHARE * inradius(frame.distance)).clamp(max=frame.feather_px or MATTE_REACH_PX)
    inside = frame.distance > 0
    sure = inside & (frame.distance > reach) & (frame.mask >= 1)
    widest = float(torch.where(inside, reach, 0.0).max())
    alpha = estimate_alpha(image, sure, ~inside, widest)
    front = estimate_foreground(image, alpha)
    alpha = torch.minimum(alpha, masks.feather_inward(frame.mask, NARROWEST_PX))
    return torch.lerp(frame.original, front, alpha), alpha


_BLENDERS: dict[str, Callable[[Frame], tuple[Tensor, Tensor]]] = {
    "auto": _blend_auto,
    "alpha": _blend_alpha,
    "multiband": _blend_multiband,
    "gradient": _blend_gradient,
    "matte": _blend_matte,
}
