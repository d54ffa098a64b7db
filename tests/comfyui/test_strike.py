"""In a real ComfyUI, over HTTP: the surgical strike gives the headless pixels, and locked pixels survive any size."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from edit_first.headless import files, runner
from PIL import Image

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "workflows" / "api" / "2_surgical_strike.json"


def levels(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def prompt_for(name: str) -> dict:
    prompt = runner.load_workflow(WORKFLOW)
    prompt[runner.find_node(prompt, "Approved picture")]["inputs"]["image"] = name
    return prompt


def with_wild_edit(prompt: dict) -> dict:
    """The same strike with an edit that no gate lets through, and a gate that passes it on all the same."""
    edit, gate = (runner.find_node(prompt, title) for title in ("Model edit", "Gate"))
    prompt[edit] = {**prompt[edit], "class_type": "ImageInvert", "inputs": {"image": prompt[edit]["inputs"]["image"]}}
    prompt[gate]["inputs"]["on_fail"] = "pass"
    return prompt


def test_http_and_headless_give_the_same_png(comfy, comfy_image, chelsea, tmp_path):
    prompt = prompt_for(comfy_image(chelsea, "parity.png"))
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    (live,) = comfy.output_files(entry)
    result = runner.run(prompt, folders=files.Folders((comfy.base / "input",), tmp_path))
    (headless,) = [path for paths in result.images.values() for path in paths]
    assert np.array_equal(levels(live), levels(headless))


def test_history_holds_report_and_verdict(comfy, comfy_image, chelsea):
    entry = comfy.run(prompt_for(comfy_image(chelsea, "history.png")))
    shown = [value for node in entry["outputs"].values() for value in node.get("edit_first", ())]
    (verdict,) = [value for value in shown if "passed" in value]
    assert verdict["passed"] is True and verdict["report"]["schema"] == "edit-first/report/1"
    assert any(verdict["summary"] in text for node in entry["outputs"].values() for text in node.get("text", ()))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 64), (333, 127), (451, 300)])
def test_locked_pixels_of_the_saved_png_are_the_originals(comfy, comfy_image, size, tmp_path):
    width, height = size
    noise = torch.randint(0, 256, (1, 3, height, width), generator=torch.Generator().manual_seed(width)) / 255
    name = comfy_image(noise, f"noise_{width}x{height}.png")
    prompt = with_wild_edit(prompt_for(name))
    zones = '[{"name":"a","role":"edit","shape":"box","points":[[0.3,0.3],[0.8,1]]}]'
    if size == (1, 1):
        zones = '[{"name":"a","role":"edit","shape":"box","points":[[0,0],[1,1]]}]'
    prompt[runner.find_node(prompt, "Zones")]["inputs"]["zones"] = zones
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    result = runner.run(prompt, folders=files.Folders((comfy.base / "input",), tmp_path))
    lock = result.outputs[runner.find_node(prompt, "Zones")][1][0].numpy() > 0
    before = levels(comfy.base / "input" / name)
    for path in (comfy.output_files(entry)[0], next(iter(result.images.values()))[0]):
        after = levels(path)
        assert after.shape == before.shape
        assert (after[lock] == before[lock]).all()
        assert not lock.all() and (after[~lock] != before[~lock]).any()


def test_rgba_input_runs_and_keeps_its_size(comfy, chelsea):
    alpha = torch.ones_like(chelsea[:, :1])
    alpha[..., :50, :60] = 0
    picture = torch.cat((chelsea, alpha), 1).movedim(1, 3)[0]
    buffer = io.BytesIO()
    Image.fromarray((picture * 255).round().byte().numpy()).save(buffer, "PNG")
    (comfy.base / "input" / "rgba.png").write_bytes(buffer.getvalue())
    entry = comfy.run(prompt_for("rgba.png"))
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    assert levels(comfy.output_files(entry)[0]).shape == (300, 451, 3)


def test_a_failed_gate_saves_nothing_and_says_why(comfy, comfy_image, chelsea, coffee):
    prompt = with_wild_edit(prompt_for(comfy_image(chelsea, "gate.png")))
    stitch, check, gate = (runner.find_node(prompt, title) for title in ("Stitch", "Check", "Gate"))
    prompt[check]["inputs"]["image"] = [stitch, 0]  # judge the raw patch, which changed its surroundings too
    prompt[gate]["inputs"]["on_fail"] = "block"
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success" and comfy.output_files(entry) == []
    texts = [text for node in entry["outputs"].values() for text in node.get("text", ())]
    assert any(
        "FAIL  anchor changed px" in text or text.startswith("Fail (production): anchor changed px") for text in texts
    )
    prompt[gate]["inputs"]["on_fail"] = "raise"
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "error"
    assert "Quality Gate stopped the run. Fail (production)" in comfy.error(entry)
