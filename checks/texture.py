"""Do grain and sharpness inside an edit look like those around it?"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ..imaging import color, masks, sharpness
from .report import Measurement, Place, Report

RING_PX = (4, 40)  # distance from the edit's edge of the surroundings that are compared
HIGH_PASS_PX = 1.5  # grain is what a blur of this size takes away
BINS = 5  # brightness bins, compared one by one: grain depends on brightness
MIN_PIXELS = 300  # in a bin, inside and around
FLAT_SHARE = 0.3  # of a bin's pixels, the flattest, where grain shows and texture does not
QUIETEST = 0.05 / 255  # below it a picture is clean, and ratios of nothing mean nothing
MIN_EDGES = 30  # edge pixels on either side
SHARPEST = 0.2  # quantile of the edges' blur that is compared: the rest may be out of focus


def texture_report(image: Tensor, edit: Tensor, *, plate: Tensor | None = None, before: Tensor | None = None) -> Report:
    """Compare grain and sharpness inside an edit with its surroundings.

    Args:
        image: (B, 3, H, W) in [0, 1]; the first frame is measured.
        edit: (B or 1, 1, H, W), > 0 inside the edit.
        plate: image whose surroundings count instead of `image`'s own, such as the original of a raw rendering.
        before: an earlier state of `image`, whose values the details tell.

    Returns:
        `grain_log2_ratio` and `sharpness_log2_ratio`, both as distances from 0 in doublings; the detail says which way.
    """
    distance = masks.signed_distance(edit[:1])
    inside, ring, outside = distance > 2, (distance < -RING_PX[0]) & (distance > -RING_PX[1]), distance < -RING_PX[0]

    def measure(picture: Tensor) -> tuple[Measurement, Measurement]:
        around = picture if plate is None else plate
        joined = torch.where(edit[:1] > 0, picture[:1], around[:1]).float()
        return _grain(joined, inside, ring), _sharpness(joined, inside, outside)

    measurements = measure(image)
    if before is not None:
        measurements = [_with_earlier(now, then) for now, then in zip(measurements, measure(before), strict=True)]
    return Report(tuple(measurements), {"width": image.shape[3], "height": image.shape[2]})


def _with_earlier(now: Measurement, then: Measurement) -> Measurement:
    if now.value is None or then.value is None:
        return now
    return replace(now, detail=f"{now.detail} ({then.value:.2f} before)")


def _grain(image: Tensor, inside: Tensor, ring: Tensor) -> Measurement:
    plane = color.luma(image)
    fine, smooth = (
        (plane - masks.gaussian_blur(plane, HIGH_PASS_PX)).abs(),
        masks.gaussian_blur(plane, 2 * HIGH_PASS_PX),
    )
    slope = (smooth - masks.gaussian_blur(smooth, 4 * HIGH_PASS_PX)).abs()
    bins = []  # (log2 of the ratio, weight, place) of each brightness found on both sides
    for number in range(BINS):
        here = (smooth * BINS).long().clamp(0, BINS - 1) == number
        both = [_flattest(fine, slope, here & region) for region in (inside, ring)]
        if min(len(values) for values in both) < FLAT_SHARE * MIN_PIXELS:
            continue
        levels = [max(float(values.median()), QUIETEST) for values in both]
        mine = (here & inside).float()
        bins.append((math.log2(levels[0] / levels[1]), float(mine.sum()), masks.bounding_box(mine)))
    if not bins:
        return Measurement("grain_log2_ratio", None, None, "edit and surroundings have no brightness in common")
    mean = sum(ratio * weight for ratio, weight, _ in bins) / sum(weight for _, weight, _ in bins)
    worst = max(bins, key=lambda entry: abs(entry[0]))[2]
    way = "grainier" if mean > 0 else "cleaner"
    detail = f"the edit is {way} than its surroundings by a factor of {2 ** abs(mean):.2f}"
    return Measurement("grain_log2_ratio", abs(mean), Place(*worst), detail)


def _flattest(values: Tensor, slope: Tensor, region: Tensor) -> Tensor:
    """Values where the picture is flattest within a region."""
    chosen, steepness = values[region], slope[region]
    return chosen[steepness.argsort()[: int(FLAT_SHARE * len(chosen))]]


def _sharpness(image: Tensor, inside: Tensor, outside: Tensor) -> Measurement:
    blurs = [sharpness.edge_blur(image, region) for region in (inside, outside)]
    if min(len(blur) for blur in blurs) < MIN_EDGES:
        return Measurement("sharpness_log2_ratio", None, None, "too few strong edges inside or outside the edit")
    sharpest = [
        max(float(blur.quantile(SHARPEST)) if len(blur) < 2**20 else float(blur.median()), 0.2) for blur in blurs
    ]
    ratio = math.log2(sharpest[0] / sharpest[1])
    detail = f"edges in the edit are {'softer' if ratio > 0 else 'sharper'} by a factor of {2 ** abs(ratio):.2f}"
    return Measurement("sharpness_log2_ratio", abs(ratio), Place(*masks.bounding_box(inside.float())), detail)
