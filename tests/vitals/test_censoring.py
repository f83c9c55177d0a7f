"""Walls that a collector built are found; natural tails are left alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from workbench.vitals.censoring import find_censoring


def _frame(values: np.ndarray, metric: str = "LCP") -> pl.DataFrame:
    return pl.DataFrame({"metric": metric, "value": values})


@pytest.mark.parametrize("sigma", [0.03, 0.1, 0.5, 1.2])
@pytest.mark.parametrize("n", [150, 3000, 300_000])
def test_natural_tails_have_no_wall(sigma, n):
    for seed in range(10):
        values = 2300 * np.random.default_rng(seed).lognormal(0, sigma, n)
        assert find_censoring(_frame(values)).is_empty()


def test_heavy_tails_have_no_wall_either():
    for seed in range(10):
        odds = np.random.default_rng(seed).logistic(0, 0.4, 20_000)
        assert find_censoring(_frame(1500 * np.exp(odds))).is_empty()


def test_heaps_of_steps_and_of_one_layout_are_natural():
    chance = np.random.default_rng(1)
    steps = 8 * np.round(chance.lognormal(3.5, 0.5, 5000) / 8)
    shifts = np.where(chance.random(5000) < 0.5, 0.0, 0.1307)
    assert find_censoring(_frame(steps, "INP")).is_empty()
    assert find_censoring(_frame(shifts, "CLS")).is_empty()


def test_slower_page_views_that_were_dropped_or_clipped_are_missed():
    values = 2500 * np.random.default_rng(2).lognormal(0, 0.9, 5000)
    for cut in (values[values < 10_000], np.minimum(values, 10_000)):
        row = find_censoring(_frame(cut)).row(0, named=True)
        assert (row["finding"], row["at"]) == ("cut off above", 10_000.0)
        assert "end abruptly at 10000" in row["detail"]


def test_page_views_kept_only_when_slow_show_as_a_wall_below():
    values = 2500 * np.random.default_rng(3).lognormal(0, 0.9, 5000)
    row = find_censoring(_frame(values[values >= 1000])).row(0, named=True)
    assert (row["finding"], row["at"]) == ("cut off below", 1000.0)


def test_good_page_views_sampled_away_show_as_a_step_at_the_threshold():
    chance = np.random.default_rng(4)
    values = 2500 * chance.lognormal(0, 0.6, 4000)
    kept = values[(values > 2500) | (chance.random(4000) < 0.1)]
    row = find_censoring(_frame(kept)).row(0, named=True)
    assert (row["finding"], row["at"]) == ("good ones missing", 2500.0)
    assert row["n_beyond"] < row["n_near"] / 5


def test_the_release_whose_collector_changed_is_named():
    values = 2500 * np.random.default_rng(5).lognormal(0, 0.9, 6000)
    sides = [_frame(values[:3000]).with_columns(release=pl.lit("a"))]
    sides.append(_frame(values[3000:][values[3000:] < 8000]).with_columns(release=pl.lit("b")))
    table = find_censoring(pl.concat(sides), ["release"])
    assert table.select("release", "finding", "at").rows() == [("b", "cut off above", 8000.0)]


def test_few_values_are_not_judged():
    assert find_censoring(_frame(np.full(50, 10_000.0))).is_empty()
