"""A picture's detail by fineness, averaged over small blocks, and blocks compared with others of like structure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..imaging.edge_quality import IMMERKAER

BLOCK_PX = 4
FINE_PX, MID_PX, COARSE_PX = 0.8, 1.6, 4.0  # blurs between which the bands of detail lie
RING_SHARE, RING_LEAST_PX = 0.06, 48  # of the longer side: how far around an edit the picture is compared
CLIPPED = 0.03  # nearer to black or white than this a block says nothing of grain
TOO_FEW = "too few blocks inside or around the edit are alike"
BINS, MIN_BIN = 6, 6  # of like structure, and blocks that one needs on either side


@dataclass(frozen=True)
class Bands:
    """A picture's luma split by fineness, (h, w) each, signed."""

    fine: np.ndarray  # finer than FINE_PX
    mid: np.ndarray  # between FINE_PX and MID_PX
    coarse: np.ndarray  # between MID_PX and COARSE_PX: structure, whatever the grain
    noise: np.ndarray  # Immerkaer's operator
    luma: np.ndarray


def split_bands(luma: np.ndarray) -> Bands:
    """Differences of Gaussians, and the operator of Immerkaer 1996, "Fast Noise Variance Estimation"."""
    fine, mid, coarse = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (FINE_PX, MID_PX, COARSE_PX))
    return Bands(luma - fine, fine - mid, mid - coarse, cv2.filter2D(luma, -1, IMMERKAER), luma)


def block_mean(plane: np.ndarray, size: int = BLOCK_PX) -> np.ndarray:
    """Mean of every whole block of (h, w)."""
    rows, columns = (max(1, side // size) for side in plane.shape)
    part = plane[: rows * size, : columns * size].astype(np.float32)
    return cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)


def at_like_structure(
    structure: np.ndarray,
    values: np.ndarray,
    inside: np.ndarray,
    structures: np.ndarray,
    usual: np.ndarray,
    least: int = MIN_BIN,
    quantile: float = 0.5,
) -> tuple[float, np.ndarray] | None:
    """How far values lie from the usual ones at like structure: the mean over the bins, and every block's own.

    Args:
        structure, values, inside: of the blocks that are judged, (rows, columns).
        structures, usual: of those they are compared with, (n,).
        least: blocks that a bin needs on either side.
        quantile: of a bin's values on either side that is compared; the median unless told.
    """
    if not len(structures) or not inside.any():
        return None
    edges = np.quantile(np.concatenate((structure[inside], structures)), np.linspace(0, 1, BINS + 1))[1:-1]
    number, numbers = np.searchsorted(edges, structure), np.searchsorted(edges, structures)
    difference, bins = np.zeros_like(structure), []
    for index in range(BINS):
        here, there = inside & (number == index), numbers == index
        if min(here.sum(), there.sum()) < least:
            continue
        difference[here] = values[here] - np.median(usual[there])
        bins.append((float(np.quantile(values[here], quantile) - np.quantile(usual[there], quantile)), int(here.sum())))
    if not bins:
        return None
    return float(np.average([value for value, _ in bins], weights=[count for _, count in bins])), difference
