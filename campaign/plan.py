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

# Where a column goes when nothing else is said: titles of nodes, the first at hand counts, and the inputs that may take it.
DEFAULT_BINDINGS = {
    "scene": (("Scene", ("image",)), ("Approved picture", ("image",)), ("Winner", ("image",))),
    "product": (("Product", ("image",)),),
    "product_mask": (("Product mask", ("image",)), ("Swap", ("product_mask",))),
    "target_mask": (("Target mask", ("image",)), ("Swap", ("target_mask",))),
    "corners": (("Swap", ("corners",)),),
    "color": (("Color", ("color", "value")), ("Swap", ("brand_colors",))),
    "prompt": (("Prompt", ("text", "prompt", "value")), ("Whole picture", ("text",))),
    "seed": (("Seed", ("seed", "noise_seed", "value")), ("Sampler", ("seed", "noise_seed"))),
    "name": (("Save", ("filename_prefix",)),),
}
MASKS = ("product_mask", "target_mask")


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
    unknown = set(overrides) - set(DEFAULT_BINDINGS)
    if unknown:
        raise WorkflowError(
            f"--bind {sorted(unknown)[0]}: no such column; the columns are {', '.join(DEFAULT_BINDINGS)}"
        )
    bound = {}
    for column, candidates in DEFAULT_BINDINGS.items():
        if column in overrides:
            name, dot, key = overrides[column].rpartition(".")
            if not dot:
                raise WorkflowError(f"--bind {column}={overrides[column]}: expected NODE.input")
            candidates = ((name, (key,)),)
        elif not any(getattr(job, column) not in ("", 0) for job in jobs):
            continue
        bound[column] = _place(workflow, column, candidates)
    return bound


def _place(workflow: Prompt, column: str, candidates: tuple) -> tuple[str, str]:
    """The first candidate that the workflow has."""
    problem = ""
    for title, inputs in candidates:
        try:
            node_id = find_node(workflow, title)
        except WorkflowError:
            continue
        present = [key for key in inputs if key in workflow[node_id].get("inputs", {})]
        if present:
            return node_id, present[0]
        if inputs == (column,) and workflow[node_id].get("class_type") == "EditFirst_SKUSwap":
            return node_id, column  # an optional input without a link is absent from a workflow
        problem = f"node '{title}' has no input {' or '.join(inputs)} for the column '{column}'"
    raise WorkflowError(
        problem
        or f"the manifest fills '{column}', but the workflow has no node titled '{candidates[0][0]}'; "
        f"title one so, or name it with --bind {column}=NODE.input"
    )


def make_task(workflow: Prompt, job: Job, bound: dict[str, tuple[str, str]], folder: Path) -> Task:
    """Fill a job into the workflow. Empty cells leave the workflow's own value.

    A mask goes to a loader, or to a mask's input, which then gets a loader. Corners switch the fit to perspective, which
    needs no slot: without a target mask in the same row the workflow's own is disconnected.
    """
    prompt = json.loads(json.dumps(workflow))
    used = []
    for column, (node_id, key) in bound.items():
        value = getattr(job, column)
        if value == "":
            continue
        inputs = prompt[node_id]["inputs"]
        if key == column and column in MASKS:
            loader = {"image": value, "channel": "red"}
            prompt[column] = {"class_type": "LoadImageMask", "inputs": loader, "_meta": {"title": column}}
            inputs[key] = [column, 0]
        else:
            inputs[key] = value
        if column == "corners" and "fit" in inputs:
            inputs["fit"] = "perspective"
            if not job.target_mask:
                inputs.pop("target_mask", None)
        if column in PICTURES:
            used.append(value)
    digest = hashlib.sha256(json.dumps(prompt, sort_keys=True).encode())
    for name in used:
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return Task(job, prompt, tuple(used), digest.hexdigest())
