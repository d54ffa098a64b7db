import json

import pytest
import torch
from edit_first.checks.report import Measurement, Report
from edit_first.nodes.motion import MotionReadinessCheck

EARLIER = Report((Measurement("anchor_max_error", 3),))


def test_appends_to_an_earlier_report_but_judges_its_own(coffee):
    image = coffee.movedim(1, 3)
    ready, score, report, heatmap, fix_mask = (output := MotionReadinessCheck.execute(image, report=EARLIER)).args
    assert ready is True and 0 < score <= 100
    assert report.measurements[0] == EARLIER.measurements[0] and len(report.measurements) > 8
    assert heatmap.shape == image.shape and fix_mask.shape == image.shape[:3]
    assert json.loads(json.dumps(output.ui["edit_first"]))[0]["verdict"]["production"] == "fail"
    assert output.ui["text"][0].startswith("Ready for any video model")


def test_transparency_is_reported(coffee):
    image = torch.cat((coffee, torch.ones_like(coffee[:, :1])), 1).movedim(1, 3).clone()
    image[:, :10, :, 3] = 0
    report = MotionReadinessCheck.execute(image).args[2]
    found = next(m for m in report.measurements if m.metric == "intake_transparent_fraction")
    assert found.value == pytest.approx(10 / coffee.shape[2]) and found.verdict("production") == "warn"


def test_one_side_of_the_canvas_alone_is_an_error(coffee):
    with pytest.raises(ValueError, match="canvas is 832x0 .WxH.; set both"):
        MotionReadinessCheck.execute(coffee.movedim(1, 3), width=832)


def test_not_a_number_is_an_error(coffee):
    image = coffee.movedim(1, 3).clone()
    image[0, 0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="values that are not numbers"):
        MotionReadinessCheck.execute(image)
