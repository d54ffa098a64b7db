"""In a real ComfyUI, over HTTP: the consistency check runs without weights and says what the headless run says."""

from pathlib import Path

import numpy as np
import pytest
from edit_first.headless import files, runner
from PIL import Image

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "workflows" / "api" / "3_consistency_check.json"


def test_http_and_headless_agree(comfy, comfy_image, coffee, tmp_path):
    prompt = runner.load_workflow(WORKFLOW)
    name = comfy_image(coffee, "consistency.png")
    prompt[runner.find_node(prompt, "Approved original")]["inputs"]["image"] = name
    entry = comfy.run(prompt)
    assert entry["status"]["status_str"] == "success", comfy.error(entry)
    live = {path.name: np.asarray(Image.open(path)) for path in comfy.output_files(entry)}
    result = runner.run(prompt, folders=files.Folders((comfy.base / "input",), tmp_path))
    headless = {path.name: np.asarray(Image.open(path)) for paths in result.images.values() for path in paths}
    assert live.keys() == headless.keys() and len(live) == 2
    # Another build of torch rounds the stand-in's blur the other way here and there: one level, never more.
    assert max(np.abs(live[file].astype(int) - headless[file]).max() for file in live) <= 1
    texts = [text for node in entry["outputs"].values() for text in node.get("text", ())]
    (verdict,) = [text for text in texts if "Wan 480p (832x480)" in text]
    assert "no known blockers found" in verdict and "softer than its surroundings" in verdict
