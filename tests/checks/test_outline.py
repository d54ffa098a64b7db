import pytest
import torch
from edit_first.checks import outline
from edit_first.imaging import color, masks


def lightness(image):
    return color.lightness(image)[0, 0].numpy()


def rim(image, mask, shade):
    distance = masks.signed_distance(mask)
    band = masks.gaussian_blur(((distance < 0) & (distance >= -3)).float(), 0.6)
    return torch.lerp(image, torch.full_like(image, shade), 0.5 * band)


@pytest.mark.parametrize(("shade", "word"), [(1.0, "bright"), (0.0, "dark")])
def test_a_rim_is_found_along_the_outline(coffee, make_disc, shade, word):
    mask = make_disc(coffee)
    plain = outline.halo(lightness(coffee), mask, "subject")
    found = outline.halo(lightness(rim(coffee, mask, shade)), mask, "subject")
    assert plain.measurement.value < 1 and plain.measurement.verdict("production") == "pass"
    assert found.measurement.value > 3 and word in found.measurement.detail
    distance = masks.signed_distance(mask)[0, 0].abs().numpy()
    assert found.where.any() and distance[found.where].max() <= 10


def test_a_step_between_two_tones_is_no_halo(make_disc):
    image = torch.full((1, 3, 200, 300), 0.3)
    mask = make_disc(image)
    assert outline.halo(lightness(torch.where(mask > 0, 0.7, image)), mask, "subject").measurement.value < 0.5


def lighter(image, weight, step):
    lab = color.srgb_to_oklab(image)
    return color.oklab_to_srgb(torch.cat((lab[:, :1] + weight * step / 100, lab[:, 1:]), 1))


def seam(image, mask):
    return outline.blind_seam(image, mask).measurement


@pytest.mark.parametrize("step", [2, 4, 8, -4])
def test_a_lighter_or_darker_edit_steps_at_its_border(chelsea, make_disc, step):
    mask = make_disc(chelsea)
    before, after = seam(chelsea, mask), seam(lighter(chelsea, mask, step), mask)
    assert before.value < 2 and after.value > 4 and before.verdict("production") == "pass"
    told = float(after.detail.split("steps by ")[1].split(" ")[0])
    assert told == pytest.approx(abs(step), abs=0.5)


def test_a_larger_step_is_surer_and_a_feathered_one_less_sure(chelsea, make_disc):
    mask = make_disc(chelsea)
    hard = [seam(lighter(chelsea, mask, step), mask).value for step in (1, 2, 4, 8)]
    assert hard == sorted(hard)
    assert seam(lighter(chelsea, masks.feather_inward(mask, 6), 8), mask).value < hard[-1] / 3


def test_a_tint_steps_too(chelsea, make_disc):
    mask, lab = make_disc(chelsea), color.srgb_to_oklab(chelsea)
    tinted = color.oklab_to_srgb(torch.cat((lab[:, :2], lab[:, 2:] + 0.04 * mask), 1))
    assert seam(tinted, mask).verdict("production") == "warn"


def test_an_edge_of_the_picture_beside_the_border_is_no_seam(make_disc):
    image = torch.full((1, 3, 240, 360), 0.3)
    mask = make_disc(image)
    picture = torch.where(masks.grow(mask, 4) > 0, 0.7, image)
    assert seam(picture, mask).value < 0.5 < 8 < seam(torch.where(mask > 0, 0.7, image), mask).value


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_masks_without_a_border_are_not_judged(coffee, value):
    mask = torch.full_like(coffee[:, :1], value)
    assert outline.halo(lightness(coffee), mask, "edit").measurement.value is None
    assert outline.blind_seam(coffee, mask).measurement.value is None


def test_cut_subject_names_the_side(coffee, make_disc):
    mask = make_disc(coffee).roll(-150, 2)
    mask[:, :, 300:] = 0
    found = {f.measurement.metric: f.measurement for f in outline.matte_findings(mask)}
    assert found["subject_border_fraction"].value > 0.1  # shown, not judged: a crop may be meant
    assert "the top side cuts it" in found["subject_border_fraction"].detail
