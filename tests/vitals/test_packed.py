"""The one sort of packed rows gives what the plain way gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from workbench.vitals.packed import Packed, pack_values
from workbench.vitals.percentiles import rank_cohorts, vitals_percentiles

ODD = [None, float("nan"), float("inf"), -float("inf"), -1.0, -0.0, 0.0, 0.5, 3.0, 180.0, 1e6, 2500.0, 0.1]
KEYS = ("metric", "route")

rows = st.lists(
    st.fixed_dictionaries(
        {
            "metric": st.sampled_from(["LCP", "INP", "CLS", "TTFB", "own"]),
            "route": st.sampled_from(["/", "/cart", None]),
            "navigation_type": st.sampled_from(["navigate", "prerender", "back-forward-cache", None]),
            "value": st.one_of(st.sampled_from(ODD), st.floats(0, 5000, width=32)),
        }
    ),
    min_size=1,
    max_size=80,
)
SCHEMA = {"metric": pl.String, "route": pl.String, "navigation_type": pl.String, "value": pl.Float64}


def _both(frame: pl.DataFrame, stored: pl.DataFrame | None = None, **options: object) -> None:
    asked = {"percentiles": [5, 50, 75, 95], "intervals": [50, 75], "min_samples": 1, "cluster": None, **options}
    plain = vitals_percentiles(frame, KEYS, **asked)
    packed = vitals_percentiles((frame if stored is None else stored).lazy(), KEYS, **asked)
    text = [name for name in (*KEYS, "navigation") if name in plain.columns]
    as_text = packed.with_columns(pl.col(text).cast(pl.String)).sort(text, nulls_last=True)
    assert_frame_equal(
        as_text, plain.with_columns(pl.col(text).cast(pl.String)).sort(text, nulls_last=True), rel_tol=1e-6
    )


@settings(deadline=None, max_examples=60)
@given(rows)
def test_text_equals_the_plain_way(rows):
    _both(pl.DataFrame(rows, schema=SCHEMA))


@settings(deadline=None, max_examples=60)
@given(rows)
def test_categories_equal_the_plain_way(rows):
    frame = pl.DataFrame(rows, schema=SCHEMA)
    _both(frame, frame.with_columns(pl.col("metric", "route", "navigation_type").cast(pl.Categorical)))


@settings(deadline=None, max_examples=20)
@given(rows)
def test_all_kinds_of_navigation_together_equal_the_plain_way(rows):
    _both(pl.DataFrame(rows, schema=SCHEMA), navigations=None)


def _many(n: int = 50_000) -> pl.DataFrame:
    chance = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "metric": chance.choice(["LCP", "INP"], n),
            "route": [f"/page/{i}" for i in chance.integers(0, 200, n)],
            "value": chance.lognormal(7, 1, n),
        }
    )


def test_many_rows_equal_the_plain_way():
    _both(_many())


def test_codes_far_apart_in_the_common_pool_are_made_dense(monkeypatch):
    # many other words lie between the codes of a small dimension, as after reading other tables
    words = pl.Series([f"word {i}" for i in range(70_000)], dtype=pl.Categorical)
    frame = _many(2000)
    frame = frame.with_columns(metric=pl.Series(np.where(np.arange(2000) % 2, "LCP", "word 69999")))
    stored = frame.with_columns(pl.col("metric", "route").cast(pl.Categorical))
    monkeypatch.setattr("workbench.vitals.packed.COHORTS", 1000)
    _both(frame, stored)
    assert isinstance(rank_cohorts(stored.lazy(), list(KEYS), None, None), Packed)
    assert words.len() == 70_000


def test_dimensions_whose_values_turn_up_late_are_renumbered(monkeypatch):
    monkeypatch.setattr("workbench.vitals.packed.CHUNK", 100)
    frame = _many(5000).sort("route", "metric")
    _both(frame, frame.with_columns(pl.col("metric", "route").cast(pl.Categorical)))
    monkeypatch.setattr("workbench.vitals.packed.COHORTS", 410)
    assert isinstance(rank_cohorts(frame.lazy(), list(KEYS), None, None), Packed), "400 cohorts, with room for no more"
    _both(frame)


def test_more_categories_than_sixteen_bits_hold():
    frame = pl.DataFrame({"metric": "LCP", "route": [f"/item/{i}" for i in range(70_000)], "value": 900.0})
    frame = pl.concat([frame, frame.head(9).with_columns(route=pl.lit(None, pl.String))])
    packed = rank_cohorts(frame.lazy(), list(KEYS), None, None)
    assert isinstance(packed, Packed)
    assert packed.keys["route"].n_unique() == 70_001
    _both(frame)


@pytest.mark.parametrize("kinds", [["load"], ["prerender"], ["bfcache", "soft"], ["load", "soft"], []])
def test_only_the_kinds_of_navigation_asked_for_count(kinds):
    types = ["navigate", "prerender", "back-forward-cache", "soft-navigation", None, "restore"]
    frame = _many(3000).with_columns(navigation_type=pl.Series([types[i % 6] for i in range(3000)]))
    for dtype in (pl.String, pl.Categorical, pl.Enum([name for name in types if name])):
        _both(frame, frame.with_columns(pl.col("navigation_type").cast(dtype)), navigations=kinds)
    few = frame.filter(pl.col("navigation_type") != "prerender")
    _both(
        few,
        few.with_columns(pl.col("navigation_type").cast(pl.Enum(few["navigation_type"].unique().sort()))),
        navigations=kinds,
    )


def test_too_many_cohorts_to_pack_go_the_plain_way(monkeypatch):
    monkeypatch.setattr("workbench.vitals.packed.COHORTS", 10)
    assert pack_values(_many(2000).lazy(), KEYS, None) is None
    _both(_many(2000))


def test_what_cannot_be_packed_goes_the_plain_way():
    frame = _many(2000)
    assert pack_values(frame.with_columns(route=pl.lit(1)).lazy(), KEYS, None) is None, "a key that is no text"
    assert pack_values(frame.clear().lazy(), KEYS, None) is None
    assert vitals_percentiles(frame.clear().lazy(), KEYS).is_empty()
    sampled = frame.with_columns(sample_rate=pl.Series(np.where(np.arange(2000) % 2, 1.0, 0.1)))
    _both(sampled)
    assert not isinstance(rank_cohorts(sampled.lazy(), list(KEYS), None, None), Packed)
    sessions = frame.with_columns(session_id=(pl.int_range(pl.len()) // 5).cast(pl.String))
    clustered = vitals_percentiles(sessions.lazy(), KEYS, cluster="session_id")
    assert_frame_equal(clustered, vitals_percentiles(sessions, KEYS))


def test_navigation_as_a_dimension():
    types = ["navigate", "prerender", "back-forward-cache", "soft-navigation", None]
    frame = _many(2000).with_columns(navigation_type=pl.Series([types[i % 5] for i in range(2000)]))
    for name in ("navigation_type", "navigation"):
        plain = vitals_percentiles(frame, ["metric", name], cluster=None, navigations=None)
        packed = vitals_percentiles(frame.lazy(), ["metric", name], cluster=None, navigations=None)
        assert_frame_equal(packed, plain, rel_tol=1e-6)


@pytest.mark.parametrize("metric", ["INP", "own"])
def test_zeros_count_where_the_values_just_above_them_do_not(metric):
    frame = pl.DataFrame({"metric": metric, "route": "/", "value": [0.0, 0.0, 0.25, 0.5, 8.0, 16.0]})
    row = vitals_percentiles(frame.lazy(), KEYS, min_samples=1, cluster=None, percentiles=[0, 50, 100]).row(
        0, named=True
    )
    assert (row["n"], row["p0"], row["p100"]) == (4 if metric == "INP" else 6, 0.0, 16.0)
    assert row["p50"] == (4.0 if metric == "INP" else 0.375)
