"""`python . check`: the checks on files, for pipelines."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ..checks.thresholds import LEVELS
from ..imaging import color
from . import check_output as output
from . import files
from .check_files import Settings, check_job
from .check_jobs import RULE, Job, Sources, collect
from .check_output import NOT_CHECKED, UNREADABLE, Outcome, Run

logger = logging.getLogger("edit_first")


def add(commands) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        help="check pictures and clips; exit status 0 pass, 1 warn, 2 fail, 4 unreadable input",
        description="Check edited pictures against their originals, stills before they become clips, and clips.",
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
    parser.add_argument("--video-model", metavar="NAME", help="judge the pictures as first frames for this video model")
    parser.add_argument(
        "--clip", action="store_true", help="every folder is one clip; video files are clips in any case"
    )
    parser.add_argument("--strict", action="store_true", help="a warning counts as a failure")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML")
    parser.set_defaults(run=main)


def main(options) -> int:
    """Check what the command line names; prints the findings and returns the exit status."""
    try:
        settings = _settings(options)
    except ValueError as error:
        print(f"edit-first: {error}", file=sys.stderr)
        return output.EXIT_STATUS[UNREADABLE]
    alone = settings.video_model is not None
    jobs = collect(options.after, Sources(options.before, options.mask, options.lock, options.clip, alone))
    outcomes = []
    try:
        for outcome in run_jobs(jobs, settings):
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


def _settings(options) -> Settings:
    """What is asked of every file; a mistake in it is an error before anything is read."""
    if options.video_model is not None:
        from ..checks.video_models import video_model

        video_model(options.video_model)
    try:
        colors = color.parse_colors(options.brand_colors)
    except ValueError as error:
        raise ValueError(f"--brand-colors: {error}") from None
    return Settings(options.level, tuple(colors), options.video_model)


def run_jobs(jobs: list[Job], settings: Settings) -> Iterator[Outcome]:
    """Check one after the other. A file that cannot be checked does not stop the others."""
    for job in jobs:
        yield _run_job(job, settings)


def _run_job(job: Job, settings: Settings) -> Outcome:
    started = time.monotonic()
    if job.problem:
        return Outcome(job, UNREADABLE, error=job.problem)
    try:
        report = check_job(job, settings)
    except Exception as error:  # decoders of broken files raise anything; the other files still have to be checked
        logger.debug("%s", job.name, exc_info=True)
        message = str(error) if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: {error}"
        return Outcome(job, UNREADABLE, error=message, seconds=time.monotonic() - started)
    return Outcome(job, report.verdict(settings.level), report, seconds=time.monotonic() - started)


def _tell(outcome: Outcome, number: int, of: int, options) -> None:
    """Report one outcome as soon as it is there: findings on standard output, progress and errors on standard error."""
    if of > 1:
        progress = f"[{number}/{of}] {outcome.job.name}: {outcome.state} ({outcome.seconds:.1f} s)"
        print(output.printable(progress), file=sys.stderr, flush=True)
    if outcome.report is None:
        print(output.printable(f"edit-first: {outcome.job.name}: {outcome.error}"), file=sys.stderr, flush=True)
    elif not options.json:
        print(output.outcome_text(outcome, options.level, brief=of > 1), flush=True)
