import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from edit_first.checks.report import Measurement, Place, Report
from edit_first.headless import check_output as output
from edit_first.headless.check_jobs import Job
from edit_first.headless.check_output import Outcome, Run

PASSED = Report((Measurement("anchor_max_error", 0), Measurement("brand_delta_e00", None, detail="none given")))
WARNED = PASSED + Report((Measurement("seam_step", 0.6, Place(3, 4)),))
FAILED = WARNED + Report((Measurement("anchor_changed_px", 9, Place(1, 2)),))


def outcome(name, report):
    return Outcome(Job(name, Path(name), before=Path("b.png")), report.verdict("production"), report, seconds=0.5)


def unreadable(name, state="unreadable"):
    return Outcome(Job(name, Path(name)), state, error="not a <picture> & \x00broken")


ALL = Run(
    (outcome("p.png", PASSED), outcome("w.png", WARNED), outcome("f.png", FAILED), unreadable("u.png")), "production"
)


@pytest.mark.parametrize(
    ("outcomes", "status", "strict_status"),
    [
        ([outcome("p", PASSED)], 0, 0),
        ([outcome("p", PASSED), outcome("w", WARNED)], 1, 2),
        ([outcome("f", FAILED), outcome("w", WARNED)], 2, 2),
        ([unreadable("u"), outcome("f", FAILED)], 4, 4),
        ([outcome("f", FAILED), unreadable("u"), unreadable("n", "not checked")], 130, 130),
    ],
)
def test_exit_status_is_the_worst(outcomes, status, strict_status):
    assert Run(tuple(outcomes), "production").exit_status() == status
    assert Run(tuple(outcomes), "production", strict=True).exit_status() == strict_status


def test_json():
    value = json.loads(json.dumps(output.to_dict(ALL), allow_nan=False))
    assert value["schema"] == "edit-first/check/1" and value["verdict"] == "unreadable" and value["exit_status"] == 4
    assert value["counts"] == {"pass": 1, "warn": 1, "fail": 1, "unreadable": 1, "not checked": 0}
    assert [entry["verdict"] for entry in value["files"]] == ["pass", "warn", "fail", "unreadable"]
    assert value["files"][2]["report"]["verdict"]["production"] == "fail" and value["files"][3]["report"] is None


def cases(run):
    root = ElementTree.fromstring(output.to_junit(run))
    return root, {(s.get("name"), c.get("name")): c for s in root for c in s}


def test_junit_has_a_suite_for_each_file_and_a_case_for_each_group():
    root, found = cases(ALL)
    assert list(found) == [
        *(("p.png", name) for name in ("anchor", "brand")),
        *(("w.png", name) for name in ("anchor", "brand", "seam")),
        *(("f.png", name) for name in ("anchor", "brand", "seam")),
        ("u.png", "readable"),
    ]
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "9", "1", "1")
    assert found["p.png", "brand"].find("skipped") is not None
    assert found["w.png", "seam"].find("failure") is None and "WARN" in found["w.png", "seam"].find("system-out").text
    failure = found["f.png", "anchor"].find("failure")
    assert failure.get("type") == "fail" and failure.get("message").startswith("anchor changed px is 9 px")
    error = found["u.png", "readable"].find("error")
    assert error.get("message") == "not a <picture> & \ufffdbroken"


def test_junit_numbers_add_up_and_attributes_are_those_of_the_schema():
    root, _ = cases(ALL)
    for suite in root:
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name)) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.get("tests")) == len(suite) and float(suite.get("time")) >= 0
        assert set(suite.attrib) == {"name", "time", "tests", "failures", "errors", "skipped"}
        for case in suite:
            assert set(case.attrib) == {"name", "classname", "time"}
            assert [child.tag for child in case] in (
                ["system-out"], ["failure", "system-out"], ["skipped", "system-out"], ["error"], ["skipped"],
            )  # fmt: skip


def test_strict_makes_warnings_failures():
    _, found = cases(Run(ALL.outcomes, "production", strict=True))
    assert found["w.png", "seam"].find("failure").get("type") == "warn"


def test_good_enough_judges_by_its_own_limits():
    run = Run((outcome("w.png", WARNED),), "good enough")
    assert cases(run)[0].get("failures") == "0"


def test_names_that_are_no_text_can_be_printed():
    odd = Outcome(Job("a\udcff\x1b[31m", Path("a")), "unreadable", error="x\udc80")
    text = output.outcome_text(odd, "production", brief=True)
    assert text.encode() and "\x1b" not in text
    assert json.dumps(output.to_dict(Run((odd,), "production"))).encode()
    ElementTree.fromstring(output.to_junit(Run((odd,), "production")))
