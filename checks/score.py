"""One number to sort pictures by. The verdict never depends on it."""

from __future__ import annotations

from .report import Measurement, Report
from .thresholds import threshold

WARN_PENALTY, FAIL_PENALTY = 0.1, 0.4  # of the score, at the good-enough limit and far beyond it


def score(report: Report) -> float:
    """100 for a flawless picture; each miss multiplies it by one minus its penalty. To sort by, not to judge by.

    A value within its production limit costs nothing, at the good-enough limit a tenth, at twice that distance or
    where both limits are one 0.4; what may only warn never costs more than a tenth.
    """
    left = 1.0
    for measurement in report.measurements:
        left *= 1 - _penalty(measurement)
    return round(100 * left, 1)


def _penalty(measurement: Measurement) -> float:
    row, value = threshold(measurement.metric), measurement.value
    if value is None or row.production is None or row.meets(value, "production"):
        return 0.0
    most = FAIL_PENALTY if row.worst == "fail" else WARN_PENALTY
    room = abs(row.good_enough - row.production)
    if not room:
        return most
    beyond = abs(value - row.production) / room
    penalty = WARN_PENALTY * beyond if beyond <= 1 else WARN_PENALTY + (FAIL_PENALTY - WARN_PENALTY) * (beyond - 1)
    return min(most, penalty)
