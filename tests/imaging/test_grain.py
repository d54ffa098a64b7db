"""Grain and sharpness: measured where the truth is known, and given to patches that lack them."""

import pytest
import torch
from edit_first.imaging import grain, masks
from edit_first.imaging.sharpness import edge_blur
from edit_first.imaging.spectrum import frequency_radius

SIGMA = 5 / 255


def make_noise(shape, blur_px, seed):
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    noise = masks.gaussian_blur(noise, blur_px)
    return noise / noise.std()


def level(brightness, kind):
    return torch.full_like(brightness, SIGMA) if kind == "even" else SIGMA * (1.5 - brightness)


@pytest.fixture(scope="module")
def ramp():
    return torch.linspace(0.15, 0.85, 320).expand(1, 3, 320, 320).contiguous()


@pytest.fixture(scope="module")
def picture(coffee):
    """A photograph with little grain of its own."""
    return masks.gaussian_blur(coffee, 0.5)


@pytest.fixture(scope="module")
def plate(picture):
    return (picture + SIGMA * make_noise(picture.shape, 0.8, 1)).clamp(0, 1)


@pytest.fixture(scope="module")
def rendering(picture):
    """What a model makes of the whole frame: no grain, and softer."""
    return masks.gaussian_blur(picture, 0.7)


def everywhere(image):
    return torch.ones_like(image[:1, :1])


# ---------------------------------------------------------------- measuring


@pytest.mark.parametrize("kind", ["even", "shadows"])
@pytest.mark.parametrize("blur_px", [0, 0.8, 1.4])
def test_level_is_found_at_every_brightness(ramp, kind, blur_px):
    image = ramp + level(ramp, kind) * make_noise(ramp.shape, blur_px, 1)
    ratio = grain.estimate_grain(image, everywhere(image)).sigma(ramp) / level(ramp, kind)
    assert 0.85 < ratio.min() and ratio.max() < 1.1 and abs(ratio.mean() - 1) < 0.08


def test_spectrum_tells_white_from_coarse_and_channels_that_go_together(ramp):
    ring = frequency_radius()
    low, high = (ring > 1) & (ring < 3), ring > 8
    for blur_px, coarse in ((0, False), (1.0, True)):
        noise = make_noise(ramp.shape, blur_px, 2)[:, :1].expand_as(ramp)
        spectrum = grain.estimate_grain(ramp + SIGMA * noise, everywhere(ramp)).spectrum
        assert (spectrum[0, 0][low].mean() > 5 * spectrum[0, 0][high].mean()) == coarse
        assert torch.allclose(spectrum[0, 1], spectrum[0, 0], atol=1e-4)


def test_clean_and_textured_pictures_have_no_grain(ramp):
    assert grain.estimate_grain(ramp, everywhere(ramp)).blocks == 0
    assert grain.estimate_grain(torch.full((1, 3, 64, 64), 0.4), torch.ones(1, 1, 64, 64)).blocks == 0


@pytest.mark.parametrize("name", ["grass.png", "gravel.png"])
def test_texture_is_not_taken_for_grain(name):
    from pathlib import Path

    from edit_first.headless import files

    photo = files.read_image(Path(grain.__file__).parents[1] / "assets" / "photos" / name)[0].movedim(3, 1)
    found = grain.estimate_grain(photo, everywhere(photo))
    assert float(found.level.max()) < 0.25 * float(photo.std())


def test_region_too_small_for_a_block_is_no_error(ramp):
    region = torch.zeros_like(ramp[:, :1])
    region[..., 5:9, 5:9] = 1
    assert grain.estimate_grain(ramp, region).blocks == 0


def test_comparing_finds_grain_and_sharpness(plate, rendering, picture):
    pair = grain.compare(plate, rendering, everywhere(plate))
    assert abs(float(pair.lacking.level[:, 8:24].mean()) / SIGMA - 1) < 0.12
    assert 1.1 < float(pair.response[4, 0]) < 2.2  # exp(2 * (pi * 0.7 * 4 / 16)^2) = 1.83, less where grain hides it
    assert abs(float(pair.response[1, 0]) - 1) < 0.1


def test_edge_blur_knows_how_blurred_a_step_is():
    step = (torch.arange(96) >= 48).float().expand(1, 3, 96, 96) * 0.6 + 0.2
    for blur_px in (0.8, 1.5, 2.5):
        measured = edge_blur(masks.gaussian_blur(step, blur_px), everywhere(step))
        assert float(measured.median()) == pytest.approx(blur_px, abs=0.3)


# ---------------------------------------------------------------- matching


