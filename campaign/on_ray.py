"""Headless jobs on a Ray cluster whose machines share the folders. Needs `pip install ray`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from .ledger import Ledger
from .plan import Task
from .run import Progress, run_one_headless

ROOT = Path(__file__).resolve().parent.parent


def run_on_ray(tasks: list[Task], ledger: Ledger, folder: Path) -> None:
    """Run tasks as Ray tasks, one per core; the journal and the results lie in the shared output folder.

    Raises:
        ModuleNotFoundError: Ray is not installed.
    """
    import ray

    ray.init(ignore_reinit_error=True, log_to_driver=False)
    remote = ray.remote(max_calls=0)(_run_remotely)
    running = {remote.remote(task, str(ledger.output.resolve()), str(folder), str(ROOT)): task for task in tasks}
    progress = Progress(len(tasks))
    while running:
        (ended, *_), _ = ray.wait(list(running), num_returns=1)
        task = running.pop(ended)
        error = ray.get(ended)
        progress.step(failed=bool(error), name=task.job.name)


def _run_remotely(task: Task, output: str, folder: str, root: str) -> str:
    """On a worker: load the pack by its path, run one task there."""
    if "edit_first" not in sys.modules:
        place = Path(root)
        spec = importlib.util.spec_from_file_location(
            "edit_first", place / "__init__.py", submodule_search_locations=[str(place)]
        )
        sys.modules["edit_first"] = package = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
    return run_one_headless(task, Ledger(Path(output)), Path(folder))
