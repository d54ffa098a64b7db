import numpy as np
import pytest
import torch
import torch.nn.functional as F
from edit_first.imaging import masks
from edit_first.imaging.edge_quality import edge_width_px, find_edges, jaggedness, ringing, width_map


def disc_picture(size=200, blur=0.0):
    """A bright disc on dark gray, antialiased by eightfold supersampling."""
    fine = torch.arange(size * 8) / 8 - size / 2
    inside = ((fine[:, None] ** 2 + fine**2) <= (size / 3) ** 2).float()[None, None]
    plane = 0.2 + 0.6 * F.avg_pool2d(inside, 8)
    return masks.gaussian_blur(plane, blur).expand(1, 3, -1, -1)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_width_of_a_blurred_step(sigma):
    # In squares: the blur, a pixel's own area (1/12), the finer blur (0.25) and the central difference (1/3).
    expected = (sigma**2 + 1 / 12 + 0.25 + 1 / 3) ** 0.5
    assert edge_width_px(find_edges(disc_picture(blur=sigma))) == pytest.approx(expected, rel=0.1)


def test_perfect_step():
    assert edge_width_px(find_edges(disc_picture())) == pytest.approx(0.7, abs=0.06)


def test_soft_background_does_not_count(coffee):
    soft = masks.gaussian_blur(coffee, 3.0)
    half = torch.cat((coffee[..., :300], soft[..., 300:]), 3)
    widths = [edge_width_px(find_edges(image)) for image in (coffee, half, soft)]
    assert widths[1] < 1.3 * widths[0] and widths[2] > 2.5 * widths[0]


def test_region_is_read_alone(coffee):
    soft = masks.gaussian_blur(coffee, 3.0)
    half = torch.cat((coffee[..., :300], soft[..., 300:]), 3)
    right = np.zeros((400, 600), bool)
    right[:, 310:] = True
    assert edge_width_px(find_edges(half), right) > 2 * edge_width_px(find_edges(half), ~right)


def test_flat_picture_has_no_edges():
    edges = find_edges(torch.full((1, 3, 60, 80), 0.5))
    assert edge_width_px(edges) is None and ringing(edges)[0] is None and jaggedness(edges)[0] is None
    assert not width_map(edges).any()


def test_sharpening_rings():
    clean, sharpened = disc_picture(blur=0.7), disc_picture(blur=0.7)
    sharpened = (sharpened + sharpened - masks.gaussian_blur(sharpened, 2)).clamp(0, 1)
    assert ringing(find_edges(clean))[0] < 0.02 < 0.1 < ringing(find_edges(sharpened))[0]


@pytest.mark.parametrize(("sigma", "amount"), [(1, 1), (2, 2), (4, 1)])
def test_narrow_and_wide_halos_ring_in_a_photograph(coffee, sigma, amount):
    sharpened = (coffee + amount * (coffee - masks.gaussian_blur(coffee, sigma))).clamp(0, 1)
    clean, value = (ringing(find_edges(image))[0] for image in (coffee, sharpened))
    assert value > clean + 0.05


def test_ringing_tells_where(coffee):
    sharpened = (3 * coffee - 2 * masks.gaussian_blur(coffee, 2)).clamp(0, 1)
    half = torch.cat((coffee[..., :300], sharpened[..., 300:]), 3)
    _, at, strength = ringing(find_edges(half))
    assert at.shape == (len(strength), 2)
    assert np.mean(strength[at[:, 1] > 310]) > np.mean(strength[at[:, 1] < 290]) + 0.05


def test_ringing_does_not_depend_on_contrast():
    picture = disc_picture(blur=0.7)
    picture = picture + picture - masks.gaussian_blur(picture, 2)
    strong, weak = ringing(find_edges(picture))[0], ringing(find_edges(0.5 * picture + 0.2))[0]
    assert weak == pytest.approx(strong, rel=0.05)


@pytest.mark.parametrize("levels", [2, 4, 8])
def test_grain_on_weak_edges_is_no_stair(levels):
    noise = torch.randn(1, 3, 200, 200, generator=torch.Generator().manual_seed(1)) * levels / 255
    weak = 0.2 * disc_picture() + 0.4
    clean, grained = (jaggedness(find_edges(image))[0] for image in (weak, (weak + noise).clamp(0, 1)))
    assert grained < clean + 0.01


def test_stairs_are_told_from_antialiased_edges():
    smooth = disc_picture()
    stairs = (smooth > 0.5).float() * 0.6 + 0.2
    doubled = stairs[..., ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3)
    clean, hard, coarse = (jaggedness(find_edges(image))[0] for image in (smooth, stairs, doubled))
    assert clean < 0.03 and clean < hard < coarse and coarse > 0.14


def test_width_map_lies_around_edges():
    spread = width_map(find_edges(disc_picture(blur=2.0)))
    assert spread[100, 100] == 0 and 1.8 < spread[60:140, 150:180].max() < 2.4
