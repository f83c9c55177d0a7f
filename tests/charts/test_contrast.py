from __future__ import annotations

import polars as pl
import pytest

from tests.charts.drawn import rects, rows, words
from tests.panels.views import contrast
from workbench.charts.contrast import contrast_chart


def test_what_does_not_differ_is_said_in_one_line() -> None:
    said = words(contrast_chart(contrast()))
    assert "browser, device, region" in said
    assert "no difference (every interval of the ratio contains 1)" in said


def test_shares_counts_and_the_interval_stand_beside_the_bars() -> None:
    chart = contrast_chart(contrast())
    assert "92 % of hit, 22 % of others · 4.2× (3.9–4.5)" in words(chart)
    bar = next(row for row in rects(chart) if row["who"] == "hit sessions" and row["trait"].startswith("cart"))
    assert bar["sessions"] == "830"


def test_the_whiskers_are_wilson_intervals() -> None:
    """Wilson (1927), worked by hand: 5 of 10 at 95 % is 23.7 % to 76.3 %."""
    row = contrast().head(1).with_columns(n_hit=5, share_hit=0.5, n_other=0, share_other=0.0)
    chart = contrast_chart(row)
    bar = next(row for row in rects(chart) if row["who"] == "hit sessions")
    whole = (bar["x2"] - bar["x"]) / 0.5
    whisker = rows(chart, "rule")[0]
    assert (whisker["x"] - bar["x"]) / whole == pytest.approx(0.237, abs=0.001)
    assert (whisker["x2"] - bar["x"]) / whole == pytest.approx(0.763, abs=0.001)


def test_a_trait_that_nobody_else_has_gets_no_ratio() -> None:
    only = contrast().head(1).with_columns(ratio=None, low=None, high=None, share_other=pl.lit(0.0))
    assert "100 % of hit, 0 % of others" in words(contrast_chart(only))


def test_a_commit_is_shortened() -> None:
    assert "release 7f3c2e1" in words(contrast_chart(contrast()))


def test_no_difference_at_all_is_a_sentence() -> None:
    same = contrast_chart(contrast().filter(~pl.col("differs")))
    assert same == "No difference in browser, device, region: every interval of the ratio contains 1."
