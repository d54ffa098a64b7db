"""What a video model carries on and enlarges: floating specks, burnt areas, bands, compression blocks."""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor

from . import color

SPECK_SCALES_PX = (1.0, 1.6, 2.4, 3.84)
SPECK_LEAST_L = 8.0  # CIE L* by which a speck stands out; drops, petals and dust of less are many
SPECK_LEAST_RATIO = 3.0  # over the strongest response around it: it stands alone
SPECK_LEAST_CALM = 12.0  # over the mean response around it: the ground is calm
SPECK_RING_PX = (6, 15)  # radii of that ground
SPECK_MOST_COHERENCE = 0.3  # of the structure tensor; above, it is a piece of an edge or a streak
CLIP_LEVELS = 1.0  # 8-bit levels from the end
CLIP_LEAST_SHARE = 0.002  # of the frame; smaller burnt areas are highlights
BACKDROP_SHARE = 0.3  # of the frame's border; a white area that covers more is a backdrop
BAND_BLOCK_PX = 32
BAND_STRIDE_PX = 16
BAND_FLAT_LEVELS = 0.3  # range within 3x3 px of a pixel that is flat
BAND_LEAST_FLAT = 0.85  # of a block's pixels
BAND_LEAST_LEVELS = 2  # 8-bit levels between neighboring bands; a clean gradient has 1
BAND_MOST_LEVELS = 20  # ... and more than this is a drawing's own edge
BAND_LEAST_COUNT = 3  # bands in a block; a drawing has two colors side by side
BAND_LEAST_SHARE = 0.04  # of a block's flat pixels in a band
BLOCK_PX = 8  # of JPEG and of the older video codecs


def specks(lightness: np.ndarray) -> np.ndarray:
    """Small round spots that stand alone on a calm ground.

    Args:
        lightness: (H, W) CIE L*.

    Returns:
        (n, 2) of x and y in px.
    """
    ladder = [cv2.GaussianBlur(lightness, (0, 0), scale) for scale in SPECK_SCALES_PX]
    spots = np.stack([np.abs(fine - coarse) for fine, coarse in zip(ladder, ladder[1:], strict=False)])
    strength = spots.max(0)
    peak = (strength >= cv2.dilate(strength, np.ones((7, 7), np.uint8))) & (strength > SPECK_LEAST_L)
    ring = _ring(*SPECK_RING_PX)
    ground = np.maximum(cv2.dilate(strength, ring), 0)  # nothing around is -inf to OpenCV
    peak &= strength > SPECK_LEAST_RATIO * ground
    peak &= strength > SPECK_LEAST_CALM * cv2.filter2D(strength, -1, ring / np.float32(ring.sum()))
    peak &= _coherence(lightness) < SPECK_MOST_COHERENCE
    y, x = peak.nonzero()
    return np.stack((x, y), 1)


def _ring(inner_px: int, outer_px: int) -> np.ndarray:
    """A ring as a kernel of 0 and 1."""
    offsets = np.arange(-outer_px, outer_px + 1)
    radius = np.hypot(offsets[:, None], offsets)
    return ((radius > inner_px) & (radius <= outer_px)).astype(np.uint8)


def _coherence(plane: np.ndarray) -> np.ndarray:
    """(l1 - l2) / (l1 + l2) of the structure tensor over 2 px."""
    x, y = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), 2.0) for product in (x * x, y * y, x * y))
    return np.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-6)


def burnt(image: Tensor) -> np.ndarray:
    """Connected areas of full white in two or more channels, without small highlights: (H, W) bool.

    A white backdrop is meant: an area that covers a good part of the frame's border does not count. Nor does black,
    which night and shadow have by nature.
    """
    levels = image[0].float().cpu().numpy() * 255
    plane = ((levels >= 255 - CLIP_LEVELS).sum(0) >= 2).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=8)
    border = np.concatenate((labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]))
    share = np.bincount(border, minlength=len(stats)) / len(border)
    counts = (stats[:, cv2.CC_STAT_AREA] >= CLIP_LEAST_SHARE * plane.size) & (share < BACKDROP_SHARE)
    counts[0] = False
    return counts[labels]


def banding(image: Tensor) -> np.ndarray:
    """Blocks in which a gradient has fallen into flat bands: (H, W) bool.

    A band is flat to a third of a level, a step between bands is at least two levels, and a block holds three bands or
    more: a gradient of 8 bits has steps of one, a drawing has larger ones or fewer colors, and grain hides bands.
    """
    plane = color.luma(image.float())[0, 0].cpu().numpy() * 255
    found = np.zeros(plane.shape, bool)
    if min(plane.shape) < BAND_BLOCK_PX:
        return found
    square = np.ones((3, 3), np.uint8)
    flat = cv2.dilate(plane, square) - cv2.erode(plane, square) <= BAND_FLAT_LEVELS
    level = np.round(plane).astype(np.int64)
    for top in range(0, plane.shape[0] - BAND_BLOCK_PX + 1, BAND_STRIDE_PX):
        rows = slice(top, top + BAND_BLOCK_PX)
        for left in range(0, plane.shape[1] - BAND_BLOCK_PX + 1, BAND_STRIDE_PX):
            block = rows, slice(left, left + BAND_BLOCK_PX)
            if _is_banded(level[block][flat[block]]):
                found[block] = True
    return found


def _is_banded(levels: np.ndarray) -> bool:
    if len(levels) < BAND_LEAST_FLAT * BAND_BLOCK_PX**2 / 2:
        return False
    counts = np.bincount(levels, minlength=256)
    bands = np.flatnonzero(counts >= BAND_LEAST_SHARE * len(levels))
    steps = np.diff(bands)
    return len(bands) >= BAND_LEAST_COUNT and steps.min() >= BAND_LEAST_LEVELS and steps.max() <= BAND_MOST_LEVELS


def blockiness(image: Tensor) -> float:
    """How much stronger differences across the borders of 8 px blocks are than those within; 0 = no blocks.

    Args:
        image: (1, 3, H, W) in [0, 1], in the pixels in which it was compressed.

    Source: the phase test of Wang, Bovik and Evans 2000, "Blind measurement of blocking artifacts in images", on means
        instead of spectra.
    """
    plane = color.luma(image.float())[0, 0].cpu().numpy()
    axes = [_phase_excess(np.abs(np.diff(plane, axis=1)).T), _phase_excess(np.abs(np.diff(plane, axis=0)))]
    return max(0.0, float(np.mean(axes)))


def _phase_excess(differences: np.ndarray) -> float:
    """Excess of the strongest phase of eight over the next, for differences (positions, lines)."""
    if len(differences) < 4 * BLOCK_PX:
        return 0.0
    usable = len(differences) // BLOCK_PX * BLOCK_PX
    # Strong edges of the picture would outweigh all blocks; a block's step is small.
    means = np.minimum(differences[:usable], 0.04).mean(1).reshape(-1, BLOCK_PX).mean(0)
    first, second = np.sort(means)[:-3:-1]  # over the second, not the mean: doubled pixels have every other one strong
    return float(first / max(float(second), 1e-4) - 1)
