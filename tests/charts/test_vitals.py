from __future__ import annotations

import polars as pl
import pytest

from tests.charts.drawn import rects, rows, words
from tests.panels.views import VITALS
from workbench.charts.vitals import vitals_chart


def cohort(metric: str, before: float | None, after: float | None, **more: object) -> pl.DataFrame:
    return pl.DataFrame({"metric": [metric], "p75_before": [before], "p75_after": [after], **more})


def test_a_value_on_the_threshold_lies_on_the_edge_of_its_band() -> None:
    """web.dev: INP is good up to 200 ms and poor above 500 ms."""
    chart = vitals_chart(cohort("INP", 200.0, 500.0))
    edges = {row["band"]: (row["x"], row["x2"]) for row in rects(chart)}
    at = {row["release"]: row["at"] for row in rows(chart, "circle")}
    assert at["before"] == pytest.approx(edges["good"][1])
    assert at["after"] == pytest.approx(edges["poor"][0])


def test_a_very_bad_value_stays_on_the_chart() -> None:
    chart = vitals_chart(cohort("LCP", 1_000.0, 60_000.0), width=900)
    assert all(row["at"] <= 900 for row in rows(chart, "circle"))


def test_values_stand_beside_their_cohort_in_their_own_units() -> None:
    said = words(vitals_chart(VITALS.changes))
    assert "120 ms → 740 ms" in said
    assert "0.02 → 0.13" in said
    assert "INP, mobile, /product/:id" in said


def test_an_unknown_side_is_left_out_not_guessed() -> None:
    chart = vitals_chart(cohort("CLS", None, 0.2))
    assert [row["release"] for row in rows(chart, "circle")] == ["after"]
    assert "– → 0.20" in words(chart)
    assert vitals_chart(cohort("CLS", None, None)) == "No vital changed beyond what chance explains."
