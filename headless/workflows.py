"""Write a workflow in both of ComfyUI's formats from one description, so that the two cannot drift.

A description is a module in `workflows/source/` with a function `build(graph)`; its file name is the workflow's.
"""

from __future__ import annotations

import importlib.util
import json
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from . import files, runner

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "workflows" / "source"
CORE_NODES = SOURCE / "core_nodes.json"  # interfaces of the core nodes we use, recorded from a real ComfyUI
CORE_VERSION = "0.33.0"
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COLOR")
NORMAL, MUTED, BYPASSED = 0, 2, 4
WORKFLOW_IDS = uuid.UUID("9f3c1d0a-55c1-4a55-9d0e-0d7f3a6f2b11")  # namespace of our workflows' ids
DEFAULT_SIZE = (320, 120)
SEEDS = ("seed", "noise_seed")  # the browser adds its control to every input of these names, and randomizes it
TITLE_HEIGHT = 30  # of a node's title bar, which lies above its position
LEAST_HEIGHTS = {  # what ComfyUI 0.33 makes of them, whatever the file says; the larger of both renderers
    "EditFirst_AnchorLock": 250,
    "EditFirst_AnchorZoneMask": 720,
    "EditFirst_EditCheck": 260,
    "EditFirst_GrainMatch": 225,
    "EditFirst_QualityGate": 300,
    "EditFirst_SeamFeather": 200,
    "EditFirst_SKURecolor": 250,
    "EditFirst_SKUSwap": 450,
    "FluxProFillNode": 300,
}


@dataclass(frozen=True)
class Output:
    """One output of a node, to be given as an input of another."""

    node: Node
    index: int

    @property
    def type(self) -> str:
        """The type of what comes out; an output that takes on a type has that of the node's own inputs."""
        declared = self.node.interface["output"][self.index]
        if declared != runner.MATCH_TYPE:
            return declared
        return next((self.node.type_of(name) for name in self.node.inputs if self.node.takes_any(name)), "*")

    def live(self) -> Output | None:
        """Where the value comes from when the node is bypassed: its first input of the same type; None if muted."""
        if self.node.mode == NORMAL:
            return self
        links = [value for value in self.node.inputs.values() if isinstance(value, Output) and value.type == self.type]
        return links[0].live() if links and self.node.mode == BYPASSED else None


@dataclass
class Node:
    """One node of a graph."""

    id: int
    class_type: str
    interface: dict
    title: str
    inputs: dict
    at: tuple[int, int]
    size: tuple[int, int]
    mode: int = NORMAL
    models: list[dict] = field(default_factory=list)

    def out(self, name: str) -> Output:
        """An output by its displayed name."""
        return Output(self, self.interface["output_name"].index(name))

    def takes_any(self, name: str) -> bool:
        """Whether an input takes on the type of what is linked to it."""
        return name in self.declared() and self.declared()[name][0] == runner.MATCH_TYPE

    def type_of(self, name: str) -> str:
        """The type of an input, as the browser writes it."""
        value, io_type = self.inputs.get(name), self.declared()[name][0]
        if io_type == runner.MATCH_TYPE:
            return value.type if isinstance(value, Output) else "*"
        return io_type if isinstance(io_type, str) else "COMBO"

    def declared(self) -> dict[str, tuple]:
        """All inputs in order: name to (type, options). A growing input stands for the entries in use."""
        groups = self.interface["input"]
        return runner.grown({**groups.get("required", {}), **groups.get("optional", {})}, self.inputs)


def is_widget(declared: tuple) -> bool:
    """Whether an input has a widget, so that its value is saved with the node."""
    io_type, options = declared[0], declared[1] if len(declared) > 1 else {}
    has_widget = isinstance(io_type, list) or io_type in WIDGET_TYPES or "widgetType" in options
    return has_widget and not options.get("forceInput")


