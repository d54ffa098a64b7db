import math

import pytest
import torch
from edit_first.checks import canvas
from edit_first.checks.motion import check_motion
from edit_first.imaging import masks


def values(result):
    return {(m.metric, m.subject): m.value for m in result.report.measurements}


def test_clean_photograph_is_ready(coffee):
    result = check_motion(coffee)
    assert result.ready and result.verdict.startswith("Ready for any video model (production): no known blockers found")
    assert result.heatmap.shape == coffee.shape and not result.fix_mask.any()


def test_blurred_photograph_is_not(coffee):
    result = check_motion(masks.gaussian_blur(coffee, 3.0))
    assert not result.ready and result.verdict.startswith("Not ready") and "focus edge px" in result.verdict
    assert result.score < check_motion(coffee).score


def test_doubled_pixels_are_stairs(coffee):
    small = coffee[..., ::2, ::2]
    doubled = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    result = check_motion(doubled)
    assert result.report.verdict("production") != "pass" and result.fix_mask.any()
    assert values(result)["jagged_edge_energy", ""] > 2 * values(check_motion(coffee))["jagged_edge_energy", ""]


def test_fragment_of_the_subject_is_found_where_it_is(coffee, make_disc):
    subject = make_disc(coffee)
    subject[:, :, 20:26, 30:36] = 1
    result = check_motion(coffee, subject_mask=subject)
    found = next(m for m in result.report.measurements if m.metric == "matte_fragments")
    assert found.value == 1 and not result.ready
    assert abs(found.where.x + found.where.width / 2 - 33) < 3 and abs(found.where.y + found.where.height / 2 - 23) < 3
    assert result.fix_mask[0, 0, 23, 33] == 1 and result.fix_mask[0, 0, 200, 300] == 0


def test_crop_that_cuts_the_subject_fails(coffee):
    subject = torch.zeros_like(coffee[:, :1])
    subject[..., :30, 200:300] = 1
    result = check_motion(coffee, model="Wan 480p (832x480)", subject_mask=subject)
    assert values(result)["intake_cut_fraction", "subject"] > 0.5 and not result.ready


def test_batch_equals_singles_and_names_the_worst_frame(coffee):
    soft = masks.gaussian_blur(coffee, 3.0)
    both, first, second = (check_motion(x) for x in (torch.cat((coffee, soft)), coffee, soft))
    assert torch.equal(both.heatmap, torch.cat((first.heatmap, second.heatmap)))
    assert torch.equal(both.fix_mask, torch.cat((first.fix_mask, second.fix_mask)))
    focus = next(m for m in both.report.measurements if m.metric == "focus_edge_px")
    assert focus.where.frame == 1 and focus.value == values(second)["focus_edge_px", ""]


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (31, 33), (1, 200)])
@pytest.mark.parametrize("model", ["any video model", "Wan 480p (832x480)", "MiniMax H3 (1344x768)", "Kling API"])
def test_any_size_gives_a_result(size, model):
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(1, 1, *size)
    result = check_motion(image, model=model, edit_mask=mask, subject_mask=mask)
    assert result.heatmap.shape == image.shape and torch.isfinite(result.heatmap).all()
    assert 0 <= result.score <= 100


@pytest.mark.parametrize("shade", [0.0, 1.0])
def test_flat_frames_and_empty_masks_are_judged(shade):
    image = torch.full((1, 3, 64, 96), shade)
    result = check_motion(image, edit_mask=torch.zeros(1, 1, 64, 96), subject_mask=torch.zeros(1, 1, 64, 96))
    assert math.isfinite(result.score) and values(result)["focus_edge_px", ""] is None


def test_unknown_model_is_named():
    with pytest.raises(ValueError, match="video_model is 'Sora 9'; choose one of any video model, Wan 480p"):
        check_motion(torch.rand(1, 3, 64, 64), model="Sora 9")


def test_with_an_edit_only_its_own_specks_count():
    picture = torch.full((1, 3, 200, 320), 0.5)
    picture[..., 50:53, 60:63] = picture[..., 50:53, 200:203] = 0.9
    edit = torch.zeros(1, 1, 200, 320)
    edit[..., 20:100, 20:100] = 1
    seen = canvas.see(picture)
    counts = [
        next(
            f.measurement.value for f in canvas.canvas_findings(seen, mask) if f.measurement.metric == "floating_specks"
        )
        for mask in (None, edit[0, 0].numpy() > 0)
    ]
    assert counts == [2, 1]
