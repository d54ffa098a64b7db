"""The report of Anchor Lock: numbers with places."""

import pytest
import torch
from edit_first.checks.lock import lock_report
from edit_first.imaging import lock


@pytest.fixture(scope="module")
def patched(chelsea):
    """A picture with a painted patch of which only the left half may change."""
    edited = chelsea.clone()
    edited[..., 100:180, 150:290] = torch.tensor([0.1, 0.7, 0.9]).view(1, 3, 1, 1)
    mask = torch.zeros_like(chelsea[:, :1])
    mask[..., 100:180, 150:220] = 1
    return chelsea, lock.restore(chelsea, edited, edit_mask=mask, align="shift", match_color=False)


def value(report, metric):
    return next(m for m in report.measurements if m.metric == metric)


def test_spill_is_reported_where_it_is(patched):
    found = value(lock_report(*patched), "edit_spill_fraction")
    assert found.verdict("production") == "warn" and 0.01 < found.value < 0.05
    assert 215 <= found.where.x <= 230 and 285 <= found.where.x + found.where.width <= 300
    assert "grow the edit mask" in found.detail


def test_unmoved_frame_reports_no_drift_and_anchors_hold(patched):
    report = lock_report(*patched)
    for metric in ("drift_shift_px", "drift_scale_percent", "drift_rotation_deg", "anchor_changed_px"):
        assert value(report, metric).value == 0
    assert value(report, "registration_residual_px").value < 0.1
    assert value(report, "lock_changed_fraction").value == pytest.approx(80 * 70 / (451 * 300), rel=1e-3)
    assert "already lie on each other" in value(report, "drift_shift_px").detail
    assert report.inputs["transforms"] == [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]


def test_shift_is_reported(chelsea):
    moved = torch.roll(chelsea, 4, 3)
    report = lock_report(chelsea, lock.restore(chelsea, moved))
    assert value(report, "drift_shift_px").value == pytest.approx(4, abs=0.05)
    assert "dx 4.0" in value(report, "drift_shift_px").detail


def test_a_broken_anchor_is_seen(patched):
    original, result = patched
    result.image[0, :, 5, 7] += 0.1
    try:
        assert value(lock_report(original, result), "anchor_changed_px").value == 1
    finally:
        result.image[0, :, 5, 7] = original[0, :, 5, 7]


def test_frames_of_a_batch_are_named(chelsea):
    report = lock_report(chelsea, lock.restore(chelsea, chelsea.expand(2, -1, -1, -1), align="off", match_color=False))
    assert {m.subject for m in report.measurements if m.metric == "drift_shift_px"} == {"frame 0", "frame 1"}


def test_what_cannot_be_measured_says_why():
    flat = torch.full((1, 3, 64, 64), 0.5)
    residual = value(lock_report(flat, lock.restore(flat, flat)), "registration_residual_px")
    assert residual.value is None and residual.detail
