import pytest
import torch
import torch.nn.functional as F
from edit_first.checks.product import swap_report
from edit_first.imaging import color, product

RED = "#c8102e"


def can(height=420, width=220):
    """A lit can with a red label and a white band, cut out of a green background: sRGB and alpha."""
    y = torch.linspace(0, 1, height)[:, None].expand(height, width)
    x = torch.linspace(-1, 1, width)[None].expand(height, width)
    front = (1 - x**2).clamp(min=0).sqrt()
    light = (0.8 * front - 0.3 * x).clamp(min=0) + 0.25
    inside = ((y > 0.08 - 0.06 * front) & (y < 0.92 + 0.06 * front)).float()
    label = color.srgb_to_linear(torch.tensor(color.hex_to_rgb(RED))).view(3, 1, 1).expand(3, height, width)
    label = torch.where((y - 0.5).abs() < 0.09, torch.ones(()), label)
    shown = color.linear_to_srgb((label * light).clamp(0, 1))
    alpha = F.avg_pool2d(inside[None, None], 3, 1, 1)
    green = torch.tensor([0.1, 0.8, 0.2]).view(1, 3, 1, 1)
    return alpha * shown + (1 - alpha) * green, alpha


@pytest.fixture
def slot(coffee):
    mask = torch.zeros_like(coffee[:, :1])
    mask[..., 150:330, 10:110] = 1
    return mask


def test_everything_off_leaves_the_product_its_colors_and_the_scene_its_pixels(coffee, slot):
    picture, alpha = can()
    result = product.swap(coffee, picture, alpha, harmonize_strength=0, shadow=0, target_mask=slot)
    outside = (result.product_mask <= 0).expand_as(coffee)
    assert torch.equal(result.image[outside], coffee[outside])
    solid = (result.product_mask > 0.999).expand_as(coffee)
    assert torch.allclose(result.image[solid], result.placed[solid], atol=2e-3)
    assert result.shadow.sum() == 0 and result.scale > 2


def test_it_stands_in_the_slot_and_casts_a_shadow_beside_it(coffee, slot):
    picture, alpha = can()
    result = product.swap(coffee, picture, alpha, target_mask=slot, shadow=1.0)
    rows = (result.product_mask[0, 0] > 0.5).any(1).nonzero()
    assert 325 <= int(rows[-1]) <= 330, "stands on the slot's bottom edge"
    assert ((result.product_mask > 0.5) & (slot == 0)).sum() == 0
    dark = (result.shadow > 0.2) & (result.product_mask <= 0)
    assert dark.sum() > 200
    before, after = color.luma(coffee)[dark], color.luma(result.image)[dark]
    assert (after <= before).all() and after.mean() < 0.9 * before.mean()


def test_locks_and_occluders_hold(coffee, slot):
    picture, alpha = can()
    lock, front = torch.zeros_like(slot), torch.zeros_like(slot)
    lock[..., 200:215, :], lock[..., 335:380, :] = 1, 1
    front[..., 240:255, :] = 1
    result = product.swap(
        coffee,
        picture,
        alpha,
        target_mask=slot,
        lock_mask=lock,
        occluder_mask=front,
        shadow=1.0,
        harmonize_strength=1.0,
    )
    kept = ((lock > 0) | (front > 0)).expand_as(coffee)
    assert torch.equal(result.image[kept], coffee[kept])
    assert (result.product_mask[(lock > 0) | (front > 0)] == 0).all()
    assert (result.edit_mask[lock > 0] == 0).all()
    assert swap_report(coffee, result, [], lock).verdict("production") == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("harmonize", [0.5, 1.0])
def test_brand_colors_stay_within_their_budget(coffee, chelsea, slot, harmonize):
    picture, alpha = can()
    for scene in (coffee, coffee * 0.5, coffee.flip(1)):
        result = product.swap(
            scene, picture, alpha, target_mask=slot, harmonize_strength=harmonize, brand_colors=[RED], max_delta_e=2.0
        )
        report = swap_report(scene, result, [RED])
        shift = {m.metric: m.value for m in report.measurements}["brand_shift_delta_e00"]
        assert shift <= 2.0 and report.verdict("production") == "pass"


def test_what_is_left_of_the_old_product_is_to_be_mended(coffee, slot):
    picture, alpha = can(400, 60)
    result = product.swap(coffee, picture, alpha, target_mask=slot)
    left = (slot > 0) & (result.product_mask < 0.02)
    assert left.sum() > 1000 and (result.edit_mask[left] == 1).all()
    core = result.product_mask > 0.999
    assert (result.edit_mask[core].mean()) < 0.3


def test_no_green_halo(coffee, slot):
    picture, alpha = can()
    result = product.swap(coffee, picture, alpha, target_mask=slot, harmonize_strength=0, shadow=0)
    edge = (result.product_mask > 0.1) & (result.product_mask < 0.9)
    green = (result.image[:, 1:2] - torch.maximum(result.image[:, :1], result.image[:, 2:]))[edge]
    assert green.max() < 0.02


def test_perspective_uses_corners_and_casts_no_shadow(coffee):
    picture, alpha = can()
    result = product.swap(
        coffee, picture, alpha, fit="perspective", corners="[0.1,0.2],[0.4,0.25],[0.38,0.8],[0.12,0.7]"
    )
    assert result.shadow.sum() == 0
    y, x = (result.product_mask[0, 0] > 0.5).nonzero().float().mean(0).tolist()
    assert 0.2 < x / 600 < 0.3 and 0.4 < y / 400 < 0.58


def test_batch_equals_singles_and_inputs_are_untouched(coffee, slot):
    picture, alpha = can(200, 110)
    pair = torch.cat((coffee, coffee.flip(3)))
    before = pair.clone()
    result = product.swap(pair, picture, alpha, target_mask=slot)
    assert torch.equal(pair, before)
    assert torch.equal(result.image[1:], product.swap(pair[1:], picture, alpha, target_mask=slot).image)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no slot: connect target_mask"),
        ({"fit": "perspective"}, "fit perspective needs corners"),
        ({"fit": "fill"}, "choose one of contain, cover, stretch, perspective"),
    ],
)
def test_errors_say_what_to_connect(coffee, options, message):
    with pytest.raises(ValueError, match=message):
        product.swap(coffee, *can(60, 40), **options)
