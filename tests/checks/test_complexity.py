"""Advice before an edit: what is known to be hard is found hard, and why is said."""

import cv2
import numpy as np
import pytest
import torch
from edit_first.checks import complexity
from edit_first.checks.thresholds import threshold
from edit_first.checks.view import make_view
from edit_first.imaging import color


def values(report):
    return {m.metric: m.value for m in report.measurements}


def plain(height=300, width=400):
    return torch.linspace(0.3, 0.6, width).expand(1, 3, height, width).contiguous()


def strands(image, seed=0):
    """Thin dark lines in all directions from the center outward."""
    levels = (image[0].movedim(0, 2).numpy() * 255).astype(np.uint8).copy()
    height, width = levels.shape[:2]
    for angle in np.linspace(0, 2 * np.pi, 90, endpoint=False):
        end = (int(width / 2 + 140 * np.cos(angle)), int(height / 2 + 140 * np.sin(angle)))
        cv2.line(levels, (width // 2, height // 2), end, (20, 20, 20), 1, cv2.LINE_AA)
    return torch.from_numpy(levels).movedim(2, 0)[None].float() / 255


def test_a_plain_border_is_a_quick_fix(make_disc):
    image = plain()
    result = complexity.check_complexity(image, make_disc(image))
    assert result.advice.split()[0] == "quick_fix"
    assert values(result.report)["border_structure"] < 1
    assert result.report.verdict("production") == "pass"


def structure(image, mask):
    view = make_view(None, image, mask)
    return complexity.border_structure(complexity.visible_gradient(view), view.distance)


def square(image):
    mask = torch.zeros_like(image[:, :1])
    mask[..., 60:240, 120:280] = 1
    return mask


def test_structure_of_a_ramp_is_its_slope():
    lightness = torch.linspace(20, 80, 400)
    gray = color.linear_to_srgb(((lightness + 16) / 116) ** 3).expand(1, 3, 300, 400).contiguous()
    slope = 60 / 399  # CIE L* for each px; told for 0.1 % of 400 px
    assert structure(gray, square(gray)) == pytest.approx(0.4 * slope, rel=0.02)


def test_an_edge_that_stays_costs_nothing():
    image = plain()
    mask = square(image)
    outside, inside = image.clone(), image.clone()
    outside[..., :114] = 0
    inside[..., :122] = 0
    assert structure(outside, mask) == pytest.approx(structure(image, mask), abs=0.02)
    assert structure(inside, mask) > structure(image, mask) + 1


def test_structure_is_the_same_at_every_size(chelsea, make_disc):
    sizes = [torch.nn.functional.interpolate(chelsea, scale_factor=f, mode="bicubic").clamp(0, 1) for f in (1.8, 3.6)]
    small, large = (structure(image, make_disc(image)) for image in sizes)
    assert small == pytest.approx(large, rel=0.06)


def test_regions_without_a_border_or_an_inside():
    image = plain()
    hair = torch.zeros_like(image[:, :1])
    hair[..., 150, 100:300] = 1
    assert structure(image, torch.ones_like(hair)) == 0
    assert structure(image, hair) == pytest.approx(structure(image, square(image)), rel=0.3)


def test_hair_across_the_border_is_composited_by_hand(make_disc):
    image = strands(plain())
    result = complexity.check_complexity(image, make_disc(image, 0.3))
    found = values(result.report)
    assert (
        found["border_strand_fraction"]
        > 0.15
        > values(complexity.check_complexity(plain(), make_disc(image)).report)["border_strand_fraction"]
    )
    assert result.advice.startswith("composite_by_hand - ") and "strands" in result.advice


def test_lines_along_the_border_do_not_cross_it(make_disc):
    image = plain()
    rings = strands(image)
    y, x = torch.arange(300)[:, None] - 149.5, torch.arange(400)[None, :] - 199.5
    circle = ((x**2 + y**2).sqrt() - 75).abs() < 1
    around = torch.where(circle[None, None], torch.zeros(()), image)
    along, across = (complexity.strand_fraction(make_view(None, i, make_disc(i))) for i in (around, rings))
    assert along < 0.3 * across


def test_a_border_on_an_edge_is_told_to_grow(make_disc):
    image = plain()
    mask = make_disc(image)
    y, x = torch.arange(300)[:, None] - 149.5, torch.arange(400)[None, :] - 199.5
    spotted = ((torch.sin(x) * torch.sin(y)) > 0) & ((x**2 + y**2).sqrt() < 80)
    image = torch.where(spotted[None, None], torch.ones(()), image)
    advice = complexity.check_complexity(image, mask).advice
    assert advice.startswith("grow_mask - ") and " px " in advice


def test_translucent_masks_are_composited_by_hand(make_disc):
    image = plain()
    veil = make_disc(image) * 0.5
    result = complexity.check_complexity(image, veil)
    assert values(result.report)["mask_translucent_fraction"] > 0.9
    assert result.advice.startswith("composite_by_hand - ") and "translucent" in result.advice
    feathered = torch.nn.functional.avg_pool2d(make_disc(image), 5, 1, 2)
    assert values(complexity.check_complexity(image, feathered).report)["mask_translucent_fraction"] == 0


def test_a_small_region_is_cropped(make_disc):
    image = plain(1500, 2000)
    result = complexity.check_complexity(image, make_disc(image, 0.02))
    assert values(result.report)["mask_size_px"] == pytest.approx(60 * 1024 / 2000, rel=0.05)
    assert result.advice.startswith("crop_and_stitch - ")


def test_geometry(make_disc):
    image = plain()
    disc = complexity.geometry(make_view(None, image, make_disc(image)))
    assert disc["mask_raggedness"] == pytest.approx(1, abs=0.15) and disc["mask_parts"] == 1
    assert disc["mask_area_fraction"] == pytest.approx(np.pi * 75**2 / 120000, rel=0.02)
    halves = torch.zeros(1, 1, 300, 400)
    halves[..., :50, :] = halves[..., 200:220, 100:120] = 1
    found = complexity.geometry(make_view(None, image, halves))
    assert found["mask_parts"] == 2 and found["mask_frame_contact"] == pytest.approx(500 / 1400)


def test_a_mirror_image_below_is_noticed():
    scene = torch.rand(1, 3, 10, 20, generator=torch.Generator().manual_seed(1))
    scene = torch.nn.functional.interpolate(scene, (100, 200), mode="bicubic").clamp(0, 1)
    mask = torch.zeros(1, 1, 200, 200)
    mask[..., 20:100, 40:160] = 1
    mirrored = make_view(None, torch.cat((scene, scene.flip(2)), 2), mask)
    other = make_view(None, torch.cat((scene, scene.flip(3)), 2), mask)
    assert complexity.reflection(mirrored) > 0.95 > 0.6 > complexity.reflection(other)


def test_the_hardest_frame_of_a_batch_speaks(make_disc):
    image = plain()
    pair = torch.cat((image, strands(image)))
    result = complexity.check_complexity(pair, make_disc(image, 0.3))
    single = complexity.check_complexity(pair[1:], make_disc(image, 0.3))
    for metric in ("border_structure", "border_strand_fraction"):
        assert values(result.report)[metric] == values(single.report)[metric]
    assert result.report.measurements[0].where.frame == 1 and "(frame 1)" in result.advice
    assert torch.equal(result.heatmap[1:], single.heatmap)


def test_heat_is_where_the_border_is_hard(make_disc):
    image = plain()
    half = torch.cat((image[..., :200], strands(image)[..., 200:]), 3)
    result = complexity.check_complexity(half, make_disc(half, 0.3))
    saturation = result.heatmap.amax(1) - result.heatmap.amin(1)
    assert saturation[..., 200:].sum() > 10 * saturation[..., :190].sum()
    assert result.report.measurements[0].where.x >= 180


def test_an_empty_mask_is_an_error():
    with pytest.raises(ValueError, match="edit_mask is empty in frame 0"):
        complexity.check_complexity(plain(), torch.zeros(1, 1, 300, 400))


def test_every_advice_is_a_table_away():
    assert all(
        threshold(m).worst == "warn"
        for m in values(complexity.check_complexity(plain(), torch.ones(1, 1, 300, 400)).report)
    )
