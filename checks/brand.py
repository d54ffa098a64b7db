"""Are brand colours still what they should be?"""

from __future__ import annotations

import torch
from torch import Tensor

from ..imaging import color
from .report import Measurement, Place, Report

CATCH_DELTA_E = 10.0  # a pixel this close to a brand color is taken to be meant as that color
MIN_PIXELS = 16  # fewer say nothing about a surface


def brand_colors(image: Tensor, region: Tensor, colors: list[str]) -> Report:
    """How far the median of the pixels meant as each brand color is from it, inside a region.

    A color that does not appear at all is measured by the pixels that come closest to it, so that a repainted logo
    fails instead of going unnoticed.

    Args:
        image: (B, 3, H, W).
        region: (B or 1, 1, H, W), looked at where it is above 0.
        colors: `#rrggbb`.

    Returns:
        One `brand_delta_e00` for every color; without a value where the region is smaller than `MIN_PIXELS`.
    """
    lab = color.srgb_to_lab(image).movedim(1, 3)
    inside = (region[:, 0] > 0).expand(lab.shape[:3])
    return Report(tuple(_brand_color(lab, inside, name) for name in colors))


def brand_shift(before: Tensor, after: Tensor, region: Tensor, colors: list[str]) -> Report:
    """How far each brand color moved: median before against median after, of the pixels meant as it before.

    Args:
        before, after: (B, 3, H, W).
        region: (B or 1, 1, H, W), looked at where it is above 0.
        colors: `#rrggbb`.

    Returns:
        One `brand_shift_delta_e00` for every color; without a value where the color does not appear before.
    """
    lab_before, lab_after = (color.srgb_to_lab(image).movedim(1, 3) for image in (before, after))
    inside = (region[:, 0] > 0).expand(lab_before.shape[:3])
    measurements = []
    for name in colors:
        target = color.srgb_to_lab(_swatch(name, lab_before))
        near = color.delta_e00(lab_before[inside].T[None, :, :, None], target).flatten() <= CATCH_DELTA_E
        if int(near.sum()) < MIN_PIXELS:
            detail = f"{int(near.sum())} pixels of the product are near this color"
            measurements.append(Measurement("brand_shift_delta_e00", None, detail=detail, subject=name))
            continue
        medians = [lab[inside][near].median(0).values.view(1, 3, 1, 1) for lab in (lab_before, lab_after)]
        frame, y, x = inside.nonzero()[near][0].tolist()
        shift = float(color.delta_e00(*medians))
        measurements.append(Measurement("brand_shift_delta_e00", shift, Place(x, y, frame=frame), subject=name))
    return Report(tuple(measurements))


def _swatch(name: str, like: Tensor) -> Tensor:
    return torch.tensor(color.hex_to_rgb(name), dtype=like.dtype, device=like.device).view(1, 3, 1, 1)


def _brand_color(lab: Tensor, inside: Tensor, name: str) -> Measurement:
    """One color against the pixels (B, H, W, 3) of a region (B, H, W)."""
    places = inside.nonzero()
    if len(places) < MIN_PIXELS:
        return Measurement("brand_delta_e00", None, subject=name, detail=f"the region holds {len(places)} pixels")
    target = color.srgb_to_lab(_swatch(name, lab))
    pixels = lab[inside].T[None, :, :, None]  # (1, 3, N, 1)
    distance = color.delta_e00(pixels, target).flatten()
    meant = distance <= CATCH_DELTA_E
    detail = ""
    if meant.sum() < MIN_PIXELS:
        meant = distance <= distance.kthvalue(MIN_PIXELS).values
        detail = "the color does not appear; measured on the pixels that come closest"
    median = pixels[0, :, meant, 0].median(1).values.view(1, 3, 1, 1)
    frame, y, x = places[meant][0].tolist()
    return Measurement(
        "brand_delta_e00", float(color.delta_e00(median, target)), Place(x, y, frame=frame), detail, name
    )
