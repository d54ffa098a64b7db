"""In a real ComfyUI, over HTTP: the workflow accepts a clip that holds together and rejects one that does not."""

from pathlib import Path

import pytest
from edit_first.headless import files, runner

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "workflows" / "api" / "3b_after_video.json"


@pytest.fixture
def prompt(comfy_image, coffee):
    loaded = runner.load_workflow(WORKFLOW)
    loaded[runner.find_node(loaded, "Picture")]["inputs"]["image"] = comfy_image(coffee, "clip.png")
    return loaded


def test_a_clip_that_holds_together_is_saved_with_the_headless_report(comfy, prompt, tmp_path):
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    assert [path for path in comfy.output_files(entry) if path.suffix == ".webp"]
    check = runner.find_node(prompt, "Coherence")
    live = entry["outputs"][check]["edit_first"][0]
    result = runner.run(prompt, folders=files.Folders((comfy.base / "input",), tmp_path))
    here = result.outputs[check][2].to_dict()
    assert live["verdict"] == here["verdict"] == {"good enough": "pass", "production": "pass"}
    for there, mine in zip(live["measurements"], here["measurements"], strict=True):
        if mine["value"] is None:
            assert there["value"] is None
        else:
            assert there["value"] == pytest.approx(mine["value"], rel=0.05, abs=0.02), there["metric"]


def test_a_clip_with_a_flash_is_rejected(comfy, prompt):
    clip = runner.find_node(prompt, "Clip")
    prompt["invert"] = {"class_type": "ImageInvert", "inputs": {"image": [clip, 0]}}
    prompt["last"] = {"class_type": "ImageFromBatch", "inputs": {"image": ["invert", 0], "batch_index": 6, "length": 1}}
    prompt["head"] = {"class_type": "ImageFromBatch", "inputs": {"image": [clip, 0], "batch_index": 0, "length": 6}}
    prompt["tail"] = {"class_type": "ImageFromBatch", "inputs": {"image": [clip, 0], "batch_index": 7, "length": 6}}
    prompt["flash"] = {
        "class_type": "BatchImagesNode",
        "inputs": {"images.image0": ["head", 0], "images.image1": ["last", 0], "images.image2": ["tail", 0]},
    }
    check = runner.find_node(prompt, "Coherence")
    prompt[check]["inputs"]["frames"] = ["flash", 0]
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    assert not [path for path in comfy.output_files(entry) if path.suffix == ".webp"]
    found = {m["metric"]: m for m in entry["outputs"][check]["edit_first"][0]["measurements"]}
    assert found["clip_flash_lightness"]["verdict"]["production"] == "fail"
    assert found["clip_flash_lightness"]["where"]["frame"] == 6
