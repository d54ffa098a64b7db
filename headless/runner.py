"""Evaluate API-format workflows with the very node classes that ComfyUI runs."""

from __future__ import annotations

import asyncio
import json
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from . import comfy_api, files
from .progress_bar import ProgressBar

Prompt = dict[str, dict]
MATCH_TYPE = "COMFY_MATCHTYPE_V3"  # a socket that takes on the type of what is linked to it
VALUE_TYPES = {"STRING", "COMBO", "BOOLEAN", "COLOR", "BOUNDING_BOX", "*"}  # may be given as a value instead of a link
AUTOGROW = "COMFY_AUTOGROW_V3"


class WorkflowError(ValueError):
    """A workflow that cannot run. The message lists every problem with its node."""


@dataclass
class Result:
    """What a run left behind, by node id."""

    images: dict[str, list[Path]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    reports: dict[str, list[dict]] = field(default_factory=dict)
    outputs: dict[str, tuple] = field(default_factory=dict)


def node_classes() -> dict[str, type]:
    """Our nodes and the stood-in core nodes, by id."""
    comfy_api.install()
    from ..nodes import EditFirstExtension
    from .core_nodes import NODES as CORE_NODES

    ours = asyncio.run(EditFirstExtension().get_node_list())
    return {cls.GET_SCHEMA().node_id: cls for cls in [*ours, *CORE_NODES]}


def load_workflow(path: Path) -> Prompt:
    """Read an API-format workflow.

    Raises:
        WorkflowError: not JSON, or the format that the browser saves.
    """
    try:
        prompt = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WorkflowError(f"{path} is not JSON: {error}") from None
    if isinstance(prompt, dict) and "nodes" in prompt and "links" in prompt:
        raise WorkflowError(f"{path} is in the browser's format; export it with Workflow > Export (API)")
    if not isinstance(prompt, dict) or not all(isinstance(entry, dict) for entry in prompt.values()):
        raise WorkflowError(f"{path} is not an API-format workflow: expected an object of nodes by id")
    return prompt


def title(prompt: Prompt, node_id: str) -> str:
    """How messages name a node: its title, class and id."""
    entry = prompt[node_id]
    shown = entry.get("_meta", {}).get("title") or entry.get("class_type", "?")
    return f"{shown} (node {node_id}, {entry.get('class_type', '?')})"


def find_node(prompt: Prompt, name: str) -> str:
    """Node id from an id or a title.

    Raises:
        WorkflowError: no node, or several, of that name.
    """
    if name in prompt:
        return name
    matches = [node_id for node_id, entry in prompt.items() if entry.get("_meta", {}).get("title") == name]
    if len(matches) == 1:
        return matches[0]
    titles = ", ".join(sorted(f"{i} '{e.get('_meta', {}).get('title', '')}'" for i, e in prompt.items()))
    problem = "no node" if not matches else f"{len(matches)} nodes"
    raise WorkflowError(f"{problem} with id or title '{name}'; nodes here: {titles}")


def set_input(prompt: Prompt, assignment: str, classes: Mapping[str, type]) -> None:
    """Apply `NODE.input=value`. Values are read as JSON where possible, as text otherwise.

    Raises:
        WorkflowError: not of that form, or the node has no such input.
    """
    target, equals, value = assignment.partition("=")
    name, dot, key = target.rpartition(".")
    if not equals or not dot:
        raise WorkflowError(f"--set {assignment}: expected NODE.input=value")
    node_id = find_node(prompt, name)
    cls = classes.get(prompt[node_id].get("class_type", ""))
    known = _inputs(cls) if cls else prompt[node_id].get("inputs", {})
    if key not in known:
        raise WorkflowError(
            f"--set {assignment}: {title(prompt, node_id)} has no input '{key}'; it has {', '.join(known)}"
        )
    if cls and known[key][0] in ("STRING", "COMBO"):
        prompt[node_id]["inputs"][key] = value
        return
    try:
        prompt[node_id]["inputs"][key] = json.loads(value)
    except ValueError:
        prompt[node_id]["inputs"][key] = value


def _inputs(cls: type, entry: dict | None = None) -> dict:
    """Declared inputs by name; those that grow are replaced by the entries that a node of a prompt has."""
    groups = cls.INPUT_TYPES()
    declared = {**groups.get("required", {}), **groups.get("optional", {})}
    return grown(declared, (entry or {}).get("inputs", {}))


def grown(declared: dict, names: Iterable[str]) -> dict:
    """Replace inputs that grow with their links by the entries among `names`: `<input>.<prefix>0`, and so on."""
    found = {}
    for name, (io_type, options) in declared.items():
        if io_type != AUTOGROW:
            found[name] = (io_type, options)
            continue
        (entry_type,) = options["template"]["input"]["required"].values()
        found.update({key: tuple(entry_type) for key in names if key.startswith(f"{name}.")})
    return found


def is_link(value) -> bool:
    """Whether an input's value is a link: [node id, output index]."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def validate(prompt: Prompt, classes: Mapping[str, type], provided: Mapping[str, Path]) -> list[str]:
    """Check all nodes that a run would reach, as ComfyUI does; returns the problems, one sentence each."""
    outputs = output_nodes(prompt, classes, provided)
    if not outputs:
        return ["the workflow has no output; add a Save Image or Preview Image node"]
    problems: list[str] = []
    seen: set[str] = set()

    def visit(node_id: str, path: tuple[str, ...]) -> None:
        if node_id in path:
            problems.append(f"{title(prompt, node_id)}: dependency cycle")
            return
        if node_id in seen or node_id in provided:
            return
        seen.add(node_id)
        entry = prompt[node_id]
        cls = classes.get(entry.get("class_type", ""))
        if cls is None:
            problems.append(
                f"{title(prompt, node_id)} does not run without ComfyUI; "
                f"give its picture with --provide {node_id}=file.png, or run the workflow in ComfyUI"
            )
            return
        for key, declared in _inputs(cls, entry).items():
            problem = _validate_input(prompt, classes, entry, cls, key, declared)
            if problem:
                problems.append(f"{title(prompt, node_id)}: {problem}")
        problems.extend(f"{title(prompt, node_id)}: {text}" for text in _own_validation(cls, entry))
        for value in entry.get("inputs", {}).values():
            if is_link(value) and value[0] in prompt:
                visit(value[0], (*path, node_id))

    for node_id in outputs:
        visit(node_id, ())
    return problems


def output_nodes(prompt: Prompt, classes: Mapping[str, type], provided: Mapping[str, Path]) -> list[str]:
    """Ids of the nodes that make a run worth it, in the workflow's order."""
    found = []
    for node_id, entry in prompt.items():
        cls = classes.get(entry.get("class_type", ""))
        if cls and cls.GET_SCHEMA().is_output_node and node_id not in provided:
            found.append(node_id)
    return found


def _validate_input(prompt: Prompt, classes, entry: dict, cls: type, key: str, declared: tuple) -> str | None:
    """The problem with one input of a node, or None."""
    io_type, options = declared
    inputs = entry.get("inputs", {})
    if key not in inputs:
        required = key in cls.INPUT_TYPES().get("required", {})
        return f"required input is missing: {key} ({io_type}); connect or set it" if required else None
    value = inputs[key]
    if isinstance(value, list):
        if not is_link(value):
            return f"{key}: bad link {value}; a link is [node id, output index]"
        return _validate_link(prompt, classes, value, key, io_type)
    return _validate_value(value, key, io_type, options)


def _validate_link(prompt: Prompt, classes, link: list, key: str, io_type: str) -> str | None:
    source, index = link
    if source not in prompt:
        return f"{key}: linked node {source} does not exist"
    cls = classes.get(prompt[source].get("class_type", ""))
    if cls is None:
        return None  # reported at that node, unless it is provided
    outputs = cls.GET_SCHEMA().outputs
    if not 0 <= index < len(outputs):
        return f"{key}: {title(prompt, source)} has no output {index}; it has {len(outputs)}"
    received = outputs[index].io_type
    if {"*", MATCH_TYPE} & {received, io_type} or set(received.split(",")) & set(io_type.split(",")):
        return None
    return f"{key}: takes {io_type}, but {title(prompt, source)} output {index} is {received}"


def _validate_value(value, key: str, io_type: str, options: dict) -> str | None:
    kinds = {"INT": int, "FLOAT": float}
    if io_type in kinds:
        try:
            number = kinds[io_type](value)
        except (TypeError, ValueError):
            return f"{key}: {value!r} is not of type {io_type}"
        if "min" in options and number < options["min"]:
            return f"{key}: value {number} is smaller than the minimum of {options['min']}"
        if "max" in options and number > options["max"]:
            return f"{key}: value {number} is bigger than the maximum of {options['max']}"
    elif io_type == "COMBO" and value not in options.get("options", [value]):
        return f"{key}: {value!r} is not in the list {options['options']}"
    elif io_type == "BOOLEAN" and not isinstance(value, bool):
        return f"{key}: {value!r} is not true or false"
    elif not VALUE_TYPES & set(io_type.split(",")):
        return f"{key}: takes a link to a {io_type} output, got {value!r}"
    return None


def _own_validation(cls: type, entry: dict) -> list[str]:
    """What a node's own `validate_inputs` objects to; links count as not given, as in ComfyUI."""
    check = getattr(cls, "validate_inputs", None)
    if check is None:
        return []
    names = check.__func__.__code__.co_varnames[1 : check.__func__.__code__.co_argcount]
    values = {k: None if is_link(v) else v for k, v in entry.get("inputs", {}).items() if k in names}
    verdict = check(**values)
    return [] if verdict is True else [str(verdict)]


class Runner:
    """Evaluates one workflow from its output nodes back; each node runs once."""

    def __init__(self, prompt: Prompt, classes: Mapping[str, type], provided: Mapping[str, Path]):
        self.prompt, self.classes, self.provided = prompt, classes, provided
        self.cache: dict[str, list[list]] = {}
        self.result = Result()

    def run(self) -> Result:
        """Run everything the outputs need.

        Raises:
            WorkflowError: the workflow does not validate, or a node failed; says which and why.
        """
        problems = validate(self.prompt, self.classes, self.provided)
        if problems:
            raise WorkflowError("the workflow cannot run:\n" + "\n".join(f"- {problem}" for problem in problems))
        with torch.inference_mode():
            for node_id in output_nodes(self.prompt, self.classes, self.provided):
                self.evaluate(node_id)
        return self.result

    def evaluate(self, node_id: str) -> list[list]:
        """Outputs of a node; every output is a list of values, one for each run over input lists."""
        if node_id not in self.cache:
            if node_id in self.provided:
                self.cache[node_id] = [[value] for value in files.read_image(self.provided[node_id])]
            else:
                self.cache[node_id] = self._run_node(node_id)
        return self.cache[node_id]

    def _run_node(self, node_id: str) -> list[list]:
        entry = self.prompt[node_id]
        cls = self.classes[entry["class_type"]]
        schema = cls.GET_SCHEMA()
        declared = _inputs(cls, entry)
        lazy = {key for key in entry.get("inputs", {}) if declared.get(key, ("", {}))[1].get("lazy")}
        inputs = self._gather(entry, declared, set(entry.get("inputs", {})) - lazy)
        if lazy:
            inputs |= self._gather(entry, declared, self._wanted(cls, inputs, lazy))
        if schema.is_input_list:
            calls = [inputs]
        else:
            count = max((len(values) for values in inputs.values()), default=1)
            calls = [{k: v[min(i, len(v) - 1)] for k, v in inputs.items()} for i in range(count) if _all(inputs)]
        outputs: list[list] = [[] for _ in schema.outputs]
        for call in calls:
            for place, value, port in zip(outputs, self._call(node_id, cls, call), schema.outputs, strict=True):
                listed = port.is_output_list and isinstance(value, list)
                place.extend(value if listed else [value])
        self.result.outputs[node_id] = tuple(values[0] if len(values) == 1 else values for values in outputs)
        return outputs

    def _wanted(self, cls: type, inputs: dict[str, list], lazy: set[str]) -> set[str]:
        """The lazy inputs that a node asks for once it knows the others; nothing behind the rest is evaluated."""
        known = {key: values[0] if values else None for key, values in inputs.items()}
        if any(isinstance(value, comfy_api.ExecutionBlocker) for value in known.values()):
            return set()
        return set(cls.check_lazy_status(**known, **dict.fromkeys(lazy)) or ()) & lazy

    def _gather(self, entry: dict, declared: dict, names: set[str]) -> dict[str, list]:
        """Values of some of a node's inputs, links evaluated; unknown names are dropped, as ComfyUI does."""
        inputs = {}
        for key, value in entry.get("inputs", {}).items():
            if key not in declared or key not in names:
                continue
            if is_link(value):
                inputs[key] = self.evaluate(value[0])[value[1]]
            else:
                inputs[key] = [_convert(value, declared[key][0])]
        return inputs

    def _call(self, node_id: str, cls: type, call: dict) -> tuple:
        """Run a node once. Blocked inputs block all of its outputs."""
        ports = cls.GET_SCHEMA().outputs
        blocked = [value for value in call.values() if isinstance(value, comfy_api.ExecutionBlocker)]
        if blocked:
            return (blocked[0],) * len(ports)
        ProgressBar.label = title(self.prompt, node_id)
        hidden = types.SimpleNamespace(unique_id=node_id, prompt=self.prompt, extra_pnginfo=None)
        clone = type(cls.__name__, (cls,), {"hidden": hidden})
        try:
            output = clone.execute(**_nested(call))
        except (ValueError, TypeError, OSError) as error:
            raise WorkflowError(f"{title(self.prompt, node_id)}: {error}") from error
        self._keep_ui(node_id, output.ui)
        values = output.result or ()
        return tuple(values) + (None,) * (len(ports) - len(values))

    def _keep_ui(self, node_id: str, ui) -> None:
        shown = ui if isinstance(ui, dict) else ui.as_dict() if ui else {}
        for image in shown.get("images", ()):
            if image["type"] == "output":
                path = files.folders.get().output / image["subfolder"] / image["filename"]
                self.result.images.setdefault(node_id, []).append(path)
        self.result.texts.setdefault(node_id, []).extend(shown.get("text", ()))
        self.result.reports.setdefault(node_id, []).extend(shown.get("edit_first", ()))


def _nested(call: dict) -> dict:
    """`{"inputs.input0": a, "inputs.input1": b}` as `{"inputs": {"input0": a, "input1": b}}`."""
    values: dict = {}
    for key, value in call.items():
        name, dot, entry = key.partition(".")
        if dot:
            values.setdefault(name, {})[entry] = value
        else:
            values[key] = value
    return values


def _all(inputs: dict[str, list]) -> bool:
    """Whether every input has a value; an empty list upstream means there is nothing to run."""
    return all(len(values) for values in inputs.values())


def _convert(value, io_type: str):
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    kinds: dict[str, Callable] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
    return kinds.get(io_type, lambda same: same)(value)


def run(
    prompt: Prompt, *, folders: files.Folders, provided: Mapping[str, Path] | None = None, sets: tuple[str, ...] = ()
) -> Result:
    """Run an API-format workflow.

    Args:
        prompt: the workflow; not modified.
        folders: where Load Image reads and Save Image writes.
        provided: pictures that answer for nodes, by id or title.
        sets: `NODE.input=value` assignments.

    Raises:
        WorkflowError: says which node and what to do.
    """
    prompt = json.loads(json.dumps(prompt))
    classes = node_classes()
    for assignment in sets:
        set_input(prompt, assignment, classes)
    by_id = {find_node(prompt, name): path for name, path in (provided or {}).items()}
    token = files.folders.set(folders)
    try:
        return Runner(prompt, classes, by_id).run()
    finally:
        files.folders.reset(token)
