import json

import pytest
from edit_first.checks.report import SCHEMA, Measurement, Place, Report
from edit_first.checks.thresholds import LEVELS, THRESHOLDS, threshold

GOOD = Measurement("anchor_changed_px", 0)
BAD = Measurement("anchor_max_error", 7, Place(12, 30, frame=2))
OFF_BRAND = Measurement("brand_delta_e00", 3.0, Place(1, 2, 3, 4), "on the label", "#e30613")
NOT_MEASURED = Measurement("brand_delta_e00", None, subject="#ffffff", detail="the region holds 3 pixels")


def test_json_round_trip_keeps_everything():
    report = Report((GOOD, BAD, OFF_BRAND, NOT_MEASURED), {"width": 64, "frames": 3})
    assert Report.from_json(report.to_json()) == report


def test_json_says_what_a_reader_needs():
    value = json.loads(Report((BAD,), {"width": 64}).to_json())
    assert value["schema"] == SCHEMA
    assert value["verdict"] == {"good enough": "fail", "production": "fail"}
    (entry,) = value["measurements"]
    assert entry["value"] == 7 and entry["unit"] == "8-bit levels" and entry["fix"] == "Anchor Lock"
    assert entry["where"] == {"x": 12, "y": 30, "width": 1, "height": 1, "frame": 2}
    assert entry["limits"] == {"good enough": 0, "production": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "not an Edit First report"), ("[]", "not an Edit First report"), ("{}", "not an Edit First report")]
    + [('{"schema":"edit-first/report/9"}', "this version reads 'edit-first/report/1'")]
    + [('{"schema":"edit-first/report/1","inputs":{},"measurements":[{"metric":"x"}]}', "not an Edit First report")],
)
def test_from_json_refuses_other_things(text, message):
    with pytest.raises(ValueError, match=message):
        Report.from_json(text)


def test_verdict_is_the_worst():
    assert Report((GOOD,)).verdict("production") == "pass"
    assert Report((GOOD, OFF_BRAND)).verdict("production") == "warn"
    assert Report((GOOD, OFF_BRAND)).verdict("good enough") == "pass"
    assert Report((OFF_BRAND, BAD, GOOD)).verdict("good enough") == "fail"
    assert Report().verdict("production") == "pass"


def test_summary_names_what_where_and_the_node_that_fixes_it():
    summary = Report((GOOD, OFF_BRAND, BAD)).summary("production")
    assert summary.startswith("Fail (production): anchor max error is 7 8-bit levels")
    assert "at x 12, y 30 in frame 2" in summary
    assert "fix with Anchor Lock" in summary and "1 more" in summary
    assert summary.count("\n") == 0
    assert Report((GOOD,)).summary() == "Pass (production): no known problem in 1 measurement."


def test_a_value_that_is_missing_passes_and_says_why():
    assert NOT_MEASURED.verdict("production") == "pass"
    assert NOT_MEASURED.sentence() == "brand delta e00 of #ffffff: not measured (the region holds 3 pixels)"


def test_measurements_are_finite_and_known():
    with pytest.raises(ValueError, match="a measurement is a finite number or None"):
        Measurement("anchor_max_error", float("nan"))
    with pytest.raises(KeyError):
        Measurement("no_such_metric", 1.0)


def test_reports_add_up_in_order():
    total = Report((GOOD,), {"a": 1, "b": 1}) + Report((BAD,), {"b": 2})
    assert total.measurements == (GOOD, BAD) and total.inputs == {"a": 1, "b": 2}


@pytest.mark.parametrize("level", LEVELS)
def test_a_value_on_the_limit_passes(level):
    row = threshold("brand_delta_e00")
    assert row.verdict(row.limit(level), level) == "pass"
    assert row.verdict(row.limit(level) + 1e-6, level) != "pass"


def test_unknown_level_lists_the_levels():
    with pytest.raises(ValueError, match="choose one of good enough, production"):
        THRESHOLDS[0].verdict(1, "perfect")


def test_a_later_check_takes_the_place_of_earlier_steps():
    step = Report((Measurement("seam_step", 2.0), Measurement("product_scale", 1.0)))
    check = Report((Measurement("seam_step", 0.1), Measurement("anchor_max_error", 0)), {"checked": 1})
    merged = step.followed_by(check)
    assert [(m.metric, m.value) for m in merged.measurements] == [
        ("product_scale", 1.0),
        ("seam_step", 0.1),
        ("anchor_max_error", 0),
    ]
    assert merged.followed_by(check) == merged


def test_a_check_of_another_picture_hides_nothing():
    first = Report((Measurement("anchor_max_error", 9),), {"checked": 1})
    second = Report((Measurement("anchor_max_error", 0),), {"checked": 2})
    assert first.followed_by(second).verdict("production") == "fail"


def test_what_a_check_could_not_measure_stays_as_it_was():
    step = Report((Measurement("seam_step", 2.0), Measurement("brand_delta_e00", 1.0, subject="#ffffff")))
    check = Report(
        (Measurement("seam_step", None, detail="n/a"), Measurement("brand_delta_e00", 9.0, subject="#000000"))
    )
    assert [m.value for m in step.followed_by(check).measurements] == [2.0, 1.0, 9.0]