class Graph:
    """A workflow under construction."""

    def __init__(self, name: str, interfaces: dict[str, dict]):
        self.name, self.interfaces = name, interfaces
        self.nodes: list[Node] = []
        self.notes: list[dict] = []
        self.groups: list[dict] = []
        self.extra: dict = {}

    def node(
        self,
        class_type: str,
        title: str,
        *,
        at: tuple[int, int],
        size: tuple[int, int] = DEFAULT_SIZE,
        mode: int = NORMAL,
        models: list[dict] | None = None,
        **inputs,
    ) -> Node:
        """Add a node. Inputs are values or other nodes' outputs; widgets left out take their defaults.

        Raises:
            ValueError: an input that the node does not have, or a title used twice.
        """
        interface = self.interfaces[class_type]
        size = (size[0], max(size[1], LEAST_HEIGHTS.get(class_type, 0)))
        node = Node(self._new_id(), class_type, interface, title, dict(inputs), at, size, mode, models or [])
        unknown = set(inputs) - set(node.declared())
        if unknown:
            raise ValueError(f"{class_type} has no input {', '.join(sorted(unknown))}")
        if any(other.title == title for other in self.nodes):
            raise ValueError(f"two nodes are titled '{title}'; scripts address nodes by title")
        for name, declared in node.declared().items():
            if is_widget(declared):
                node.inputs.setdefault(name, _default(declared))
        self.nodes.append(node)
        return node

    def include(self, name: str, **options) -> None:
        """Build another description into this graph, for variants of one workflow; options are its own."""
        load_description(SOURCE / f"{name}.py").build(self, **options)

    def find(self, title: str) -> Node:
        """A node by its title."""
        return next(node for node in self.nodes if node.title == title)

    def note(self, text: str, *, at: tuple[int, int], size: tuple[int, int]) -> None:
        """Add a Markdown note; it exists in the browser's format only."""
        self.notes.append({"id": self._new_id(), "text": text, "at": at, "size": size})

    def group(self, title: str, at: tuple[int, int], size: tuple[int, int], color: str = "#3f789e") -> None:
        """Add a titled frame behind nodes."""
        self.groups.append({"id": len(self.groups) + 1, "title": title, "bounding": [*at, *size], "color": color})

    def _new_id(self) -> int:
        return len(self.nodes) + len(self.notes) + 1

    def to_api(self) -> dict:
        """The format that `/prompt` takes: live nodes by id."""
        prompt = {}
        for node in self.nodes:
            if node.mode != NORMAL:
                continue
            inputs = {}
            for name, value in node.inputs.items():
                if isinstance(value, Output):
                    live = value.live()
                    if live is None:
                        raise ValueError(f"'{node.title}' depends on '{value.node.title}', which is muted or bypassed")
                    value = [str(live.node.id), live.index]
                inputs[name] = value
            prompt[str(node.id)] = {"inputs": inputs, "class_type": node.class_type, "_meta": {"title": node.title}}
        return prompt

    def to_ui(self) -> dict:
        """The format that the browser opens (schema 0.4)."""
        links = self._links()
        nodes = [self._ui_node(node, order, links) for order, node in enumerate(self.nodes)]
        nodes += [self._ui_note(note, len(nodes) + order) for order, note in enumerate(self.notes)]
        return {
            "id": str(uuid.uuid5(WORKFLOW_IDS, self.name)),
            "revision": 0,
            "last_node_id": len(nodes),
            "last_link_id": len(links),
            "nodes": nodes,
            "links": links,
            "groups": [{**group, "font_size": 24, "flags": {}} for group in self.groups],
            "definitions": {"subgraphs": []},
            "config": {},
            "extra": {"ds": {"scale": 0.8, "offset": [60, 120]}, **self.extra},
            "version": 0.4,
        }

    def _links(self) -> list[list]:
        links = []
        for node in self.nodes:
            for slot, name in enumerate(_sockets(node)):
                value = node.inputs.get(name)
                if isinstance(value, Output):
                    links.append([len(links) + 1, value.node.id, value.index, node.id, slot, value.type])
        return links

    def _ui_node(self, node: Node, order: int, links: list[list]) -> dict:
        declared = node.declared()
        into = {link[4]: link[0] for link in links if link[3] == node.id}
        inputs = []
        for slot, name in enumerate(_sockets(node)):
            entry = {"name": name, "type": node.type_of(name), "link": into.get(slot)}
            if "." in name:
                entry["label"] = name.rpartition(".")[2]
            if is_widget(declared[name]):
                entry["widget"] = {"name": name}
            inputs.append(entry)
        outputs = []
        for index, name in enumerate(node.interface["output_name"]):
            leaving = [link[0] for link in links if link[1] == node.id and link[2] == index]
            outputs.append({"name": name, "type": node.out(name).type, "links": leaving or None})
        ours = node.class_type.startswith("EditFirst_")
        properties = {
            "Node name for S&R": node.class_type,
            "cnr_id": "edit-first" if ours else "comfy-core",
            "ver": _pack_version() if ours else CORE_VERSION,
        }
        if node.models:
            properties["models"] = node.models
        return {
            "id": node.id,
            "type": node.class_type,
            "pos": list(node.at),
            "size": list(node.size),
            "flags": {},
            "order": order,
            "mode": node.mode,
            "inputs": inputs,
            "outputs": outputs,
            "title": node.title,
            "properties": properties,
            "widgets_values": _widget_values(node),
        }

    def _ui_note(self, note: dict, order: int) -> dict:
        return {
            "id": note["id"],
            "type": "MarkdownNote",
            "pos": list(note["at"]),
            "size": list(note["size"]),
            "flags": {},
            "order": order,
            "mode": NORMAL,
            "inputs": [],
            "outputs": [],
            "title": "Note",
            "properties": {},
            "widgets_values": [note["text"]],
            "color": "#432",
            "bgcolor": "#653",
        }


