"""The seam's measurements: nothing on an untouched picture, the known size of a known step, and where it is."""

import cv2
import pytest
import torch
from edit_first.checks import seam

PHOTO = "coffee.png"


@pytest.fixture(scope="module")
def photo(photograph):
    return photograph


@pytest.fixture(scope="module")
def photograph():
    from pathlib import Path

    file = Path(__file__).resolve().parents[2] / "assets" / "photos" / PHOTO
    image = torch.from_numpy(cv2.imread(str(file))[:300, :300, ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    return image * 0.8 + 0.1


def square():
    mask = torch.zeros(1, 1, 300, 300)
    mask[..., 80:220, 80:220] = 1
    return mask


def value(report, metric):
    return next(m for m in report.measurements if m.metric == metric)


def test_untouched_picture_has_no_seam(photo):
    report = seam.seam_report(photo, photo, square(), edited=photo, edit_mask=square())
    assert value(report, "seam_step").value == 0
    assert value(report, "seam_detail_ratio").value == pytest.approx(1)
    assert report.verdict("production") == "pass"


@pytest.mark.parametrize(("levels", "verdict"), [(1, "pass"), (2, "warn"), (4, "fail")])
def test_tone_step(photo, levels, verdict):
    image = torch.where(square() > 0, photo + levels / 255, photo)
    step = value(seam.seam_report(photo, image, square()), "seam_step")
    assert step.value == pytest.approx(0.35 * levels, rel=0.3)
    assert step.verdict("production") == verdict


def test_noise_on_black_is_no_seam(photo):
    night = (photo * 1.275).round() / 255  # 0 or 1 of 255
    noise = torch.randn(night.shape, generator=torch.Generator().manual_seed(0))
    image = torch.where(square() > 0, ((night * 255 + noise).clamp(0, 255)).round() / 255, night)
    assert value(seam.seam_report(night, image, square()), "seam_step").value < 0.25  # 0.77 without stray light


def test_worst_place_is_on_the_border(photo):
    """A step on one side of the square is reported on that side."""
    ramp = torch.linspace(0, 8 / 255, 300).view(1, 1, 1, 300)
    image = torch.where(square() > 0, photo + ramp, photo)
    where = value(seam.seam_report(photo, image, square()), "seam_step").where
    assert abs(where.x - 219) <= 3


def test_before_and_after(photo):
    edited = photo + 4 / 255
    ramp = square() * 0.5
    image = torch.where(square() > 0, torch.lerp(photo, edited, ramp), photo)
    report = seam.seam_report(photo, image, square(), edited=edited, edit_mask=square())
    assert value(report, "seam_step").value < 0.7 * value(report, "seam_step_before").value


def test_a_blurred_band_is_a_loss_of_detail(photo):
    from edit_first.imaging import masks

    image = torch.where(square() > 0, masks.gaussian_blur(photo, 1.2), photo)
    assert value(seam.seam_report(photo, image, square()), "seam_detail_ratio").value < 0.85


def test_a_flat_drawing_has_no_detail_to_lose():
    flat = torch.full((1, 3, 300, 300), 0.6)
    flat[..., 150:, :] = 0.62
    image = torch.where(square() > 0, flat + 1 / 255, flat)
    found = value(seam.seam_report(flat, image, square()), "seam_detail_ratio")
    assert found.value is None
    assert "no fine detail" in found.detail


def test_other_content_is_not_a_seam(photo):
    """New content along the whole border cannot be told from a seam, so nothing is claimed."""
    image = torch.where(square() > 0, photo.flip(3).roll(37, 2) * 0.3 + 0.6, photo)
    assert value(seam.seam_report(photo, image, square()), "seam_step").value is None
