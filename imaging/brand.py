"""How far brand colors move."""

from __future__ import annotations

import torch
from torch import Tensor

from . import color

CATCH_DELTA_E = 10.0  # a pixel this close to a brand color is taken to be meant as that color
MIN_PIXELS = 16  # fewer say nothing about a surface


def swatch(name: str, like: Tensor) -> Tensor:
    """CIELAB (1, 3, 1, 1) of a `#rrggbb`."""
    return color.srgb_to_lab(color.swatch(name, like))


def meant_as(image: Tensor, region: Tensor, name: str) -> Tensor:
    """Where pixels are meant as a brand color: (B, H, W) bool.

    Args:
        image: sRGB (B, 3, H, W).
        region: (B or 1, 1, H, W), looked at where it is above 0.
        name: `#rrggbb`.
    """
    inside = (region[:, 0] > 0).expand(len(image), *image.shape[2:])
    near = torch.zeros_like(inside)
    pixels = color.srgb_to_lab(image.movedim(1, 3)[inside].T[None, :, :, None])
    near[inside] = (color.delta_e00(pixels, swatch(name, image)) <= CATCH_DELTA_E).flatten()
    return near


def median_shift(before: Tensor, after: Tensor, where: Tensor) -> float:
    """CIEDE2000 between the medians of two images (B, 3, H, W) over the same pixels (B, H, W) bool."""
    medians = [
        color.srgb_to_lab(image.movedim(1, 3)[where].T[None, :, :, None]).median(2, keepdim=True).values
        for image in (before, after)
    ]
    return float(color.delta_e00(*medians))
