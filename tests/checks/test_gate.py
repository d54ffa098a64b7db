import hashlib
import json

import numpy as np
import pytest
import torch
from edit_first import __version__
from edit_first.checks.gate import Picture, decide
from edit_first.checks.report import Measurement, Place, Report
from edit_first.headless import files
from PIL import Image

MIXED = Report(
    (
        Measurement("anchor_max_error", 0),
        Measurement("seam_step", 0.6),
        Measurement("anchor_changed_px", 7, Place(3, 4, frame=2)),
        Measurement("edit_changed_fraction", 0.5),
        Measurement("brand_delta_e00", None, detail="no brand color given"),
    )
)
PICTURES = [Picture.of(torch.zeros(2, 3, 3))] * 4


def test_counts_name_every_measurement_once():
    assert decide(MIXED, "production").counts() == {"fail": 1, "warn": 1, "pass": 1, "not judged": 2}
    assert decide(MIXED, "good enough").counts() == {"fail": 1, "warn": 0, "pass": 2, "not judged": 2}


@pytest.mark.parametrize("value, verdict, passed", [(0.3, "pass", True), (0.6, "warn", True), (0.9, "fail", False)])
def test_warnings_pass(value, verdict, passed):
    decision = decide(Report((Measurement("seam_step", value),)), "production")
    assert (decision.verdict, decision.passed) == (verdict, passed)


@pytest.mark.parametrize("report", [Report(), Report((Measurement("seam_step", None, detail="no border"),))])
def test_nothing_measured_does_not_pass(report):
    decision = decide(report, "production")
    assert not decision.passed and decision.verdict == "fail" and "connect a check" in decision.summary
    assert decision.to_dict(PICTURES)["verdict"] == "fail"


def test_summary_tells_version_level_verdict_counts_findings_and_picture():
    lines = decide(MIXED, "production").text(PICTURES).splitlines()
    assert lines[0].startswith("Fail (production): anchor changed px is 7 px") and "in frame 2" in lines[0]
    assert lines[1] == "1 fail, 1 warn, 1 pass, 2 not judged"
    assert lines[2].startswith("FAIL  anchor changed px") and lines[3].startswith("WARN  seam step is 0.6")
    assert lines[4] == f"Edit First {__version__}: 4 frames, first 3x2 px, sha256 {PICTURES[0].sha256[:16]}"


def test_long_lists_of_findings_are_cut():
    many = Report(tuple(Measurement("brand_delta_e00", 9, subject=f"#00000{i}") for i in range(9)))
    assert "      and 4 more" in decide(many, "production").text(PICTURES).splitlines()
    assert len(decide(many, "production").to_dict(PICTURES)["findings"]) == 9


def test_json_holds_the_findings_worst_first_and_the_whole_report():
    value = json.loads(json.dumps(decide(MIXED, "production").to_dict(PICTURES, on_fail="block"), allow_nan=False))
    assert [entry["metric"] for entry in value["findings"]] == ["anchor_changed_px", "seam_step"]
    assert value["schema"] == "edit-first/verdict/1" and value["tool"]["version"] == __version__
    assert value["on_fail"] == "block" and len(value["pictures"]) == 4 and value["pictures"][3]["frame"] == 3
    assert Report.from_json(json.dumps(value["report"])) == MIXED


@pytest.mark.parametrize("channels", [3, 4])
def test_the_hash_can_be_worked_out_from_the_saved_file(tmp_path, channels):
    frame = torch.rand(7, 5, channels, generator=torch.Generator().manual_seed(1))
    files.write_png(tmp_path / "x.png", frame)
    levels = np.asarray(Image.open(tmp_path / "x.png"))
    picture = Picture.of(frame)
    assert picture.sha256 == hashlib.sha256(levels.tobytes()).hexdigest()
    assert (picture.width, picture.height, picture.channels) == (5, 7, channels)
