"""Every metric has a row and every row a metric; the printed page is the table."""

import re
from pathlib import Path

import pytest
from edit_first.checks.thresholds import THRESHOLDS, to_markdown

ROOT = Path(__file__).resolve().parents[2]
CODE = "\n".join(
    path.read_text()
    for path in sorted((ROOT / "checks").glob("*.py"))
    if path.name not in ("thresholds.py", "report.py")
)


def test_every_row_is_measured_somewhere():
    measured = set(re.findall(r'"([a-z0-9]+(?:_[a-z0-9]+)+)"', CODE))
    assert {row.metric for row in THRESHOLDS} <= measured


def test_every_metric_has_a_row():
    used = set(re.findall(r'Measurement\(\s*"([a-z0-9_]+)"', CODE))
    assert used and used <= {row.metric for row in THRESHOLDS}


@pytest.mark.parametrize("row", THRESHOLDS, ids=lambda row: row.metric)
def test_rows_are_complete(row):
    assert row.better in ("lower", "higher") and row.worst in ("warn", "fail")
    assert row.unit and row.meaning.endswith(".") and row.source
    assert (row.good_enough is None) == (row.production is None)
    if row.production is not None:
        assert row.meets(row.production, "good enough"), "production is the stricter limit"


def test_metrics_are_unique():
    metrics = [row.metric for row in THRESHOLDS]
    assert len(set(metrics)) == len(metrics)


def test_docs_page_is_the_table():
    page = (ROOT / "docs" / "checks.md").read_text()
    assert page == to_markdown(), "run `python . thresholds`"
