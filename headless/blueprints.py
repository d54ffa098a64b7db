"""Write a blueprint: a group of nodes that people drag onto the canvas as one node.

A description is a module in `subgraphs/source/` with a function `build(blueprint)`; the blueprint's title is the
file's name.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from . import files
from .workflows import NORMAL, WORKFLOW_IDS, Graph, Node, Output, load_description

INPUT_NODE, OUTPUT_NODE = -10, -20  # the ids that ComfyUI gives to a subgraph's own edges
EDGE_WIDTH, EDGE_ROW = 120, 20


class Blueprint(Graph):
    """A subgraph under construction."""

    def __init__(self, name: str, interfaces: dict[str, dict]):
        super().__init__(name, interfaces)
        self.description = ""
        self.edge = Node(INPUT_NODE, "", {"output": [], "output_name": []}, "inputs", {}, (-200, 0), (EDGE_WIDTH, 60))
        self.exits: list[tuple[str, Output]] = []
        self.shown: list[tuple[Node, str]] = []

    def input(self, name: str, io_type: str) -> Output:
        """Add an input of the whole blueprint; give it to nodes like any output."""
        self.edge.interface["output"].append(io_type)
        self.edge.interface["output_name"].append(name)
        return Output(self.edge, len(self.edge.interface["output"]) - 1)

    def output(self, name: str, source: Output) -> None:
        """Add an output of the whole blueprint."""
        self.exits.append((name, source))

    def show(self, node: Node, *widgets: str) -> None:
        """Show widgets of an inner node on the outside."""
        self.shown += [(node, widget) for widget in widgets]

    def to_ui(self) -> dict:
        """A workflow with a single node, whose type is the subgraph defined beside it."""
        subgraph = self._subgraph()
        rows = max(len(subgraph["inputs"]), len(subgraph["outputs"])) + len(self.shown)
        node = {
            "id": 1,
            "type": subgraph["id"],
            "pos": [0, 0],
            "size": [300, 40 + 24 * rows],
            "flags": {},
            "order": 0,
            "mode": NORMAL,
            "inputs": [{"name": p["name"], "type": p["type"], "link": None} for p in subgraph["inputs"]],
            "outputs": [{"name": p["name"], "type": p["type"], "links": []} for p in subgraph["outputs"]],
            "title": self.name,
            "properties": {"proxyWidgets": [[str(node.id), widget] for node, widget in self.shown]},
            "widgets_values": [],
        }
        return {
            "revision": 0,
            "last_node_id": 1,
            "last_link_id": 0,
            "nodes": [node],
            "links": [],
            "version": 0.4,
            "definitions": {"subgraphs": [subgraph]},
            "extra": {"BlueprintDescription": self.description},
        }

    def _subgraph(self) -> dict:
        links = self._links()
        for slot, (_, source) in enumerate(self.exits):
            links.append([len(links) + 1, source.node.id, source.index, OUTPUT_NODE, slot, source.type])
        right = max(node.at[0] + node.size[0] for node in self.nodes) + 120
        names = zip(self.edge.interface["output_name"], self.edge.interface["output"], strict=True)
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        return {
            "id": self._id("subgraph"),
            "version": 1,
            "state": {
                "lastGroupId": 0,
                "lastNodeId": len(self.nodes),
                "lastLinkId": len(links),
                "lastRerouteId": 0,
            },
            "revision": 0,
            "config": {},
            "name": self.name,
            "description": self.description,
            "category": "Edit First",
            "inputNode": {"id": INPUT_NODE, "bounding": [*self.edge.at, EDGE_WIDTH, 60]},
            "outputNode": {"id": OUTPUT_NODE, "bounding": [right, 0, EDGE_WIDTH, 60]},
            "inputs": [
                self._port(name, io_type, [k[0] for k in links if k[1:3] == [INPUT_NODE, slot]], self.edge.at[0], slot)
                for slot, (name, io_type) in enumerate(names)
            ],
            "outputs": [
                self._port(name, source.type, [k[0] for k in links if k[3:5] == [OUTPUT_NODE, slot]], right, slot)
                for slot, (name, source) in enumerate(self.exits)
            ],
            "widgets": [],
            "nodes": [self._ui_node(node, order, links) for order, node in enumerate(self.nodes)],
            "groups": [],
            "links": [dict(zip(keys, link, strict=True)) for link in links],
            "extra": {},
        }

    def _port(self, name: str, io_type: str, link_ids: list[int], x: float, slot: int) -> dict:
        position = [x + EDGE_WIDTH - 20, EDGE_ROW * (slot + 1)]
        return {
            "id": self._id(f"port {io_type} {name} {x}"),
            "name": name,
            "type": io_type,
            "linkIds": link_ids,
            "pos": position,
        }

    def _id(self, what: str) -> str:
        return str(uuid.uuid5(WORKFLOW_IDS, f"{self.name} {what}"))


def build(path: Path, known: dict[str, dict]) -> Blueprint:
    """Build the blueprint that a description in `subgraphs/source/` describes."""
    module = load_description(path)
    blueprint = Blueprint(module.TITLE, known)
    module.build(blueprint)
    return blueprint


def write_all(folder: Path, known: dict[str, dict]) -> None:
    """Write every blueprint described in `<folder>/source` to `<folder>/<title>.json`."""
    for path in sorted((folder / "source").glob("*.py")):
        blueprint = build(path, known)
        text = json.dumps(blueprint.to_ui(), indent=1, ensure_ascii=False) + "\n"
        files.write_text(folder / f"{blueprint.name}.json", text)
