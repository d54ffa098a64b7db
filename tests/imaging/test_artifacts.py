import io

import numpy as np
import pytest
import torch
from edit_first.imaging import artifacts, color, masks, overlay
from PIL import Image


def gradient(height=96, width=256):
    return torch.linspace(0.2, 0.6, width).expand(1, 3, height, width)


def lightness(image):
    return color.lightness(image)[0, 0].numpy()


def test_specks_are_found_where_they_are():
    image = gradient().clone()
    image[..., 40:43, 60:63] += 0.3
    image[..., 70:73, 200:203] -= 0.3
    found = artifacts.specks(lightness(image))
    assert sorted(map(tuple, found)) == [(61, 41), (201, 71)]


def test_faint_specks_and_streaks_are_no_specks():
    image = gradient().clone()
    image[..., 40:43, 60:63] += 0.06
    image[..., 70:72, 180:220] -= 0.3
    assert len(artifacts.specks(lightness(image))) == 0


def test_specks_in_texture_are_texture():
    noisy = torch.rand(1, 3, 96, 256, generator=torch.Generator().manual_seed(0))
    assert len(artifacts.specks(lightness(noisy))) == 0 == len(artifacts.specks(lightness(gradient())))


def test_burnt_area_counts_a_backdrop_does_not():
    image = torch.full((1, 3, 100, 100), 0.5)
    image[..., 40:60, 40:60] = 1.0
    image[..., 10:12, 10:12] = 1.0  # a highlight
    assert artifacts.burnt(image).mean() == pytest.approx(0.0404, abs=0.001)
    backdrop = torch.ones(1, 3, 100, 100)
    backdrop[..., 30:70, 30:70] = 0.5
    assert not artifacts.burnt(backdrop).any()


def test_banding_needs_steps_larger_than_8_bit_ones():
    smooth = (gradient() * 255).round() / 255
    banded = (gradient() * 31).round() / 31
    assert not artifacts.banding(smooth).any()
    assert (
        artifacts.banding((gradient(width=1024) * 64).round() / 64).mean() > 0.5
        or artifacts.banding(banded).mean() > 0.5
    )


def test_grain_hides_bands():
    grainy = (gradient() * 31).round() / 31 + 0.01 * torch.randn(
        1, 3, 96, 256, generator=torch.Generator().manual_seed(0)
    )
    assert not artifacts.banding(grainy).any()


def test_three_flat_colors_are_no_bands():
    drawing = torch.full((1, 3, 96, 96), 0.3)
    drawing[..., 40:50] = 0.5
    drawing[..., 50:] = 0.9
    assert not artifacts.banding(drawing).any()


def test_two_flat_colors_are_no_bands():
    drawing = torch.full((1, 3, 96, 96), 0.3)
    drawing[..., 48:] = 0.34
    assert not artifacts.banding(drawing).any()


def test_blocks_grow_with_compression(coffee):
    def compressed(quality):
        buffer = io.BytesIO()
        overlay.to_pil(coffee).save(buffer, "JPEG", quality=quality)
        return artifacts.blockiness(overlay.from_pil(Image.open(buffer)))

    assert artifacts.blockiness(coffee) < 0.1 < compressed(40) < compressed(10)


def test_doubled_pixels_are_no_blocks(coffee):
    doubled = coffee[..., ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert artifacts.blockiness(doubled) < 0.1


def test_blocks_are_found_at_any_phase(coffee):
    buffer = io.BytesIO()
    overlay.to_pil(coffee).save(buffer, "JPEG", quality=20)
    image = overlay.from_pil(Image.open(buffer))
    shifted = artifacts.blockiness(image[..., 3:, 5:])
    assert shifted == pytest.approx(artifacts.blockiness(image), rel=0.1)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (31, 40)])
def test_small_pictures_have_nothing(size):
    image = torch.rand(1, 3, *size)
    assert artifacts.blockiness(image) >= 0 and not artifacts.banding(image).any()
    assert artifacts.burnt(image).shape == size and len(artifacts.specks(lightness(image))) >= 0


def test_lightness_is_labs(coffee):
    assert np.allclose(lightness(coffee), color.srgb_to_lab(coffee)[0, 0].numpy(), atol=1e-3)
    assert masks.bounding_box(torch.zeros(1, 1, 2, 2)) is None
