"""Can the border of an edit be found?"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from ..imaging import color, masks
from .anchors import anchor_drift
from .report import Measurement, Place, Report

STEP_SIZES_PX = (2, 4, 8)  # a hard edge shows at the smallest, a tone step on texture only at the largest
WINDOW_PX = 16  # of contour; a seam is seen piece by piece, so the step is averaged over pieces, not over the whole
DETAIL_BAND_PX = 12


def contour_windows(distance: np.ndarray) -> tuple[np.ndarray, int]:
    """Divide the surroundings of a region's edge into windows of about `WINDOW_PX` of contour.

    Args:
        distance: (H, W) signed distance, > 0 inside.

    Returns:
        (H, W) int number of the window nearest to each pixel, and how many windows there are.
    """
    edge = (distance > 0) & (distance < 1.5)
    if not edge.any():
        return np.zeros(distance.shape, np.int64), 0
    _, nearest = cv2.distanceTransformWithLabels(
        (~edge).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    y, x = edge.nonzero()
    # A contour pixel belongs to the cell of a grid it lies in: pieces of about the cell's side without tracing it.
    cells = (y // WINDOW_PX) * (distance.shape[1] // WINDOW_PX + 1) + x // WINDOW_PX
    _, number = np.unique(cells, return_inverse=True)
    of_label = np.zeros(nearest.max() + 1, np.int64)
    of_label[nearest[edge]] = number
    return of_label[nearest], int(number.max()) + 1


def seam_steps(difference: np.ndarray, distance: np.ndarray) -> tuple[float, tuple[int, int] | None, float]:
    """How far a picture steps across an edge beyond what its reference does.

    Args:
        difference: (H, W, 3), picture minus reference in OKLab times 100.
        distance: (H, W) signed distance to the edge, > 0 inside.

    Returns:
        The root mean square step over the windows of the contour, for the step size at which it is largest; the place
        (x, y) of the window with the largest step, None without an edge; and that largest step.
    """
    window, count = contour_windows(distance)
    worst, where, largest = 0.0, None, 0.0
    for size in STEP_SIZES_PX if count else ():
        step = _window_means(difference, (distance > 0) & (distance <= size), window, count)
        step = step - _window_means(difference, (distance <= 0) & (distance > -size - 1), window, count)
        length = np.sqrt((step**2).sum(1))
        known = np.isfinite(length)
        if not known.any():
            continue
        worst = max(worst, float(np.sqrt((length[known] ** 2).mean())))
        index = int(np.where(known, length, -1).argmax())
        if length[index] > largest:
            y, x = ((window == index) & (np.abs(distance) <= 2)).nonzero()
            largest, where = float(length[index]), (int(np.median(x)), int(np.median(y)))
    return worst, where, largest


def _window_means(values: np.ndarray, chosen: np.ndarray, window: np.ndarray, count: int) -> np.ndarray:
    """Mean of (H, W, 3) values per window over the chosen pixels: (count, 3); NaN where a window has none."""
    index = window[chosen]
    total = np.bincount(index, minlength=count).astype(float)
    sums = np.stack([np.bincount(index, values[..., c][chosen], count) for c in range(values.shape[2])], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / total[:, None]
