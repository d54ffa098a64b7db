import pytest
import torch
from edit_first.imaging import color, harmonize, light_cues, light_estimate, masks, photometric


@pytest.fixture(scope="module")
def scene(coffee, make_disc):
    return coffee[..., 50:350, 100:500].contiguous(), make_disc(coffee[..., 50:350, 100:500], 0.3)


def drifted(image):
    """Five percent of color, a little contrast, 8 bits: what an edit model does to a whole frame."""
    cast = torch.tensor((1.05, 1.0, 0.95)).view(1, 3, 1, 1)
    return ((0.5 + (image * cast - 0.5) * 0.95).clamp(0, 1) * 255).round() / 255


def lit(image):
    """A plane of light across the frame, two thirds of a stop from side to side."""
    ev = torch.linspace(-0.33, 0.33, image.shape[3])
    return color.linear_to_srgb(color.srgb_to_linear(image) * torch.exp2(ev)).clamp(0, 1)


def error(image, truth, mask):
    """Mean absolute error inside, in 8-bit levels."""
    return float(((image - truth) * 255).abs()[(mask > 0).expand_as(image)].mean())


def test_strength_zero_is_the_image(scene):
    image, mask = scene
    result, _ = harmonize.harmonize(drifted(image), mask, original=image, strength=0)
    assert torch.equal(result, drifted(image))


def test_unpaired_without_a_border_does_nothing(scene):
    image, _ = scene
    result, (summary,) = harmonize.harmonize(image, torch.ones_like(image[:, :1]))
    assert torch.equal(result, image)
    assert summary.confidence == 0


def test_nothing_outside_the_mask_moves_and_locks_are_the_originals(scene):
    image, mask = scene
    edited = drifted(image)
    lock = torch.zeros_like(mask)
    lock[..., 150:220, 250:320] = 1
    result, _ = harmonize.harmonize(edited, mask, original=image, lock_mask=lock)
    outside = ((mask <= 0) & (lock <= 0)).expand_as(image)
    assert torch.equal(result[outside], edited[outside])
    assert torch.equal(result[(lock > 0).expand_as(image)], image[(lock > 0).expand_as(image)])


def test_protected_pixels_are_not_corrected(scene):
    image, mask = scene
    edited, protect = drifted(image), masks.grow(mask, -30)
    result, _ = harmonize.harmonize(edited, mask, original=image, protect_mask=protect)
    held = (protect >= 1).expand_as(image)
    assert torch.equal(result[held], edited[held])
    assert not torch.equal(result, edited)


@pytest.mark.parametrize("photo", ["coffee", "astronaut", "chelsea"])
def test_paired_drift_is_undone_to_half_a_level(photo, request, make_disc):
    image = request.getfixturevalue(photo)
    mask = make_disc(image, 0.3)
    result, (summary,) = harmonize.harmonize(drifted(image), mask, original=image)
    before = error(drifted(image), image, mask)
    assert before > 2.5
    assert error(result, image, mask) < 0.5
    assert summary.mode == "paired"
    assert summary.confidence > 0.8


def test_paired_keeps_the_edits_own_content(scene):
    image, mask = scene
    new = torch.where(mask > 0, 1 - image, image)  # an object with colors of its own
    result, _ = harmonize.harmonize(drifted(new), mask, original=image)
    assert error(result, new, mask) < 0.35 * error(drifted(new), new, mask)


def test_local_light_needs_local(scene):
    image, mask = scene
    local, _ = harmonize.harmonize(lit(image), mask, original=image, local=0.5)
    single, _ = harmonize.harmonize(lit(image), mask, original=image, local=0.0)
    start = error(lit(image), image, mask)
    assert error(local, image, mask) < 0.25 * start
    assert error(local, image, mask) < 0.5 * error(single, image, mask)


def test_unrelated_pictures_are_left_alone(coffee, make_disc):
    noise = torch.rand(coffee.shape, generator=torch.Generator().manual_seed(0))
    mask = make_disc(coffee)
    result, (summary,) = harmonize.harmonize(coffee, mask, original=noise)
    assert summary.confidence == 0
    assert "do not show the same picture" in summary.reason
    assert torch.equal(result, coffee)


def test_brand_color_stays_within_its_budget(scene):
    image, mask = scene
    red = "#c8102e"
    patch = torch.tensor(color.hex_to_rgb(red)).view(1, 3, 1, 1)
    label = masks.grow(mask, -50)
    original = image
    edited = torch.where(label > 0, patch, drifted(image))
    free, _ = harmonize.harmonize(edited, mask, original=original)
    held, (summary,) = harmonize.harmonize(edited, mask, original=original, brand_colors=[red], max_delta_e=0.7)

    def delta(picture):
        median = picture[0][:, (label > 0)[0, 0]].median(1).values.view(1, 3, 1, 1)
        return float(color.delta_e00(color.srgb_to_lab(median), color.srgb_to_lab(patch)))

    assert delta(free) > 1.2
    assert delta(held) <= 0.701
    assert summary.brand[0].after == pytest.approx(delta(held), abs=0.02)
    assert error(held, original, mask * (label <= 0)) < 1.5 * error(free, original, mask * (label <= 0)) + 0.3


def test_batch_equals_singles(scene):
    image, mask = (tensor[..., 60:240, 80:320] for tensor in scene)
    frames = torch.cat((drifted(image), lit(image)))
    both, _ = harmonize.harmonize(frames, mask, original=image)
    for index in range(2):
        single, _ = harmonize.harmonize(frames[index : index + 1], mask, original=image)
        assert torch.equal(both[index : index + 1], single)


