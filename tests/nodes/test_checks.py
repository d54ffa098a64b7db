import json

import pytest
import torch
from edit_first.checks import complexity
from edit_first.checks.report import Measurement, Report
from edit_first.headless import files
from edit_first.headless.comfy_api import ExecutionBlocker
from edit_first.nodes.checks import EditCheck
from edit_first.nodes.complexity import ComplexityCheck
from edit_first.nodes.gate import QualityGate

FAILED = Report((Measurement("anchor_max_error", 3),))
PASSED = Report((Measurement("anchor_max_error", 0),))
PICTURE = torch.rand(1, 5, 7, 4)


def test_edit_check_brings_an_earlier_report_up_to_date(chelsea, make_disc):
    image = chelsea.movedim(1, 3)
    tiny = Measurement("product_scale", 0.3)
    output = EditCheck.execute(image, image, make_disc(chelsea)[:, 0], report=FAILED + Report((tiny,)))
    metrics = [m.metric for m in output[0].measurements]
    assert output[0].measurements[0] == tiny and metrics.count("anchor_max_error") == 1
    assert output[1].shape == image.shape and output[2].shape == image.shape[:3]
    assert json.loads(json.dumps(output.ui["edit_first"]))[0]["verdict"]["production"] == "warn"
    assert output.ui["text"][0].startswith("Warn (production): product scale is 0.3")


def test_complexity_check_is_the_library(chelsea, make_disc):
    output = ComplexityCheck.execute(chelsea.movedim(1, 3), make_disc(chelsea)[:, 0], report=PASSED)
    direct = complexity.check_complexity(chelsea, make_disc(chelsea))
    assert output[0] == PASSED + direct.report and output[2] == direct.advice
    assert torch.equal(output[1], direct.heatmap.movedim(1, 3))
    with pytest.raises(ValueError, match="edit_mask is empty"):
        ComplexityCheck.execute(chelsea.movedim(1, 3), torch.zeros_like(chelsea[:, 0]))


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


@pytest.fixture
def output(tmp_path):
    token = files.folders.set(files.Folders((tmp_path,), tmp_path / "output"))
    yield tmp_path / "output"
    files.folders.reset(token)


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_gate_saves_a_batch_with_one_verdict(output):
    batch = torch.rand(3, 5, 7, 3)
    shown = QualityGate.execute(batch, PASSED, "production", "block", "set/x").ui
    assert names(output) == ["x_00001_.json", "x_00001_.png", "x_00002_.png", "x_00003_.png"]
    assert [image["filename"] for image in shown["images"]] == names(output)[1:]
    assert shown["images"][0]["subfolder"] == "set" and shown["edit_first"][0]["sidecar"] == "set/x_00001_.json"
    QualityGate.execute(batch, PASSED, "production", "block", "set/x")
    assert "x_00004_.json" in names(output) and len(names(output)) == 8


@pytest.mark.parametrize(
    ("on_fail", "saved"), [("block", ["x_00001_.json"]), ("pass", ["x_00001_.json", "x_00001_.png"])]
)
def test_gate_saves_the_picture_only_when_it_goes_on(output, on_fail, saved):
    QualityGate.execute(PICTURE, FAILED, "production", on_fail, "x")
    assert names(output) == saved


def test_gate_saves_the_verdict_before_it_raises(output):
    with pytest.raises(ValueError, match="stopped the run"):
        QualityGate.execute(PICTURE, FAILED, "production", "raise", "x")
    assert json.loads((output / "x_00001_.json").read_text())["verdict"] == "fail"


def test_gate_refuses_a_name_that_leads_out(output):
    with pytest.raises(ValueError, match="leads out"):
        QualityGate.execute(PICTURE, PASSED, "production", "block", "../x")
    assert QualityGate.validate_inputs("../x").startswith("filename_prefix '../x' leads out")
    assert QualityGate.validate_inputs("") is True and QualityGate.validate_inputs("x") is True
    assert QualityGate.validate_inputs(None) is True
