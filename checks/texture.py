"""Do grain and sharpness inside an edit look like those around it?"""

from __future__ import annotations

import math

from torch import Tensor

from ..imaging import color, grain, masks
from .report import Measurement, Place, Report

RING_PX = (4, 40)  # distance from the edit's edge of the surroundings that are compared
HIGH_PASS_PX = 1.5  # grain is what a blur of this size takes away
BINS = 5  # brightness bins, compared one by one: grain depends on brightness
MIN_PIXELS = 300  # in a bin, inside and around
FLAT_SHARE = 0.3  # of a bin's pixels, the flattest, where grain shows and texture does not
MIN_EDGES = 30  # edge pixels on either side
SHARPEST = 0.2  # quantile of the edges' blur that is compared: the rest may be out of focus


def texture_report(image: Tensor, edit: Tensor) -> Report:
    """Compare grain and sharpness inside an edit with its surroundings, without any reference.

    Args:
        image: (B, 3, H, W) in [0, 1]; the first frame is measured.
        edit: (B or 1, 1, H, W), > 0 inside the edit.

    Returns:
        `grain_log2_ratio` and `sharpness_log2_ratio`, both as distances from 0 in doublings; the detail says which way.
    """
    picture, distance = image[:1].float(), masks.signed_distance(edit[:1])
    inside, ring = distance > 2, (distance < -RING_PX[0]) & (distance > -RING_PX[1])
    return Report((_grain(picture, inside, ring), _sharpness(picture, inside, distance < -RING_PX[0])))


def _grain(image: Tensor, inside: Tensor, ring: Tensor) -> Measurement:
    plane = color.luma(image)
    fine, smooth = (
        (plane - masks.gaussian_blur(plane, HIGH_PASS_PX)).abs(),
        masks.gaussian_blur(plane, 2 * HIGH_PASS_PX),
    )
    slope = (smooth - masks.gaussian_blur(smooth, 4 * HIGH_PASS_PX)).abs()
    ratios, weights, places = [], [], []
    for number in range(BINS):
        here = (smooth * BINS).long().clamp(0, BINS - 1) == number
        both = [_flattest(fine, slope, here & region) for region in (inside, ring)]
        if min(len(values) for values in both) < FLAT_SHARE * MIN_PIXELS:
            continue
        levels = [max(float(values.median()), 0.05 / 255) for values in both]
        ratios.append(math.log2(levels[0] / levels[1]))
        weights.append(int((here & inside).sum()))
        places.append(masks.bounding_box((here & inside).float()))
    if not ratios:
        return Measurement("grain_log2_ratio", None, None, "edit and surroundings have no brightness in common")
    mean = sum(ratio * weight for ratio, weight in zip(ratios, weights, strict=True)) / sum(weights)
    worst = max(range(len(ratios)), key=lambda i: abs(ratios[i]))
    detail = (
        f"the edit is {'grainier' if mean > 0 else 'cleaner'} than its surroundings by a factor of {2 ** abs(mean):.2f}"
    )
    return Measurement("grain_log2_ratio", abs(mean), Place(*places[worst]), detail)


def _flattest(values: Tensor, slope: Tensor, region: Tensor) -> Tensor:
    """Values where the picture is flattest within a region."""
    chosen, steepness = values[region], slope[region]
    return chosen[steepness.argsort()[: int(FLAT_SHARE * len(chosen))]]


def _sharpness(image: Tensor, inside: Tensor, outside: Tensor) -> Measurement:
    blurs = [grain.edge_blur(image, region) for region in (inside, outside)]
    if min(len(blur) for blur in blurs) < MIN_EDGES:
        return Measurement("sharpness_log2_ratio", None, None, "too few strong edges inside or outside the edit")
    sharpest = [
        max(float(blur.quantile(SHARPEST)) if len(blur) < 2**20 else float(blur.median()), 0.2) for blur in blurs
    ]
    ratio = math.log2(sharpest[0] / sharpest[1])
    detail = f"edges in the edit are {'softer' if ratio > 0 else 'sharper'} by a factor of {2 ** abs(ratio):.2f}"
    return Measurement("sharpness_log2_ratio", abs(ratio), Place(*masks.bounding_box(inside.float())), detail)
