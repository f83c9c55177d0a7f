"""Percentiles from log buckets: as near as promised, mergeable, and as honest."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from connectors.exceptions import TableError
from tests.naive import vitals as naive
from workbench.reduce import vitals_histogram
from workbench.vitals.buckets import LOG_GAMMA
from workbench.vitals.cohorts import compare_cohorts
from workbench.vitals.histogram import (
    ALPHA,
    bucket_of,
    bucket_value,
    histogram_percentiles,
    merge_histograms,
    unusable,
)
from workbench.vitals.percentiles import vitals_percentiles
from workbench.vitals.population import treat

QS = (1, 5, 25, 50, 75, 90, 95, 99)


@settings(deadline=None)
@given(st.floats(1e-6, 1e7))
def test_a_bucket_holds_its_value_within_half_a_percent(value):
    bucket = bucket_of(value)
    assert abs(bucket - naive.bucket(value)) <= (0 if value > 1e-3 else 1), "but for rounding on an edge"
    told = pl.select(bucket_value(pl.lit(bucket))).item()
    assert told == pytest.approx(value, rel=ALPHA * 1.0001)


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(6, 500_000), st.just(800.0)), min_size=1, max_size=300))
def test_every_percentile_is_within_half_a_percent_of_the_exact_one(values):
    frame = pl.DataFrame({"metric": "LCP", "value": values})
    table = histogram_percentiles(vitals_histogram(frame, ["metric"]), percentiles=QS, min_samples=1)
    for q in QS:
        assert table[f"p{q}"].item() == pytest.approx(naive.percentile(values, q / 100), rel=ALPHA * 1.0001)


def test_shifts_of_zero_stay_zero():
    frame = pl.DataFrame({"metric": "CLS", "value": [0.0] * 80 + [0.2] * 20})
    table = histogram_percentiles(vitals_histogram(frame, ["metric"]))
    assert table.select("p50", "p75", "p75_low", "p75_high").row(0) == (0.0, 0.0, 0.0, pytest.approx(0.2, rel=0.3))
    assert table["p95"].item() == pytest.approx(0.2, rel=ALPHA)


def _vitals(n: int, seed: int = 1) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "metric": chance.choice(["LCP", "INP", "CLS"], n),
            "device_class": chance.choice(["mobile", "desktop"], n),
            "day": chance.integers(1, 8, n),
            "value": chance.lognormal(6, 1, n),
        }
    ).with_columns(value=pl.when(metric="CLS").then(pl.col("value") / 4000).otherwise(pl.col("value")))


def test_the_rest_of_the_table_equals_the_exact_one():
    vitals = _vitals(20_000)
    exact = vitals_percentiles(vitals)
    table = histogram_percentiles(vitals_histogram(vitals, ["metric", "device_class"])).select(exact.columns)
    plain = ["metric", "device_class", "n", "rating"]
    assert table.select(plain).equals(exact.select(plain))
    for share in ("share_good", "share_needs", "share_poor"):
        assert table[share].to_list() == pytest.approx(exact[share].to_list())
    for column in ("p50", "p75", "p95", "p75_low", "p75_high"):
        assert (table[column] / exact[column] - 1).abs().max() < 0.012


def test_days_add_up_to_a_week_and_fine_dimensions_to_coarse_ones():
    vitals = _vitals(5000)
    days = [vitals_histogram(day, ["metric", "device_class"]) for day in vitals.partition_by("day")]
    week = vitals_histogram(vitals, ["metric", "device_class"])
    assert merge_histograms(days).equals(week)
    coarse = merge_histograms(days, ["metric"])
    assert coarse.equals(vitals_histogram(vitals, ["metric"]))
    asked_of_fine = histogram_percentiles(week, ["metric"], mix_devices=True)
    assert asked_of_fine.equals(histogram_percentiles(coarse, ["metric"]))


def test_weights_go_the_same_way_as_in_rows():
    vitals = _vitals(8000).with_columns(sample_rate=pl.Series(np.random.default_rng(3).choice([1.0, 0.1], 8000)))
    exact = vitals_percentiles(vitals)
    table = histogram_percentiles(vitals_histogram(vitals, ["metric", "device_class"]))
    assert table["n"].to_list() == exact["n"].to_list()
    for column in ("p50", "p75", "p95", "share_good"):
        assert table[column].to_list() == pytest.approx(exact[column].to_list(), rel=0.012)
    for column in ("p75_low", "p75_high"):
        assert table[column].to_list() == pytest.approx(exact[column].to_list(), rel=0.04)


@pytest.mark.parametrize("n", [30, 300, 3000, 10_000])
def test_the_interval_covers_the_true_p75(n):
    draws = 2000
    values = 1000 * np.random.default_rng(n).lognormal(0, 0.7, draws * n)
    frame = pl.DataFrame({"metric": "LCP", "draw": np.repeat(np.arange(draws), n), "value": values})
    truth = 1000 * math.exp(0.7 * 0.6744897501960817)
    covered = 0
    for part in range(0, draws, 100):
        some = frame.slice(part * n, 100 * n)
        table = histogram_percentiles(vitals_histogram(some, ["draw"]), ["draw"], percentiles=[75])
        covered += table.filter(pl.lit(truth).is_between("p75_low", "p75_high")).height
    assert 0.93 <= covered / draws <= 0.98


def _counted(n: int, draws: int, truth: float, sigma: float, seed: int) -> pl.DataFrame:
    """Log-normal values whose p75 is `truth`, counted without being made: one row per draw and bucket."""
    bucket = np.arange(bucket_of(truth) - 400, bucket_of(truth) + 400)
    ends = (np.append(bucket, bucket[-1] + 1) * LOG_GAMMA - math.log(truth)) / sigma + 0.6744897501960817
    chance = np.diff(stats.norm.cdf(ends))
    n_in = np.random.default_rng(seed).multinomial(n, chance / chance.sum(), size=draws)
    draw, place = np.nonzero(n_in)
    weight = pl.Series(n_in[draw, place].astype(float))
    return pl.DataFrame(
        {"metric": "LCP", "draw": draw, "bucket": bucket[place], "n": weight.cast(pl.Int64), "weight": weight,
         "weight_squared": weight}
    )  # fmt: skip


@pytest.mark.parametrize("part", [0.05, 0.35, 0.65, 0.95])
def test_the_interval_covers_wherever_in_its_bucket_the_true_p75_lies(part):
    truth, draws = math.exp((bucket_of(2400.0) + part) * LOG_GAMMA), 1500
    table = histogram_percentiles(_counted(10_000, draws, truth, 0.6, 5), ["draw"], percentiles=[75])
    covered = table.filter(pl.lit(truth).is_between("p75_low", "p75_high")).height
    assert table.height == draws
    assert 0.93 <= covered / draws <= 0.98


def test_the_interval_covers_a_value_that_many_page_views_share():
    draws, n = 1500, 100
    steps = np.ceil(np.random.default_rng(3).lognormal(4, 0.5, (draws, n)) / 8) * 8
    truth = math.ceil(math.exp(4 + 0.5 * 0.6744897501960817) / 8) * 8
    frame = pl.DataFrame({"metric": "INP", "draw": np.repeat(np.arange(draws), n), "value": steps.ravel()})
    table = histogram_percentiles(vitals_histogram(frame, ["draw"]), ["draw"], percentiles=[75])
    covered = table.filter(pl.lit(float(truth)).is_between("p75_low", "p75_high")).height
    assert covered / draws >= 0.95, "Event Timing gives steps of 8 ms: ties make intervals wider, never narrower"


def test_two_halves_of_millions_differ_by_less_than_a_bucket():
    # both true p75 lie on the edge of a bucket of 60 ms: told by buckets, every second pair would differ by all of it
    truth = math.exp(bucket_of(6000.0) * LOG_GAMMA)
    before, after = (_counted(4_000_000, 200, truth, 0.6, seed) for seed in (1, 2))
    table = compare_cohorts(before, after, ["draw"])
    assert table["difference"].abs().max() < 20
    assert (table["p"] <= 0.05).mean() <= 0.06


def test_of_millions_of_page_views_the_interval_is_no_narrower_than_a_bucket():
    counts = {"n": [6_000_000, 4_000_000], "weight": [6e6, 4e6], "weight_squared": [6e6, 4e6]}
    histogram = pl.DataFrame({"metric": "LCP", "bucket": [bucket_of(1000.0), bucket_of(2000.0)], **counts})
    row = histogram_percentiles(histogram).row(0, named=True)
    assert row["p75_low"] <= row["p75"] * (1 - ALPHA)
    assert row["p75_high"] >= row["p75"] * (1 + ALPHA)


def test_what_cannot_be_counted_is_counted_apart_as_in_rows():
    nan = float("nan")
    odd = pl.DataFrame(
        {
            "metric": ["LCP"] * 9 + ["CLS"] * 3,
            "value": [None, nan, float("inf"), -1.0, 0.0, 2.4, 3.6e6, 900.0, 901.0, 0.0, 180.0, 0.1],
        }
    )
    histogram = vitals_histogram(odd, ["metric"])
    assert unusable(histogram).rows() == treat(odd).set_aside.select("metric", "reason", "n").rows()
    assert dict(histogram_percentiles(histogram).select("metric", "n").rows()) == {"LCP": 2, "CLS": 2}


def test_nothing_gives_an_empty_table():
    empty = vitals_histogram(_vitals(10).clear(), ["metric", "device_class"])
    assert histogram_percentiles(empty).is_empty()
    assert (
        histogram_percentiles(empty).columns
        == histogram_percentiles(vitals_histogram(_vitals(10), ["metric", "device_class"])).columns
    )


def test_a_frame_that_is_no_histogram_is_named():
    with pytest.raises(TableError, match="the histogram lacks bucket, n, weight, weight_squared; it has: metric"):
        histogram_percentiles(pl.DataFrame({"metric": ["LCP"]}))
