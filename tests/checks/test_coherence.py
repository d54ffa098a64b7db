"""A clip of a real photograph under a known camera, whole and with one thing broken at a time."""

import cv2
import numpy as np
import pytest
import torch
from edit_first.benchmarks import clips
from edit_first.benchmarks.clips import Defect, Finish
from edit_first.checks import coherence
from edit_first.imaging import clip_motion, optical_flow

SIZE, FRAMES = (320, 200), 7
CODEC = Finish(noise=1, jpeg=92)


@pytest.fixture(scope="module")
def photo(coffee):
    return coffee[0].movedim(0, 2).numpy()


@pytest.fixture(scope="module")
def make(photo):
    """Makes (frames (T, 3, H, W), mask (1, 1, H, W), clip) once for each set of arguments."""
    known = {}

    def build(camera="pan and zoom", defect=None, finish=CODEC, frames=FRAMES, size=SIZE):
        key = (camera, defect, finish, frames, size)
        if key not in known:
            clip = clips.make(
                photo, camera=camera, defect=defect or Defect(), finish=finish, frames=frames, size=size, seed=4,
                region_area=0.12,
            )  # fmt: skip
            mask = torch.from_numpy(clip.region)[None, None].float()
            known[key] = torch.from_numpy(clip.frames).movedim(3, 1).contiguous(), mask, clip
        return known[key]

    return build


def values(result):
    return {m.metric: m.value for m in result.report.measurements}


@pytest.mark.parametrize("camera", clips.CAMERAS)
def test_a_clean_clip_passes(make, camera):
    result = coherence.check_coherence(*make(camera)[:2])
    assert result.coherent and not result.report.findings("production")
    assert result.score == 100 and not result.fix_mask.any()


def test_a_clip_that_stands_still_is_named(make):
    result = coherence.check_coherence(*make("static", finish=Finish())[:2])
    motion = next(m for m in result.report.measurements if m.metric == "clip_motion_percent")
    assert motion.value == pytest.approx(0, abs=1e-3) and "hardly moves" in motion.detail


@pytest.mark.parametrize("speed", [0.5, 1.5])
def test_a_slide_reads_its_length_and_direction(make, speed):
    frames, mask, clip = make(defect=Defect(slide=speed))
    result = coherence.check_coherence(frames, mask)
    drift = next(m for m in result.report.measurements if m.metric == "clip_drift_percent")
    true = 100 * np.hypot(*clip.slide_px) / SIZE[0] * (FRAMES - 1.5) / (FRAMES - 1)  # median of the last two frames
    assert drift.value == pytest.approx(true, rel=0.1)
    assert drift.where.frame == FRAMES - 1
    assert ("right" if clip.slide_px[0] > 0 else "left") in drift.detail


def test_a_slide_is_told_from_depth(make):
    frames, mask, clip = make("parallax", Defect(slide=1.0))
    found = values(coherence.check_coherence(frames, mask))
    drift = max(found[m] or 0.0 for m in ("clip_drift_percent", "clip_parallax_drift_percent"))
    true = 100 * np.hypot(*clip.slide_px) / SIZE[0] * (FRAMES - 1.5) / (FRAMES - 1)
    assert drift == pytest.approx(true, rel=0.2)


