"""What has been done, on disk: an append-only journal that survives a kill at any moment.

A result counts as done when its sidecar `<name>.json` with the task's key lies beside its picture; both are written
atomically, the sidecar last. The journal tells which prompt a server was given, so that a restarted client asks for
that prompt's result instead of queueing the job again.
"""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from ..headless import files
from .plan import Task

JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Outcome:
    """The end of one job."""

    state: str  # "done" or "failed"
    picture: str = ""  # file name in the output folder
    verdict: str = ""  # pass, warn, fail; empty when the workflow has no gate
    summary: str = ""
    error: str = ""
    seconds: float = 0.0
    server: str = ""


class Ledger:
    """The journal and the results of one output folder. Safe to use from several threads."""

    def __init__(self, output: Path):
        self.output = output
        output.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._events = self._read()

    def _read(self) -> list[dict]:
        """All whole lines of the journal; a line torn by a kill is dropped."""
        path = self.output / JOURNAL
        if not path.exists():
            return []
        events = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return events

    def _append(self, event: dict) -> None:
        with self._lock:
            self._events.append(event)
            with open(self.output / JOURNAL, "a+b") as file:
                file.seek(0, os.SEEK_END)
                torn = file.tell() > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
                file.write((b"\n" if torn else b"") + json.dumps(event).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def submitted(self, task: Task, server: str, prompt_id: str) -> None:
        """Note that a server was given a prompt; call before sending it."""
        self._append({"event": "submitted", "key": task.key, "server": server, "prompt_id": prompt_id})

    def failed(self, task: Task, error: str, server: str = "") -> None:
        """Note that a job failed for good in this run."""
        self._append({"event": "failed", "key": task.key, "error": error[:2000], "server": server})

    def attempts(self, task: Task) -> int:
        """How often a task has failed; the next attempt gets another prompt id."""
        return sum(event["key"] == task.key and event["event"] == "failed" for event in self._events)

    def last_submission(self, task: Task) -> tuple[str, str] | None:
        """Server and prompt id of the last submission that has not failed since."""
        found = None
        for event in self._events:
            if event["key"] == task.key:
                found = (event["server"], event["prompt_id"]) if event["event"] == "submitted" else None
        return found

    def outcome(self, task: Task) -> Outcome | None:
        """How a job ended; None when it has yet to run."""
        sidecar = self.output / f"{task.job.name}.json"
        try:
            value = json.loads(sidecar.read_text(encoding="utf-8"))
            if value["key"] == task.key and (self.output / value["picture"]).is_file():
                return Outcome("done", **{k: value[k] for k in ("picture", "verdict", "summary", "seconds", "server")})
        except (OSError, ValueError, KeyError):
            pass
        failures = [e for e in self._events if e["key"] == task.key and e["event"] in ("failed", "submitted")]
        if failures and failures[-1]["event"] == "failed":
            return Outcome("failed", error=failures[-1]["error"], server=failures[-1]["server"])
        return None

    def done(self, task: Task, picture: bytes, *, reports: list[dict], seconds: float, server: str) -> None:
        """Store a result: the picture first, the sidecar that makes it count last."""
        name = f"{task.job.name}.png"
        files.write_atomically(self.output / name, lambda temporary: temporary.write_bytes(picture))
        verdict, summary = _verdict(reports)
        sidecar = {
            "key": task.key,
            "picture": name,
            "verdict": verdict,
            "summary": summary,
            "seconds": round(seconds, 3),
            "server": server,
            "job": vars(task.job),
            "reports": reports,
        }
        files.write_text(self.output / f"{task.job.name}.json", json.dumps(sidecar, indent=1))

    def write_csv(self, tasks: list[Task]) -> Path:
        """The ledger as a table: one line for every job, in the manifest's order."""
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(["row", "name", "state", "verdict", "summary", "picture", "seconds", "server", "error"])
        for task in tasks:
            end = self.outcome(task) or Outcome("open")
            row = [
                task.job.row,
                task.job.name,
                end.state,
                end.verdict,
                end.summary,
                end.picture,
                end.seconds,
                end.server,
            ]
            writer.writerow([*row, end.error])
        path = self.output / "ledger.csv"
        files.write_text(path, buffer.getvalue())
        return path


def _verdict(reports: list[dict]) -> tuple[str, str]:
    """Verdict and summary of the last gate; without a gate those of the last report."""
    gates = [report for report in reports if "passed" in report]
    if gates:
        gate = gates[-1]
        return gate["report"]["verdict"][gate["level"]] if gate["passed"] else "fail", gate["summary"]
    if reports:
        return reports[-1]["verdict"]["production"], reports[-1]["summary"]
    return "", ""
