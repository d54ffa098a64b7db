"""In a real ComfyUI, over HTTP: a drifted frame is restored, and its pixels are the headless ones."""

from pathlib import Path

import numpy as np
import pytest
from edit_first.headless import files, runner
from PIL import Image

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "workflows" / "api" / "restore_after_edit_model.json"


def test_workflow_restores_the_picture_and_gives_the_headless_png(comfy, comfy_image, chelsea, tmp_path):
    prompt = runner.load_workflow(WORKFLOW)
    name = comfy_image(chelsea, "restore.png")
    prompt[runner.find_node(prompt, "Approved picture")]["inputs"]["image"] = name
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    saved = [path for path in comfy.output_files(entry) if "restored" in path.name]
    result = runner.run(prompt, folders=files.Folders((comfy.base / "input",), tmp_path))
    assert len(saved) == 1 and any(result.images.values())
    live, before = (np.asarray(Image.open(path).convert("RGB")) for path in (saved[0], comfy.base / "input" / name))
    mask = result.outputs[runner.find_node(prompt, "Lock")][1][0].numpy() > 0
    kite = np.zeros(mask.shape, bool)
    kite[160:256, 30:126] = True
    assert (mask & kite).sum() / (mask | kite).sum() > 0.85, "the stand-in for a model paints a kite"
    assert np.array_equal(live[~mask], before[~mask]), "and recolors and resizes the rest, which is taken back"
    assert np.abs(live[kite].astype(int) - (0xC8, 0x1E, 0x1E)).mean() < 25