@pytest.mark.parametrize("slide", [0.0, 1.0])
def test_a_calm_region_is_judged_by_the_texture_it_has(photo, slide):
    """With a thirtieth of its contrast a region shows optical flow nothing; it may not slide for that."""
    scene = cv2.resize(
        photo, (round(SIZE[0] * clips.MARGIN), round(SIZE[1] * clips.MARGIN)), interpolation=cv2.INTER_AREA
    )
    y, x = np.indices(scene.shape[:2])
    calm = (np.hypot(x - scene.shape[1] / 2, y - scene.shape[0] / 2) < 45)[..., None]
    scene = np.where(calm, 0.5 + (scene - scene.mean()) / 30, scene).astype(np.float32)
    y, x = np.indices(SIZE[::-1])
    clip = clips.make(
        scene, defect=Defect(slide=slide), frames=FRAMES, size=SIZE, seed=4, finish=Finish(noise=0.5),
        region=np.hypot(x - SIZE[0] / 2, y - SIZE[1] / 2) < 38,
    )  # fmt: skip
    frames = torch.from_numpy(clip.frames).movedim(3, 1)
    first = clip_motion.reduce(frames[:1]).plane
    assert not optical_flow.textured(first)[clip_motion.split(clip.region)[0]].any()
    found = values(coherence.check_coherence(frames, torch.from_numpy(clip.region)[None, None].float()))
    true = 100 * np.hypot(*clip.slide_px) / SIZE[0] * (FRAMES - 1.5) / (FRAMES - 1)
    assert found["clip_drift_percent"] == pytest.approx(true, rel=0.25, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "defect"),
    [
        ("clip_slip_percent", Defect(jump=4)),
        ("clip_flicker_levels", Defect(flicker=0.03)),
        ("clip_boil_levels", Defect(boil=12)),
        ("clip_morph_percent", Defect(morph=10)),
        ("clip_flash_lightness", Defect(flash=0.3)),
        ("clip_first_frame_delta_e00", Defect(first=0.3)),
        ("clip_region_color_delta_e00", Defect(tint=0.6)),
        ("clip_color_delta_e00", Defect(frame_tint=1.0)),
    ],
)
def test_every_defect_moves_its_own_measure(make, metric, defect):
    clean = values(coherence.check_coherence(*make()[:2]))
    broken = coherence.check_coherence(*make(defect=defect)[:2])
    assert values(broken)[metric] > 4 * max(clean[metric], 0.01)
    assert metric in {m.metric for m in broken.report.findings("production")}


def test_light_and_flash_name_their_frame(make):
    result = coherence.check_coherence(*make(defect=Defect(flash=0.3))[:2])
    flash = next(m for m in result.report.measurements if m.metric == "clip_flash_lightness")
    assert flash.where.frame == FRAMES // 2 and not result.coherent


def test_a_change_of_the_scenes_light_is_no_defect_of_the_region(make):
    found = values(coherence.check_coherence(*make(finish=Finish(light=0.08, noise=1))[:2]))
    assert found["clip_region_color_delta_e00"] < 1 and found["clip_flicker_levels"] < 0.3


def test_what_may_move_is_not_tested_for_drift(make):
    frames, mask, _ = make(defect=Defect(slide=1.5))
    result = coherence.check_coherence(frames, mask, region_motion="free")
    found = values(result)
    assert result.coherent
    assert found["clip_drift_percent"] is None and found["clip_morph_percent"] is None
    assert found["clip_flicker_levels"] < 0.3, "light is compared along the region's own motion"


def test_fix_mask_goes_along_with_the_region(make):
    frames, mask, clip = make("static", defect=Defect(slide=1.5))
    fix = coherence.check_coherence(frames, mask).fix_mask
    assert fix.shape == (FRAMES, 1, *mask.shape[2:]) and not fix[0].any() and fix[-1].any()

    def center(plane):
        return plane.nonzero().float().mean(0).flip(0).numpy()

    moved = center(fix[-1, 0]) - center(mask[0, 0])
    assert np.abs(moved - clip.slide_px).max() < 1.0


def test_one_mask_for_each_frame_is_taken_as_it_is(make):
    frames, mask, _ = make("static", defect=Defect(flicker=0.05))
    every = mask.expand(FRAMES, -1, -1, -1)
    result = coherence.check_coherence(frames, every)
    missed = result.fix_mask.flatten(1).any(1)
    assert missed.any() and torch.equal(result.fix_mask[missed], every[missed])


def test_colors_are_compared_with_the_still(make):
    frames, mask, _ = make("static")
    still = (frames[:1] * torch.tensor([1.25, 1.0, 0.8]).view(1, 3, 1, 1)).clamp(0, 1)
    large = torch.nn.functional.interpolate(still, scale_factor=2, mode="bilinear")
    with_still = values(coherence.check_coherence(frames, mask, still=large))
    assert with_still["clip_color_delta_e00"] > 4
    assert values(coherence.check_coherence(frames, mask, still=frames[:1]))["clip_color_delta_e00"] < 0.3