def test_strength_zero_and_empty_masks_change_nothing(plate, rendering, make_disc):
    disc = make_disc(plate)
    assert torch.equal(grain.match_grain(rendering, disc, original=plate, strength=0), rendering)
    assert torch.equal(grain.match_grain(rendering, 0 * disc, original=plate), rendering)


def test_nothing_outside_the_mask_and_no_lock_moves(plate, rendering, make_disc):
    disc, lock = make_disc(plate, 0.3), make_disc(plate, 0.1)
    before = rendering.clone()
    result = grain.match_grain(rendering, disc, original=plate, lock_mask=lock)
    still = ((disc <= 0) | (lock > 0)).expand_as(result)
    assert torch.equal(result[still], rendering[still]) and torch.equal(rendering, before)
    assert (result[~still] != rendering[~still]).float().mean() > 0.9
    assert torch.isfinite(result).all() and result.min() >= 0 and result.max() <= 1


@pytest.mark.parametrize("paired", [True, False])
def test_added_grain_has_the_plates_level(plate, rendering, make_disc, paired):
    disc = make_disc(plate, 0.35)
    if paired:
        runs = [grain.match_grain(rendering, disc, original=plate, seed=seed) for seed in (1, 2)]
    else:
        runs = [grain.match_grain(torch.where(disc > 0, rendering, plate), disc, seed=seed) for seed in (1, 2)]
    added = ((runs[0] - runs[1]) / 2**0.5)[disc.bool().expand_as(plate)]
    assert abs(float(added.std()) / SIGMA - 1) < (
        0.1 if paired else 0.5
    )  # unpaired, the photograph's own texture counts as well


@pytest.mark.slow
def test_sharpening_brings_the_rendering_nearer_to_the_truth(plate, rendering, picture, make_disc):
    disc = make_disc(plate, 0.35).bool().expand_as(plate)
    plan = grain.plan_match(rendering, disc[:, :1].float(), original=plate)
    sharp = grain.filter_image(rendering, plan.response)
    assert (sharp - picture)[disc].square().mean() < 0.5 * (rendering - picture)[disc].square().mean()
    assert grain.plan_match(rendering, disc[:, :1].float(), original=plate, match_sharpness=False).response is None


def test_too_much_grain_is_reduced(picture, make_disc):
    noisy = (picture + 2 * SIGMA * make_noise(picture.shape, 0, 3)).clamp(0, 1)
    plate = (picture + 0.5 * SIGMA * make_noise(picture.shape, 0, 4)).clamp(0, 1)
    disc = make_disc(picture, 0.35)
    result = grain.match_grain(noisy, disc, original=plate)
    inside = disc.bool().expand_as(picture)
    assert (result - picture)[inside].std() < 0.6 * (noisy - picture)[inside].std()


def test_clean_plate_stays_clean(ramp, make_disc):
    disc = make_disc(ramp)
    assert torch.equal(grain.match_grain(ramp, disc), ramp)


@pytest.mark.slow
def test_frames_get_their_own_grain_of_one_level(plate, rendering, make_disc):
    disc = make_disc(plate, 0.3)
    clip = grain.match_grain(rendering.expand(3, -1, -1, -1), disc, original=plate, seed=7)
    single = grain.match_grain(rendering, disc, original=plate, seed=8)
    assert torch.allclose(clip[1:2], single, atol=SIGMA / 2)  # seed + index; the level differs by the blocks picked
    added = (clip - clip.mean(0))[:, disc[0].bool().expand(3, -1, -1)].std(1)
    assert added.max() / added.min() < 1.05 and not torch.equal(clip[0], clip[1])


def test_same_seed_same_grain_and_dtype_stays(plate, rendering, make_disc):
    plate, rendering = plate[..., 100:300, 150:450], rendering[..., 100:300, 150:450]
    disc = make_disc(plate, 0.2)
    first, second = (grain.match_grain(rendering.half(), disc, original=plate.half(), seed=3) for _ in range(2))
    assert torch.equal(first, second) and first.dtype == torch.half


def test_errors_name_sizes(plate, make_disc):
    disc = make_disc(plate)
    with pytest.raises(ValueError, match="edit mask is 20x10 but image is 600x400"):
        grain.match_grain(plate, torch.ones(1, 1, 10, 20))
    with pytest.raises(ValueError, match="original has 2 frames but image has 1"):
        grain.match_grain(plate, disc, original=plate.expand(2, -1, -1, -1))
    with pytest.raises(ValueError, match="strength is -1"):
        grain.match_grain(plate, disc, strength=-1)
