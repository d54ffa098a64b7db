"""In a real ComfyUI: the pack loads, describes itself as the stand-in says, and its pages and templates are served."""

import json
from pathlib import Path

import pytest
from edit_first.headless import runner, workflows

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
OURS = {name: cls for name, cls in runner.node_classes().items() if name.startswith("EditFirst_")}
CORE = {name: cls for name, cls in runner.node_classes().items() if not name.startswith("EditFirst_")}
LIVE_ONLY = {"python_module"}  # where the pack was loaded from


@pytest.fixture(scope="module")
def live(comfy):
    return comfy.get("/object_info")


def test_loads_without_a_warning_of_ours(comfy, live):
    suspicious = [
        line
        for line in comfy.boot_log.splitlines()
        if any(word in line.lower() for word in ("warning", "error", "traceback", "cannot import", "import failed"))
        and any(word in line.lower() for word in ("edit", "custom_nodes"))
    ]
    assert not suspicious
    assert OURS.keys() <= live.keys()


@pytest.mark.parametrize("name", sorted(OURS))
def test_object_info_equals_the_stand_in(live, name):
    expected = json.loads(json.dumps(OURS[name].GET_SCHEMA().object_info()))
    found = {key: value for key, value in live[name].items() if key not in LIVE_ONLY}
    assert found == {key: value for key, value in expected.items() if key not in LIVE_ONLY}


@pytest.mark.parametrize("name", sorted(CORE))
def test_core_stand_ins_have_the_real_interface(live, name):
    ours, theirs = CORE[name].GET_SCHEMA().object_info(), live[name]
    for group in ("required", "optional"):
        assert list(ours["input"].get(group, {})) == list(theirs["input"].get(group, {}))
        for key, (io_type, _) in ours["input"].get(group, {}).items():
            real = theirs["input"][group][key][0]
            assert real == io_type or (isinstance(real, list) and io_type in ("COMBO", "STRING")), key
    has_outputs = bool(ours["output"])
    assert not has_outputs or ours["output"] == ["*" if t == "COMFY_MATCHTYPE_V3" else t for t in theirs["output"]]


NEED_AN_ACCOUNT = {"FluxProFillNode"}  # the test server runs with --disable-api-nodes


def test_recorded_core_interfaces_are_current(live):
    recorded = json.loads(workflows.CORE_NODES.read_text())
    assert recorded.keys() - live.keys() <= NEED_AN_ACCOUNT
    for name, interface in recorded.items():
        if name in NEED_AN_ACCOUNT:
            continue
        assert workflows.trim(live[name]) == interface, f"{name}: run `python . workflows --record URL`"


def test_templates_are_listed_and_served(comfy):
    listed = comfy.get("/api/workflow_templates")["edit-first"]
    assert set(listed) == {path.stem for path in workflows.descriptions()}
    for name in listed:
        served = comfy.get(f"/api/workflow_templates/edit-first/{name}.json")
        assert served == json.loads((ROOT / "workflows" / f"{name}.json").read_text())


@pytest.mark.parametrize("name", sorted(OURS))
def test_help_pages_are_served(comfy, name):
    page = comfy.get_bytes(f"/extensions/edit-first/docs/{name}.md").decode()
    assert page == (ROOT / "js" / "docs" / f"{name}.md").read_text()


def test_blueprints_are_listed(comfy):
    entries = comfy.get("/global_subgraphs").values()
    ours = {entry["name"] for entry in entries if "edit-first" in json.dumps(entry.get("info", {}))}
    assert ours == {path.stem for path in (ROOT / "subgraphs").glob("*.json")}
