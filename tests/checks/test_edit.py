import pytest
import torch
from edit_first.checks.brand import brand_colors
from edit_first.checks.edit import check_edit
from edit_first.imaging import color, masks

BRAND = "#e30613"


def paint(image, mask, name):
    return torch.where(mask > 0, torch.tensor(color.hex_to_rgb(name)).view(1, 3, 1, 1), image)


def redrawn(image, mask, name):
    """Painted, with the grain and detail of the picture."""
    return (paint(image, mask, name) + mask * (image - masks.gaussian_blur(image, 4.0))).clamp(0, 1)


def test_a_clean_edit_passes(chelsea, make_disc):
    disc = make_disc(chelsea)
    result = check_edit(chelsea, redrawn(chelsea, disc, "#556677"), disc)
    assert result.report.verdict("production") == "pass"
    assert result.fix_mask.sum() == 0


def test_fix_mask_is_where_it_failed(chelsea, make_disc):
    disc = make_disc(chelsea)
    image = redrawn(chelsea, disc, "#556677")
    image[:, :, 3:6, 4:9] = 1 - image[:, :, 3:6, 4:9]
    result = check_edit(chelsea, image, disc)
    assert result.report.verdict("good enough") == "fail"
    assert 10 <= result.fix_mask[:, :, 3:6, 4:9].sum() == result.fix_mask.sum()
    hot = result.heatmap[:, :, 4, 6] - result.heatmap[:, :, 4, 30]
    assert hot.abs().max() > 0.1


def test_lock_mask_replaces_the_outside(chelsea, make_disc):
    disc = make_disc(chelsea)
    image = 1 - chelsea
    lock = torch.zeros_like(disc)
    lock[..., :10, :10] = 1
    report = check_edit(chelsea, image, disc, lock_mask=lock).report
    assert {m.metric: m.value for m in report.measurements}["anchor_changed_px"] == 100


@pytest.mark.parametrize(("painted", "verdict"), [(BRAND, "pass"), ("#ee1c25", "warn"), ("#b0101a", "fail")])
def test_brand_color_is_judged_in_delta_e(chelsea, make_disc, painted, verdict):
    disc = make_disc(chelsea)
    report = brand_colors(paint(chelsea, disc, painted), disc, [BRAND])
    (measured,) = report.measurements
    expected = color.delta_e00(
        *(color.srgb_to_lab(torch.tensor(color.hex_to_rgb(name)).view(1, 3, 1, 1)) for name in (painted, BRAND))
    )
    assert measured.value == pytest.approx(expected.item(), abs=1e-3)
    assert measured.verdict("production") == verdict


def test_a_brand_color_that_is_absent_fails(chelsea, make_disc):
    (measured,) = brand_colors(chelsea, make_disc(chelsea), ["#00ff00"]).measurements
    assert measured.value > 20 and "does not appear" in measured.detail
    assert measured.verdict("good enough") == "fail"


def test_a_region_too_small_to_judge_is_not_measured(chelsea):
    region = torch.zeros_like(chelsea[:, :1])
    region[..., :3, :5] = 1
    (measured,) = brand_colors(chelsea, region, [BRAND]).measurements
    assert measured.value is None and "15 pixels" in measured.detail
