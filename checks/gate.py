"""May this picture go on?"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from torch import Tensor

from .. import __version__
from .anchors import to_levels
from .report import Report
from .thresholds import VERDICTS, threshold

SCHEMA = "edit-first/verdict/1"
NOT_JUDGED = "not judged"
SHOWN_FINDINGS = 5  # in the text; the JSON holds all


@dataclass(frozen=True)
class Picture:
    """Which picture a verdict speaks of: its size, and a hash that anyone can work out again from the saved file.

    The hash is SHA-256 over the 8-bit values that Save Image writes, row by row. It names the pixels, not the file, so
    that another compression or other metadata leaves it as it is.
    """

    width: int
    height: int
    channels: int
    sha256: str
    file: str | None = None  # where it was saved, relative to ComfyUI's output folder

    @classmethod
    def of(cls, frame: Tensor) -> Picture:
        """Facts of one IMAGE frame (H, W, C) in [0, 1]."""
        height, width, channels = frame.shape
        levels = to_levels(frame.float().cpu()).byte().contiguous().numpy()
        return cls(width, height, channels, hashlib.sha256(levels.tobytes()).hexdigest())


@dataclass(frozen=True)
class Decision:
    """What the gate decided, and why. A batch has one report, hence one verdict; its worst places name their frames."""

    report: Report
    level: str
    verdict: str  # pass, warn or fail
    summary: str  # the verdict, the worst finding, its place and which node fixes it

    @property
    def passed(self) -> bool:
        """No measurement fails at the level; warnings pass and are named in the summary."""
        return self.verdict != "fail"

    def counts(self) -> dict[str, int]:
        """How many measurements fail, warn, pass, and were not judged (no value, or no limit at this level)."""
        judged = Counter(_judged(measurement, self.level) for measurement in self.report.measurements)
        return {name: judged[name] for name in (*reversed(VERDICTS), NOT_JUDGED)}

    def text(self, pictures: list[Picture]) -> str:
        """For people: the summary, the counts, the worst findings, and what was judged with which version."""
        findings = self.report.findings(self.level)
        lines = [self.summary]
        if self.report.measurements:
            lines.append(", ".join(f"{count} {name}" for name, count in self.counts().items()))
        lines += [f"{f.verdict(self.level).upper():4}  {f.sentence()}" for f in findings[:SHOWN_FINDINGS]]
        if len(findings) > SHOWN_FINDINGS:
            lines.append(f"      and {len(findings) - SHOWN_FINDINGS} more")
        frames = f"{len(pictures)} frames, first " if len(pictures) > 1 else ""
        first = pictures[0]
        lines.append(f"Edit First {__version__}: {frames}{first.width}x{first.height} px, sha256 {first.sha256[:16]}")
        return "\n".join(lines)

    def to_dict(self, pictures: list[Picture], **more) -> dict:
        """For scripts: plain JSON value that can be read without the table of thresholds."""
        report = self.report.to_dict()
        index = {id(measurement): number for number, measurement in enumerate(self.report.measurements)}
        return {
            "schema": SCHEMA,
            "tool": {"name": "edit-first", "version": __version__},
            "level": self.level,
            "verdict": self.verdict,
            "passed": self.passed,
            "summary": self.summary,
            "counts": self.counts(),
            "findings": [report["measurements"][index[id(m)]] for m in self.report.findings(self.level)],
            "pictures": [{"frame": number, **vars(picture)} for number, picture in enumerate(pictures)],
            "report": report,
            **more,
        }


def _judged(measurement, level: str) -> str:
    if measurement.value is None or threshold(measurement.metric).limit(level) is None:
        return NOT_JUDGED
    return measurement.verdict(level)


def decide(report: Report, level: str) -> Decision:
    """Judge a report at a level ("good enough" or "production").

    An empty report does not pass: a gate that was given nothing to judge proves nothing.

    Raises:
        ValueError: unknown level.
    """
    if all(measurement.value is None for measurement in report.measurements):
        reason = f"Fail ({level}): the report holds no measurement; connect a check before the gate."
        return Decision(report, level, "fail", reason)
    return Decision(report, level, report.verdict(level), report.summary(level))
