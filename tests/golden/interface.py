"""Writes interface.json: the node ids, inputs, options and outputs that saved workflows depend on.

A contract, not a snapshot: after a release it only grows. Run `python tests/golden/interface.py` when a node or an
optional input was added, never to make a failing test pass.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

PATH = Path(__file__).with_suffix(".json")


def interface() -> dict:
    """The public face of every node of this checkout, by node id."""
    from edit_first.headless import runner

    schemas = {name: cls.GET_SCHEMA() for name, cls in runner.node_classes().items() if name.startswith("EditFirst_")}
    return {name: _node(schemas[name]) for name in sorted(schemas)}


def _node(schema) -> dict:
    inputs = [
        {
            "id": port.id,
            "type": port.io_type,
            "optional": port.optional,
            **{key: port.options[key] for key in ("default", "options") if key in port.options},
        }
        for port in schema.inputs
    ]
    outputs = [{"id": port.id, "type": port.io_type, "list": port.is_output_list} for port in schema.outputs]
    return {"category": schema.category, "inputs": inputs, "outputs": outputs}


if __name__ == "__main__":
    sys.path.insert(0, str(PATH.parents[2]))
    import conftest  # noqa: F401  (loads the pack as `edit_first`)

    PATH.write_text(json.dumps(interface(), indent=1) + "\n", encoding="utf-8")
