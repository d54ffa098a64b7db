"""Every template on its first Run in an empty ComfyUI, and what its bypassed branches still lack."""

import json
from pathlib import Path

import pytest
from edit_first.headless import workflows

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
SELF_CONTAINED = ["2_surgical_strike", "restore_after_edit_model", "seat_and_light", "sku_swap", "sku_recolor"]
WITH_MODELS = ["1_generate", "2b_zone_inpaint", "restore_after_edit_model", "seasonal_variations", "4_final_upscale"]


@pytest.mark.parametrize("name", SELF_CONTAINED)
def test_first_run_saves_a_picture_that_passed(comfy, name):
    if not (comfy.base / "input" / "example.png").is_file():
        pytest.skip("this ComfyUI has no example.png")
    entry = comfy.run(json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text()))
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    shown = [value for output in entry["outputs"].values() for value in output.get("edit_first", ())]
    assert [value["passed"] for value in shown if "passed" in value] == [True]
    assert comfy.output_files(entry)


@pytest.mark.parametrize("name", WITH_MODELS)
def test_bypassed_branches_lack_nothing_but_files(comfy, name):
    graph = workflows.build(workflows.SOURCE / f"{name}.py")
    for node in graph.nodes:
        node.mode = workflows.NORMAL
    for node in [node for node in graph.nodes if node.class_type == "VAEDecode"]:
        graph.node("PreviewImage", f"Shows {node.title}", at=(0, 0), images=node.out("IMAGE"))
    _, answer = comfy.post("/prompt", {"prompt": graph.to_api()})
    comfy.post("/queue", {"clear": True})
    comfy.post("/interrupt", {})  # what needs no file has begun to run
    complaints = [error for entry in answer["node_errors"].values() for error in entry["errors"]]
    files = {model["name"] for node in graph.nodes for model in node.models}
    assert {error["type"] for error in complaints} == {"value_not_in_list"}, complaints
    assert {error["extra_info"]["received_value"] for error in complaints} == files
    assert all(model["url"].endswith(model["name"]) for node in graph.nodes for model in node.models)
