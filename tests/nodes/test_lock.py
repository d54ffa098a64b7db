"""Anchor Lock's adapter."""

import pytest
import torch
from edit_first.checks.report import Measurement, Report
from edit_first.imaging import lock as library
from edit_first.nodes.lock import AnchorLock


@pytest.fixture(scope="module")
def pair(coffee):
    edited = torch.nn.functional.interpolate(coffee, (392, 592), mode="bicubic", antialias=True).clamp(0, 1)
    edited[..., 150:250, 200:330] = 0.3
    return coffee, edited


@pytest.fixture(scope="module")
def output(pair):
    return AnchorLock.execute(*(image.movedim(1, 3) for image in pair)).args


def test_node_is_the_library(pair, output):
    result = library.restore(*pair)
    image, mask, aligned, report = output
    assert torch.equal(image.movedim(3, 1), result.image) and torch.equal(mask, result.edit_mask[:, 0])
    assert torch.equal(aligned.movedim(3, 1), result.aligned)
    assert report.verdict("good enough") == "pass" and mask[0, 200, 260] == 1


def test_result_survives_an_8_bit_file(pair, output):
    image, mask = output[:2]
    before = (pair[0].movedim(1, 3) * 255).to(torch.uint8)
    after = (image * 255).to(torch.uint8)
    assert torch.equal(after[mask <= 0], before[mask <= 0])


def test_alpha_of_the_original_is_kept(pair):
    original = torch.cat((pair[0].movedim(1, 3), torch.rand(1, 400, 600, 1)), 3)
    edited = pair[0].movedim(1, 3)
    image = AnchorLock.execute(original, edited, align="off", match_color=False).args[0]
    assert image.shape == original.shape and torch.equal(image[..., 3], original[..., 3])


def test_masks_are_checked_against_the_original(pair):
    original, edited = (image.movedim(1, 3) for image in pair)
    with pytest.raises(ValueError, match="edit_mask is 592x392 but original is 600x400"):
        AnchorLock.execute(original, edited, edit_mask=torch.ones(1, 392, 592))
    empty = AnchorLock.execute(original, original, align="off", match_color=False, edit_mask=torch.zeros(1, 64, 64))
    assert not empty.args[1].any(), "the empty mask of Load Image counts as not connected"


def test_an_earlier_report_comes_first(coffee):
    original = coffee.movedim(1, 3)
    earlier = Report((Measurement("edit_spill_fraction", 0.0, subject="earlier"),))
    report = AnchorLock.execute(original, original, align="off", match_color=False, report=earlier).args[3]
    assert report.measurements[0] == earlier.measurements[0] and len(report.measurements) > 1
