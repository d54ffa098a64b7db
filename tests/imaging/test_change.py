"""What an edit changed, told from noise."""

import cv2
import numpy as np
import pytest
import torch
from edit_first.imaging import change


def evidence(strength: float, shape=(120, 160)) -> change.Evidence:
    """A square of a given strength in noise around 1."""
    ratio = np.random.default_rng(0).uniform(0, 2, shape).astype(np.float32)
    ratio[40:80, 50:100] = strength
    return change.Evidence(ratio, np.ones(shape, bool), shape[::-1])


def test_noise_is_no_edit():
    assert not change.find(evidence(2.0)).any()


def test_a_change_is_found_with_its_margin_and_nothing_else():
    mask = change.find(evidence(30.0))[0, 0]
    assert mask[40:80, 50:100].all() and set(mask.unique().tolist()) == {0.0, 1.0}
    margin = round(change.margin_px(mask[None, None]))
    mask[40 - margin : 80 + margin, 50 - margin : 100 + margin] = 0
    assert not mask.any()


@pytest.mark.parametrize("strength", [4.0, 8.0, 12.0, 18.0])
def test_larger_sensitivity_never_finds_less(strength):
    found = [change.find(evidence(strength), s) for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert all((more >= less).all() for less, more in zip(found, found[1:], strict=False))


def test_sensitivity_spans_a_factor_of_four():
    assert not change.find(evidence(12.0), 0.0).any() and change.find(evidence(12.0), 0.5).any()
    assert not change.find(evidence(7.0), 0.5).any() and change.find(evidence(7.0), 1.0).any()


def test_specks_and_thin_lines_are_dropped_and_holes_filled():
    found = evidence(30.0)
    found.ratio[10:12, 10:12] = 90
    found.ratio[100, :] = 90
    found.ratio[55:60, 70:75] = 0
    mask = change.find(found)[0, 0]
    assert not mask[:20].any() and not mask[95:].any() and mask[40:80, 50:100].all()


def test_an_edit_is_carried_over_the_border_that_the_edited_frame_does_not_show():
    found = evidence(1.0)
    found.ratio[4:40, 50:100] = 30
    found.covered[:4] = False
    found.ratio[:4] = 0
    mask = change.find(found)[0, 0]
    assert mask[0, 60:90].all() and not mask[0, :40].any()


def test_usual_difference_follows_texture():
    rng = np.random.default_rng(1)
    activity = np.tile(np.linspace(0.001, 0.1, 400, dtype=np.float32), (100, 1))
    length = np.abs(rng.normal(0, 1, activity.shape)).astype(np.float32) * (0.01 + activity)
    usual = change._usual(length, activity, np.ones(activity.shape, bool), change.LEAST_DIFFERENCE)
    assert usual[0, 380] > 4 * usual[0, 10]


def test_an_edit_among_flat_pixels_does_not_raise_the_usual_difference():
    activity = np.tile(np.linspace(0.001, 0.1, 400, dtype=np.float32), (100, 1))
    length = np.full(activity.shape, 0.01, np.float32)
    length[:, :60] = 0.3  # an edit that is not told yet
    usual = change._usual(length, activity, np.ones(activity.shape, bool), change.LEAST_DIFFERENCE)
    assert usual.max() < 0.02


def textured(seed=0, shape=(200, 240)):
    rng = np.random.default_rng(seed)
    plain = np.full((*shape, 3), (0.6, 0.02, 0.03), np.float32)
    plain[..., 0] += 0.2 * cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), 1.2)
    return plain


def found_between(original, aligned):
    everywhere = np.ones(original.shape[:2], bool)
    trust = np.ones(original.shape[:2], np.float32)
    ratio = change.evidence(original, aligned, trust, everywhere, everywhere)
    return change.find(change.Evidence(ratio, everywhere, original.shape[1::-1]))[0, 0].numpy() > 0


def test_texture_lost_at_the_same_color_is_a_change():
    original = textured()
    drifted = cv2.GaussianBlur(original, (0, 0), 0.6)  # what the model did to everything
    edited = drifted.copy()
    edited[60:140, 80:160] = cv2.GaussianBlur(original, (0, 0), 12)[60:140, 80:160]
    assert not found_between(original, drifted).any()
    found = found_between(original, edited)
    assert found[66:134, 86:154].mean() > 0.95 and not found[:45].any() and not found[:, :65].any()


def test_a_color_that_nothing_unchanged_has_is_judged_with_more_doubt():
    lab = np.full((80, 100, 3), (0.6, 0.0, 0.0), np.float32)
    lab[20:60, 30:70] = (0.5, 0.25, 0.1)
    known = np.ones(lab.shape[:2], bool)
    known[15:65, 25:75] = False
    misfit = change._misfit(lab, known)
    assert misfit[0, 0] == 0 and 0.005 < misfit[40, 50] <= np.float32(change.MOST_MISFIT)


def test_clipped_highlights_are_trusted_less():
    original = np.full((20, 20, 3), 0.9, np.float32)
    raw = original.copy()
    raw[:, 10:] = 1.0
    trust = change.clipping_trust(original, raw)
    assert (trust[:, :8] == 1).all() and (trust[:, 12:] < 0.5).all()


def test_the_dark_is_trusted_less():
    dark = np.full((8, 8, 3), 0.02, np.float32)
    assert (change.clipping_trust(dark, dark) == change.BLACK_TRUST).all()
    gray = np.full_like(dark, 0.1)
    assert np.allclose(change.clipping_trust(gray, gray), 0.5)
    assert (change.clipping_trust(dark, dark + 0.5) == 1).all(), "black for gray is no dark difference"


def test_result_has_the_size_of_the_frame():
    found = change.Evidence(np.zeros((60, 80), np.float32), np.ones((60, 80), bool), (161, 121))
    mask = change.find(found)
    assert mask.shape == (1, 1, 121, 161) and mask.dtype == torch.float32
