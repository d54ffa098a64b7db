import pytest
from edit_first.checks.video_models import NAMES, VIDEO_MODELS, video_model

FROZEN = """any video model|Wan 480p (832x480)|Wan 720p (1280x720)|Wan 2.2 5B (1280x704)|Wan Animate (832x480)
Wan SCAIL (896x512)|LTX-Video (768x512)|LTX-2 (1280x704)|HunyuanVideo (848x480)|HunyuanVideo 720p (1280x720)
Cosmos (1280x704)|Cosmos Predict2 (848x480)|Kandinsky 5 (768x512)|MiniMax H3 (1344x768)
Stable Video Diffusion (1024x576)|Kling API|Runway API|Seedance API|MiniMax Hailuo API|Vidu API|Flux 3 Video API
HappyHorse API"""


def test_released_names_never_change():
    released = FROZEN.replace("\n", "|").split("|")
    assert list(NAMES[: len(released)]) == released


@pytest.mark.parametrize("model", VIDEO_MODELS, ids=lambda model: model.name)
def test_every_canvas_is_on_the_models_grid(model):
    for width, height in ((1920, 1080), (1080, 1920), (1000, 1000), (3, 400)):
        canvas = model.canvas_for(width, height)
        assert all(side > 0 and side % model.multiple_of == 0 for side in canvas)


def test_canvas_turns_with_the_still():
    assert video_model("Wan 480p (832x480)").canvas_for(1000, 2000) == (480, 832)
    assert video_model("Wan SCAIL (896x512)").canvas_for(2000, 1000) == (896, 512)


def test_any_model_keeps_the_shape():
    width, height = video_model("any video model").canvas_for(3000, 2000)
    assert width / height == pytest.approx(1.5, rel=0.02) and width * height == pytest.approx(832 * 480, rel=0.03)
