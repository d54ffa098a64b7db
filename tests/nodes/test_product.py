import pytest
import torch
from edit_first.checks.recolor import recolor_report
from edit_first.imaging import color, masks
from edit_first.nodes.product import SKURecolor

TARGETS = ("#1d9a8a", "#2b59c3", "#a02060", "#181818")


@pytest.fixture(scope="module")
def suit(astronaut):
    """The orange suit of the astronaut, by hue."""
    lab = color.srgb_to_oklab(astronaut)
    hue = torch.rad2deg(torch.atan2(lab[:, 2:], lab[:, 1:2]))
    height, width = astronaut.shape[2:]
    rows, columns = torch.arange(height)[:, None] / height, torch.arange(width)[None, :] / width
    region = (rows > 0.55) & (columns < 0.72)
    return masks.gaussian_blur(
        ((hue > 25) & (hue < 60) & (lab[:, 1:].norm(dim=1, keepdim=True) > 0.09) & region).float(), 0.7
    )


@pytest.mark.parametrize("target", TARGETS)
def test_a_photographed_suit_arrives_at_the_color(astronaut, suit, target):
    image, report = SKURecolor.execute(astronaut.movedim(1, 3), suit[:, 0], target).args
    (measured,) = report.measurements
    assert measured.value < 2 and report.verdict("production") == "pass"
    outside = (suit == 0).movedim(1, 3).expand_as(image)
    assert torch.equal(image[outside], astronaut.movedim(1, 3)[outside])


def test_report_finds_a_color_that_did_not_arrive(astronaut, suit):
    (measured,) = recolor_report(astronaut, astronaut, suit, "#2b59c3").measurements
    assert measured.value > 20 and measured.verdict("good enough") == "fail"
    (weak,) = recolor_report(astronaut, astronaut, suit, "#2b59c3", strength=0.5).measurements
    assert weak.value is None and "strength is 0.5" in weak.detail


def test_alpha_is_kept(astronaut, suit):
    alpha = torch.rand(1, 512, 512, 1)
    image = torch.cat((astronaut.movedim(1, 3), alpha), 3)
    assert torch.equal(SKURecolor.execute(image, suit[:, 0], "#2b59c3")[0][..., 3:], alpha)
