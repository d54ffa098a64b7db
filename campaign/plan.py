"""From a job and a workflow to a prompt that can be queued."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from ..headless.runner import Prompt, WorkflowError, find_node
from .manifest import PICTURES, Job

NAMESPACE = uuid.UUID("5b5f6c0e-0b5f-4c0f-9d4a-3f8d1c9f2a77")

# Where a column goes when nothing else is said: title of a node and the inputs that may take the value.
DEFAULT_BINDINGS = {
    "scene": ("Scene", ("image",)),
    "product": ("Product", ("image",)),
    "product_mask": ("Product mask", ("image",)),
    "target_mask": ("Target mask", ("image",)),
    "corners": ("Swap", ("corners",)),
    "color": ("Color", ("color", "value")),
    "prompt": ("Prompt", ("text", "prompt", "value")),
    "seed": ("Seed", ("seed", "noise_seed", "value")),
    "name": ("Save", ("filename_prefix",)),
}


@dataclass(frozen=True)
class Task:
    """One job made ready: the prompt, the files it reads, and a key that changes when any of them does."""

    job: Job
    prompt: Prompt
    files: tuple[str, ...]  # pictures, relative to the manifest's folder
    key: str

    def prompt_id(self, attempt: int) -> str:
        """Id under which a server runs this task; the same after a restart, another for every attempt."""
        return str(uuid.uuid5(NAMESPACE, f"{self.key} {attempt}"))


def bindings(workflow: Prompt, jobs: list[Job], overrides: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Node id and input for every column that the jobs use.

    Args:
        overrides: column to `NODE.input`, for workflows with other titles.

    Raises:
        WorkflowError: a column has values but no place in the workflow; names the column and the remedy.
    """
    bound = {}
    for column, (title, inputs) in DEFAULT_BINDINGS.items():
        used = any(getattr(job, column) not in ("", 0) for job in jobs)
        if column in overrides:
            name, dot, key = overrides[column].rpartition(".")
            if not dot:
                raise WorkflowError(f"--bind {column}={overrides[column]}: expected NODE.input")
            inputs, title = (key,), name
        elif not used:
            continue
        try:
            node_id = find_node(workflow, title)
        except WorkflowError:
            raise WorkflowError(
                f"the manifest fills '{column}', but the workflow has no node titled '{title}'; "
                f"title one so, or name it with --bind {column}=NODE.input"
            ) from None
        present = [key for key in inputs if key in workflow[node_id].get("inputs", {})]
        if not present:
            raise WorkflowError(f"node '{title}' has no input {' or '.join(inputs)} for the column '{column}'")
        bound[column] = (node_id, present[0])
    unknown = set(overrides) - set(DEFAULT_BINDINGS)
    if unknown:
        raise WorkflowError(
            f"--bind {sorted(unknown)[0]}: no such column; the columns are {', '.join(DEFAULT_BINDINGS)}"
        )
    return bound


def make_task(workflow: Prompt, job: Job, bound: dict[str, tuple[str, str]], folder: Path) -> Task:
    """Fill a job into the workflow. Empty cells leave the workflow's own value."""
    prompt = json.loads(json.dumps(workflow))
    used = []
    for column, (node_id, key) in bound.items():
        value = getattr(job, column)
        if value == "":
            continue
        prompt[node_id]["inputs"][key] = value
        if column in PICTURES:
            used.append(value)
    digest = hashlib.sha256(json.dumps(prompt, sort_keys=True).encode())
    for name in used:
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return Task(job, prompt, tuple(used), digest.hexdigest())
