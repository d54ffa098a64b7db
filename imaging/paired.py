"""Paired restore: the raw model frame renders the surroundings too, and the original holds their truth.

What the model did to pixels it should have left alone is what it did to the edit as well, so the drift is fitted there
and taken off the edit. Where the corrected frame then agrees with the original, nothing was edited.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, masks
from .local_shift import slopes
from .membrane import solve_membrane

CONTEXT_PX = 48  # surroundings that are read; half of it is nearly as good, more is no better
# Below this share of changed surroundings the frame is a composite, and the surroundings say nothing about drift.
MIN_RAW_FRACTION = 0.5
MEMBRANE_STEP_PX = 4  # the correction is smooth, so it is solved on a grid this coarse
REACH_PX = 96.0  # how far the membrane's correction travels into the edit
RING_PX = 10.0  # decay of the surroundings' weight with distance from the edge
# The drift is taken for halfway between an offset and a gain: it goes with this power of the pixel's own value. A pure
# offset overshoots on dark content in front of a bright scene, a pure gain on bright content in front of a dark one.
TONE_POWER, DARKEST = 0.5, 0.02
TEXTURE_SCALE = 0.05  # gradient at which a context pixel says little about tone
# A context pixel shows other content, such as a shadow that spills over the mask's edge, when its residual is this many
# times the median of the surroundings, and at least this large in sRGB.
OUTLIER_FACTOR, LEAST_OUTLIER = 3.0, 0.05
OTHER_SCENE = 0.1  # median residual (sRGB) from which the surroundings are another scene
AGREE_BLUR_PX = 1.0
ACTIVITY_BINS = 8
MIN_CONTEXT_PX = 400
# Residual in OKLab that is no change however exact the surroundings are, and its growth with local texture.
LEAST_RESIDUAL, LEAST_PER_ACTIVITY = 0.004, 0.175


def is_raw(original: Tensor, edited: Tensor, distance: Tensor) -> bool:
    """Whether the surroundings come from the model; in a composite they are the original's own pixels."""
    context = (distance <= 0) & (distance >= -CONTEXT_PX)
    moved = ((original - edited).abs().amax(1, keepdim=True) > 1e-6) & context
    return bool(context.any()) and int(moved.sum()) > MIN_RAW_FRACTION * int(context.sum())


def same_scene(original: Tensor, edited: Tensor, distance: Tensor) -> bool:
    """Whether the surroundings show the same things in both, rather than a subject cut from elsewhere."""
    context = ((distance <= 0) & (distance >= -CONTEXT_PX))[0, 0]
    if not context.any():
        return False
    size = masks.gaussian_blur(original - edited, 2.0).abs().amax(1)[0]
    return float(size[context].median()) < OTHER_SCENE


def correct_tone(original: Tensor, edited: Tensor, distance: Tensor) -> Tensor:
    """Take the model's drift of tone and color off its frame, as far as the surroundings prove it.

    A fit of global color curves before the membrane was measured and left out: on content whose colors the
    surroundings lack it did harm in 14 of 63 scenes, the membrane alone in none.

    Args:
        original, edited: (1, 3, H, W).
        distance: (1, 1, H, W) signed distance to the edit's edge, > 0 inside.

    Returns:
        (1, 3, H, W), not clamped; the edited frame itself when it is a composite.
    """
    return edited + tone_membrane(original, edited, distance) if is_raw(original, edited, distance) else edited


