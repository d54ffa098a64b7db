"""May this picture go on?"""

from __future__ import annotations

from dataclasses import dataclass

from .report import Report


@dataclass(frozen=True)
class Decision:
    """What the gate decided, and why."""

    passed: bool  # no measurement fails at the level; warnings pass and are named in the summary
    summary: str


def decide(report: Report, level: str) -> Decision:
    """Judge a report at a level ("good enough" or "production").

    An empty report does not pass: a gate that was given nothing to judge proves nothing.

    Raises:
        ValueError: unknown level.
    """
    judged = any(measurement.value is not None for measurement in report.measurements)
    if not judged:
        return Decision(False, f"Fail ({level}): the report holds no measurement; connect a check before the gate.")
    return Decision(report.verdict(level) != "fail", report.summary(level))
