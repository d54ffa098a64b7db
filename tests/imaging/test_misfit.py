"""Errors of the color match told from edits."""

import cv2
import numpy as np
import pytest
from edit_first.imaging import change, misfit

SHAPE = (160, 200)
EVERYWHERE, TRUST = np.ones(SHAPE, bool), np.ones(SHAPE, np.float32)
OBJECT = (slice(60, 100), slice(80, 130))
OFFSET = np.array((0.02, 0.016, 0.012), np.float32)  # what the match is off by: 0.028


def texture(seed, size=0.01):
    rng = np.random.default_rng(seed)
    plane = cv2.GaussianBlur(rng.standard_normal(SHAPE).astype(np.float32), (0, 0), 1.5)
    return (size / plane.std() * plane)[..., None] * np.array((1, 0.2, 0.2), np.float32)


def picture():
    """A red object on a gray ground, OKLab."""
    lab = np.full((*SHAPE, 3), (0.7, 0.0, 0.0), np.float32) + texture(0)
    lab[OBJECT] += (-0.15, 0.18, 0.1)
    return lab


def judged(original, aligned, raw):
    """The evidence before and after, and whether each finds anything."""
    noisy = aligned + 0.001 * np.random.default_rng(9).standard_normal(aligned.shape).astype(np.float32)
    unchanged = EVERYWHERE.copy()
    unchanged[66:110, 70:140] = False  # a rim of the object passes: its color counts as known, with an error
    ratio = change.evidence(original, noisy, TRUST, EVERYWHERE, unchanged)
    return ratio, misfit.discount(ratio, original, noisy, raw, TRUST, EVERYWHERE, unchanged)


def finds(ratio):
    return bool(change.find(change.Evidence(ratio, EVERYWHERE, SHAPE[::-1])).any())


def test_without_a_change_the_evidence_stays_what_it_is():
    original = picture()
    before, after = judged(original, original, original)
    assert not finds(before) and after is before


def test_an_object_of_its_own_color_that_the_match_is_off_at_is_no_edit():
    original = picture()
    aligned = original.copy()
    aligned[OBJECT] += OFFSET
    before, after = judged(original, aligned, original)
    assert finds(before) and not finds(after)
    far = np.ones(SHAPE, bool)
    far[40:120, 60:150] = False
    assert np.array_equal(before[far], after[far])


def test_a_recolored_part_of_a_surface_is_an_edit():
    original = picture()
    aligned = original.copy()
    aligned[20:50, 20:60] += OFFSET  # as much as above, but the ground has the same color elsewhere
    before, after = judged(original, aligned, original)
    assert finds(before) and np.array_equal(before, after)


@pytest.mark.parametrize("share", [3.0, 6.0])
def test_a_recoloring_beyond_what_the_match_may_be_off_is_an_edit(share):
    original = picture()
    aligned = original.copy()
    aligned[OBJECT] += share * OFFSET
    before, after = judged(original, aligned, original)
    assert finds(before) and np.array_equal(before, after)


def test_new_content_of_the_same_color_is_an_edit():
    original = picture()
    aligned = original.copy()
    aligned[OBJECT] += (texture(3, 0.03) - texture(0))[OBJECT]
    before, after = judged(original, aligned, original)
    assert finds(before) and np.array_equal(before, after)


def test_a_strong_match_leaves_more_doubt():
    original = picture()
    aligned = original.copy()
    aligned[OBJECT] += 2 * OFFSET
    raw = aligned.copy()
    raw[OBJECT] += (-0.1, 0.05, 0.05)  # the match moved the object's color by more than it is off
    assert finds(judged(original, aligned, original)[1]) and not finds(judged(original, aligned, raw)[1])


SPOT = (slice(80, 88), slice(90, 97))  # 0.18 % of the frame


def spotted(difference):
    """A frame whose match moved everything by 0.05 and is off in a spot of mottled ground, whose color is everywhere."""
    original = picture() + texture(5, 0.05)
    aligned = original.copy()
    aligned[SPOT] += difference
    return original, aligned, aligned + np.float32(0.03)


def marks(ratio):
    return bool(change.islands(ratio)[70:100, 80:110].any())


def test_a_small_spot_that_the_match_is_slightly_off_at_is_no_edit(monkeypatch):
    monkeypatch.setattr(change, "LEAST_SHARE", 1e-4)
    monkeypatch.setattr(misfit, "_suspect", lambda *_: None)
    ratio = np.zeros(SHAPE, np.float32)
    ratio[SPOT] = 12
    slight, strong, other = (spotted(d) for d in (0.8 * OFFSET, 4 * OFFSET, 3 * texture(7, 0.05)[SPOT]))
    assert not marks(misfit.discount(ratio, *slight, TRUST, EVERYWHERE, EVERYWHERE))
    assert marks(misfit.discount(ratio, *strong, TRUST, EVERYWHERE, EVERYWHERE)), "recolored"
    assert marks(misfit.discount(ratio, *other, TRUST, EVERYWHERE, EVERYWHERE)), "redrawn"
    flat, off = picture(), slight[1] - slight[0]
    assert marks(misfit.discount(ratio, flat, flat + off, flat + off, TRUST, EVERYWHERE, EVERYWHERE)), "nothing matched"


def test_a_large_area_of_known_colors_is_not_slight():
    original = picture() + texture(5, 0.05)
    aligned = original.copy()
    area = (slice(40, 80), slice(60, 110))
    aligned[area] += 0.8 * OFFSET
    islands = np.zeros(SHAPE, bool)
    islands[area] = True
    moved = np.full(SHAPE, 0.05, np.float32)
    smooth = (original, aligned, aligned)
    assert not misfit._slight(islands, smooth, moved, change.activity(original), ~islands).any()
    assert misfit._slight(islands, smooth, moved, change.activity(original), np.zeros(SHAPE, bool)).sum() == 0
