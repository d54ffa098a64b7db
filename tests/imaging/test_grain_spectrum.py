"""Grain told from texture at every frequency, and its spectrum brought back from under the window."""

import pytest
import torch
from edit_first.imaging import grain_spectrum, masks
from edit_first.imaging.spectrum import BLOCK, frequency_copies, frequency_radius

HALF = BLOCK // 2 + 1
FLOOR = torch.full((3,), 1e-3)


def density(blur_px, side):
    """Power density (side, side // 2 + 1) of white noise of variance 1 blurred by the pack's own kernel."""
    delta = torch.zeros(1, 1, 64, 64)
    delta[..., 32, 32] = 1
    transfer = torch.fft.fft2(masks.gaussian_blur(delta, blur_px) if blur_px else delta)[0, 0].abs().square()
    return (transfer / transfer.mean())[:: 64 // side, :: 64 // side]


def measured(fine):
    """What blocks show of a density on the fine grid: (3, 3, BLOCK, HALF), channels independent."""
    shown = grain_spectrum._seen() @ (fine + FLOOR[0]).flatten()
    return torch.diag_embed(shown.expand(3, -1, -1).movedim(0, -1)).movedim((-2, -1), (0, 1))


@pytest.mark.parametrize("blur_px", [0, 0.5, 0.8, 1.4])
def test_spectrum_of_blurred_noise_comes_back_from_under_the_window(blur_px):
    found = grain_spectrum.fit_spectrum(measured(density(blur_px, 32)), torch.ones(3, BLOCK, HALF), FLOOR)
    truth = density(blur_px, BLOCK)[:, :HALF] + FLOOR[0]
    assert (10 * torch.log10(found[0, 0] / truth)).abs().max() < 1.0
    assert (10 * torch.log10(found[0, 0] / truth)).square().mean().sqrt() < 0.3


def test_noise_of_two_kinds_keeps_both():
    fine = 0.9 * density(1.6, 32) + 0.1
    found = grain_spectrum.fit_spectrum(measured(fine), torch.ones(3, BLOCK, HALF), FLOOR)[0, 0]
    truth = 0.9 * density(1.6, BLOCK)[:, :HALF] + 0.1
    error = 10 * torch.log10(found / truth)
    assert error[frequency_radius() > 5].abs().max() < 1.0 and error.square().mean().sqrt() < 0.8


def test_where_texture_hides_the_grain_the_other_frequencies_speak_for_it():
    power, hidden = measured(density(0.8, 32)), frequency_radius() > 6
    share = torch.where(hidden, 0.1, 1.0).expand(3, -1, -1)
    found = grain_spectrum.fit_spectrum(torch.where(hidden, 20 * power, power), share, FLOOR)[0, 0]
    truth = density(0.8, BLOCK)[:, :HALF] + FLOOR[0]
    assert (10 * torch.log10(found / truth)).abs().max() < 1.5  # as measured it is 13 dB too much


def test_gray_grain_stays_gray():
    power = measured(density(0.8, 32))[0, 0].expand(3, 3, -1, -1)
    share = torch.where(frequency_radius() > 6, 0.1, 1.0).expand(3, -1, -1)
    found = grain_spectrum.fit_spectrum(power, share, FLOOR)
    assert torch.allclose(found[0, 1], found[0, 0], rtol=1e-3)


def test_nothing_believed_is_still_a_spectrum():
    found = grain_spectrum.fit_spectrum(measured(density(0.8, 32)), torch.zeros(3, BLOCK, HALF), FLOOR)
    assert torch.isfinite(found).all() and (found.diagonal(dim1=0, dim2=1) > 0).all()


@pytest.fixture(scope="module")
def blocks():
    """Power of 1500 blocks whose grain has 1, whose texture leaks, and whose rounding is known; channels independent."""
    generator = torch.Generator().manual_seed(1)
    texture = 0.5 + 3 * torch.rand(1500, 3, generator=generator)
    known = torch.full((1500, 3, BLOCK, HALF), 0.4)
    leak = 2.0 * (frequency_radius() > 6)
    height = (1 + known + leak * texture[:, :, None, None]).sqrt()
    waves = torch.randn(1500, 3, BLOCK, HALF, 2, generator=generator) * height[..., None] * 0.5**0.5
    waves = torch.view_as_complex(waves)
    return (waves[:, :, None] * waves[:, None].conj()).real, texture, known


def test_texture_is_told_from_grain_by_what_it_grows_with(blocks):
    power, texture, known = blocks
    found, share = grain_spectrum.separate_texture(power, texture, known)
    own, leaks = found.diagonal(dim1=0, dim2=1).movedim(2, 0), frequency_radius() > 6
    assert abs(own[:, ~leaks].mean() - 1) < 0.03
    assert 0.7 < own[:, leaks].mean() < 1.3  # of 5.4 in all
    assert abs(share[:, ~leaks].mean() - 1 / 1.4) < 0.03
    assert share[:, leaks].mean() < grain_spectrum.UNTRUSTED


def test_channels_that_have_nothing_in_common_are_found_apart(blocks):
    found, _ = grain_spectrum.separate_texture(*blocks)
    assert (found[0, 1] * frequency_copies()).mean().abs() < 0.05
