"""Every defect the integration check names is found where it is, and an edit without it is not accused of it."""

import pytest
import torch
from edit_first.checks.edit import check_edit
from edit_first.checks.effect import effect_word
from edit_first.imaging import masks


@pytest.fixture(scope="module")
def photo(coffee):
    return coffee


@pytest.fixture(scope="module")
def disc(coffee, make_disc):
    return make_disc(coffee, 0.35)


def measured(result):
    return {m.metric: m for m in result.report.measurements}


def inside(photo, edited, mask, feather_px=0.0):
    return torch.lerp(photo, edited.clamp(0, 1), masks.feather_inward(mask, feather_px))


def noise(photo, levels, seed=0):
    return torch.randn(photo.shape, generator=torch.Generator().manual_seed(seed)) * levels / 255


def test_an_unchanged_picture_passes_and_says_that_nothing_happened(photo, disc):
    result = check_edit(photo, photo, disc)
    assert result.report.verdict("production") == "pass" and result.fix_mask.sum() == 0
    effect = measured(result)["edit_effect_delta_e"]
    assert effect.value == 0 and "imperceptible" in effect.detail


def test_noise_of_one_level_passes(photo, disc):
    result = check_edit(photo, inside(photo, photo + noise(photo, 1), disc), disc)
    assert result.report.verdict("production") == "pass", result.report.text()
    assert "imperceptible" in measured(result)["edit_effect_delta_e"].detail


def test_smooth_ceramic_beside_wood_is_not_called_grainless(photo, disc):
    """A region smoother than its surroundings in the original may stay so."""
    edited = (photo.flip(1) * 0.9 + 0.05).clamp(0, 1)
    found = measured(check_edit(photo, inside(photo, edited, disc, 4), disc))
    assert found["grain_log2_ratio"].value < 0.4 and "the original" in found["grain_log2_ratio"].detail


@pytest.mark.parametrize(
    ("defect", "metric", "word"),
    [
        (lambda p: masks.gaussian_blur(p, 1.5), "sharpness_log2_ratio", "softer"),
        (lambda p: p + noise(p, 6), "grain_log2_ratio", "grainier"),
        (lambda p: p + 0.06, "seam_step", ""),
    ],
    ids=["soft", "grainy", "offset"],
)
def test_defects_are_found_in_the_region(photo, disc, defect, metric, word):
    result = check_edit(photo, inside(photo, defect(photo), disc), disc)
    found = measured(result)[metric]
    assert found.verdict("production") != "pass" and word in found.detail
    assert 60 <= found.where.x <= 540 and found.where.frame == 0
    fixed = result.fix_mask > 0
    assert fixed.sum() > 100 and not (fixed & (masks.signed_distance(disc) < -16)).any()


