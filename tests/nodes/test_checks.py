import json

import pytest
import torch
from edit_first.checks.report import Measurement, Report
from edit_first.headless.comfy_api import ExecutionBlocker
from edit_first.nodes.checks import EditCheck
from edit_first.nodes.gate import QualityGate

FAILED = Report((Measurement("anchor_max_error", 3),))
PASSED = Report((Measurement("anchor_max_error", 0),))
PICTURE = torch.rand(1, 5, 7, 4)


def test_edit_check_appends_to_an_earlier_report(chelsea, make_disc):
    image = chelsea.movedim(1, 3)
    output = EditCheck.execute(image, image, make_disc(chelsea)[:, 0], report=FAILED)
    assert output[0].measurements[0] == FAILED.measurements[0] and len(output[0].measurements) > 1
    assert output[1].shape == image.shape and output[2].shape == image.shape[:3]
    assert json.loads(json.dumps(output.ui["edit_first"]))[0]["verdict"]["production"] == "fail"
    assert output.ui["text"][0].startswith("Fail (production)")


def test_edit_check_batch_equals_singles(chelsea, make_disc):
    image, mask = chelsea.movedim(1, 3), make_disc(chelsea)[:, 0]
    changed = image.clone()
    changed[:, 2, 3] = 0.5
    pair = EditCheck.execute(torch.cat((image, image)), torch.cat((image, changed)), mask)
    assert torch.equal(pair[2][1:], EditCheck.execute(image, changed, mask)[2])
    assert pair[2][0].sum() == 0


@pytest.mark.parametrize("on_fail", ["block", "raise", "pass"])
def test_gate_lets_a_good_picture_through(on_fail):
    accepted, rejected, passed, summary = QualityGate.execute(PICTURE, PASSED, "production", on_fail).args
    assert accepted is PICTURE and isinstance(rejected, ExecutionBlocker) and passed is True
    assert summary.startswith("Pass")


def test_gate_blocks_a_bad_picture():
    accepted, rejected, passed, summary = QualityGate.execute(PICTURE, FAILED, "production", "block").args
    assert isinstance(accepted, ExecutionBlocker) and rejected is PICTURE and passed is False
    assert summary.startswith("Fail (production): anchor max error is 3")


def test_gate_raises_when_asked():
    with pytest.raises(ValueError, match="Quality Gate stopped the run. Fail .good enough.: anchor max error"):
        QualityGate.execute(PICTURE, FAILED, "good enough", "raise")


def test_gate_passes_a_bad_picture_when_asked_and_still_says_so():
    accepted, rejected, passed, _ = QualityGate.execute(PICTURE, FAILED, "production", "pass").args
    assert accepted is PICTURE and rejected is PICTURE and passed is False
