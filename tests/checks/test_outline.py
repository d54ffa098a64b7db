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


def test_a_lighter_edit_steps_at_its_border_and_nowhere_else(chelsea, make_disc):
    mask = make_disc(chelsea)
    lab = color.srgb_to_oklab(chelsea)
    lighter = color.oklab_to_srgb(torch.cat((lab[:, :1] + 0.1 * mask, lab[:, 1:]), 1))
    before, after = (outline.blind_seam(image, mask).measurement.value for image in (chelsea, lighter))
    assert before < 3 < after


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
