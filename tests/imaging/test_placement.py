import math

import numpy as np
import pytest
import skimage.metrics
import torch
import torch.nn.functional as F
from edit_first.imaging import color, placement

RED = "#c8102e"


def label(size=512):
    """A product with fine print: letters, lines and a round, antialiased outline. sRGB and mask."""
    axis = (torch.arange(size * 4) + 0.5) / (size * 4) * 2 - 1
    y, x = axis[:, None].expand(size * 4, -1), axis[None, :].expand(-1, size * 4)
    inside = (x.abs() ** 4 + y.abs() ** 4 < 0.9).float()
    stripes = ((torch.sin(40 * x) > 0) & (y.abs() < 0.4)).float()
    base = torch.tensor(color.hex_to_rgb(RED)).view(3, 1, 1)
    light = color.srgb_to_linear(torch.lerp(base.expand(3, *x.shape), torch.ones(3, *x.shape), stripes))
    alpha = F.avg_pool2d(inside[None, None], 4)
    return color.linear_to_srgb(F.avg_pool2d((light * inside)[None], 4) / alpha.clamp(min=1e-3)).clamp(0, 1), alpha


def supersampled_truth(product, alpha, quad, width, height, factor=8):
    """The warp at eight samples per pixel and axis, averaged: premultiplied linear light and alpha."""
    big = tuple((x * factor, y * factor) for x, y in quad)
    planes = torch.cat((color.srgb_to_linear(product) * alpha, alpha), 1)[0].movedim(0, 2).numpy()
    warped = torch.from_numpy(placement._warp_tight(planes, big, width * factor, height * factor, 1))
    return F.avg_pool2d(warped.movedim(2, 0)[None], factor)


def psnr(first, second):
    return -10 * math.log10(((first - second) ** 2).mean().item())


QUADS = {
    "half": ((30.3, 20.7), (200.3, 20.7), (200.3, 190.7), (30.3, 190.7)),
    "sixth": ((30.3, 20.7), (115.3, 20.7), (115.3, 105.7), (30.3, 105.7)),
    "perspective": ((20.5, 40.2), (180.1, 12.3), (190.7, 160.4), (40.9, 130.8)),
}


@pytest.mark.parametrize("name", QUADS)
def test_warp_is_close_to_the_supersampled_truth_and_beats_plain_resizing(name):
    product, alpha = label()
    quad, size = QUADS[name], 220
    truth = supersampled_truth(product, alpha, quad, size, size)
    shown, placed = placement.warp(placement.Cutout(color.srgb_to_linear(product), alpha), quad, size, size)
    ours = torch.cat((color.srgb_to_linear(shown) * placed, placed), 1)
    plain = torch.cat((color.srgb_to_linear(product) * alpha, alpha), 1)[0].movedim(0, 2).numpy()
    rival = torch.from_numpy(placement._warp_tight(plain, quad, size, size, 1)).movedim(2, 0)[None]
    assert psnr(ours, truth) > 32
    assert psnr(ours, truth) > psnr(rival, truth) + 3
    assert (placed - truth[:, 3:]).abs().mean() < 0.002


def test_at_its_own_size_on_whole_pixels_the_product_is_exact():
    product, alpha = label(160)
    quad = placement.slot_quad("contain", (160, 160), (20, 30, 160, 160))
    shown, placed = placement.warp(placement.Cutout(color.srgb_to_linear(product), alpha), quad, 220, 220)
    assert torch.allclose(placed[..., 30:190, 20:180], alpha, atol=1e-6)
    solid = alpha > 0.99
    error = (shown[..., 30:190, 20:180] - product).abs()
    assert error[solid.expand_as(error)].max() < 1e-3
    score = skimage.metrics.structural_similarity(
        *(t[0].movedim(0, 2).numpy() for t in (shown[..., 60:160, 50:150], product[..., 30:130, 30:130])),
        channel_axis=2,
        data_range=1.0,
    )
    assert score > 0.98


def test_no_halo_from_the_old_background():
    product, alpha = label(256)
    on_green = alpha * product + (1 - alpha) * torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)

    def green_in_the_rim(cutout):
        shown, placed = placement.warp(cutout, QUADS["half"], 220, 220)
        rim = (placed > 0.2) & (placed < 0.8)
        return (shown[:, 1:2] - shown[:, :1]).clamp(min=0)[rim].mean()

    untreated = green_in_the_rim(placement.Cutout(color.srgb_to_linear(on_green), alpha))
    assert untreated > 0.02, "the old background shows without treatment"
    assert green_in_the_rim(placement.cut_out(on_green, alpha)) < 0.05 * untreated


def test_flat_brand_color_survives_any_warp():
    flat = torch.tensor(color.hex_to_rgb(RED)).view(1, 3, 1, 1).expand(1, 3, 300, 300)
    cutout = placement.cut_out(flat, torch.ones(1, 1, 300, 300))
    for quad in QUADS.values():
        shown, placed = placement.warp(cutout, quad, 220, 220)
        error = color.delta_e00(color.srgb_to_lab(shown), color.srgb_to_lab(flat[..., :1, :1]))
        assert error[placed > 0.5].max() < 0.1


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        ("contain", ((25.0, 60.0), (75.0, 60.0), (75.0, 160.0), (25.0, 160.0))),
        ("cover", ((0.0, 10.0), (100.0, 10.0), (100.0, 210.0), (0.0, 210.0))),
        ("stretch", ((0.0, 60.0), (100.0, 60.0), (100.0, 160.0), (0.0, 160.0))),
    ],
)
def test_fits(fit, expected):
    assert placement.slot_quad(fit, (200, 400), (0, 60, 100, 100)) == expected


def test_corners_are_fractions_clockwise_from_top_left():
    quad = placement.parse_corners("[0.1,0.2],[0.9,0.2],[0.9,0.8],[0.1,0.8]", 100, 50)
    assert np.allclose(quad, [(10, 10), (90, 10), (90, 40), (10, 40)])
    assert placement.parse_corners("[[0.1,0.2],[0.9,0.2],[0.9,0.8],[0.1,0.8]]", 100, 50) == quad


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected four"),
        ("[0.1,0.2]", "got 1 points"),
        ("a,b", "expected four"),
        ("[0,0],[0,1],[1,1],[1,0]", "clockwise"),
        ("[0,0],[1,1],[1,0],[0,1]", "clockwise"),
        ("[0,0],[1,0],[1,1],[NaN,1]", "finite"),
    ],
)
def test_bad_corners_say_what_is_expected(text, message):
    with pytest.raises(ValueError, match=message):
        placement.parse_corners(text, 100, 100)


def test_partly_and_wholly_outside_the_canvas():
    product, alpha = label(128)
    cutout = placement.cut_out(product, alpha)
    shown, placed = placement.warp(cutout, ((-40, -30), (50, -30), (50, 60), (-40, 60)), 100, 80)
    assert placed[..., :50, :40].max() > 0.9 and torch.isfinite(shown).all()
    assert placement.warp(cutout, ((300, 300), (400, 300), (400, 400), (300, 400)), 100, 80)[1].sum() == 0


def test_empty_product_mask_says_what_to_connect():
    with pytest.raises(ValueError, match="product_mask is empty"):
        placement.cut_out(torch.rand(1, 3, 8, 8), torch.zeros(1, 1, 8, 8))
