import pytest
import torch
from edit_first.checks.anchors import anchor_drift, measure_drift, to_levels
from edit_first.checks.report import Place


def values(report):
    return {m.metric: m.value for m in report.measurements}


def test_identical_pictures_have_no_drift(chelsea, make_disc):
    report = anchor_drift(chelsea, chelsea.clone(), 1 - make_disc(chelsea))
    assert set(values(report).values()) == {0}
    assert report.verdict("production") == "pass"


def test_one_pixel_off_by_one_level_fails_and_is_found(chelsea, make_disc):
    disc = make_disc(chelsea)
    image = chelsea.clone()
    image[0, 1, 5, 440] += 1 / 255 if image[0, 1, 5, 440] < 0.9 else -1 / 255
    report = anchor_drift(chelsea, image, 1 - disc)
    assert values(report)["anchor_changed_px"] == 1 and values(report)["anchor_max_error"] == 1
    assert report.measurements[0].where == Place(440, 5)
    assert report.verdict("good enough") == "fail"
    assert measure_drift(chelsea, image, 1 - disc).map.nonzero().tolist() == [[0, 0, 5, 440]]


def test_the_999th_of_1000_and_the_share_are_told(chelsea):
    image = chelsea.clone()
    flat, count = image.view(3, -1), chelsea[0, 0].numel()
    flat[:, : count // 500] = (flat[:, : count // 500] + 10 / 255).where(
        flat[:, : count // 500] < 0.5, flat[:, : count // 500] - 10 / 255
    )
    found = values(anchor_drift(chelsea, image, torch.ones_like(chelsea[:, :1])))
    assert found["anchor_changed_fraction"] == pytest.approx(0.002, rel=0.01)
    assert found["anchor_p999_error"] == pytest.approx(10, abs=1)
    flat[:, count // 2000 :] = chelsea.view(3, -1)[:, count // 2000 :]
    assert values(anchor_drift(chelsea, image, torch.ones_like(chelsea[:, :1])))["anchor_p999_error"] == 0


def test_changes_inside_the_edit_are_no_drift(chelsea, make_disc):
    disc = make_disc(chelsea)
    image = torch.where(disc > 0, 1 - chelsea, chelsea)
    report = anchor_drift(chelsea, image, 1 - disc)
    assert values(report)["anchor_changed_px"] == 0
    assert values(report)["edit_changed_fraction"] > 0.9


def test_place_names_the_frame(chelsea):
    pair = torch.cat((chelsea, chelsea))
    image = pair.clone()
    image[1, :, 7, 9] = 1 - image[1, :, 7, 9]
    assert anchor_drift(pair, image, torch.ones_like(chelsea[:, :1])).measurements[0].where == Place(9, 7, frame=1)


def test_nothing_locked_is_not_measured(chelsea):
    report = anchor_drift(chelsea, 1 - chelsea, torch.zeros_like(chelsea[:, :1]))
    assert report.measurements[0].value is None and report.measurements[0].detail == "no pixel is locked"


def test_levels_are_what_save_image_writes():
    exact = torch.arange(256) / 255
    assert to_levels(exact).tolist() == list(range(256))
    assert to_levels(torch.tensor([-0.5, 1.5, 0.9999])).tolist() == [0, 255, 254]


def test_sizes_must_agree(chelsea):
    with pytest.raises(ValueError, match=r"original is 1 x 451x300 but image is 1 x 450x300"):
        anchor_drift(chelsea, chelsea[..., 1:], torch.ones(1, 1, 300, 450))
