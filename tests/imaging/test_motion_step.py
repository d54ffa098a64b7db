"""A photograph seen in depth, and a region of it that moves along, slides, bends, or has nothing to hold on to."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from edit_first.imaging import motion_step

SHAPE = (240, 360)


@pytest.fixture(scope="module")
def scene(coffee):
    """Luma (h, w), 8-bit levels, at full detail."""
    plane = coffee[0].mean(0).numpy() * 255
    return cv2.resize(plane, SHAPE[::-1], interpolation=cv2.INTER_AREA)


def grid():
    return np.meshgrid(np.arange(SHAPE[1], dtype=np.float32), np.arange(SHAPE[0], dtype=np.float32))


def sides(gap=3):
    """Region and surroundings, (h, w) bool."""
    x, y = grid()
    radius = np.hypot((x - 170) / 1.2, y - 120)
    return radius < 45 - gap, (radius > 45 + gap) & (radius < 85)


def depth():
    """A motion that no affine map explains, up to 3 px."""
    x, y = grid()
    return np.stack((2 * np.sin(x / 45) * np.cos(y / 50), 1.5 * np.cos(x / 60 + y / 40)), -1).astype(np.float32)


def moved(plane, motion):
    """The plane after every pixel x has gone to x + motion(x), for motion that varies slowly; grain of one level."""
    x, y = grid()
    back = motion.copy()
    for _ in range(5):
        back = cv2.remap(motion, x - back[..., 0], y - back[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    after = cv2.remap(plane, x - back[..., 0], y - back[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return after + np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)


def look(plane, motion, own=(0.0, 0.0)):
    """The step at the border when the region's own motion is added to that of everything."""
    core, ring = sides()
    inside = sides(gap=0)[0]
    after = np.where(inside, moved(plane, motion + np.float32(own)), moved(plane, motion)).astype(np.float32)
    cells = motion_step.lay_cells(core, ring)
    found = motion_step.measure(plane, after, np.ones(SHAPE, bool), cells)
    return motion_step.fit(found, cells.inside, SHAPE[1])


def test_every_cell_lies_on_one_side_of_the_border():
    core, ring = sides()
    cells = motion_step.lay_cells(core, ring)
    label = np.full(SHAPE, -1)
    label[cells.box] = cells.label
    assert set(np.unique(label)) == {-1, *range(len(cells))}
    assert np.array_equal(cells.inside[label[core & (label >= 0)]], np.ones((core & (label >= 0)).sum(), bool))
    assert not cells.inside[label[ring & (label >= 0)]].any() and (label[~core & ~ring] == -1).all()


def test_cells_stay_few_however_large_the_region():
    whole = np.ones((640, 640), bool)
    whole[:, 320:] = False
    assert len(motion_step.lay_cells(whole, ~whole)) < 1.3 * motion_step.MOST_CELLS


def test_no_cells_without_region_and_surroundings():
    assert len(motion_step.lay_cells(np.zeros(SHAPE, bool), np.zeros(SHAPE, bool))) == 0


@pytest.mark.parametrize("shift", [(0.3, -0.2), (2.5, 4.0)])
def test_cells_read_a_shift(scene, shift):
    cells = motion_step.lay_cells(*sides())
    everywhere = np.broadcast_to(np.float32(shift), (*SHAPE, 2))
    found = motion_step.measure(scene, moved(scene, everywhere.copy()), np.ones(SHAPE, bool), cells)
    off = found.motion - shift
    sure = np.linalg.eigvalsh(found.certainty)[:, 0] > 1 / 0.1**2
    assert sure.sum() > 50 and np.median(np.abs(off[sure])) < 0.06
    assert np.quantile(np.einsum("ni,nij,nj->n", off, found.certainty, off), 0.8) < 3**2, "as sure as it says"


