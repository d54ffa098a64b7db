"""Run a campaign: on this machine without ComfyUI, or spread over ComfyUI servers."""

from __future__ import annotations

import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..headless import files, runner
from ..headless.client import Client, JobFailed, ServerGone
from .ledger import Ledger
from .manifest import PICTURES
from .plan import Task

JOB_SECONDS = 3600.0  # a job that takes longer has failed
RETRY_SERVER_SECONDS = 2.0
GIVE_UP_SECONDS = 120.0  # how long a server may be away before its worker gives up
JOBS_PER_SERVER = 2  # one runs, one waits in its queue, so that a server never waits for this client


@dataclass
class Progress:
    """How far a campaign is; draws a bar with the time left when the output is a terminal."""

    total: int
    done: int = 0
    failed: int = 0
    started: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, *, failed: bool, name: str) -> None:
        """Count one job and draw."""
        with self.lock:
            self.done += 1
            self.failed += failed
            spent = time.monotonic() - self.started
            left = spent / self.done * (self.total - self.done)
            bar = "#" * round(30 * self.done / self.total)
            line = f"[{bar:.<30}] {self.done}/{self.total}, {self.failed} failed, {left:.0f} s left  {name[:40]:40}"
            end = "\r" if sys.stderr.isatty() and self.done < self.total else "\n"
            if sys.stderr.isatty() or self.done == self.total:
                sys.stderr.write(line + end)
                sys.stderr.flush()


def open_tasks(tasks: list[Task], ledger: Ledger, *, retry_failed: bool) -> list[Task]:
    """The tasks that have yet to run."""
    found = []
    for task in tasks:
        end = ledger.outcome(task)
        if end is None or (end.state == "failed" and retry_failed):
            found.append(task)
    return found


def run_headless(tasks: list[Task], ledger: Ledger, folder: Path) -> None:
    """Run tasks one after the other without ComfyUI."""
    progress = Progress(len(tasks))
    for task in tasks:
        error = run_one_headless(task, ledger, folder)
        progress.step(failed=bool(error), name=task.job.name)


def run_one_headless(task: Task, ledger: Ledger, folder: Path) -> str:
    """Run one task and store its end; returns the error, empty when it succeeded."""
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(dir=ledger.output, prefix=".run-") as scratch:
            result = runner.run(task.prompt, folders=files.Folders((folder,), Path(scratch)))
            saved = [path.read_bytes() for paths in result.images.values() for path in paths]
        reports = [report for reports in result.reports.values() for report in reports]
        _store(task, ledger, saved, reports, time.monotonic() - started, "headless")
        return ""
    except (runner.WorkflowError, JobFailed) as error:
        ledger.failed(task, str(error), "headless")
        return str(error)


def _store(task: Task, ledger: Ledger, saved: list[bytes], reports: list[dict], seconds: float, server: str) -> None:
    if not saved:
        summaries = [report["summary"] for report in reports if "passed" in report and not report["passed"]]
        raise JobFailed(summaries[-1] if summaries else "the workflow saved no picture")
    ledger.done(task, saved[0], reports=reports, seconds=seconds, server=server)


def run_on_servers(
    tasks: list[Task],
    ledger: Ledger,
    folder: Path,
    urls: list[str],
    *,
    log: Callable[[str], None] = lambda line: None,
) -> None:
    """Spread tasks over ComfyUI servers; each takes the next ones when it is idle.

    A job whose server goes away is given to the next idle one. A server that stays away is left out; when all are
    gone, the open jobs stay open for the next run.
    """
    urls = [url.rstrip("/") for url in urls]
    spread = _Spread(tasks, ledger, folder, urls, log)
    threads = [
        threading.Thread(target=spread.work, args=(client, place > 0), daemon=True)
        for client in map(Client, urls)
        for place in range(JOBS_PER_SERVER)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class _Spread:
    """Open tasks, and the workers that take them."""

    def __init__(self, tasks: list[Task], ledger: Ledger, folder: Path, urls: list[str], log: Callable[[str], None]):
        self.ledger, self.folder, self.urls, self.log = ledger, folder, urls, log
        self.waiting: queue.Queue[Task] = queue.Queue()
        for task in tasks:
            self.waiting.put(task)
        self.open_jobs = _Countdown(len(tasks))
        self.progress = Progress(len(tasks))
        self.previous = {task.key: ledger.last_submission(task) for task in tasks}

    def work(self, client: Client, ahead: bool) -> None:
        """Run tasks on one server until none is open. `ahead` only fills its queue while there is enough for all."""
        away_since = None
        while self.open_jobs.value:
            task = self._next(ahead)
            if task is None:
                continue
            try:
                error = _run_on(self._holder(task, client), task, self.ledger, self.folder)
                away_since = None
                self.open_jobs.decrease()
                self.progress.step(failed=bool(error), name=task.job.name)
            except ServerGone as gone:
                self.previous.pop(task.key, None)
                self.waiting.put(task)
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > GIVE_UP_SECONDS:
                    self.log(f"{gone}; left out")
                    return
                time.sleep(RETRY_SERVER_SECONDS)

    def _next(self, ahead: bool) -> Task | None:
        if ahead and self.waiting.qsize() <= len(self.urls):
            time.sleep(0.2)
            return None
        try:
            return self.waiting.get(timeout=0.2)
        except queue.Empty:
            return None

    def _holder(self, task: Task, client: Client) -> Client:
        """Who runs a task: the server that was given it before this run, if it lives, so that nothing runs twice."""
        known = self.previous.get(task.key)
        if known and known[0] != client.url and known[0] in self.urls and (holder := Client(known[0])).alive():
            return holder
        return client


class _Countdown:
    """A number that several threads count down."""

    def __init__(self, value: int):
        self.value, self._lock = value, threading.Lock()

    def decrease(self) -> None:
        with self._lock:
            self.value -= 1


def _run_on(client: Client, task: Task, ledger: Ledger, folder: Path) -> str:
    """Run one task on one server and store its end; returns the error, empty when it succeeded."""
    prompt_id = task.prompt_id(ledger.attempts(task))
    try:
        names = {name: client.upload(folder / name) for name in task.files}
        prompt = _with_uploads(task, names)
        ledger.submitted(task, client.url, prompt_id)
        client.submit(prompt, prompt_id)
        entry = client.wait(prompt_id, JOB_SECONDS)
        _store(task, ledger, client.pictures(entry), client.reports(entry), client.seconds(entry), client.url)
        return ""
    except JobFailed as error:
        ledger.failed(task, str(error), client.url)
        return str(error)


def _with_uploads(task: Task, names: dict[str, str]) -> runner.Prompt:
    """The prompt with the server's names of the uploaded pictures."""
    wanted = {getattr(task.job, column) for column in PICTURES}
    prompt = {}
    for node_id, entry in task.prompt.items():
        inputs = {
            key: names[value] if isinstance(value, str) and value in wanted and value in names else value
            for key, value in entry["inputs"].items()
        }
        prompt[node_id] = {**entry, "inputs": inputs}
    return prompt