def test_heat_is_on_the_softened_half(photo, disc):
    half = disc.clone()
    half[..., : photo.shape[3] // 2] = 0
    result = check_edit(photo, inside(photo, masks.gaussian_blur(photo, 1.5), half), disc)
    columns = result.fix_mask.sum((0, 1, 2))
    assert columns[photo.shape[3] // 2 :].sum() > 20 * columns[: photo.shape[3] // 2 - 8].sum()


@pytest.mark.parametrize(("tone", "word"), [(1.0, "lighter"), (0.0, "darker")])
def test_a_fringe_is_found_along_the_border(photo, disc, tone, word):
    distance = masks.signed_distance(disc)
    rim = ((distance > 0) & (distance <= 2)).float() * 0.4
    result = check_edit(photo, torch.lerp(photo, torch.full_like(photo, tone), rim), disc)
    found = measured(result)["halo_lightness"]
    assert found.verdict("good enough") == "warn" and word in found.detail and "inside" in found.detail
    fixed = result.fix_mask > 0
    assert (fixed & (rim > 0)).sum() > 0.5 * (rim > 0).sum()


def test_a_thin_rim_is_a_fringe_and_no_seam_but_a_step_beside_it_is(photo, disc):
    distance = masks.signed_distance(disc)
    rim = ((distance > 0) & (distance <= 1)).float() * 0.4
    lined = torch.lerp(photo, torch.ones_like(photo), rim)
    found = measured(check_edit(photo, lined, disc))
    assert found["halo_lightness"].verdict("production") == "warn"
    assert found["seam_step"].verdict("production") == "pass"
    stepped = measured(check_edit(photo, (lined + 0.04 * disc).clamp(0, 1), disc))
    assert stepped["seam_step"].verdict("production") == "fail"


def test_a_feathered_change_is_no_fringe(photo, disc):
    found = measured(check_edit(photo, inside(photo, photo + 0.2, disc, 8), disc))
    assert found["halo_lightness"].value < 0.3


def test_displaced_content_is_told_with_its_displacement(photo, disc):
    moved = photo.roll((5, 3), (2, 3))
    found = measured(check_edit(photo, inside(photo, moved, disc), disc))["edit_shift_px"]
    assert found.value == pytest.approx(34**0.5, abs=0.01) and "+3 px across and +5 px down" in found.detail


def test_spill_is_what_hangs_together_with_the_edit(photo, disc):
    grown = masks.grow(disc, 6)
    image = inside(photo, photo + 0.1, grown)
    image[..., :5, :5] = 1 - image[..., :5, :5]
    result = check_edit(photo, image, disc, lock_mask=torch.zeros_like(disc))
    found = measured(result)["mask_spill_fraction"]
    ring = float((grown - disc).mean())
    assert found.value == pytest.approx(ring, rel=0.02) and found.verdict("production") == "warn"
    assert result.fix_mask[..., :5, :5].sum() == 0


def test_the_worst_frame_speaks_with_its_number(photo, disc):
    soft = inside(photo, masks.gaussian_blur(photo, 1.5), disc)
    pair = check_edit(torch.cat((photo, photo)), torch.cat((photo, soft)), disc)
    single = check_edit(photo, soft, disc)
    together, alone = measured(pair)["sharpness_log2_ratio"], measured(single)["sharpness_log2_ratio"]
    assert together.value == alone.value and together.where.frame == 1
    assert torch.equal(pair.fix_mask[1:], single.fix_mask) and pair.fix_mask[0].sum() == 0


def test_progress_ends_at_one(photo, disc):
    seen = []
    check_edit(torch.cat((photo, photo)), torch.cat((photo, photo)), disc, progress=seen.append)
    assert seen == [0.5, 1.0]


@pytest.mark.slow
def test_a_large_frame_is_judged_as_the_small_one_and_placed_in_its_own_px(photo, disc):
    large = [torch.nn.functional.interpolate(t, scale_factor=4, mode="bicubic").clamp(0, 1) for t in (photo,)][0]
    mask = torch.nn.functional.interpolate(disc, scale_factor=4)
    found = measured(check_edit(large, inside(large, large + 0.06, mask), mask))["seam_step"]
    small = measured(check_edit(photo, inside(photo, photo + 0.06, disc), disc))["seam_step"]
    assert found.value == pytest.approx(small.value, rel=0.1)
    assert abs(masks.signed_distance(mask)[0, 0, found.where.y, found.where.x]) < 12


@pytest.mark.parametrize(
    ("mean", "p95", "structure", "seated", "word"),
    [
        (0.1, 0.4, 1.0, True, "imperceptible"),
        (1.0, 3.0, 1.0, True, "subtle"),
        (9.0, 20.0, 0.9, True, "clear"),
        (40.0, 60.0, 0.1, True, "rebuilt"),
        (40.0, 60.0, 0.1, False, "unseated"),
    ],
)
def test_the_effect_has_a_word(mean, p95, structure, seated, word):
    assert effect_word(mean, p95, structure, seated) == word
