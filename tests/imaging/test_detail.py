"""Lost detail, brought back as far as unchanged pixels prove it."""

import numpy as np
import pytest
import torch
from edit_first.imaging import detail, masks


def psnr(image, truth, where=None):
    error = (image - truth) ** 2
    return float(-10 * torch.log10(error.mean() if where is None else error[where.expand_as(error) > 0].mean()))


@pytest.fixture(scope="module")
def halves(coffee):
    """A blurred, noisy picture, and a mask of the half that may be read."""
    noise = torch.randn(coffee.shape, generator=torch.manual_seed(0)) / 255
    unchanged = torch.zeros_like(coffee[:, :1])
    unchanged[..., : coffee.shape[3] // 2] = 1
    return (masks.gaussian_blur(coffee, 0.8) + noise).clamp(0, 1), unchanged


def test_same_pictures_need_nothing(coffee):
    assert detail.fit_detail(coffee, coffee, torch.ones_like(coffee[:, :1])) is None


def test_too_little_to_fit_on_is_left_alone(coffee, halves):
    unchanged = torch.zeros_like(halves[1])
    unchanged[..., :20, :20] = 1
    assert detail.fit_detail(halves[0], coffee, unchanged) is None


def test_blur_is_taken_off_where_nothing_was_fitted(coffee, halves):
    soft, unchanged = halves
    restored = detail.fit_detail(soft, coffee, unchanged).apply(soft)
    hidden = 1 - unchanged
    assert psnr(restored, coffee, hidden) > psnr(soft, coffee, hidden) + 1.5
    assert 0 <= restored.min() and restored.max() <= 1


def test_no_evidence_no_sharpening(coffee):
    # Detail that the original lacks altogether is nothing a filter of the rendering can restore.
    other = torch.rand(coffee.shape, generator=torch.manual_seed(1))
    fit = detail.fit_detail(
        coffee, (masks.gaussian_blur(coffee, 8.0) + 0.3 * other).clamp(0, 1), torch.ones(1, 1, *coffee.shape[2:])
    )
    assert fit is None or psnr(fit.apply(coffee), coffee) < 100
    assert fit is None or fit.gains.max() <= detail.MOST_GAIN and fit.gains[0].mean() < 0


def test_flat_areas_are_not_amplified(coffee, halves):
    soft, unchanged = halves
    fit = detail.fit_detail(soft, coffee, unchanged)
    flat = (0.5 + torch.randn(1, 3, 64, 64, generator=torch.manual_seed(2)) / 255).clamp(0, 1)
    assert fit.apply(flat).std() < 1.2 * flat.std()


def test_strips_do_not_show(coffee, halves, monkeypatch):
    fit = detail.fit_detail(*(halves[0], coffee), halves[1])
    in_strips = fit.apply(halves[0])
    monkeypatch.setattr(detail, "TILE_PX", 4096)
    assert np.allclose(in_strips, fit.apply(halves[0]), atol=2e-4)


def test_flat_pictures_do_not_fail():
    flat = torch.full((1, 3, 90, 120), 0.5)
    assert detail.fit_detail(flat, flat + 0.1, torch.ones(1, 1, 90, 120)) is None
