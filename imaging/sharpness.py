"""Sharpness of a picture, measured at its edges, and filters that change it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from . import masks
from .color import luma
from .spectrum import BLOCK, centered_kernel, frequency_radius

EDGE_SCALES = (1.0, 2.0)  # px; the two blurs whose gradients are compared at an edge
EDGE_SHARE = 0.03  # of a region's pixels, those with the largest gradients, that are edges
MIN_EDGE = 0.03  # smallest gradient of an edge whose blur is measured, per 2 px
MIN_EDGES = 30  # edge pixels below which sharpness cannot be told
UNPAIRED_SPREAD = 0.6  # log2 of the ratio of edge blurs that regions of one photograph differ by


def edge_blur(image: Tensor, region: Tensor) -> Tensor:
    """Blur of the strong edges of a picture, as the standard deviation in px of the blur of an ideal step.

    Args:
        image: (1, 3, H, W) in [0, 1].
        region: (1, 1, H, W), > 0 where to measure.

    Returns:
        blur (n) of the edge pixels.

    Source: Zhuo and Sim 2011, "Defocus map estimation from a single image": ratio of the gradients after two blurs.
    """
    fine, coarse = (_gradient(masks.gaussian_blur(luma(image.float()), sigma))[0, 0] for sigma in EDGE_SCALES)
    allowed = region[0, 0] > 0
    if not bool(allowed.any()):
        return fine.new_empty(0)
    strongest = fine[allowed].sort(descending=True).values
    limit = max(float(strongest[int(EDGE_SHARE * len(strongest))]), MIN_EDGE)
    places = allowed & (fine >= limit) & (F.max_pool2d(fine[None, None], 3, 1, 1)[0, 0] == fine)
    ratio = (fine / coarse.clamp(min=1e-6))[places].clamp(1.0005, EDGE_SCALES[1] / EDGE_SCALES[0] - 1e-3)
    blur2 = (EDGE_SCALES[1] ** 2 - (ratio * EDGE_SCALES[0]) ** 2) / (ratio**2 - 1)
    return blur2.clamp(min=0).sqrt()


def _gradient(plane: Tensor) -> Tensor:
    """Magnitude of the central difference."""
    padded = F.pad(plane, (1, 1, 1, 1), mode="replicate")
    return torch.hypot(padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2], padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1])


def blur_gap(image: Tensor, plate: Tensor, patch: Tensor) -> float:
    """Variance in px^2 by which the patch's sharpest edges must be blurred to be as soft as the plate's sharpest.

    Never negative: an unpaired patch may be soft because it is out of focus, and the plate's grain makes its edges
    look sharper than they are. 0 within the natural spread.
    """
    outside, inside = edge_blur(image, plate), edge_blur(image, patch)
    if min(len(outside), len(inside)) < MIN_EDGES:
        return 0.0
    sharpest = [float(blur.quantile(0.2)) for blur in (inside, outside)]
    ratio = math.log2(max(sharpest[0], 0.2) / max(sharpest[1], 0.2))
    return sharpest[1] ** 2 - sharpest[0] ** 2 if ratio < -UNPAIRED_SPREAD else 0.0


def gaussian_response(blur_px2: float) -> Tensor:
    """Frequency response of a Gaussian blur of the given variance."""
    return torch.exp(-2 * math.pi**2 * blur_px2 * (frequency_radius() / BLOCK).square())


def filter_image(image: Tensor, response: Tensor) -> Tensor:
    """Filter (B, 3, H, W) by a real response (BLOCK, BLOCK // 2 + 1), alike in all channels."""
    kernel = centered_kernel(response)
    kernel = (kernel / kernel.sum()).to(image.device).expand(3, 1, -1, -1)
    pad = kernel.shape[-1] // 2
    return F.conv2d(F.pad(image.float(), (pad,) * 4, mode="replicate"), kernel, groups=3)
