"""Headless jobs on a Ray cluster whose machines share the folders. Needs `pip install ray`."""

from __future__ import annotations

from pathlib import Path

from .ledger import Ledger
from .plan import Task
from .run import Progress

ROOT = Path(__file__).resolve().parent.parent


def run_on_ray(tasks: list[Task], ledger: Ledger, folder: Path) -> None:
    """Run tasks as Ray tasks, one per core; the journal and the results lie in the shared output folder.

    Raises:
        ModuleNotFoundError: Ray is not installed.
    """
    import ray

    # Local, so that Ray sends the function itself: a worker cannot import the pack before it has loaded it.
    def run_remotely(job: dict, prompt: dict, used: tuple, key: str, output: str, folder: str, root: str) -> str:
        import importlib.util
        import sys
        from pathlib import Path

        if "edit_first" not in sys.modules:
            place = Path(root)
            spec = importlib.util.spec_from_file_location(
                "edit_first", place / "__init__.py", submodule_search_locations=[str(place)]
            )
            sys.modules["edit_first"] = package = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(package)
        from edit_first.campaign.ledger import Ledger
        from edit_first.campaign.manifest import Job
        from edit_first.campaign.plan import Task
        from edit_first.campaign.run import run_one_headless

        return run_one_headless(Task(Job(**job), prompt, used, key), Ledger(Path(output)), Path(folder))

    ray.init(ignore_reinit_error=True, log_to_driver=False)
    remote = ray.remote(run_remotely)
    places = (str(ledger.output.resolve()), str(folder), str(ROOT))
    running = {remote.remote(vars(task.job), task.prompt, task.files, task.key, *places): task for task in tasks}
    progress = Progress(len(tasks))
    while running:
        (ended, *_), _ = ray.wait(list(running), num_returns=1)
        task = running.pop(ended)
        progress.step(failed=bool(ray.get(ended)), name=task.job.name)
    ray.shutdown()
