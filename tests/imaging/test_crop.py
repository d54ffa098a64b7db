"""Crop and stitch: the patch goes back exactly where it was, and nothing else moves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from edit_first.imaging import crop as crops
from edit_first.imaging.crop import CropPlan, crop, crop_mask, plan_crop, plan_crops, stitch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

PHOTOS = Path(__file__).parents[2] / "assets" / "photos"


def photo(name):
    pixels = np.asarray(Image.open(PHOTOS / name).convert("RGB"), np.float32) / 255
    return torch.from_numpy(pixels).movedim(-1, 0).unsqueeze(0)


def box_mask(width, height, *boxes):
    mask = torch.zeros(1, 1, height, width)
    for x, y, w, h in boxes:
        mask[:, :, y : y + h, x : x + w] = 1
    return mask


# ---------------------------------------------------------------- identity


@pytest.mark.parametrize("box", [(200, 100, 90, 60), (0, 0, 50, 40), (560, 380, 40, 20), (0, 0, 600, 400)])
def test_native_round_trip_is_bit_exact(box):
    image = photo("coffee.png")
    plan = plan_crop(box_mask(600, 400, box))
    patch = crop(image, plan)
    assert patch.shape[2] % 16 == 0 and patch.shape[3] % 16 == 0
    assert torch.equal(stitch(image, patch, plan), image)


def test_native_crop_holds_the_frames_own_numbers():
    image = photo("coffee.png")
    plan = plan_crop(box_mask(600, 400, (200, 100, 90, 60)))
    assert torch.equal(crop(image, plan), image[:, :, plan.y : plan.y + plan.height, plan.x : plan.x + plan.width])


@pytest.mark.parametrize("resize", ["megapixels", "size"])
def test_resized_round_trip_changes_nothing_outside_and_hardly_anything_inside(resize):
    image = photo("astronaut.png")
    plan = plan_crop(box_mask(512, 512, (180, 60, 120, 160)), resize=resize, megapixels=0.5, size=(768, 1024))
    result = stitch(image, crop(image, plan), plan)
    inside = box_mask(512, 512, plan.window).bool().expand_as(image)
    assert torch.equal(result[~inside], image[~inside])
    assert (result - image).abs().mean() * 255 < 0.05


# ---------------------------------------------------------------- the window


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_window_holds_the_mask_and_stays_inside_when_the_frame_is_large_enough(data):
    width, height = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 300))
    w, h = data.draw(st.integers(1, width)), data.draw(st.integers(1, height))
    x, y = data.draw(st.integers(0, width - w)), data.draw(st.integers(0, height - h))
    multiple = data.draw(st.sampled_from([1, 8, 16, 64]))
    plan = plan_crop(
        box_mask(width, height, (x, y, w, h)),
        context=data.draw(st.floats(1, 4)),
        resize=data.draw(st.sampled_from(crops.RESIZES)),
        megapixels=data.draw(st.floats(0.02, 2)),
        size=(data.draw(st.integers(16, 600)), data.draw(st.integers(16, 600))),
        multiple_of=multiple,
    )
    assert plan.x <= x and plan.y <= y
    assert plan.x + plan.width >= x + w and plan.y + plan.height >= y + h
    assert plan.crop_width % multiple == 0 and plan.crop_height % multiple == 0
    for start, side, frame in ((plan.x, plan.width, width), (plan.y, plan.height, height)):
        assert (0 <= start and start + side <= frame) or side > frame
    assert abs(plan.crop_width / plan.width / (plan.crop_height / plan.height) - 1) <= 1.01 / min(
        plan.width, plan.height
    )


def test_context_scales_the_box_about_its_center():
    plan = plan_crop(box_mask(1000, 800, (400, 300, 200, 100)), context=1.6, multiple_of=1)
    assert plan.window == (340, 270, 320, 160)


def test_context_one_is_the_box_itself_and_small_masks_get_a_margin():
    mask = box_mask(400, 400, (100, 120, 10, 8))
    assert plan_crop(mask, context=1, multiple_of=1).window == (100, 120, 10, 8)
    assert plan_crop(mask, context=1.2, multiple_of=1).window == (76, 96, 58, 56)


def test_window_moves_inside_the_frame_before_it_is_padded():
    plan = plan_crop(box_mask(500, 400, (470, 0, 30, 90)), context=2, multiple_of=16)
    assert plan.visible == plan.window and plan.x + plan.width == 500 and plan.y == 0


def test_real_pixels_rather_than_padding():
    # 1000 is no multiple of 16: the context gives way (992), padding (1008) would show the model a mirror.
    assert plan_crop(box_mask(1000, 1000, (10, 10, 980, 900))).window == (4, 0, 992, 992)


def test_frame_that_is_too_small_is_mirrored():
    image = photo("chelsea.png")[:, :, :100, :100]
    plan = plan_crop(box_mask(100, 100, (0, 0, 100, 100)), multiple_of=64)
    assert plan.window == (-14, -14, 128, 128)
    patch = crop(image, plan)
    assert torch.equal(patch[..., 14:114, 14:114], image)
    assert torch.equal(patch[..., 13, 14:114], image[..., 0, :]) and torch.equal(
        patch[..., 0, 14:114], image[..., 13, :]
    )
    edge = crop(image, CropPlan(100, 100, -14, -14, 128, 128, 128, 128, "replicate"))
    assert torch.equal(edge[..., 0, 14:114], image[..., 0, :])


def test_context_mask_widens_the_window():
    mask, more = box_mask(600, 400, (300, 200, 40, 40)), box_mask(600, 400, (40, 30, 10, 10))
    plan = plan_crop(mask, context=1, multiple_of=1, context_mask=more)
    assert plan.window == (40, 30, 300, 210)


def test_megapixels_and_size_deliver_what_they_say():
    mask = box_mask(2000, 1500, (700, 500, 300, 200))
    plan = plan_crop(mask, resize="megapixels", megapixels=1, multiple_of=32)
    assert abs(plan.crop_width * plan.crop_height / 1024**2 - 1) < 0.05
    plan = plan_crop(mask, resize="size", size=(832, 1216), multiple_of=16)
    assert (plan.crop_width, plan.crop_height) == (832, 1216)


def test_batch_gets_one_window_around_all_frames():
    mask = torch.cat([box_mask(300, 200, (100, 80, 20, 20)), box_mask(300, 200, (130, 90, 30, 20))])
    assert plan_crop(mask, context=1, multiple_of=1).window == (100, 80, 60, 30)


# ---------------------------------------------------------------- several regions


def test_separate_regions_in_reading_order():
    mask = box_mask(900, 700, (600, 80, 60, 60), (100, 100, 60, 60), (400, 500, 80, 80))
    plans = plan_crops(mask, multiple_of=8)
    assert len(plans) == 3
    boxes = [(600, 80, 60, 60), (100, 100, 60, 60), (400, 500, 80, 80)]
    for plan, box in zip(plans, boxes, strict=True):
        assert torch.equal(crop_mask(mask, plan).sum(), box_mask(900, 700, box).sum())


def test_regions_merge_until_no_window_reaches_into_another():
    apart = box_mask(900, 700, (100, 100, 100, 100), (300, 100, 100, 100))
    assert len(plan_crops(apart, context=1.5, multiple_of=1)) == 2
    assert len(plan_crops(apart, context=3.5, multiple_of=1)) == 1
    near = box_mask(900, 700, (100, 100, 30, 30), (140, 100, 30, 30))
    assert len(plan_crops(near, context=1, multiple_of=1)) == 1


def test_several_patches_do_not_undo_each_other():
    image = photo("coffee.png")
    mask = box_mask(600, 400, (60, 60, 60, 60), (400, 250, 70, 60))
    result = image
    for number, plan in enumerate(plan_crops(mask), 1):
        patch, region = crop(image, plan), crop_mask(mask, plan)
        result = stitch(result, torch.where(region > 0, torch.full_like(patch, number / 4), patch), plan)
    changed = mask.bool().expand_as(image)
    assert torch.equal(result[~changed], image[~changed])
    assert sorted(result[changed].unique().tolist()) == [0.25, 0.5]


def test_context_mask_counts_for_the_region_it_touches():
    mask = box_mask(900, 700, (100, 100, 40, 40), (600, 500, 40, 40))
    more = box_mask(900, 700, (140, 120, 100, 20), (700, 50, 30, 30))  # touches the first; the other touches nothing
    first, second = plan_crops(mask, context=1, multiple_of=1, context_mask=more)
    assert first.window == (100, 100, 140, 40) and second.window == (600, 500, 40, 40)


# ---------------------------------------------------------------- stitching


def test_patch_of_another_size_is_resized_to_its_window():
    image = photo("coffee.png")
    plan = plan_crop(box_mask(600, 400, (200, 100, 128, 96)), resize="size", size=(1024, 1024))
    from_model = crops.resample.resize(crop(image, plan), 1000, 1008)
    assert (stitch(image, from_model, plan) - image).abs().mean() * 255 < 0.3


def test_variants_of_one_frame_and_one_patch_for_a_clip():
    image = photo("coffee.png")
    plan = plan_crop(box_mask(600, 400, (200, 100, 90, 60)))
    patch = crop(image, plan)
    variants = torch.cat([patch, 1 - patch, patch / 2])
    result = stitch(image, variants, plan)
    assert result.shape[0] == 3
    assert all(torch.equal(result[i : i + 1], stitch(image, variants[i : i + 1], plan)) for i in range(3))
    clip = torch.cat([image, image.flip(3)])
    assert torch.equal(stitch(clip, patch, plan)[1:], stitch(clip[1:], patch, plan))


def test_inputs_are_not_modified():
    image = photo("chelsea.png")
    plan = plan_crop(box_mask(451, 300, (100, 100, 60, 60)))
    before, patch = image.clone(), crop(image, plan)
    patch.zero_()
    assert torch.equal(image, before)
    stitch(image, patch, plan)
    assert torch.equal(image, before)


# ---------------------------------------------------------------- JSON and errors


def test_json_round_trip():
    plan = plan_crop(box_mask(600, 400, (200, 100, 90, 60)), resize="megapixels", megapixels=0.3)
    assert CropPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a crop plan"),
        ('{"x": 1}', "not a crop plan"),
        (CropPlan(8, 8, 0, 0, 4, 4, 4, 4).to_json().replace('"x": 0', '"x": "a"'), "x is 'a'"),
        (CropPlan(8, 8, 0, 0, 4, 4, 4, 4).to_json().replace('"x": 0', '"x": 8'), "outside"),
        (CropPlan(8, 8, 0, 0, 4, 4, 4, 4).to_json().replace("reflect", "wrap"), "reflect, replicate"),
    ],
)
def test_wrong_json_says_what_is_wrong(text, message):
    with pytest.raises(ValueError, match=message):
        CropPlan.from_json(text)


def test_errors_name_sizes_and_the_way_out():
    mask, image = box_mask(64, 64, (8, 8, 20, 20)), torch.zeros(1, 3, 64, 64)
    plan = plan_crop(mask)
    with pytest.raises(ValueError, match="edit mask is empty"):
        plan_crop(torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match="context mask is 32x16 but edit mask is 64x64"):
        plan_crop(mask, context_mask=torch.ones(1, 1, 16, 32))
    with pytest.raises(ValueError, match="image is 64x32 but the crop was planned for 64x64"):
        crop(image[:, :, :32], plan)
    with pytest.raises(ValueError, match="patch is 100x20 but its window is 64x64"):
        stitch(image, torch.zeros(1, 3, 20, 100), plan)
    with pytest.raises(ValueError, match="3 patches for 2 frames"):
        stitch(image.expand(2, -1, -1, -1), torch.zeros(3, 3, 64, 64), plan)
    with pytest.raises(ValueError, match="patch has 4 channels"):
        stitch(image, torch.zeros(1, 4, 64, 64), plan)
    with pytest.raises(ValueError, match="choose one of native"):
        plan_crop(mask, resize="nativ")
    with pytest.raises(ValueError, match="context is 0.5"):
        plan_crop(mask, context=0.5)


def test_mask_of_specks_is_refused_region_by_region():
    mask = torch.zeros(1, 1, 900, 900)
    mask[..., ::60, ::60] = 1
    with pytest.raises(ValueError, match="separate regions"):
        plan_crops(mask)
