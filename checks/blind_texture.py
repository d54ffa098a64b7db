"""Do grain and sharpness inside an edit look like those around it, where no original tells what was there?

An edit and its surroundings show different things, so only like is compared with like: sharpness at like structure, and
grain by the least of it that either side has.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from .bands import CLIPPED, RING_LEAST_PX, RING_SHARE, TOO_FEW, Bands, at_like_structure, block_mean, split_bands
from .finding import Finding
from .report import Measurement
from .thresholds import threshold
from .view import View

BLOCK_PX = 8
GAP_BLOCKS = 1.5  # between the edit and what it is compared with: filters reach across its border
LEAST_IN_BIN = 3  # blocks of like structure on either side
DETAIL_FLOOR = 0.001  # a quarter of an 8-bit level: detail of less is none
# Faint noise, which nobody sees, sharpens what is smooth by a doubling and more; above a whole level it does so little.
# What it still does is why "sharper" counts half: softness is what edits suffer from.
SHARPER_FLOOR, SHARPER_COUNTS = 0.004, 0.5
FLAT_SHARE = 0.2  # of the blocks, the least structured, where grain shows and texture does not
FLAT_LIMIT = 6 / 255  # coarse detail of a block, beyond which what looks like grain is texture
MIN_FLAT = 12  # blocks; the flattest eight of what is textured throughout are texture
GRAIN_LEAST = 0.05  # quantile: grain is in every flat block, texture is not, so the least noise is the grain
GRAIN_FLOOR = 4 / 255  # grain of less is hardly seen, and ratios of nothing mean nothing


def blind_texture(view: View) -> tuple[Finding, Finding]:
    """`blind_grain` and `blind_sharpness` of a view without an original, in doublings; the detail says which way."""
    bands = split_bands(view.luma[1])
    covered = block_mean(view.region.astype(np.float32), BLOCK_PX)
    inside, ring = covered > 0.999, _ring(covered > 0, max(view.region.shape))
    return _finding(view, "blind_grain", _grain(bands, inside, ring), ("cleaner", "grainier")), _finding(
        view, "blind_sharpness", _sharpness(bands, inside, ring), ("softer", "sharper")
    )


def _ring(touched: np.ndarray, longer_px: int) -> np.ndarray:
    """Blocks around those an edit touches."""
    away = cv2.distanceTransform((~touched).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    reach = max(RING_SHARE * longer_px, RING_LEAST_PX) / BLOCK_PX
    return (away > GAP_BLOCKS) & (away <= reach) if touched.any() else np.zeros(touched.shape, bool)


def _sharpness(bands: Bands, inside: np.ndarray, ring: np.ndarray) -> tuple[float, float] | None:
    """How much sharper the edit is, in doublings of fine over mid detail, negative = softer; and how much that counts.

    Blur takes fine detail before mid detail, whatever the content's contrast. Blocks are compared with those of like
    mid detail, since what is out of focus has little of either.
    """
    fine, mid = (block_mean(np.abs(band), BLOCK_PX) for band in (bands.fine, bands.mid))

    def sharper(floor: float) -> float | None:
        values = np.log2((fine + floor) / (mid + floor))
        found = at_like_structure(mid, values, inside, mid[ring], values[ring], LEAST_IN_BIN)
        return found and found[0]

    softer, beyond_noise = sharper(DETAIL_FLOOR), sharper(SHARPER_FLOOR)
    if softer is None or beyond_noise is None:
        return None
    counts = SHARPER_COUNTS * beyond_noise
    return (softer, -softer) if -softer >= counts else (beyond_noise, counts)


def _grain(bands: Bands, inside: np.ndarray, ring: np.ndarray) -> tuple[float, float] | None:
    """How much grainier the edit is than its surroundings in flat parts, in doublings, negative = cleaner."""
    usable = np.abs(block_mean(bands.luma, BLOCK_PX) - 0.5) < 0.5 - CLIPPED
    sides = [side & usable for side in (inside, ring)]
    if min(side.sum() for side in sides) < MIN_FLAT:
        return None
    structure = block_mean(np.abs(bands.coarse), BLOCK_PX)
    noise = math.sqrt(math.pi / 2) * block_mean(np.abs(bands.noise), BLOCK_PX)
    limit = min(FLAT_LIMIT, max(float(np.quantile(structure[side], FLAT_SHARE)) for side in sides))
    flat = [noise[side & (structure <= limit)] for side in sides]
    if min(len(blocks) for blocks in flat) < MIN_FLAT:
        return None
    levels = [float(np.quantile(blocks, GRAIN_LEAST)) + GRAIN_FLOOR for blocks in flat]
    grainier = math.log2(levels[0] / levels[1])
    return grainier, abs(grainier)


def _finding(view: View, metric: str, found: tuple[float, float] | None, ways: tuple[str, str]) -> Finding:
    if found is None:
        return Finding(Measurement(metric, None, None, TOO_FEW))
    more, value = found[0], max(0.0, found[1])
    detail = f"the edit is {ways[more > 0]} than its surroundings by a factor of {2 ** abs(more):.2f}"
    heat = view.region * np.float32(value / (threshold(metric).production or 1.0))
    return Finding(Measurement(metric, value, view.place(view.region), detail), heat)
