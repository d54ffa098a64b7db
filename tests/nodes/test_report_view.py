import sys

import pytest
import torch
from edit_first.checks.report import Measurement, Place, Report
from edit_first.nodes import report_view


def failing(*frames):
    return Report(tuple(Measurement("seam_step", 3, Place(1, 1, frame=frame), subject=str(frame)) for frame in frames))


@pytest.fixture
def previewed(monkeypatch):
    """What is handed to ComfyUI's preview."""
    given = []

    class Preview:
        def __init__(self, image, **_):
            given.append(image)

        def as_dict(self):
            return {"images": [{"filename": f"{i}.png"} for i in range(len(given[-1]))], "animated": (False,)}

    monkeypatch.setattr(sys.modules[report_view.__name__].ui, "PreviewImage", Preview)
    return given


def test_a_report_is_text_and_json_without_a_heat_map():
    shown = report_view.report_ui(failing(0))
    assert shown["text"][0].startswith("Fail (production): seam step") and list(shown) == ["text", "edit_first"]


def test_the_text_tells_the_level_under_its_headline():
    shown = report_view.report_ui(failing(0), level="good enough", headline="Not ready.")
    assert shown["text"][0].startswith("Not ready.\nFail (good enough): seam step")


def test_the_frames_that_findings_point_at_are_shown(previewed):
    shown = report_view.report_ui(failing(7, 2, 99), torch.rand(9, 3, 20, 30))
    assert shown["edit_first_view"] == [{"width": 30, "height": 20, "frames": [0, 2, 7]}]
    assert previewed[0].shape == (3, 20, 30, 3) and len(shown["images"]) == 3


def test_previews_are_few_and_small(previewed):
    shown = report_view.report_ui(failing(*range(20)), torch.rand(20, 3, 64, 2048))
    assert previewed[0].shape == (8, 32, 1024, 3)
    assert shown["edit_first_view"][0]["width"] == 2048, "places stay in px of the measured picture"


def test_a_clean_report_shows_the_first_frame(previewed):
    shown = report_view.report_ui(Report((Measurement("seam_step", 0),)), torch.rand(5, 3, 8, 8))
    assert shown["edit_first_view"][0]["frames"] == [0]


def test_a_full_disk_costs_the_preview_only(monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys.modules[report_view.__name__].ui, "PreviewImage", full)
    shown = report_view.report_ui(failing(0), torch.rand(1, 3, 8, 8))
    assert set(shown) == {"text", "edit_first"}


def test_an_overview_comes_before_the_frames_it_is_given(previewed):
    some, sheet = torch.rand(2, 3, 20, 30), torch.rand(1, 3, 50, 40)
    shown = report_view.report_ui(failing(7), some, frames=[0, 7], overview=sheet)
    assert len(shown["images"]) == 3 and [len(images) for images in previewed] == [2, 1]
    assert shown["edit_first_view"] == [
        {"width": 30, "height": 20, "frames": [0, 7], "overview": {"width": 40, "height": 50}}
    ]