def test_errors_say_what_was_expected(scene):
    image, mask = scene
    with pytest.raises(ValueError, match="strength is 2; expected a value from 0 to 1"):
        harmonize.harmonize(image, mask, strength=2)
    with pytest.raises(ValueError, match=r"original is 200x150 but the image is 400x300 \(WxH\)"):
        harmonize.harmonize(image, mask, original=image[..., ::2, ::2])


@pytest.mark.parametrize("stops", [-1.5, 1.5])
def test_a_part_in_other_light_is_pulled_back(chelsea, make_disc, stops):
    mask = make_disc(chelsea, 0.2)  # fur inside and outside
    relit = torch.where(mask > 0, color.linear_to_srgb(color.srgb_to_linear(chelsea) * 2**stops).clamp(0, 1), chelsea)
    result, (summary,) = harmonize.harmonize(relit, mask)
    assert summary.mode == "unpaired"
    assert summary.gain_ev * stops < 0
    assert 0 < summary.confidence <= 1
    assert error(result, chelsea, mask) < 0.7 * error(relit, chelsea, mask)


def test_an_object_in_its_own_light_is_left_alone(chelsea, make_disc):
    result, (summary,) = harmonize.harmonize(chelsea, make_disc(chelsea, 0.2))
    assert torch.equal(result, chelsea)
    assert summary.confidence == 0
    assert "nothing was done" in summary.reason


def test_a_red_can_stays_red(coffee, make_disc):
    mask = make_disc(coffee, 0.2)
    shade = 1 - 0.4 * torch.linspace(-1, 1, coffee.shape[3]).abs()
    can = color.linear_to_srgb(torch.tensor((0.55, 0.01, 0.02)).view(1, 3, 1, 1) * shade)
    seated = torch.where(mask > 0, can, coffee)
    result, _ = harmonize.harmonize(seated, mask)
    lab = color.srgb_to_oklab(result)[0, 1:][:, (mask > 0)[0, 0]].mean(1)
    before = color.srgb_to_oklab(seated)[0, 1:][:, (mask > 0)[0, 0]].mean(1)
    assert float(torch.rad2deg(torch.atan2(lab[1], lab[0]) - torch.atan2(before[1], before[0])).abs()) < 10
    assert float(lab.norm()) > 0.8 * float(before.norm())


def test_cues_are_read_at_one_size(chelsea, make_disc):
    mask = make_disc(chelsea, 0.2)
    twice = [torch.nn.functional.interpolate(image, scale_factor=2, mode="nearest") for image in (chelsea, mask)]
    single, double = light_cues.light_cues(chelsea, mask), light_cues.light_cues(*twice)
    assert single.shape == light_estimate.networks()[0].center.shape
    assert float((single - double).abs().median()) < 0.002
    assert torch.allclose(single, double, atol=0.3)  # logarithms of noise move most
    assert light_cues.light_cues(chelsea, torch.ones_like(mask)) is None
    assert light_cues.light_cues(chelsea, torch.zeros_like(mask)) is None


def test_a_network_maps_cues_to_a_correction():
    weight = torch.zeros(12, 2)
    weight[0, 0] = 1
    network = light_estimate.Network(torch.ones(2), torch.full((2,), 0.5), ((weight, torch.arange(12.0)),))
    assert network(torch.tensor((2.0, 7.0))).tolist() == [[2, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert float(network(torch.tensor((9.0, 0.0)))[0, 0]) == light_estimate.LIMIT


def test_color_fit_finds_a_known_map(astronaut):
    gray = color.luma(astronaut)
    saturated = (gray + 1.2 * (astronaut - gray) + 0.01).clamp(0, 1)
    fit = photometric.fit_color(saturated, astronaut, torch.ones_like(gray))
    assert float((fit.apply(saturated) - astronaut).abs().mean()) * 255 < 0.4
    assert photometric.fit_color(astronaut, astronaut, torch.ones_like(gray)) is None
    assert photometric.fit_color(saturated, astronaut, torch.zeros_like(gray)) is None


def test_light_fit_finds_a_gain(coffee):
    gain = torch.tensor((1.2, 1.0, 0.7)).view(1, 3, 1, 1)
    relit = color.linear_to_srgb(color.srgb_to_linear(coffee) * gain).clamp(0, 1)
    fit = photometric.fit_color(coffee, relit, torch.ones_like(coffee[:, :1]), ("light",))
    assert torch.allclose(fit.steps[0].gain.flatten().float(), gain.flatten(), rtol=0.01)


def brighter(amount):
    return lambda image: image + amount


def test_a_correction_is_made_as_far_as_explanations_agree():
    image = torch.full((1, 3, 4, 4), 0.4)

    def made(*others):
        return float((harmonize.Cautious(brighter(0.2), tuple(map(brighter, others)))(image) - image).mean())

    assert made() == pytest.approx(0.2)
    assert made(0.19) == pytest.approx(0.2)  # they agree
    assert made(0.05, 0.3) == pytest.approx(0.05 * (1 + harmonize.AGREED))
    assert made(-0.1) == pytest.approx(harmonize.AGREED_LEVELS)
    assert made(0.0) == pytest.approx(harmonize.AGREED_LEVELS)


def test_explanations_that_agree_in_the_region_do_not_count():
    small, inside = torch.full((1, 3, 8, 8), 0.4), torch.ones(1, 1, 8, 8, dtype=torch.bool)
    cautious, share = harmonize._agree(brighter(0.2), [brighter(0.195)], small, inside)
    assert cautious.others == ()
    assert share == 1
    cautious, share = harmonize._agree(brighter(0.2), [brighter(0.05)], small, inside)
    assert len(cautious.others) == 1
    assert share == pytest.approx(0.05 * (1 + harmonize.AGREED) / 0.2, abs=1e-5)
