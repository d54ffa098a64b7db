"""What a check of one frame found: a number, and which pixels it speaks of."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .report import Measurement, Place


@dataclass(frozen=True)
class Finding:
    """A measurement whose place is in px of the picture that was judged, and the pixels that a repair should reach."""

    measurement: Measurement
    where: np.ndarray | None = None  # (H, W) bool; None: the whole picture, or nothing in particular


def largest_part(where: np.ndarray) -> Place | None:
    """Box around the largest connected part of a bool map (H, W); None when it is empty."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(where.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    x, y, width, height = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()), :4]
    return Place(int(x), int(y), int(width), int(height))


def grown(where: np.ndarray, radius_px: int) -> np.ndarray:
    """A bool map grown by a disc, so that a repair reaches what surrounds a flaw."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    return cv2.dilate(where.astype(np.uint8), kernel) > 0
