"""The profiles say what ComfyUI's own video nodes say."""

import pytest
from edit_first.checks.video_models import VIDEO_MODELS

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]
LOCAL = [model for model in VIDEO_MODELS if model.canvas]
FIRST_NODES = {model.name: model.nodes.split(", ")[0] for model in LOCAL}
OTHER_CANVAS = {"Wan 720p (1280x720)", "HunyuanVideo 720p (1280x720)"}  # sizes set by the user, not the node's default
TAKES_LATENT = {"LTX-2 (1280x704)"}  # the still takes the latent's size


@pytest.mark.parametrize("model", LOCAL, ids=lambda model: model.name)
def test_grids_and_canvas_are_the_nodes_own(comfy, model):
    inputs = comfy.get(f"/object_info/{FIRST_NODES[model.name]}")[FIRST_NODES[model.name]]["input"]
    declared = {**inputs["required"], **inputs.get("optional", {})}
    if model.name in TAKES_LATENT:
        assert "latent" in declared
        return
    width, height = declared["width"][1], declared["height"][1]
    assert width["step"] == model.multiple_of == height["step"]
    if model.name not in OTHER_CANVAS:
        assert sorted((width["default"], height["default"])) == sorted(model.canvas)
    length = declared.get("length") or declared["video_frames"]
    assert length[1].get("step", 1) == model.frame_step
    assert (length[1]["default"] - model.frame_offset) % model.frame_step == 0
