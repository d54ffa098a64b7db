import pytest
import torch
import torch.nn.functional as F
from edit_first.imaging.regions import CELL_PX, coverage, mask_region, zone_regions
from edit_first.imaging.zones import Zone, Zones, zone_mask

DOOR = Zone("door", "edit", "box", ((0.1, 0.1), (0.6, 0.9)), prompt="a red door", strength=0.5)
CAT = Zone("cat", "edit", "ellipse", ((0.5, 0.5), (0.9, 0.9)), prompt="a cat")
SILENT = Zone("silent", "edit", "box", ((0.0, 0.0), (0.2, 0.2)), prompt="  ")
FACE = Zone("face", "anchor", "box", ((0.3, 0.3), (0.5, 0.5)), prompt="not mine to say")


def sampled(mask, cells):
    """What a sampler makes of a mask."""
    return F.interpolate(mask, (cells, cells), mode="bilinear")


@pytest.mark.parametrize("radius_px", [3, 12])
@pytest.mark.parametrize("latent_px", [8, 16])
def test_thin_strokes_reach_the_latent_in_full(radius_px, latent_px):
    stroke = Zone("s", "edit", "brush", ((0.1, 0.2), (0.5, 0.7), (0.9, 0.3)), radius=radius_px / 1024)
    mask = zone_mask(stroke, 1024, 1024)
    truth = F.interpolate(mask, (1024 // latent_px,) * 2, mode="area")
    assert (sampled(coverage(mask), len(truth[0, 0])) - truth).abs().max() < 1e-6
    missed = (truth > 0.02) & (sampled(mask, len(truth[0, 0])) == 0)
    assert missed.sum() > 0.1 * (truth > 0.02).sum(), "without coverage a sampler misses much of it"


def test_small_masks_are_kept():
    mask = torch.rand(1, 1, 300, 900)
    assert coverage(mask) is mask


def test_sizes_that_do_not_divide():
    assert coverage(torch.ones(1, 1, 517, 1001)).shape == (1, 1, 65, 126)
    assert (coverage(torch.ones(1, 1, 517, 1001)) == 1).all()


def test_edit_zones_with_a_prompt_become_regions():
    regions = zone_regions(Zones((DOOR, SILENT, FACE, CAT), frame=(640, 512)), 2.0, 0)
    assert [(r.name, r.prompt, r.strength) for r in regions] == [("door", "a red door", 1.0), ("cat", "a cat", 2.0)]
    assert all(region.mask.shape == (1, 1, 512 // CELL_PX, 640 // CELL_PX) for region in regions)


def test_anchors_are_cut_out():
    (door,) = zone_regions(Zones((DOOR, FACE), frame=(400, 400)), 1.0, 0)
    expected = zone_mask(DOOR, 400, 400) * (1 - zone_mask(FACE, 400, 400))
    assert torch.equal(door.mask, expected)


def test_feather_is_inward_in_pixels_of_the_frame():
    zones = Zones((DOOR,), frame=(400, 400))
    (hard,), (soft,) = zone_regions(zones, 1.0, 0), zone_regions(zones, 1.0, 9)
    assert (soft.mask[hard.mask == 0] == 0).all()
    row = soft.mask[0, 0, 200]
    assert row[39] == 0 and row[40] == pytest.approx(0.1) and row[44] == pytest.approx(0.5) and row[49] == 1


def test_brush_keeps_its_shape_on_a_wide_frame():
    dot = Zone("dot", "edit", "brush", ((0.5, 0.5),), radius=0.25, prompt="x")
    (region,) = zone_regions(Zones((dot,), frame=(400, 200)), 1.0, 0)
    assert region.mask[0, 0].any(0).sum() == region.mask[0, 0].any(1).sum() == 100


def test_mask_region():
    mask = torch.zeros(1, 1, 100, 100)
    mask[..., 20:80, 20:80] = 1
    region = mask_region(mask, "door", 0.7, 4)
    assert (region.prompt, region.strength) == ("door", 0.7)
    assert region.mask[0, 0, 50, 18:26].tolist() == pytest.approx([0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1])


def test_zones_of_unknown_frame_still_work():
    (cat,) = zone_regions(Zones((CAT,)), 1.0, 0)
    assert cat.mask.shape == (1, 1, 128, 128) and cat.mask.max() == 1
