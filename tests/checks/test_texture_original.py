"""Grain and sharpness of an edit against its original."""

import pytest
import torch
from edit_first.checks.texture import texture_report
from edit_first.imaging import masks


def noise(image, levels, seed=0):
    return levels / 255 * torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))


def stepped(image):
    return (image.clamp(0, 1) * 255).round() / 255


@pytest.fixture
def read(make_disc):
    """Grain and sharpness that a disc of an edited picture reads against its plate."""

    def measure(plate, edited):
        disc = make_disc(plate)
        report = texture_report(stepped(torch.where(disc > 0, edited, plate)), disc, plate=stepped(plate))
        return {m.metric.split("_")[0]: m for m in report.measurements}

    return measure


def test_more_blur_reads_softer(coffee, read):
    values = [read(coffee, masks.gaussian_blur(coffee, sigma))["sharpness"] for sigma in (0.4, 0.7, 1.0, 2.0)]
    assert all(less.value < more.value for less, more in zip(values, values[1:], strict=False))
    assert values[0].verdict("production") == "pass" and values[2].verdict("production") == "warn"
    assert "softer" in values[2].detail


def test_a_blur_is_found_in_what_was_soft_before(coffee, read):
    plate = masks.gaussian_blur(coffee, 1.0)
    assert read(plate, masks.gaussian_blur(plate, 2.0))["sharpness"].verdict("production") == "warn"


def test_one_outline_is_enough(read):
    drawing = torch.full((1, 3, 200, 300), 0.8)
    drawing[..., 80:120, 130:170] = 0.3
    assert read(drawing, masks.gaussian_blur(drawing, 1.5))["sharpness"].verdict("production") == "warn"
    assert read(drawing, drawing + 0.02)["sharpness"].value == pytest.approx(0, abs=0.05)


def test_other_contrast_is_not_another_sharpness(coffee, read):
    assert read(coffee, 0.5 + 0.6 * (coffee - 0.5))["sharpness"].value < 0.1


def test_grain_is_not_sharpness_and_its_lack_is_not_softness(coffee, read):
    grainy = coffee + masks.gaussian_blur(noise(coffee, 12), 0.5)
    for plate, edited, word in ((coffee, grainy, "grainier"), (grainy, coffee, "cleaner")):
        found = read(plate, edited)
        assert found["grain"].verdict("production") == "warn" and word in found["grain"].detail
        assert found["sharpness"].verdict("production") == "pass"


def test_sharpening_is_told(coffee, read):
    found = read(coffee, coffee + 1.5 * (coffee - masks.gaussian_blur(coffee, 1.0)))["sharpness"]
    assert found.value > 0.4 and "sharper" in found.detail


def test_softened_texture_is_not_missing_grain(read):
    texture = torch.rand(1, 3, 200, 300, generator=torch.Generator().manual_seed(0))
    texture = 0.5 + 2 * (masks.gaussian_blur(texture, 0.9) - 0.5)
    grain = read(texture, masks.gaussian_blur(texture, 0.7))["grain"]
    assert grain.value is None or grain.verdict("production") == "pass"


def test_new_content_is_measured_against_the_plate(coffee, read):
    other = coffee.flip(3)
    same, soft = (read(coffee, edited)["sharpness"] for edited in (other, masks.gaussian_blur(other, 1.0)))
    assert same.verdict("production") == "pass" and soft.verdict("production") == "warn"
    plate = coffee + masks.gaussian_blur(noise(coffee, 10), 0.5)
    clean = read(plate, other)["grain"]
    assert clean.verdict("production") == "warn" and "cleaner" in clean.detail
    assert read(plate, other + masks.gaussian_blur(noise(other, 10, 3), 0.5))["grain"].verdict("production") == "pass"


@pytest.mark.parametrize("sigma", [3, 6, 9])
def test_a_strong_blur_is_not_taken_for_other_content_or_contrast(coffee, read, sigma):
    found = read(coffee, masks.gaussian_blur(coffee, sigma))["sharpness"]
    assert found.verdict("production") == "warn" and "softer than the original" in found.detail