def tone_membrane(original: Tensor, edited: Tensor, distance: Tensor) -> Tensor:
    """Correction (1, 3, H, W) to add to the edited frame, from its residuals just outside the edit.

    A soft, screened membrane of the drift per `TONE_POWER`: residuals are weighted by how near, how flat and how small
    they are, so that neither texture nor content that differs at the border is carried in; with distance the correction
    fades to none.
    """
    residual = original - edited
    near = torch.exp(distance.clamp(max=0) / RING_PX) * (distance <= 0)
    outside = (distance <= 0).float()
    share = masks.gaussian_blur(outside, 2.0).clamp(min=1e-3)
    size = (masks.gaussian_blur(outside * residual, 2.0) / share).abs().amax(1, keepdim=True)
    context = (distance <= 0) & (distance >= -CONTEXT_PX)
    scale = OUTLIER_FACTOR * size[context].median().clamp(min=LEAST_OUTLIER / OUTLIER_FACTOR)
    usual = torch.exp(-((size / scale) ** 2))
    weight = 0.5 * near * flatness(original) * usual
    response = edited.clamp(DARKEST, 1) ** TONE_POWER
    step = MEMBRANE_STEP_PX
    mass = F.avg_pool2d(weight * response.square(), step, ceil_mode=True)
    drift = F.avg_pool2d(weight * response * residual, step, ceil_mode=True) / mass.clamp(min=1e-6)
    fade = (step / REACH_PX) ** 2
    # A weight toward zero everywhere is what limits the reach; it joins the data as one weighted mean.
    heavy = mass * step**2 / 0.5 ** (2 * TONE_POWER)
    surface = _membrane_of_each(heavy + fade, drift * heavy / (heavy + fade))
    full = F.interpolate(surface, scale_factor=step, mode="bilinear", align_corners=False)
    return response * full[:, :, : distance.shape[2], : distance.shape[3]]


def _membrane_of_each(weight: Tensor, value: Tensor) -> Tensor:
    """Membranes of the channels (1, 3, H, W), each with its own weights."""
    return solve_membrane(weight.movedim(1, 0), value.movedim(1, 0), iterations=6).movedim(0, 1)


def flatness(image: Tensor) -> Tensor:
    """Weight (1, 1, H, W) that is 1 on flat surfaces and small on edges, where blur and misregistration look like tone."""
    gradient = torch.hypot(*slopes(masks.gaussian_blur(color.luma(image), 1.0)))
    return 1 / (1 + (gradient / TEXTURE_SCALE) ** 2)


def change_evidence(original: Tensor, corrected: Tensor, distance: Tensor) -> Tensor:
    """Residual between both frames in units of what the surroundings show at that much texture."""
    ours, theirs = color.srgb_to_oklab(original), color.srgb_to_oklab(corrected.clamp(0, 1))
    residual = color_difference(ours, theirs, AGREE_BLUR_PX)
    activity = local_activity(ours[:, :1])
    context = (distance <= -3) & (distance >= -CONTEXT_PX)
    if int(context.sum()) < MIN_CONTEXT_PX:
        return torch.full_like(residual, torch.inf)
    least = LEAST_RESIDUAL + LEAST_PER_ACTIVITY * activity
    return residual / torch.maximum(_usual_residual(residual, activity, context), least)


def color_difference(ours: Tensor, theirs: Tensor, blur_px: float) -> Tensor:
    """Distance (B, 1, H, W) of two OKLab images (B, 3, H, W) after a blur."""
    return masks.gaussian_blur(ours - theirs, blur_px).square().sum(1, keepdim=True).sqrt()


def local_activity(luma: Tensor, radius_px: int = 3) -> Tensor:
    """Standard deviation of (B, 1, H, W) in a square window."""
    mean, square = masks.box_blur(luma, radius_px), masks.box_blur(luma**2, radius_px)
    return (square - mean**2).clamp(min=0).sqrt()


def _usual_residual(residual: Tensor, activity: Tensor, context: Tensor) -> Tensor:
    """Median residual of the surroundings as a function of activity, read for every pixel."""
    values, order = activity[context].sort()
    residuals = residual[context][order]
    medians, centers = [], []
    for part in torch.arange(len(values), device=values.device).chunk(ACTIVITY_BINS):
        centers.append(values[part].median())
        medians.append(residuals[part].median())
    centers, medians = torch.stack(centers), torch.stack(medians).cummax(0).values
    index = torch.bucketize(activity, centers).clamp(1, len(centers) - 1)
    low, high = centers[index - 1], centers[index]
    share = ((activity - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
    return torch.lerp(medians[index - 1], medians[index], share)
