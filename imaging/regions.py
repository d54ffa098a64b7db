"""Regions: parts of a picture that are given words of their own, and how strongly they are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from . import masks
from .zones import Zones, zone_mask, zones_mask

UNKNOWN_FRAME = (1024, 1024)  # raster for zones of which nobody knows the picture's size
CELL_PX = 8  # coverage is averaged over cells of this size; see `coverage`
MIN_SIDE_PX = 512  # smaller masks are kept as they are


@dataclass(frozen=True)
class Region:
    """One prompt and where it applies."""

    name: str  # for messages
    prompt: str
    strength: float  # 1 = this prompt alone, 0.5 = half of the whole picture's prompt
    mask: Tensor  # (1, 1, h, w) in [0, 1], at any resolution


def coverage(mask: Tensor) -> Tensor:
    """How much of each cell of 8 x 8 px a mask covers.

    Samplers shrink a mask to the latent with bilinear interpolation, which looks at 2 x 2 px of every latent pixel: a
    stroke of 24 px loses a fifth of the latent pixels that it touches at 8 px each, and two fifths at 16. Of cells of
    8 px, the same interpolation makes the exact mean at both.

    Args:
        mask: (1, 1, H, W).

    Returns:
        (1, 1, ceil(H / 8), ceil(W / 8)); masks below 512 px are returned unchanged.
    """
    height, width = mask.shape[2:]
    if min(height, width) < MIN_SIDE_PX:
        return mask
    return F.interpolate(mask, (-(-height // CELL_PX), -(-width // CELL_PX)), mode="area")


def mask_region(mask: Tensor, prompt: str, strength: float, feather_px: float) -> Region:
    """A region from a mask (1, 1, H, W) in [0, 1]; `feather_px` is an inward ramp in its pixels."""
    return Region("mask", prompt, strength, coverage(masks.feather_inward(mask, feather_px)))


def zone_regions(zones: Zones, strength: float, feather_px: float) -> list[Region]:
    """A region for every edit zone that has a prompt; anchors are cut out of it.

    Args:
        zones: those of both roles are read.
        strength: multiplies each zone's own.
        feather_px: inward ramp, in pixels of the picture that the zones were drawn on.
    """
    width, height = zones.frame or UNKNOWN_FRAME
    anchored = zones_mask(zones.select("*anchor"), width, height) > 0
    regions = []
    for zone in zones.select("*edit"):
        if zone.prompt.strip():
            mask = zone_mask(zone, width, height)
            mask = masks.feather_inward(torch.where(anchored, torch.zeros_like(mask), mask), feather_px)
            regions.append(Region(zone.name, zone.prompt, strength * zone.strength, coverage(mask)))
    return regions