def _default(declared: tuple):
    io_type, options = declared[0], declared[1] if len(declared) > 1 else {}
    if "default" in options:
        return options["default"]
    choices = io_type if isinstance(io_type, list) else options.get("options")
    if choices:
        return choices[0]
    return {"INT": 0, "FLOAT": 0.0, "BOOLEAN": False}.get(io_type, "")


def _sockets(node: Node) -> list[str]:
    """Inputs that appear as sockets: those without a widget, and widgets that are linked."""
    return [
        name
        for name, declared in node.declared().items()
        if not is_widget(declared) or isinstance(node.inputs.get(name), Output)
    ]


def _widget_values(node: Node) -> list:
    """Widget values in schema order, with those that the browser adds: behind a seed, and for uploads at the end."""
    values, uploads = [], []
    for name, declared in node.declared().items():
        if not is_widget(declared):
            continue
        value, options = node.inputs.get(name), declared[1] if len(declared) > 1 else {}
        values.append(_default(declared) if isinstance(value, Output) else value)
        if options.get("control_after_generate") or name in SEEDS:
            values.append("fixed")
        if options.get("image_upload"):
            uploads.append("image")
    return values + uploads


def _pack_version() -> str:
    from .. import __version__

    return __version__


def interfaces() -> dict[str, dict]:
    """Interfaces of our nodes, and of the recorded core nodes, as `/object_info` describes them."""
    core = json.loads(CORE_NODES.read_text(encoding="utf-8"))
    ours = {name: cls.GET_SCHEMA() for name, cls in runner.node_classes().items() if name.startswith("EditFirst_")}
    described = {name: json.loads(json.dumps(schema.object_info())) for name, schema in ours.items()}
    return {**core, **described}


def record_core_nodes(server: str) -> None:
    """Take the interfaces of the recorded core nodes, and of those in `extra`, anew from a running ComfyUI."""
    with urllib.request.urlopen(f"{server}/object_info") as answer:
        live = json.load(answer)
    names = sorted(json.loads(CORE_NODES.read_text(encoding="utf-8"))) if CORE_NODES.exists() else []
    files.write_text(CORE_NODES, json.dumps({name: trim(live[name]) for name in names}, indent=1) + "\n")


def trim(info: dict) -> dict:
    """The part of a node's `/object_info` entry that a workflow file depends on; file lists are left out."""
    groups = {}
    for group in ("required", "optional"):
        for name, declared in info["input"].get(group, {}).items():
            io_type, options = declared[0], declared[1] if len(declared) > 1 else {}
            if options.get("image_upload") or name.rstrip("0123456789").endswith("_name"):
                io_type = "COMBO"  # choices are files of one installation
                options = {key: value for key, value in options.items() if key in ("image_upload",)}
            kept = {
                k: options[k]
                for k in ("default", "options", "image_upload", "control_after_generate", "forceInput", "template")
                if k in options
            }
            groups.setdefault(group, {})[name] = [io_type, kept]
    return {"input": groups, "output": info["output"], "output_name": info["output_name"]}


def load_description(path: Path) -> ModuleType:
    """Load a description by its path; it is data with a function, and may import its neighbors of this package."""
    spec = importlib.util.spec_from_file_location(f"{__package__}.description_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(path: Path, known: dict[str, dict] | None = None) -> Graph:
    """Build the graph that a description in `workflows/source/` describes."""
    graph = Graph(path.stem, known or interfaces())
    load_description(path).build(graph)
    return graph


def descriptions() -> list[Path]:
    """All workflow descriptions."""
    return sorted(SOURCE.glob("*.py"))


def write_all(folder: Path, known: dict[str, dict]) -> None:
    """Write every workflow: `<name>.json` for the browser, `api/<name>.json` for scripts."""
    for path in descriptions():
        graph = build(path, known)
        files.write_text(folder / f"{graph.name}.json", _text(graph.to_ui()))
        files.write_text(folder / "api" / f"{graph.name}.json", _text(graph.to_api()))


def _text(value: dict) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