def test_fit_still_cuts_the_middle_out():
    still = torch.zeros(1, 3, 100, 300)
    still[:, :, :, 100:200] = 1
    assert coherence.fit_still(still, (50, 50)).min() > 0.99


def test_a_cut_is_named_and_nothing_beyond_it_judged(make, photo):
    frames, mask, _ = make("static")
    other = torch.from_numpy(np.ascontiguousarray(photo[::-1, ::-1])).movedim(2, 0)[None]
    other = torch.nn.functional.interpolate(other, mask.shape[2:], mode="area")
    result = coherence.check_coherence(torch.cat((frames[:4], other.expand(3, -1, -1, -1))), mask)
    followed = next(m for m in result.report.measurements if m.metric == "clip_followed_fraction")
    assert followed.value < 1 and "frame 4" in followed.detail


@pytest.mark.parametrize("count", [1, 2])
def test_very_short_clips(make, count):
    frames, mask, _ = make()
    result = coherence.check_coherence(frames[:count], mask)
    reasons = {m.metric: m.detail for m in result.report.measurements if m.value is None}
    assert result.coherent and result.fix_mask.shape[0] == count
    assert ("one frame is not a clip" in reasons.get("clip_drift_percent", "")) == (count == 1)


@pytest.mark.parametrize("shape", [(1, 1), (7, 90), (33, 40)])
def test_tiny_frames_say_so(shape):
    frames, mask = torch.rand(6, 3, *shape), torch.ones(1, 1, *shape)
    result = coherence.check_coherence(frames, mask)
    assert result.fix_mask.shape == (6, 1, *shape) and values(result)["clip_drift_percent"] is None


def test_black_frames_are_not_followed():
    mask = torch.zeros(1, 1, 120, 160)
    mask[..., 40:80, 60:100] = 1
    result = coherence.check_coherence(torch.zeros(6, 3, 120, 160), mask)
    detail = {m.metric: m.detail for m in result.report.measurements}
    assert values(result)["clip_followed_fraction"] is None and "too smooth" in detail["clip_drift_percent"]


def test_without_a_region_the_whole_frame_is_checked(make):
    frames, mask, _ = make(defect=Defect(flash=0.3))
    result = coherence.check_coherence(frames, torch.zeros_like(mask))
    found = values(result)
    assert found["clip_drift_percent"] is None and found["clip_flicker_levels"] is None
    assert found["clip_flash_lightness"] > 3 and not result.fix_mask.any()


def test_without_surroundings_the_region_is_not_judged(make):
    frames, mask, _ = make()
    result = coherence.check_coherence(frames, torch.ones_like(mask))
    detail = {m.metric: m.detail for m in result.report.measurements}
    assert "no surroundings" in detail["clip_drift_percent"]


def test_the_picture_shows_curves_and_progress_is_told(make):
    frames, mask, _ = make(defect=Defect(slide=1.5))
    told = []
    result = coherence.check_coherence(frames, mask, progress=told.append)
    assert result.heatmap.shape[:2] == (1, 3) and result.heatmap.shape[3] == coherence.SHEET_WIDTH
    assert told == sorted(told) and len(told) == FRAMES - 1


def test_inputs_are_left_alone_and_runs_agree(make):
    frames, mask, _ = make(defect=Defect(slide=0.5))
    before = frames.clone()
    first, second = (coherence.check_coherence(frames, mask) for _ in range(2))
    assert torch.equal(frames, before) and first.report.to_json() == second.report.to_json()


def test_errors_say_what_to_do(make):
    frames, mask, _ = make()
    with pytest.raises(ValueError, match="choose one of attached, free"):
        coherence.check_coherence(frames, mask, region_motion="loose")
    with pytest.raises(ValueError, match="at the clip's size"):
        coherence.check_coherence(frames, mask[..., :-1])
    with pytest.raises(ValueError, match="level is 'perfect'"):
        coherence.check_coherence(frames, mask, level="perfect")
    broken = frames.clone()
    broken[3, 0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="frame 3 holds values that are not numbers"):
        coherence.check_coherence(broken, mask)