def test_a_change_of_light_is_no_motion(scene):
    cells = motion_step.lay_cells(*sides())
    found = motion_step.measure(scene, scene + 12, np.ones(SHAPE, bool), cells)
    assert np.abs(found.motion).max() < 1e-3


def test_stripes_are_sure_of_one_direction_only():
    x, _ = grid()
    cells = motion_step.lay_cells(*sides())
    stripes = (128 + 60 * np.sin(x / 2)).astype(np.float32)
    noise = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
    found = motion_step.measure(stripes, stripes + noise, np.ones(SHAPE, bool), cells)
    assert np.median(found.certainty[:, 0, 0] / found.certainty[:, 1, 1]) > 100


def test_what_belongs_to_a_scene_in_depth_takes_no_step(scene):
    step = look(scene, depth())
    assert not motion_step.certain_part(step.shift, step.covariance).any()
    assert step.bend < 0.05 and np.linalg.norm(step.shift) < 0.2


@pytest.mark.parametrize("own", [(0.5, 0.0), (-1.0, 2.0)])
def test_a_slide_is_told_from_depth(scene, own):
    step = look(scene, depth(), own)
    certain = motion_step.certain_part(step.shift, step.covariance)
    assert step.shift == pytest.approx(own, abs=0.15) and certain.any()
    assert step.bend < 0.1 and np.median(step.apart[step.apart > 0]) == pytest.approx(np.hypot(*own), rel=0.3)


def test_bending_is_told_from_depth(scene):
    x, y = grid()
    bent = np.stack((1.5 * np.sin((x - 170) / 25), 1.5 * np.sin((y - 120) / 25)), -1).astype(np.float32)
    assert look(scene, depth(), bent).bend > 0.3


def test_rough_surroundings_make_it_less_sure(scene):
    calm, rough = look(scene, 0 * depth()), look(scene, depth())
    assert np.trace(rough.covariance) > 4 * np.trace(calm.covariance)


def test_a_calm_region_speaks_as_far_as_it_can(scene):
    """Texture of a twentieth of the contrast, where optical flow finds nothing to follow."""
    core = sides(gap=-3)[0]
    faint = np.where(core, 120 + (scene - scene.mean()) / 20, scene).astype(np.float32)
    still, slid = look(faint, 0 * depth()), look(faint, 0 * depth(), (2.0, 0.0))
    assert not motion_step.certain_part(still.shift, still.covariance).any()
    assert motion_step.certain_part(slid.shift, slid.covariance) == pytest.approx((2.0, 0.0), abs=0.5)


def test_surroundings_without_texture_say_nothing(scene):
    x, y = grid()
    alone = np.where(np.hypot(x - 170, y - 120) < 30, scene, 90).astype(np.float32)
    step = look(alone, 0 * depth(), (2.0, 0.0))
    assert step is None or not motion_step.certain_part(step.shift, step.covariance).any(), "grain is no texture"


def test_certain_part_leaves_nothing_of_chance_and_all_of_a_clear_case():
    one = np.eye(2)
    assert not motion_step.certain_part(np.array((0.9 * motion_step.CERTAIN_SIGMA, 0)), one).any()
    assert motion_step.certain_part(np.array((30.0, 40.0)), one) == pytest.approx((30, 40), rel=0.01)
    assert not motion_step.certain_part(np.zeros(2), one).any()


def test_only_a_shift_that_the_picture_shows_is_confirmed(scene):
    core, ring = sides()
    cells, seen = motion_step.lay_cells(core, ring), np.ones(SHAPE, bool)
    still = moved(scene, 0 * depth())
    slid = np.where(sides(gap=0)[0], moved(scene, np.full((*SHAPE, 2), 2, np.float32)), still)
    for after, shows in ((still, False), (slid, True)):
        found = motion_step.measure(scene, after, seen, cells)
        step = replace(motion_step.fit(found, cells.inside, SHAPE[1]), shift=np.array((2.0, 2.0)))
        assert motion_step.confirmed(scene, after, seen, cells, found, step)[0] == shows
