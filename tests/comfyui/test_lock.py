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
    assert not mask.any(), "the stand-in for a model edits nothing: it only gives another size back"
    assert np.array_equal(live, before)
