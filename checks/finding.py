"""What a check of one frame found: a number, and which pixels it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .report import Measurement, Place
from .thresholds import VERDICTS, threshold


@dataclass(frozen=True)
class Finding:
    """A measurement, and the pixels it speaks of at the size that was judged.

    `heat` is (h, w): 1 and more is at the production limit and should be repaired, less is on the way there; a bool
    map knows only the two. None: the whole picture, or nothing in particular.
    """

    measurement: Measurement
    heat: np.ndarray | None = None

    @property
    def where(self) -> np.ndarray | None:
        """The pixels that a repair should reach, (h, w) bool."""
        return None if self.heat is None else self.heat >= 1


def worst_measurement(measurements: Sequence[Measurement]) -> Measurement:
    """Of one metric in several frames, the one with the worst verdict and, among equals, the worst value."""

    def badness(measurement: Measurement) -> tuple[int, int, float]:
        if measurement.value is None:
            return 0, 0, 0.0
        sign = 1 if threshold(measurement.metric).better == "lower" else -1
        return VERDICTS.index(measurement.verdict("production")), 1, sign * measurement.value

    return max(measurements, key=badness)


def largest_part(where: np.ndarray) -> Place | None:
    """Box around the largest connected part of a bool map (H, W); None when it is empty."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(where.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    x, y, width, height = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()), :4]
    return Place(int(x), int(y), int(width), int(height))
