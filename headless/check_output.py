"""The results of `python . check`: text for people, JSON for scripts, JUnit XML for CI."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass

from .. import __version__
from ..checks.report import Measurement, Report
from ..checks.thresholds import VERDICTS
from .check_jobs import Job

SCHEMA = "edit-first/check/1"
UNREADABLE, NOT_CHECKED = "unreadable", "not checked"
STATES = (*VERDICTS, UNREADABLE, NOT_CHECKED)  # from best to worst
EXIT_STATUS = {"pass": 0, "warn": 1, "fail": 2, UNREADABLE: 4, NOT_CHECKED: 130}
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Outcome:
    """What became of one job."""

    job: Job
    state: str
    report: Report | None = None
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Run:
    """All outcomes of one call."""

    outcomes: tuple[Outcome, ...]
    level: str
    strict: bool = False  # a warning counts as a failure

    @property
    def state(self) -> str:
        """The worst of all."""
        return max((outcome.state for outcome in self.outcomes), key=STATES.index)

    def exit_status(self) -> int:
        """0 pass, 1 warn, 2 fail (also warn when strict), 4 something could not be read, 130 interrupted."""
        return EXIT_STATUS["fail" if self.strict and self.state == "warn" else self.state]

    def counts(self) -> dict[str, int]:
        """How many files came out how."""
        counted = Counter(outcome.state for outcome in self.outcomes)
        return {state: counted[state] for state in STATES}


def printable(text: object) -> str:
    """Text that any terminal, JSON or XML takes: file names may hold bytes that are no letters."""
    return NOT_IN_XML.sub("\ufffd", str(text))


def outcome_text(outcome: Outcome, level: str, *, brief: bool) -> str:
    """One outcome for people; brief leaves out what passes."""
    if outcome.report is None:
        return printable(f"{outcome.job.name}: {outcome.state} ({outcome.error})")
    if not brief:
        return printable(outcome.report.text(level))
    lines = [f"{outcome.job.name}: {outcome.report.summary(level)}"]
    lines += [f"  {m.verdict(level).upper():4}  {m.sentence()}" for m in outcome.report.findings(level)]
    return printable("\n".join(lines))


def totals_text(run: Run) -> str:
    """The last line: how many, and how they came out."""
    counted = ", ".join(f"{count} {state}" for state, count in run.counts().items() if count)
    return f"{len(run.outcomes)} files ({run.level}): {counted}"


def to_dict(run: Run) -> dict:
    """Plain JSON value."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "edit-first", "version": __version__},
        "level": run.level,
        "strict": run.strict,
        "verdict": run.state,
        "exit_status": run.exit_status(),
        "counts": run.counts(),
        "files": [_outcome_to_dict(outcome) for outcome in run.outcomes],
    }


def _outcome_to_dict(outcome: Outcome) -> dict:
    job = outcome.job
    paths = {role: getattr(job, role) for role in ("before", "mask", "lock")}
    return {
        "name": printable(job.name),
        "clip": job.clip,
        **{role: printable(path) if path else None for role, path in paths.items()},
        "verdict": outcome.state,
        "error": printable(outcome.error) or None,
        "seconds": round(outcome.seconds, 3),
        "report": outcome.report.to_dict() if outcome.report else None,
    }


def to_junit(run: Run) -> str:
    """JUnit XML as Jenkins, GitLab and GitHub's readers take it: a suite for each file, a case for each group of metrics.

    A warning is a passed case with its findings in system-out; with `strict` it is a failure of type "warn".
    """
    root = ElementTree.Element("testsuites", name="edit-first check")
    for outcome in run.outcomes:
        root.append(_suite(outcome, run))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count)) for suite in root)))
    root.set("time", f"{sum(outcome.seconds for outcome in run.outcomes):.3f}")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _suite(outcome: Outcome, run: Run) -> ElementTree.Element:
    name = printable(outcome.job.name)
    suite = ElementTree.Element("testsuite", name=name, time=f"{outcome.seconds:.3f}")
    if outcome.report is None:
        case = ElementTree.SubElement(suite, "testcase", name="readable", classname=name, time="0")
        kind = "skipped" if outcome.state == NOT_CHECKED else "error"
        result = ElementTree.SubElement(case, kind, message=printable(outcome.error))
        if kind == "error":
            result.set("type", outcome.state)
    else:
        groups = group(outcome.report)
        for title, measurements in groups.items():
            case = ElementTree.SubElement(
                suite, "testcase", name=title, classname=name, time=f"{outcome.seconds / len(groups):.3f}"
            )
            _fill(case, measurements, run)
    suite.set("tests", str(len(suite)))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def group(report: Report) -> dict[str, list[Measurement]]:
    """Measurements by the first word of their metric: anchor, brand, light, seam ..."""
    groups: dict[str, list[Measurement]] = {}
    for measurement in report.measurements:
        groups.setdefault(measurement.metric.split("_")[0], []).append(measurement)
    return groups


def _fill(case: ElementTree.Element, measurements: list[Measurement], run: Run) -> None:
    report = Report(tuple(measurements))
    verdict, findings = report.verdict(run.level), report.findings(run.level)
    if all(measurement.value is None for measurement in measurements):
        ElementTree.SubElement(case, "skipped", message=printable(measurements[0].sentence()))
    elif verdict == "fail" or (run.strict and verdict == "warn"):
        failure = ElementTree.SubElement(case, "failure", message=printable(findings[0].sentence()), type=verdict)
        failure.text = printable("\n".join(finding.sentence() for finding in findings))
    lines = [f"{m.verdict(run.level).upper():4}  {m.sentence()}" for m in measurements]
    ElementTree.SubElement(case, "system-out").text = printable("\n".join(lines))
