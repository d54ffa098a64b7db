"""`python . campaign manifest.csv --workflow workflow.json`."""

from __future__ import annotations

import sys
from pathlib import Path

from ..headless.runner import WorkflowError, load_workflow, node_classes, validate
from . import manifest, plan, run, sheet
from .ledger import Ledger


def add(commands) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "campaign", help="run a workflow for every row of a table; exit status 0 all done, 2 some failed or open"
    )
    parser.add_argument("manifest", type=Path, help=f".csv or .json with the columns {', '.join(manifest.COLUMNS)}")
    parser.add_argument("--workflow", type=Path, required=True, help="an API-format workflow")
    parser.add_argument("--input", type=Path, metavar="DIR", help="where the pictures are; default beside the manifest")
    parser.add_argument("--output", type=Path, default=Path("campaign_output"), metavar="DIR")
    parser.add_argument("--server", action="append", default=[], metavar="URL", help="a ComfyUI; repeat for several")
    parser.add_argument("--ray", action="store_true", help="run headless jobs on a Ray cluster (pip install ray)")
    parser.add_argument("--bind", action="append", default=[], metavar="COLUMN=NODE.input")
    parser.add_argument("--retry-failed", action="store_true", help="run failed rows again")
    parser.add_argument("--dry-run", action="store_true", help="check everything and list the jobs, run nothing")
    parser.set_defaults(run=main)


def main(options) -> int:
    """Run a campaign; returns the exit status."""
    try:
        tasks = prepare(options)
    except manifest.ManifestError as error:
        print(f"edit-first: {error}", file=sys.stderr)
        return 4
    if options.dry_run:
        for task in tasks:
            print(f"{task.job.row:5}  {task.job.name}")
        return 0
    ledger = Ledger(options.output)
    todo = run.open_tasks(tasks, ledger, retry_failed=options.retry_failed)
    print(f"{len(tasks)} jobs, {len(tasks) - len(todo)} ended before, {len(todo)} to run", file=sys.stderr)
    folder = (options.input or options.manifest.parent).resolve()
    try:
        if options.server:
            run.run_on_servers(todo, ledger, folder, options.server, log=lambda line: print(line, file=sys.stderr))
        elif options.ray:
            from .on_ray import run_on_ray

            run_on_ray(todo, ledger, folder)
        else:
            run.run_headless(todo, ledger, folder)
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on", file=sys.stderr)
    return _finish(tasks, ledger)


def prepare(options) -> list[plan.Task]:
    """Read and check everything before anything runs.

    Raises:
        ManifestError, WorkflowError: say what is wrong.
    """
    folder = (options.input or options.manifest.parent).resolve()
    jobs = manifest.load(options.manifest, folder)
    workflow = load_workflow(options.workflow)
    overrides = {}
    for assignment in options.bind:
        column, equals, target = assignment.partition("=")
        if not equals:
            raise WorkflowError(f"--bind {assignment}: expected COLUMN=NODE.input")
        overrides[column] = target
    bound = plan.bindings(workflow, jobs, overrides)
    tasks = [plan.make_task(workflow, job, bound, folder) for job in jobs]
    if not options.server:
        problems = validate(tasks[0].prompt, node_classes(), {})
        if problems:
            raise WorkflowError("the workflow cannot run:\n" + "\n".join(f"- {problem}" for problem in problems))
    return tasks


def _finish(tasks: list[plan.Task], ledger: Ledger) -> int:
    ledger = Ledger(ledger.output)  # read again: other processes may have written, too
    ends = [ledger.outcome(task) for task in tasks]
    table = ledger.write_csv(tasks)
    picture, page = sheet.write(tasks, ledger)
    done = sum(end is not None and end.state == "done" for end in ends)
    failed = [(task, end) for task, end in zip(tasks, ends, strict=True) if end is not None and end.state == "failed"]
    for task, end in failed[:20]:
        print(f"row {task.job.row} ({task.job.name}) failed: {end.error}", file=sys.stderr)
    print(f"{done} of {len(tasks)} done, {len(failed)} failed. {table}, {page}, {picture}")
    return 0 if done == len(tasks) else 2
