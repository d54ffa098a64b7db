"""The report: measurements with a place, and the verdicts that follow from the table of thresholds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

from .thresholds import LEVELS, VERDICTS, threshold

SCHEMA = "edit-first/report/1"


@dataclass(frozen=True)
class Place:
    """Where in the picture, in px of the measured image."""

    x: int
    y: int
    width: int = 1
    height: int = 1
    frame: int = 0

    def __str__(self) -> str:
        at = f"x {self.x}, y {self.y}"
        if self.width > 1 or self.height > 1:
            at += f" ({self.width}x{self.height} px)"
        return at + (f" in frame {self.frame}" if self.frame else "")


@dataclass(frozen=True)
class Measurement:
    """One number, with its unit and place. `value` None: the metric did not apply, and `detail` says why."""

    metric: str  # a row of the table of thresholds
    value: float | None
    where: Place | None = None
    detail: str = ""  # what a person should know beyond the number, in one sentence
    subject: str = ""  # what was measured when a report holds the metric more than once, such as a color or a zone

    def __post_init__(self):
        threshold(self.metric)
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.metric} is {self.value}; a measurement is a finite number or None")

    def verdict(self, level: str) -> str:
        """Pass, warn or fail at a level."""
        return threshold(self.metric).verdict(self.value, level)

    def sentence(self) -> str:
        """What was measured, where, and which node fixes it."""
        row = threshold(self.metric)
        name = self.metric.replace("_", " ") + (f" of {self.subject}" if self.subject else "")
        if self.value is None:
            return f"{name}: not measured ({self.detail})"
        text = f"{name} is {self.value:.6g} {row.unit}"
        if row.production is not None:
            text += f" (production {'at most' if row.better == 'lower' else 'at least'} {row.production:g})"
        if self.where:
            text += f" at {self.where}"
        return text + (f"; {self.detail}" if self.detail else "")


@dataclass(frozen=True)
class Report:
    """Measurements of one picture or clip. Verdicts are derived from the table, never stored as facts."""

    measurements: tuple[Measurement, ...] = ()
    inputs: dict = field(default_factory=dict)  # what was measured: plain JSON values such as size and mask area

    def __add__(self, other: Report) -> Report:
        """Both reports' measurements, in order; of equal inputs the later wins."""
        return Report(self.measurements + other.measurements, {**self.inputs, **other.inputs})

    def followed_by(self, check: Report) -> Report:
        """This report brought up to date by a later check of the finished picture.

        A measurement that the check made takes the place of the one an earlier step, such as Seam Feather, made of the
        same metric and subject. What the check could not measure stays as it was. A check of another picture replaces
        nothing: its `inputs["checked"]` is another.
        """
        if "checked" in self.inputs and self.inputs["checked"] != check.inputs.get("checked"):
            return self + check
        earlier = {(m.metric, m.subject) for m in self.measurements if m.value is not None}
        news = tuple(m for m in check.measurements if m.value is not None or (m.metric, m.subject) not in earlier)
        replaced = {(m.metric, m.subject) for m in news}
        kept = tuple(m for m in self.measurements if (m.metric, m.subject) not in replaced)
        return Report(kept + news, {**self.inputs, **check.inputs})

    def verdict(self, level: str) -> str:
        """The worst verdict of all measurements."""
        verdicts = [measurement.verdict(level) for measurement in self.measurements]
        return max(verdicts, key=VERDICTS.index, default="pass")

    def findings(self, level: str) -> list[Measurement]:
        """Measurements that do not pass, the worst first."""
        missed = [m for m in self.measurements if m.verdict(level) != "pass"]
        return sorted(missed, key=lambda m: -VERDICTS.index(m.verdict(level)))

    def summary(self, level: str = "production") -> str:
        """The verdict in one sentence: what is wrong, where, and which node fixes it."""
        findings = self.findings(level)
        if not self.measurements:
            return f"Nothing was measured ({level})."
        if not findings:
            return f"Pass ({level}): no known problem in {counted(len(self.measurements), 'measurement')}."
        first, fix = findings[0], threshold(findings[0].metric).fix
        text = f"{self.verdict(level).capitalize()} ({level}): {first.sentence()}"
        if fix:
            text += f"; fix with {fix}"
        return text + (f"; {len(findings) - 1} more" if len(findings) > 1 else "") + "."

    def text(self, level: str = "production") -> str:
        """The summary and one line per measurement, for people."""
        lines = [f"{m.verdict(level).upper():4}  {m.sentence()}" for m in self.measurements]
        return "\n".join([self.summary(level), *lines])

    def to_dict(self) -> dict:
        """Plain JSON value with limits and verdicts written out, so that it can be read without the table."""
        return {
            "schema": SCHEMA,
            "summary": self.summary(),
            "verdict": {level: self.verdict(level) for level in LEVELS},
            "inputs": self.inputs,
            "measurements": [_measurement_to_dict(measurement) for measurement in self.measurements],
        }

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read a report; verdicts are derived again from the table.

        Raises:
            ValueError: not a report of this schema.
        """
        try:
            value = json.loads(text)
            if value["schema"] != SCHEMA:
                raise ValueError(f"report schema is '{value['schema']}'; this version reads '{SCHEMA}'")
            measurements = tuple(_measurement_from_dict(entry) for entry in value["measurements"])
            return cls(measurements, dict(value["inputs"]))
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"not an Edit First report: {error!r}") from None


def counted(count: int, noun: str) -> str:
    """A number and its noun, which has an s unless it is one."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _measurement_to_dict(measurement: Measurement) -> dict:
    row, where = threshold(measurement.metric), measurement.where
    return {
        "metric": measurement.metric,
        "subject": measurement.subject,
        "value": measurement.value,
        "unit": row.unit,
        "where": vars(where).copy() if where else None,
        "detail": measurement.detail,
        "limits": {level: row.limit(level) for level in LEVELS},
        "verdict": {level: measurement.verdict(level) for level in LEVELS},
        "fix": row.fix,
    }


def _measurement_from_dict(value: dict) -> Measurement:
    where = Place(**value["where"]) if value["where"] else None
    return Measurement(value["metric"], value["value"], where, value["detail"], value["subject"])
