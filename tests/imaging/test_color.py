import math

import numpy as np
import pytest
import skimage.color
import torch
from edit_first.imaging import color

# Sharma, Wu and Dalal 2005, table 1: published pairs and differences (a sample that reaches every branch).
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (56.0, -27.0, -3.0), 31.9030),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


def lab(*values):
    return torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1)


@pytest.mark.parametrize(("first", "second", "expected"), SHARMA)
def test_delta_e00_gives_the_published_differences(first, second, expected):
    assert color.delta_e00(lab(*first), lab(*second)).item() == pytest.approx(expected, abs=6e-5)
    assert color.delta_e00(lab(*second), lab(*first)).item() == pytest.approx(expected, abs=6e-5)


def test_delta_e00_agrees_with_scikit_image_on_a_photograph(coffee, chelsea):
    first = color.srgb_to_lab(coffee[:, :, :200, :200].double())
    second = color.srgb_to_lab(chelsea[:, :, :200, :200].double())
    ours = color.delta_e00(first, second)[0, 0].numpy()
    theirs = skimage.color.deltaE_ciede2000(*(x[0].movedim(0, 2).numpy() for x in (first, second)))
    assert np.abs(ours - theirs).max() < 1e-6


def test_delta_e00_of_equal_colors_is_exactly_zero(chelsea):
    values = color.srgb_to_lab(chelsea)
    assert (color.delta_e00(values, values) == 0).all()


def test_lab_agrees_with_scikit_image(chelsea):
    ours = color.srgb_to_lab(chelsea)[0].movedim(0, 2).numpy()
    theirs = skimage.color.rgb2lab(chelsea[0].movedim(0, 2).numpy())
    assert np.abs(ours - theirs).max() < 0.02  # skimage rounds its matrix to six digits


def test_srgb_round_trip_keeps_all_8_bit_levels():
    levels = (torch.arange(256) / 255).view(1, 1, 1, -1).expand(1, 3, 1, -1)
    back = color.linear_to_srgb(color.srgb_to_linear(levels))
    assert ((back * 255).round() == (levels * 255).round()).all()
    assert color.srgb_to_linear(torch.tensor(0.5)).item() == pytest.approx(0.21404114, abs=1e-6)


def test_oklab_knows_white_and_comes_back(coffee):
    white = color.srgb_to_oklab(torch.ones(1, 3, 1, 1)).flatten()
    assert torch.allclose(white, torch.tensor([1.0, 0.0, 0.0]), atol=1e-5)
    # Ottosson 2020 gives red as (0.628, 0.225, 0.126).
    red = color.srgb_to_oklab(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten()
    assert torch.allclose(red, torch.tensor([0.628, 0.225, 0.126]), atol=6e-4)
    assert torch.allclose(color.oklab_to_srgb(color.srgb_to_oklab(coffee)), coffee, atol=2e-3)


def test_luma_of_white_is_one():
    assert color.luma(torch.ones(2, 3, 4, 5)).shape == (2, 1, 4, 5)
    assert color.luma(torch.ones(1, 3, 1, 1)).item() == pytest.approx(1, abs=1e-6)


def test_parse_colors_reads_what_people_write():
    assert color.parse_colors("#0057B8, e30613\n#fff;#000000") == ["#0057b8", "#e30613", "#ffffff", "#000000"]
    assert color.parse_colors("  \n") == []
    assert color.hex_to_rgb("#ff8000") == (1.0, 128 / 255, 0.0)


@pytest.mark.parametrize("text", ["blue", "#12345", "#gggggg", "0x112233"])
def test_parse_colors_names_what_is_not_a_color(text):
    with pytest.raises(ValueError, match=f"'{text}' is not a color; write colors as #rrggbb"):
        color.parse_colors(f"#ffffff, {text}")


def test_near_colors_finds_the_brand_and_nothing_else(chelsea):
    picture = chelsea.clone()
    picture[:, :, 10:30, 20:60] = torch.tensor(color.hex_to_rgb("#0057b8")).view(1, 3, 1, 1)
    found = color.near_colors(picture, ["#0057b8"], 3)
    assert found[:, :, 10:30, 20:60].all()
    assert found.sum() == 20 * 40
    pair = torch.cat((chelsea, picture))
    assert torch.equal(color.near_colors(pair, ["#0057b8"], 3)[1:], found), "a batch equals its frames"


def test_gray_axis_has_no_chroma():
    gray = torch.linspace(0, 1, 11).view(1, 1, 1, -1).expand(1, 3, 1, -1)
    assert color.srgb_to_lab(gray)[:, 1:].abs().max() < 1e-3
    assert math.isclose(color.srgb_to_lab(gray)[0, 0, 0, -1].item(), 100, abs_tol=1e-3)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bands_of_rows_give_the_values_of_the_whole_frame(layout, coffee, monkeypatch):
    picture = coffee[:, :, :303].contiguous(memory_format=layout)
    gray = torch.full((1, 3, 1, 1), 0.5)
    convert = (color.srgb_to_linear, color.linear_to_srgb, color.srgb_to_lab, color.srgb_to_oklab, color.oklab_to_srgb)
    measure = [lambda image: color.delta_e00(image, gray), lambda image: color.delta_e00(image, image.flip(3))]
    whole = [function(picture) for function in (*convert, color.lightness, *measure)]
    monkeypatch.setattr(color, "BAND_VALUES", 2**14)
    for function, expected in zip((*convert, color.lightness, *measure), whole, strict=True):
        banded = function(picture)
        assert banded.shape == expected.shape
        assert banded.stride() == expected.stride() or banded.is_contiguous(memory_format=layout)
        assert torch.allclose(banded, expected, atol=1e-6, rtol=1e-6)
