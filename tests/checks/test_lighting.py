import math

import pytest
import torch
from edit_first.checks import lighting
from edit_first.imaging import color, harmonize


def values(report):
    return {measurement.metric: measurement.value for measurement in report.measurements}


@pytest.fixture(scope="module")
def scene(astronaut, make_disc):
    return astronaut, make_disc(astronaut, 0.3)


def lit(image, gains, mask):
    moved = color.linear_to_srgb(color.srgb_to_linear(image) * torch.tensor(gains).view(1, 3, 1, 1)).clamp(0, 1)
    return torch.where(mask > 0, moved, image)


def test_unedited_picture_has_no_mismatch(scene):
    image, mask = scene
    found = values(lighting.lighting_report(image, mask, image))
    assert found["light_exposure_ev"] == 0
    assert found["light_white_balance_ev"] == 0
    assert found["light_contrast_ratio"] == 1
    assert all(m.verdict("production") == "pass" for m in lighting.lighting_report(image, mask, image).measurements)


def test_exposure_and_warmth_are_measured_in_stops(scene):
    image, mask = scene
    dark = values(lighting.lighting_report(lit(image, (0.5, 0.5, 0.5), mask), mask, image))
    assert dark["light_exposure_ev"] == pytest.approx(1, abs=0.2)
    warm = values(lighting.lighting_report(lit(image, (2**0.25, 1.0, 2**-0.25), mask), mask, image))
    assert warm["light_white_balance_ev"] == pytest.approx(0.5, abs=0.02)
    assert warm["light_exposure_ev"] < 0.06


@pytest.mark.parametrize("angle", (-0.7, 1.2, 2.6))
def test_a_recolor_is_not_taken_for_warmer_light(scene, angle):
    image, mask = scene
    lightness, a, b = color.srgb_to_oklab(image).split(1, 1)
    cos, sin = math.cos(angle), math.sin(angle)
    turned = color.oklab_to_srgb(torch.cat((lightness, cos * a - sin * b, sin * a + cos * b), 1)).clamp(0, 1)
    found = values(lighting.lighting_report(torch.where(mask > 0, turned, image), mask, image))
    assert found["light_white_balance_ev"] is None or found["light_white_balance_ev"] < 0.1


def test_warmth_of_a_single_paint_is_not_told(make_disc):
    texture = 0.1 * torch.rand(1, 1, 240, 320, generator=torch.Generator().manual_seed(0))
    image = (torch.tensor((0.7, 0.25, 0.2)).view(1, 3, 1, 1) + texture).clamp(0, 1)
    mask = make_disc(image, 0.3)
    found = lighting.lighting_report(lit(image, (1.2, 1.0, 0.8), mask), mask, image).measurements[1]
    assert found.value is None
    assert "told from other paint" in found.detail


def test_finding_names_the_place_and_the_node(scene):
    image, mask = scene
    report = lighting.lighting_report(lit(image, (0.4, 0.4, 0.4), mask), mask, image)
    assert report.verdict("production") == "warn"
    assert "Lighting Harmonize" in report.summary()
    assert report.measurements[0].where.x == pytest.approx(image.shape[3] * 0.2, abs=3)


def test_without_the_original_it_is_measured_across_the_border(scene):
    image, mask = scene
    before = values(lighting.lighting_report(image, mask))["light_exposure_ev"]
    after = values(lighting.lighting_report(lit(image, (0.3, 0.3, 0.3), mask), mask))["light_exposure_ev"]
    assert after > before


def test_a_tiny_region_is_not_measured_and_says_why(scene):
    image, _ = scene
    mask = torch.zeros_like(image[:, :1])
    mask[..., 5:8, 5:8] = 1
    report = lighting.lighting_report(image, mask, image)
    assert all(m.value is None and "too small" in m.detail for m in report.measurements)


def test_the_worst_frame_of_a_batch_speaks(scene):
    image, mask = scene
    frames = torch.cat((image, lit(image, (0.5, 0.5, 0.5), mask)))
    report = lighting.lighting_report(frames, mask, image)
    assert report.measurements[0].where.frame == 1


def test_direction_of_light_is_compared(make_disc):
    image = torch.full((1, 3, 200, 300), 0.5) * torch.linspace(0.4, 1.2, 300)
    mask = make_disc(image, 0.3)
    agree = values(lighting.lighting_report(image, mask))["light_direction_deg"]
    turned = torch.where(mask > 0, image.flip(3), image)
    against = values(lighting.lighting_report(turned, mask))["light_direction_deg"]
    assert agree < 10
    assert against > 150


@pytest.mark.slow
def test_harmonizing_lowers_the_mismatch(scene):
    image, mask = scene
    edited = lit(image, (0.6, 0.7, 0.9), torch.ones_like(mask))
    after, summaries = harmonize.harmonize(edited, mask, original=image, brand_colors=["#c8102e"])
    report = lighting.harmony_report(after, mask, image, summaries)
    before = values(lighting.lighting_report(edited, mask, image))
    assert values(report)["light_exposure_ev"] < 0.1 * before["light_exposure_ev"]
    assert values(report)["harmony_confidence"] > 0.8
    assert "fitted on unchanged pixels" in report.text()


def test_a_recolored_dark_region_says_nothing_of_warmth(chelsea, make_disc):
    mask, everywhere = make_disc(chelsea, 0.3), torch.ones_like(chelsea[:, :1])
    noise = torch.randn(chelsea.shape, generator=torch.Generator().manual_seed(0)) * 2 / 255
    night = (lit(chelsea, (1 / 16, 1 / 16, 1 / 16), everywhere) + noise).clamp(0, 1)
    lightness, a, b = color.srgb_to_oklab(night).split(1, 1)
    turned = torch.where(mask > 0, color.oklab_to_srgb(torch.cat((lightness, b, -a), 1)), night).clamp(0, 1)
    found = values(lighting.lighting_report(turned, mask, night))  # 0.74 EV where any faint color counts as neutral
    assert found["light_white_balance_ev"] is None
    assert found["light_exposure_ev"] < 0.1
