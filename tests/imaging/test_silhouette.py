import pytest
import torch
from edit_first.imaging import masks, silhouette


@pytest.fixture
def subject(coffee, make_disc):
    return make_disc(coffee)


def test_clean_mask_has_no_flaw(subject):
    assert silhouette.fragments(subject).count == 0 and silhouette.holes(subject).count == 0
    assert silhouette.raggedness_px(subject)[0] < 0.7
    assert max(silhouette.border_contact(subject).values()) == 0


def test_dots_and_holes_are_counted_and_placed(subject):
    flawed = subject.clone()
    flawed[..., 20:24, 30:34] = 1
    flawed[..., 30:34, 500:504] = 1
    flawed[..., 200:203, 300:303] = 0
    islands, holes = silhouette.fragments(flawed), silhouette.holes(flawed)
    assert (islands.count, holes.count) == (2, 1)
    assert islands.where[21, 31] and islands.where[31, 501] and islands.where.sum() == 32
    assert holes.where[201, 301] and holes.where.sum() == 9


def test_a_second_subject_is_none(subject):
    two = subject.clone()
    two[..., 10:40, 10:40] = 1
    assert silhouette.fragments(two).count == 0


@pytest.mark.parametrize("width", [4.0, 8.0])
def test_soft_width(width):
    # A linear ramp of `width` px holds 90 % of it between 0.05 and 0.95.
    y, x = torch.arange(400)[:, None] - 200, torch.arange(600)[None, :] - 300
    ramp = ((100 - (x**2 + y**2).sqrt()) / width + 0.5).clamp(0, 1)[None, None]
    assert silhouette.soft_width_px(ramp) == pytest.approx(0.9 * width, rel=0.05)


def test_torn_outline_is_ragged(subject):
    noise = masks.gaussian_blur(torch.randn(subject.shape, generator=torch.Generator().manual_seed(0)), 1.5)
    torn = (masks.signed_distance(subject) > 3 * noise / noise.std()).float()
    assert silhouette.raggedness_px(torn)[0] > 2 * silhouette.raggedness_px(subject)[0]


def test_contact_names_the_side(subject):
    cut = subject.roll(250, 3)
    cut[..., :100] = 0
    sides = silhouette.border_contact(cut)
    assert sides["right"] > 0.3 and sides["left"] == sides["top"] == sides["bottom"] == 0


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (7, 5)])
def test_empty_and_full_masks(value, size):
    mask = torch.full((1, 1, *size), value)
    assert silhouette.fragments(mask).count == 0 and silhouette.holes(mask).count == 0
    assert silhouette.raggedness_px(mask)[0] is None
