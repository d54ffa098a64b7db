"""What an original has and a rendering of it lacks, on pictures that are all texture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from edit_first.headless import files
from edit_first.imaging import grain_pair, masks
from edit_first.imaging.spectrum import BLOCK, frequency_copies, frequency_radius

PHOTOS = Path(grain_pair.__file__).parents[1] / "assets" / "photos"


@pytest.mark.parametrize("name", ["grass.png", "gravel.png"])
def test_texture_that_the_rendering_softened_is_not_taken_for_grain(name):
    picture = masks.gaussian_blur(files.read_image(PHOTOS / name)[0].movedim(3, 1)[:, :, :256, :256], 0.5)
    sigma = 5 / 255
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))
    rendering = masks.gaussian_blur(picture, 0.7)
    found = grain_pair.compare((picture + sigma * noise).clamp(0, 1), rendering, torch.ones_like(picture[:, :1]))
    ratio = found.lacking.sigma(picture) / sigma
    assert 0.9 < ratio.mean() < 1.1 and ratio.std() < 0.06


def test_level_before_clipping_leaves_the_level_that_was_measured():
    brightness, level = np.array([0.0, 0.01, 0.03, 0.5, 0.98]), np.full(5, 0.02)
    wanted = grain_pair._before_clipping(level, brightness)
    draws = brightness[:, None] + wanted[:, None] * np.random.default_rng(1).standard_normal(200_000)
    assert np.allclose(draws.clip(0, 1).std(1), level, rtol=0.03)
    assert wanted[3] == pytest.approx(0.02, rel=1e-6)


def test_brightness_that_few_pixels_show_leans_on_the_slope_of_its_neighbors():
    """Levels measured with noise on two thirds of the range, by few pixels at the bright end and in one channel."""
    brightness = np.linspace(0, 1, grain_pair.NODES)
    truth = 0.03 * (1.5 - 1.1 * brightness) * np.array([[1.0], [0.8], [1.2]])
    counts = np.where(brightness < 0.7, 30_000, 0)[None].repeat(3, 0)
    counts[:, (brightness > 0.5) & (brightness < 0.7)] = 200
    counts[2, brightness > 0.4] = 0
    spread = np.random.default_rng(1).standard_normal(truth.shape) / np.sqrt(2 * counts.clip(1) / 10)
    levels = grain_pair._smooth_curves(counts, np.where(counts > 0, truth * (1 + spread), 0))
    known = brightness < 0.7
    assert np.abs(levels / truth - 1)[:, known].max() < 0.15  # read off the nearest known one, channel 2 is 45 % off
    assert np.abs(levels / truth - 1)[:2, brightness < 0.5].max() < 0.05


def test_one_known_brightness_speaks_for_all():
    counts = np.zeros((3, grain_pair.NODES))
    counts[:, 16] = 1000
    assert np.allclose(grain_pair._smooth_curves(counts, np.where(counts > 0, 0.02, 0.0)), 0.02, rtol=0.05)


@pytest.mark.parametrize("name", ["grass.png", "gravel.png"])
def test_spectrum_of_coarse_grain_is_not_that_of_the_texture(name):
    """Coarse grain has next to nothing at high frequencies, and these textures have it there."""
    picture = masks.gaussian_blur(files.read_image(PHOTOS / name)[0].movedim(3, 1)[:, :, :256, :256], 0.5)
    noise = masks.gaussian_blur(torch.randn(picture.shape, generator=torch.Generator().manual_seed(1)), 0.8)
    plate = ((picture + 6 / 255 * noise / noise.std()).clamp(0, 1) * 255).round() / 255
    rendering = (masks.gaussian_blur(picture, 0.7) * 255).round() / 255
    everywhere = torch.ones_like(picture[:, :1])
    found = grain_pair.compare(plate, rendering, everywhere).lacking
    power = found.spectrum.diagonal(dim1=0, dim2=1).mean(2) * BLOCK**2
    waves = torch.fft.rfft2(grain_pair._residual(plate, rendering, everywhere).error.unflatten(2, (BLOCK, BLOCK)))
    unexplained = waves.abs().square().mean((0, 1)) / (6 / 255 * BLOCK) ** 2
    delta = torch.zeros(1, 1, 64, 64)
    delta[..., 32, 32] = 1
    truth = torch.fft.rfft2(masks.gaussian_blur(delta, 0.8))[0, 0].abs().square()[::4, ::4]
    truth = truth * BLOCK**2 / (truth * frequency_copies()).sum() + 1 / 12 / 6**2
    error, fine = 10 * torch.log10(power / truth), frequency_radius() > 6
    assert error[~fine].abs().max() < 1.0
    assert error[fine].mean() < 0.4 * 10 * torch.log10(unexplained / truth)[fine].mean()


@pytest.mark.slow
def test_grain_of_the_original_does_not_hide_that_the_rendering_is_softer(coffee):
    original = (coffee + 5 / 255 * torch.randn(coffee.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    everywhere = torch.ones_like(coffee[:, :1])
    softer = grain_pair.compare(original, masks.gaussian_blur(coffee, 0.7), everywhere).response
    assert softer[0, 4] > 1.5  # of 1.83
    same = grain_pair.compare(original, coffee, everywhere).response
    assert (same - 1).abs().max() < 0.05
