import pytest
import torch
from edit_first.imaging import color, harmonize, masks, photometric
from edit_first.imaging.evidence import estimate_shift


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
    image, mask = scene
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


def test_a_recolored_part_of_one_material_is_pulled_back(chelsea, make_disc):
    mask = make_disc(chelsea, 0.2)  # fur inside and outside
    darker = torch.where(mask > 0, color.linear_to_srgb(color.srgb_to_linear(chelsea) * 0.35), chelsea)
    shift = estimate_shift(darker, mask)
    assert shift.shift[0] > 0.01
    assert 0 < shift.confidence <= 1
    assert error(shift(darker).clamp(0, 1), chelsea, mask) < error(darker, chelsea, mask)


def test_color_fit_finds_a_known_map(astronaut):
    gray = color.luma(astronaut)
    saturated = (gray + 1.2 * (astronaut - gray) + 0.01).clamp(0, 1)
    fit = photometric.fit_color(saturated, astronaut, torch.ones_like(gray))
    assert float((fit.apply(saturated) - astronaut).abs().mean()) * 255 < 0.4
    assert photometric.fit_color(astronaut, astronaut, torch.ones_like(gray)) is None
    assert photometric.fit_color(saturated, astronaut, torch.zeros_like(gray)) is None


def test_a_correction_is_reduced_as_far_as_other_explanations_of_the_evidence_disagree():
    small, inside = torch.full((1, 3, 8, 8), 0.4), torch.ones(1, 1, 8, 8, dtype=torch.bool)

    def brighter(amount):
        return lambda image: image + amount

    share = lambda other: harmonize._safe_share(brighter(0.2), [brighter(other)], small, inside)  # noqa: E731
    assert share(0.2) == 1
    assert share(0.18) == 1
    assert share(-0.1) == 0
    # With doubt the truth lies at 0.2 - 1.4 * 0.12 = 0.032: twice that is the largest step no worse than none.
    assert share(0.08) * 0.2 == pytest.approx(2 * (0.2 - harmonize.DOUBT * 0.12), abs=1e-6)
