import pytest
import torch
from edit_first.checks.intake import aliasing, intake_facts, mask_cut, transparency
from edit_first.checks.video_models import video_model
from edit_first.imaging.intake import plan_intake


def facts(model, width, height, *, canvas=None, length=0):
    profile = video_model(model)
    shape = canvas or profile.canvas_for(width, height)
    plan = plan_intake(width, height, shape, crop=profile.crop, resize=profile.resize)
    return {m.metric: m for m in intake_facts(profile, plan, length)}


def verdict(measurement):
    return measurement.verdict("production")


def test_square_on_wide_canvas_loses_two_fifths():
    found = facts("Wan 480p (832x480)", 1024, 1024)["intake_crop_fraction"]
    assert found.value == pytest.approx(1 - 480 / 832, abs=0.01) and "top and bottom" in found.detail
    assert found.where.height == pytest.approx(1024 * 480 / 832, abs=2) and verdict(found) == "warn"


def test_minimax_stretches_instead():
    found = facts("MiniMax H3 (1344x768)", 1000, 1000)
    assert found["intake_crop_fraction"].value == 0
    assert (
        found["intake_stretch_percent"].value == pytest.approx(75)
        and verdict(found["intake_stretch_percent"]) == "fail"
    )


@pytest.mark.parametrize(
    ("model", "canvas", "rest"), [("Wan 2.2 5B (1280x704)", (1280, 720), 16), ("Wan 480p (832x480)", (1280, 720), 0)]
)
def test_canvas_off_the_grid(model, canvas, rest):
    assert facts(model, 1280, 720, canvas=canvas)["intake_size_remainder_px"].value == rest


@pytest.mark.parametrize(("model", "length", "fits"), [
    ("Wan 480p (832x480)", 81, True), ("Wan 480p (832x480)", 80, False),
    ("LTX-Video (768x512)", 97, True), ("LTX-Video (768x512)", 81 + 3, False),
    ("MiniMax H3 (1344x768)", 124, True), ("MiniMax H3 (1344x768)", 121, False),
    ("Stable Video Diffusion (1024x576)", 14, True),
])  # fmt: skip
def test_length_off_the_grid(model, length, fits):
    assert (verdict(facts(model, 1280, 720, length=length)["intake_length_remainder"]) == "pass") == fits


@pytest.mark.parametrize(("model", "size", "fits"), [
    ("Kling API", (749, 300), True), ("Kling API", (750, 300), False), ("Kling API", (600, 299), False),
    ("Seedance API", (750, 300), True), ("Seedance API", (6001, 4000), False), ("Runway API", (2000, 1000), False),
])  # fmt: skip
def test_limits_of_services(model, size, fits):
    found = facts(model, *size)
    missed = [m for m in found.values() if verdict(m) == "fail"]
    assert (not missed) == fits, missed


def test_cut_of_a_mask():
    plan = plan_intake(100, 100, (100, 50), crop=True, resize="bilinear")
    mask = torch.zeros(1, 1, 100, 100)
    mask[..., :50, :] = 1
    assert mask_cut(mask, plan, "edit").value == pytest.approx(0.5)
    assert mask_cut(torch.zeros_like(mask), plan, "edit").value is None


def test_only_unfiltered_shrinking_aliases(coffee):
    shrink = plan_intake(600, 400, (150, 100), crop=True, resize="bilinear")
    area = plan_intake(600, 400, (150, 100), crop=True, resize="area")
    assert aliasing(coffee, shrink).value < 40 and aliasing(coffee, area).value is None


def test_transparency():
    alpha = torch.ones(1, 1, 4, 4)
    assert transparency(None).value == 0 and transparency(alpha).value == 0
    alpha[..., 0] = 0.5
    assert transparency(alpha).value == 0.25
