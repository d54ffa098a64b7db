"""Seasonal variations in a real ComfyUI: as many pictures as seasons, one product, the same pixels as headless."""

from pathlib import Path

import numpy as np
import pytest
from edit_first.headless import files, runner
from PIL import Image

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
CUP = '[{"name":"product","role":"anchor","shape":"ellipse","points":[[0.29,0.04],[0.69,0.78]]}]'
RED = "#95280d"  # of the cup


def levels(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def reports(entry: dict) -> list[dict]:
    return [report for node in entry["outputs"].values() for report in node.get("edit_first", ()) if "passed" in report]


@pytest.fixture
def prompt(comfy_image, coffee):
    """The workflow as it is, on a photograph, with its product outlined and its red measured."""
    prompt = runner.load_workflow(ROOT / "workflows" / "api" / "seasonal_variations.json")
    for title, key, value in (
        ("Winner", "image", comfy_image(coffee, "winner.png")),
        ("Product", "zones", CUP),
        ("Check", "brand_colors", RED),
    ):
        prompt[runner.find_node(prompt, title)]["inputs"][key] = value
    return prompt


def test_every_season_holds_the_winners_product(comfy, prompt, tmp_path):
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    live = [levels(path) for path in comfy.output_files(entry)]
    headless = runner.run(prompt, folders=files.Folders((comfy.base / "input",), tmp_path))
    saved = [levels(path) for path in headless.images[runner.find_node(prompt, "Save")]]
    lock = headless.outputs[runner.find_node(prompt, "Product")][1][0].numpy() > 0
    winner = levels(comfy.base / "input" / "winner.png")
    assert len(live) == len(saved) == 3
    for season, same in zip(live, saved, strict=True):
        assert np.array_equal(season, same), "HTTP and headless agree"
        assert (season[lock] == winner[lock]).all() and (season[~lock] != winner[~lock]).any(1).mean() > 0.9
    gates = reports(entry)
    assert len(gates) == 3 and all(gate["passed"] for gate in gates)
    brand = [m for m in gates[0]["report"]["measurements"] if m["metric"] == "brand_delta_e00"]
    assert brand and brand[0]["value"] < 2


def test_a_season_that_fails_does_not_stop_the_others(comfy, prompt):
    """Without the lock the tint reaches the product: each season is judged on its own."""
    autumn, check, gate, shadow = (runner.find_node(prompt, t) for t in ("Autumn", "Check", "Gate", "Shadow"))
    prompt[autumn]["inputs"]["blend_factor"] = 0.0  # this one is the winner itself
    seam, light = (runner.find_node(prompt, title) for title in ("Seam", "Light"))
    for node_id in (seam, light, shadow):
        del prompt[node_id]["inputs"]["lock_mask"]
    prompt[shadow]["inputs"].update(opacity=0.0, contact=0.0)
    prompt[light]["inputs"]["strength"] = 0.0
    seasons = runner.find_node(prompt, "Seasons")
    for node_id in (check, gate):
        prompt[node_id]["inputs"]["image"] = [seasons, 0]
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    assert [report["passed"] for report in reports(entry)] == [False, True, False]
    assert len(comfy.output_files(entry)) == 1
