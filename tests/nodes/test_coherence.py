import pytest
import torch
from edit_first.benchmarks import clips
from edit_first.checks.coherence import check_coherence
from edit_first.checks.report import Measurement, Report
from edit_first.nodes.coherence import MotionCoherenceCheck

EARLIER = Report((Measurement("anchor_max_error", 3),))


@pytest.fixture(scope="module")
def clip(coffee):
    """A region that slides: (frames (T, H, W, 3), mask (1, H, W))."""
    made = clips.make(
        coffee[0].movedim(0, 2).numpy(), defect=clips.Defect(slide=2), frames=5, size=(200, 130), region_area=0.15
    )
    return torch.from_numpy(made.frames), torch.from_numpy(made.region)[None].float()


def test_equals_the_library_and_appends(clip):
    frames, mask = clip
    coherent, score, report, heatmap, fix = MotionCoherenceCheck.execute(frames, mask, report=EARLIER).args
    expected = check_coherence(frames.movedim(3, 1), mask[:, None], level="production")
    assert (coherent, score) == (expected.coherent, expected.score) and coherent is False
    assert report.measurements == EARLIER.measurements + expected.report.measurements
    assert torch.equal(fix, expected.fix_mask[:, 0]) and fix.shape == frames.shape[:3]
    assert torch.equal(heatmap, expected.heatmap.movedim(1, 3))


def test_the_panel_shows_the_sheet_and_the_frames_that_places_lie_in(clip):
    frames, mask = clip
    output = MotionCoherenceCheck.execute(frames, mask)
    view = output.ui["edit_first_view"][0]
    named = {m.where.frame for m in output[2].findings("production") if m.where}
    assert named and named <= set(view["frames"]) and (view["width"], view["height"]) == (200, 130)
    assert view["overview"] == {"width": output[3].shape[2], "height": output[3].shape[1]}


def test_alpha_is_left_behind(clip):
    frames, mask = clip
    with_alpha = torch.cat((frames, torch.ones_like(frames[..., :1])), 3)
    assert MotionCoherenceCheck.execute(with_alpha, mask)[2] == MotionCoherenceCheck.execute(frames, mask)[2]


def test_a_mask_drawn_on_the_still_is_brought_to_the_clip(clip):
    frames, mask = clip
    still = torch.nn.functional.interpolate(frames[:1].movedim(3, 1), scale_factor=3, mode="bilinear").movedim(1, 3)
    large = mask.repeat_interleave(3, 1).repeat_interleave(3, 2)
    own, given = (MotionCoherenceCheck.execute(frames, m, still=still) for m in (mask, large))
    assert own[4].shape == given[4].shape and (own[4] - given[4]).abs().mean() < 0.01


def test_the_mask_of_a_picture_without_alpha_checks_the_whole_frame(clip):
    output = MotionCoherenceCheck.execute(clip[0], torch.zeros(1, 64, 64))
    assert output[0] is True and not output[4].any()
    assert any("edit_mask is empty" in m.detail for m in output[2].measurements)


def test_errors_name_the_inputs(clip):
    frames, mask = clip
    with pytest.raises(ValueError, match="edit_mask is 100x130 but frames is 200x130"):
        MotionCoherenceCheck.execute(frames, mask[..., :100])
    with pytest.raises(ValueError, match="frames holds values that are not numbers"):
        MotionCoherenceCheck.execute(frames * float("nan"), mask)
