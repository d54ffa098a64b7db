"""Laplacian pyramids of any size, and the multi-band blend made with them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Burt and Adelson's generating kernel with a = 0.375, the binomial one.
KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
FINEST_RAMP_PX = 4.0  # transition of the finest band; each coarser band has twice the width of the one before


def _blur(image: Tensor) -> Tensor:
    """Convolve (B, C, H, W) with the kernel along both axes, reading zeros beyond the frame."""
    channels = image.shape[1]
    kernel = torch.tensor(KERNEL, dtype=image.dtype, device=image.device)
    image = F.conv2d(image, kernel.view(1, 1, 5, 1).expand(channels, 1, 5, 1), padding=(2, 0), groups=channels)
    return F.conv2d(image, kernel.view(1, 1, 1, 5).expand(channels, 1, 1, 5), padding=(0, 2), groups=channels)


def reduce(image: Tensor) -> Tensor:
    """Blur and keep every second pixel: (B, C, H, W) to (B, C, ceil(H / 2), ceil(W / 2)).

    Weights that fall beyond the frame are given to the others, so a constant stays constant up to the border.
    """
    inside = _blur(torch.ones_like(image[:1, :1]))
    return (_blur(image) / inside)[:, :, ::2, ::2]


def expand(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Interpolate a reduced image to the size (H, W) it was reduced from."""
    spread = image.new_zeros(*image.shape[:2], *size)
    spread[:, :, ::2, ::2] = image
    known = image.new_zeros(1, 1, *size)
    known[:, :, ::2, ::2] = 1
    return _blur(spread) / _blur(known)


def laplacian(image: Tensor, levels: int) -> list[Tensor]:
    """`levels` bands, finest first, and the low-pass rest as the last entry. `collapse` undoes it."""
    bands = []
    for _ in range(levels):
        smaller = reduce(image)
        bands.append(image - expand(smaller, image.shape[2:]))
        image = smaller
    return [*bands, image]


def collapse(bands: list[Tensor]) -> Tensor:
    """Sum of a Laplacian pyramid: the image it was made from."""
    image = bands[-1]
    for band in reversed(bands[:-1]):
        image = band + expand(image, band.shape[2:])
    return image


def blend_multiband(original: Tensor, edited: Tensor, distance: Tensor, reach: Tensor) -> Tensor:
    """Blend each octave of detail over a width of its own size: fine texture over few pixels, tone over many.

    All transitions lie inside the edit, so that the border itself shows the original: band k starts 2^k px inside and
    is complete `FINEST_RAMP_PX` * 2^k further in.

    Args:
        original, edited: (B, 3, H, W).
        distance: (B, 1, H, W) signed distance to the edit's edge in px, > 0 inside.
        reach: (B, 1, H, W) px inside which even the coarsest transition must be complete, so that a small region is
            not lost.

    Returns:
        (B, 3, H, W); near the original outside the edit, which the caller copies.

    Source: Burt and Adelson 1983, "A multiresolution spline with application to image mosaics"; there the transitions
    are centered on the edge, which changes pixels outside it.
    """
    deepest = float(reach.max().clamp(min=1))
    levels, shortest_side = 0, min(original.shape[2:])
    while (FINEST_RAMP_PX + 1) * 2**levels < deepest and shortest_side >> (levels + 1) >= 2:
        levels += 1
    bands_original, bands_edited = laplacian(original, levels), laplacian(edited, levels)
    distance, reach = distance.clamp(-1e4, 1e4), reach.clamp(1, 1e4)
    blended = []
    for level, (ours, theirs) in enumerate(zip(bands_original, bands_edited, strict=True)):
        start = torch.minimum(torch.full_like(reach, 2.0**level), 0.2 * reach)
        width = torch.minimum(torch.full_like(reach, FINEST_RAMP_PX * 2**level), 0.8 * reach)
        alpha = ((distance - start) / width).clamp(0, 1)
        blended.append(torch.lerp(ours, theirs, alpha))
        if level < levels:
            distance, reach = reduce(distance), reduce(reach)
    return collapse(blended)
