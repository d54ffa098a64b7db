"""Grain and sharpness inside an edit against its surroundings, without an original."""

import pytest
import torch
from edit_first.checks.texture import texture_report
from edit_first.imaging import masks


def noisy(image, levels, seed=1):
    return (image + levels / 255 * torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))).clamp(0, 1)


def judged(image, mask):
    return {m.metric: m for m in texture_report(image, mask).measurements}


def test_an_untouched_photograph_passes(coffee, make_disc):
    found = judged(coffee, make_disc(coffee))
    assert list(found) == ["blind_grain", "blind_sharpness"]
    assert all(m.value < 0.4 and m.verdict("production") == "pass" for m in found.values())


def test_only_the_first_frame_is_measured(coffee, make_disc):
    mask = make_disc(coffee)
    both = judged(torch.cat((coffee, masks.gaussian_blur(coffee, 3))), mask)
    assert both == judged(coffee, mask)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_a_blurred_edit_is_softer_and_found_with_its_place(astronaut, make_disc, sigma):
    mask = make_disc(astronaut)
    found = judged(torch.where(mask > 0, masks.gaussian_blur(astronaut, sigma), astronaut), mask)["blind_sharpness"]
    assert found.verdict("production") == "warn" and "softer" in found.detail
    ys, xs = mask[0, 0].nonzero(as_tuple=True)
    assert (found.where.x, found.where.y) == (int(xs.min()), int(ys.min()))


def test_more_blur_is_softer(astronaut, make_disc):
    mask, values = make_disc(astronaut), []
    for sigma in (0.4, 0.7, 1.0, 1.5):
        blurred = torch.where(mask > 0, masks.gaussian_blur(astronaut, sigma), astronaut)
        values.append(judged(blurred, mask)["blind_sharpness"].value)
    assert values == sorted(values) and values[-1] > values[0] + 0.5


def test_a_sharp_edit_in_a_soft_picture_is_sharper(astronaut, make_disc):
    mask = make_disc(astronaut)
    found = judged(torch.where(mask > 0, astronaut, masks.gaussian_blur(astronaut, 2)), mask)["blind_sharpness"]
    assert found.value > 0.3 and "sharper" in found.detail


def test_noise_that_nobody_sees_is_neither_sharpness_nor_grain(coffee, make_disc):
    mask = make_disc(coffee)
    found = judged(torch.where(mask > 0, noisy(coffee, 1.5), coffee), mask)
    assert all(m.verdict("production") == "pass" for m in found.values())


@pytest.mark.parametrize("grainy_edit", [True, False])
def test_grain_on_one_side_is_found(coffee, make_disc, grainy_edit):
    mask = make_disc(coffee)
    sides = (noisy(coffee, 8), coffee) if grainy_edit else (coffee, noisy(coffee, 8))
    found = judged(torch.where(mask > 0, *sides), mask)["blind_grain"]
    assert found.verdict("production") == "warn" and ("grainier" if grainy_edit else "cleaner") in found.detail


def test_grain_on_both_sides_passes(coffee, make_disc):
    assert judged(noisy(coffee, 8), make_disc(coffee))["blind_grain"].value < 0.2


def test_texture_is_not_taken_for_grain(make_disc):
    smooth = torch.full((1, 3, 320, 480), 0.5)
    texture = torch.rand(1, 1, 320, 480, generator=torch.Generator().manual_seed(0)) - 0.5
    texture = (smooth + 3 * masks.gaussian_blur(texture, 1.5)).clamp(0, 1)
    assert judged(torch.where(make_disc(smooth) > 0, texture, smooth), make_disc(smooth))["blind_grain"].value is None


def test_sizes_that_are_no_whole_blocks_are_measured(coffee, make_disc):
    odd = coffee[..., :393, :587]
    assert all(m.value is not None for m in judged(odd, make_disc(odd)).values())


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_masks_without_two_sides_give_no_number(coffee, value):
    found = judged(coffee, torch.full_like(coffee[:, :1], value))
    assert all(m.value is None and "too few blocks" in m.detail for m in found.values())
