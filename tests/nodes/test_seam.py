"""Seam Feather's node: the library's answer in ComfyUI's layout, with a report."""

import pytest
import torch
from edit_first.imaging import seam
from edit_first.nodes.seam import SeamFeather


@pytest.fixture(scope="module")
def edit(astronaut):
    original = astronaut[:, :, 100:260, 150:330].contiguous()
    mask = torch.zeros(1, 160, 180)
    mask[:, 40:120, 50:130] = 1
    generator = torch.Generator().manual_seed(0)
    edited = (original * 0.94 + 0.03 + 0.005 * torch.randn(original.shape, generator=generator)).clamp(0, 1)
    return original, edited, mask


@pytest.mark.parametrize("method", seam.METHODS)
def test_equals_the_library(edit, method):
    original, edited, mask = edit
    image, blend, _ = SeamFeather.execute(original.movedim(1, 3), edited.movedim(1, 3), mask, method, 5).args
    expected, expected_blend = seam.feather(original, edited, mask[:, None], method=method, feather_px=5)
    assert torch.equal(image, expected.movedim(1, 3)) and torch.equal(blend, expected_blend[:, 0])


def test_optional_inputs_may_be_missing_and_the_report_compares(edit):
    original, edited, mask = edit
    image, _, report = SeamFeather.execute(original.movedim(1, 3), edited.movedim(1, 3), mask).args
    values = {m.metric: m.value for m in report.measurements}
    assert values["seam_step"] < 0.5 * values["seam_step_before"]
    assert values["anchor_changed_px"] == 0


def test_a_lock_is_bit_identical(edit):
    original, edited, mask = edit
    lock = torch.zeros_like(mask)
    lock[:, 60:80, 60:90] = 1
    image = SeamFeather.execute(original.movedim(1, 3), edited.movedim(1, 3), mask, lock_mask=lock).args[0]
    kept = (lock > 0)[..., None].expand_as(image)
    assert torch.equal(image[kept], original.movedim(1, 3)[kept])
