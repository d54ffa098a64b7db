import pytest
import torch
from edit_first.imaging import crop as library
from edit_first.nodes.crop import RegionCrop, RegionStitch


def test_round_trip_is_bit_exact_and_keeps_alpha(coffee, make_disc):
    image = torch.cat((coffee.movedim(1, 3), torch.rand(1, 400, 600, 1)), 3)
    crops, regions, plans = RegionCrop.execute(image, make_disc(coffee)[:, 0]).args
    assert crops[0].shape[3] == 3 and regions[0].shape == crops[0].shape[:3]
    (back,) = RegionStitch.execute([image], crops, plans)[0]
    assert torch.equal(back, image)


def test_equals_the_library(coffee, make_disc):
    disc = make_disc(coffee)
    crops, regions, plans = RegionCrop.execute(
        coffee.movedim(1, 3), disc[:, 0], 2.0, "size", width=640, height=512, multiple_of=64
    ).args
    plan = library.plan_crop(disc, context=2, resize="size", size=(640, 512), multiple_of=64)
    assert plans == [plan]
    assert torch.equal(crops[0].movedim(3, 1), library.crop(coffee, plan))
    assert torch.equal(regions[0][:, None], library.crop_mask(disc, plan))


def test_separate_regions_are_a_list_and_stitch_puts_all_back(coffee):
    image, mask = coffee.movedim(1, 3), torch.zeros(1, 400, 600)
    mask[:, 40:90, 40:90] = mask[:, 250:300, 400:460] = 1
    crops, regions, plans = RegionCrop.execute(image, mask, regions="separate").args
    assert len(crops) == len(regions) == len(plans) == 2
    patches = [torch.where(region[..., None] > 0, 0.0, patch) for patch, region in zip(crops, regions, strict=True)]
    (result,) = RegionStitch.execute([image], patches, plans)[0]
    assert torch.equal(result, torch.where(mask[..., None] > 0, 0.0, image))


def test_one_patch_for_each_of_several_originals(coffee, make_disc):
    first = coffee.movedim(1, 3)
    pairs = [RegionCrop.execute(image, make_disc(coffee)[:, 0]).args for image in (first, 1 - first)]
    patches, plans = [pair[0][0] for pair in pairs], [pair[2][0] for pair in pairs]
    results = RegionStitch.execute([first, 1 - first], patches, plans)[0]
    assert torch.equal(results[0], first) and torch.equal(results[1], 1 - first)


def test_errors(coffee, make_disc):
    image = coffee.movedim(1, 3)
    with pytest.raises(ValueError, match="edit mask is empty"):
        RegionCrop.execute(image, torch.zeros(1, 400, 600))
    with pytest.raises(ValueError, match="edit_mask is 30x20 but image is 600x400"):
        RegionCrop.execute(image, torch.ones(1, 20, 30))
    crops, _, plans = RegionCrop.execute(image, make_disc(coffee)[:, 0]).args
    with pytest.raises(ValueError, match="1 originals, 2 patches and 1 crops"):
        RegionStitch.execute([image], crops * 2, plans)
