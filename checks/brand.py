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

    Args:
        image: (B, 3, H, W).
        region: (B or 1, 1, H, W), looked at where it is above 0.
        colors: `#rrggbb`.

    Returns:
        One `brand_delta_e00` for every color; without a value where the color does not appear.
    """
    lab = color.srgb_to_lab(image)
    inside = (region > 0).expand(len(image), 1, *image.shape[2:])
    return Report(tuple(_brand_color(lab, inside, name) for name in colors))


def _brand_color(lab: Tensor, inside: Tensor, name: str) -> Measurement:
    target = color.srgb_to_lab(
        torch.tensor(color.hex_to_rgb(name), dtype=lab.dtype, device=lab.device).view(1, 3, 1, 1)
    )
    near = (color.delta_e00(lab, target) <= CATCH_DELTA_E) & inside
    count = int(near.sum())
    if count < MIN_PIXELS:
        return Measurement("brand_delta_e00", None, subject=name, detail=f"{count} pixels near this color")
    median = lab.movedim(1, 3)[near[:, 0]].median(0).values.view(1, 3, 1, 1)
    frame, _, y, x = (int(i) for i in near.nonzero()[0])
    return Measurement(
        "brand_delta_e00", float(color.delta_e00(median, target)), Place(x, y, frame=frame), subject=name
    )
