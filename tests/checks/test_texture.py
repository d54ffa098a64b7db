"""Grain and sharpness inside an edit against the original's; without one: `test_blind_texture`."""

from pathlib import Path

import pytest
import torch
from edit_first.checks.texture import texture_report
from edit_first.headless import files
from edit_first.imaging import masks


def grained(image, seed=1):
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
    return (image + 5 / 255 * masks.gaussian_blur(noise, 0.6) / 0.5).clamp(0, 1)


def values(report):
    return {m.metric: m.value for m in report.measurements}


def test_unedited_photograph_passes(coffee, make_disc):
    report = texture_report(grained(coffee), make_disc(coffee), plate=grained(coffee))
    assert report.verdict("production") == "pass" and not any(values(report).values())


def test_clean_patch_in_a_grained_plate_is_found_with_its_place(coffee, make_disc):
    disc = make_disc(coffee)
    patched = torch.where(disc > 0, masks.gaussian_blur(coffee, 1), grained(coffee))
    report = texture_report(patched, disc, plate=grained(coffee))
    found = report.measurements[0]
    assert found.value > 0.6 and "cleaner" in found.detail and report.verdict("production") == "warn"
    assert 150 <= found.where.x <= 450 and 50 <= found.where.y <= 350


def test_noise_that_nobody_sees_is_no_grain(coffee, make_disc):
    noise = 2 / 255 * torch.randn(coffee.shape, generator=torch.Generator().manual_seed(0))
    disc = make_disc(coffee)
    report = texture_report((coffee + disc * noise).clamp(0, 1), disc, plate=coffee)
    assert 0.1 < values(report)["grain_log2_ratio"] and report.measurements[0].verdict("production") == "pass"


def test_texture_everywhere_is_not_taken_for_grain(make_disc):
    texture = torch.rand(1, 3, 200, 300, generator=torch.Generator().manual_seed(0))
    texture = (0.5 + 2 * (masks.gaussian_blur(texture, 0.7) - 0.5)).clamp(0, 1)
    disc = make_disc(texture)
    soft = torch.where(disc > 0, masks.gaussian_blur(texture, 1.0), texture)
    assert values(texture_report(soft, disc, plate=texture))["grain_log2_ratio"] is None


@pytest.fixture(scope="module")
def gravel():
    """A photograph without a flat place."""
    path = Path(__file__).resolve().parents[2] / "assets" / "photos" / "gravel.png"
    return files.read_image(path)[0].movedim(3, 1).contiguous()


def test_grain_is_told_from_the_original_where_nothing_is_flat(gravel, make_disc):
    disc, noise = make_disc(gravel), torch.randn(gravel.shape, generator=torch.Generator().manual_seed(1))

    def read(levels):
        edited = torch.where(disc > 0, (gravel + levels / 255 * noise).clamp(0, 1), gravel)
        return texture_report(edited, disc, plate=gravel).measurements[0]

    assert read(1).verdict("production") == "pass" and read(0.0).value is None
    assert read(4).verdict("production") == "warn" and "grainier" in read(4).detail


def test_a_patch_without_the_plates_grain_is_cleaner(coffee, make_disc):
    disc, plate = make_disc(coffee), grained(coffee)
    found = texture_report(torch.where(disc > 0, coffee, plate), disc, plate=plate).measurements[0]
    assert found.value > 0.4 and "cleaner" in found.detail


def test_a_small_region_is_measured(coffee, make_disc):
    disc = make_disc(coffee, 0.08)
    soft = torch.where(disc > 0, masks.gaussian_blur(coffee.flip(3), 2.0), coffee)
    assert values(texture_report(soft, disc, plate=coffee))["sharpness_log2_ratio"] is not None


def test_new_grain_of_the_same_strength_passes(coffee, make_disc):
    disc = make_disc(coffee)
    report = texture_report(torch.where(disc > 0, grained(coffee, 2), grained(coffee, 1)), disc, plate=grained(coffee))
    assert report.verdict("production") == "pass" and values(report)["grain_log2_ratio"] < 0.1


def test_soft_patch_is_found(coffee, make_disc):
    disc = make_disc(coffee)
    report = texture_report(torch.where(disc > 0, masks.gaussian_blur(coffee, 4), coffee), disc, plate=coffee)
    assert values(report)["sharpness_log2_ratio"] > 0.9 and "softer" in report.measurements[1].detail


def test_plate_and_earlier_state_are_told(coffee, make_disc):
    disc, plate, raw = make_disc(coffee), grained(coffee), masks.gaussian_blur(coffee, 1)
    matched = torch.where(disc > 0, grained(coffee, 2), raw)
    report = texture_report(matched, disc, plate=plate, before=raw)
    assert values(report)["grain_log2_ratio"] < 0.5 and "before)" in report.measurements[0].detail


def test_flat_pictures_and_full_masks_give_no_number():
    report = texture_report(torch.full((1, 3, 64, 64), 0.5), torch.ones(1, 1, 64, 64))
    assert all(m.value is None and m.detail for m in report.measurements)
