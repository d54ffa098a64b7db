"""`python . check`: the checks on files, for pipelines."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from ..checks.edit import check_edit
from ..checks.report import Report
from ..checks.thresholds import LEVELS
from ..imaging import color
from . import check_output as output
from . import files
from .check_jobs import RULE, Job, Sources, collect
from .check_output import NOT_CHECKED, UNREADABLE, Outcome, Run

logger = logging.getLogger("edit_first")


def add(commands) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        help="check pictures and clips; exit status 0 pass, 1 warn, 2 fail, 4 unreadable input",
        description="Check edited pictures against their originals.",
        epilog=f"{RULE}\n\nExit status: 0 pass, 1 warn, 2 fail, 4 something could not be read, 130 interrupted.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("after", type=Path, nargs="+", help="pictures, or folders of pictures")
    parser.add_argument("--before", type=Path, metavar="PATH", help="the approved picture, or a folder of them")
    parser.add_argument(
        "--mask", type=Path, metavar="PATH", help="what may have changed: white, or transparent; default nothing"
    )
    parser.add_argument(
        "--lock", type=Path, metavar="PATH", help="what must be bit-identical; default all the mask leaves"
    )
    parser.add_argument("--level", choices=LEVELS, default="production")
    parser.add_argument("--brand-colors", default="", metavar="#rrggbb,…")
    parser.add_argument("--strict", action="store_true", help="a warning counts as a failure")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML")
    parser.set_defaults(run=main)


def main(options) -> int:
    """Check what the command line names; prints the findings and returns the exit status."""
    colors = _brand_colors(options.brand_colors)
    if colors is None:
        return output.EXIT_STATUS[UNREADABLE]
    jobs = collect(options.after, Sources(options.before, options.mask, options.lock))

    def measure(job: Job) -> Report:
        return check_files(job.after, job.before, mask=job.mask, lock=job.lock, brand_colors=colors)

    outcomes = []
    try:
        for outcome in run_jobs(jobs, measure, options.level):
            outcomes.append(outcome)
            _tell(outcome, len(outcomes), len(jobs), options)
    except KeyboardInterrupt:  # what was done is still reported
        outcomes += [Outcome(job, NOT_CHECKED, error="interrupted") for job in jobs[len(outcomes) :]]
        print("edit-first: interrupted; the rest was not checked", file=sys.stderr)
    run = Run(tuple(outcomes), options.level, options.strict)
    if options.json:
        print(json.dumps(output.to_dict(run), indent=1, allow_nan=False))
    elif len(jobs) > 1:
        print(output.totals_text(run))
    if options.junit:
        files.write_text(options.junit, '<?xml version="1.0" encoding="UTF-8"?>\n' + output.to_junit(run))
    return run.exit_status()


def _brand_colors(text: str) -> list[str] | None:
    try:
        return color.parse_colors(text)
    except ValueError as error:
        print(f"edit-first: --brand-colors: {error}", file=sys.stderr)
        return None


def run_jobs(jobs: list[Job], measure: Callable[[Job], Report], level: str) -> Iterator[Outcome]:
    """Check one after the other. A file that cannot be checked does not stop the others."""
    for job in jobs:
        yield _run_job(job, measure, level)


def _run_job(job: Job, measure: Callable[[Job], Report], level: str) -> Outcome:
    started = time.monotonic()
    if job.problem:
        return Outcome(job, UNREADABLE, error=job.problem)
    try:
        report = measure(job)
    except Exception as error:  # decoders of broken files raise anything; the other files still have to be checked
        logger.debug("%s", job.name, exc_info=True)
        message = str(error) if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: {error}"
        return Outcome(job, UNREADABLE, error=message, seconds=time.monotonic() - started)
    return Outcome(job, report.verdict(level), report, seconds=time.monotonic() - started)


def _tell(outcome: Outcome, number: int, of: int, options) -> None:
    """Report one outcome as soon as it is there: findings on standard output, progress and errors on standard error."""
    if of > 1:
        progress = f"[{number}/{of}] {outcome.job.name}: {outcome.state} ({outcome.seconds:.1f} s)"
        print(output.printable(progress), file=sys.stderr, flush=True)
    if outcome.report is None:
        print(output.printable(f"edit-first: {outcome.job.name}: {outcome.error}"), file=sys.stderr, flush=True)
    elif not options.json:
        print(output.outcome_text(outcome, options.level, brief=of > 1), flush=True)


def check_files(
    after: Path, before: Path, *, mask: Path | None = None, lock: Path | None = None, brand_colors: list[str] = ()
) -> Report:
    """Report on an edited picture against its original.

    Raises:
        OSError: a file cannot be read.
        ValueError: sizes differ.
    """
    original, image = _read_picture(before), _read_picture(after)
    if original.shape != image.shape:
        raise ValueError(
            f"{after} is {_size(image)} but {before} is {_size(original)} (WxH); check pictures of one size"
        )
    edit = torch.zeros_like(image[:, :1]) if mask is None else _read_mask(mask, image)
    locked = None if lock is None else _read_mask(lock, image)
    result = check_edit(original, image, edit, lock_mask=locked, brand_colors=brand_colors)
    return Report(inputs={"image": after.name, "original": before.name}) + result.report


def _size(image: Tensor) -> str:
    return f"{image.shape[3]}x{image.shape[2]}"


def _read_picture(path: Path) -> Tensor:
    return files.read_image(path)[0].movedim(3, 1)


def _read_mask(path: Path, image: Tensor) -> Tensor:
    """A mask file: its transparency where it has any, else its brightness."""
    colors, alpha = files.read_image(path)
    mask = alpha if alpha.shape[1:] == colors.shape[1:3] and alpha.any() else colors[..., 0]
    if mask.shape[1:] != image.shape[2:]:
        raise ValueError(f"{path} is {mask.shape[2]}x{mask.shape[1]} but the picture is {_size(image)} (WxH)")
    return mask[:, None]
