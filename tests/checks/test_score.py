import pytest
from edit_first.checks.report import Measurement, Report
from edit_first.checks.score import score
from edit_first.checks.thresholds import threshold


def test_score_costs_more_the_further_off():
    row = threshold("focus_edge_px")
    room = row.good_enough - row.production
    places = [row.production + share * room for share in (0, 0.5, 1, 1.5, 2, 9)]
    scores = [score(Report((Measurement("focus_edge_px", value),))) for value in places]
    assert scores == pytest.approx([100, 95, 90, 75, 60, 60])


def test_what_only_warns_costs_a_tenth_at_most():
    assert score(Report((Measurement("floating_specks", 1000),))) == 90
