"""A workflow saved with an earlier version still loads and means the same."""

import importlib.util
import json
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parent / "golden" / "interface.py"
_spec = importlib.util.spec_from_file_location("golden_interface", GENERATOR)
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)

PROMISED = json.loads(golden.PATH.read_text(encoding="utf-8"))
NOW = golden.interface()


def broken_promises(promised: dict, now: dict) -> list[str]:
    """What a node no longer keeps of what it promised, in words."""
    broken = []
    for number, port in enumerate(promised["inputs"]):
        current = now["inputs"][number] if number < len(now["inputs"]) else {"id": None}
        if current["id"] != port["id"]:
            broken.append(f"input {number} was {port['id']} and is {current['id']}: widgets are saved by position")
            continue
        for key in ("type", "default"):
            if current.get(key) != port.get(key):
                broken.append(f"{port['id']}: {key} was {port.get(key)!r} and is {current.get(key)!r}")
        if port["optional"] and not current["optional"]:
            broken.append(f"{port['id']} was optional and is required")
        lost = [option for option in port.get("options", ()) if option not in current.get("options", ())]
        if lost:
            broken.append(f"{port['id']}: options {lost} are gone")
    added = now["inputs"][len(promised["inputs"]) :]
    broken += [f"{port['id']} is new and required" for port in added if not port["optional"]]
    if now["outputs"][: len(promised["outputs"])] != promised["outputs"]:
        broken.append("outputs changed or moved")
    if now["category"] != promised["category"]:
        broken.append(f"category was {promised['category']} and is {now['category']}")
    return broken


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_node_keeps_its_promises(name):
    assert name in NOW, f"{name} is gone: workflows that hold it no longer load"
    assert broken_promises(PROMISED[name], NOW[name]) == []


def test_every_node_is_promised():
    assert sorted(NOW) == sorted(PROMISED), "run tests/golden/interface.py and read its change"


def test_a_broken_promise_is_found():
    promised = PROMISED["EditFirst_QualityGate"]
    changed = json.loads(json.dumps(promised))
    changed["inputs"][0], changed["inputs"][1] = changed["inputs"][1], changed["inputs"][0]
    changed["inputs"][3]["options"] = changed["inputs"][3]["options"][1:]
    changed["inputs"].append({"id": "new", "type": "INT", "optional": False})
    changed["outputs"] = changed["outputs"][1:]
    found = " ".join(broken_promises(promised, changed))
    for words in ("input 0 was image", "options ['block'] are gone", "new is new and required", "outputs changed"):
        assert words in found
    assert broken_promises(promised, promised) == []
