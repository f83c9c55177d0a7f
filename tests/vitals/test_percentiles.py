"""`vitals_percentiles` against a slow twin, hand-worked numbers and simulation."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy import stats

from connectors.exceptions import TableError
from tests.naive import vitals as naive
from workbench.reduce import vitals_histogram
from workbench.vitals.histogram import histogram_percentiles
from workbench.vitals.percentiles import vitals_percentiles
from workbench.vitals.ranks import rank_values

P75_OF_LOGNORMAL = math.exp(0.7 * 0.6744897501960817)

rows = st.lists(
    st.fixed_dictionaries(
        {
            "metric": st.sampled_from(["INP", "CLS", "TTFB"]),
            "route": st.sampled_from(["/", "/cart", None]),
            "value": st.one_of(st.floats(1, 99), st.just(8.0)),
        }
    ),
    min_size=1,
    max_size=60,
)


def _coverage(table: pl.DataFrame, truth: float) -> float:
    return table.filter(pl.lit(truth).is_between("p75_low", "p75_high")).height / table.height


@settings(deadline=None)
@given(rows)
def test_equals_the_slow_twin(rows):
    table = vitals_percentiles(pl.DataFrame(rows), ["metric", "route"], percentiles=[50, 75, 95], min_samples=1)
    ours = {(row["metric"], row["route"]): [row["n"], row["p50"], row["p75"], row["p95"]] for row in table.to_dicts()}
    slow = naive.percentiles(rows, ["metric", "route"], [0.5, 0.75, 0.95])
    assert ours.keys() == slow.keys()
    for group, numbers in slow.items():
        assert ours[group] == pytest.approx(numbers)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(1, 1000), st.sampled_from([1.0, 0.5, 0.1])), min_size=2, max_size=40))
def test_weights_equal_the_slow_twin(pairs):
    values, rates = zip(*pairs, strict=True)
    frame = pl.DataFrame({"metric": "INP", "value": values, "sample_rate": rates})
    table = vitals_percentiles(frame, min_samples=1, percentiles=[50, 75])
    weights = [1 / rate for rate in rates]
    for q in (50, 75):
        assert table[f"p{q}"].item() == pytest.approx(naive.weighted_percentile(values, weights, q / 100))


def test_equal_sample_rates_change_nothing():
    frame = pl.DataFrame({"metric": "INP", "value": [float(ms) for ms in range(50)]})
    plain, sampled = (vitals_percentiles(each) for each in (frame, frame.with_columns(sample_rate=pl.lit(0.1))))
    assert plain.equals(sampled)


def test_a_row_kept_one_time_in_ten_counts_ten_times():
    values, rates = [100.0] * 40 + [900.0] * 40, [1.0] * 40 + [0.1] * 40
    frame = pl.DataFrame({"metric": "INP", "value": values, "sample_rate": rates})
    table = vitals_percentiles(frame, percentiles=[50])
    assert table["p50"].item() == 900.0
    assert table["share_poor"].item() == pytest.approx(400 / 440)
    assert table["n"].item() == 80, "n counts what was measured"


@pytest.mark.parametrize("odd", [0.0, -0.5, 50.0, float("nan"), float("inf")])
def test_a_sample_rate_that_cannot_be_weighs_as_an_unknown_one(odd):
    frame = pl.DataFrame({"metric": "LCP", "value": [float(1000 + i) for i in range(60)]})
    told, unknown = (
        frame.with_columns(sample_rate=pl.Series([0.5, rate] * 30, dtype=pl.Float64)) for rate in (odd, None)
    )
    expected = vitals_percentiles(unknown)
    assert expected["share_good"].item() == 1.0
    assert vitals_percentiles(told).equals(expected)
    assert_frame_equal(vitals_percentiles(told.lazy()), expected)
    histogram = histogram_percentiles(vitals_histogram(told, ["metric"]))
    assert_frame_equal(histogram, histogram_percentiles(vitals_histogram(unknown, ["metric"])))


def test_the_last_report_of_a_page_view_counts():
    views = [f"view {i}" for i in range(40)]
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    first = pl.DataFrame({"metric": "CLS", "value": [0.01 * i for i in range(40)], "page_view_id": views, "at": noon})
    later = first.with_columns(pl.col("value") + 1, at=pl.lit(noon + timedelta(seconds=9)))
    table = vitals_percentiles(pl.concat([later, first]))
    assert table["n"].item() == 40
    assert table["p50"].item() == pytest.approx(1.195), "the median of 0.00 to 0.39, and one"
    assert table.equals(vitals_percentiles(later))


def test_a_group_below_the_minimum_keeps_its_row_and_its_count():
    frame = pl.DataFrame({"metric": "LCP", "route": ["/"] * 30 + ["/rare"] * 11, "value": [1000.0] * 41})
    table = vitals_percentiles(frame, ["route"])
    assert table.select("route", "n", "p75", "p75_low", "rating", "rating_sure").rows() == [
        ("/", 30, 1000.0, 1000.0, "good", True),
        ("/rare", 11, None, None, None, False),
    ]
    assert table["share_good"].to_list() == [1.0, 1.0]


def test_phones_and_desktops_are_never_mixed_unasked():
    frame = pl.DataFrame({"metric": "LCP", "value": 900.0, "device_class": ["mobile", "desktop"] * 40})
    assert vitals_percentiles(frame)["device_class"].to_list() == ["desktop", "mobile"]
    assert vitals_percentiles(frame, mix_devices=True)["n"].to_list() == [80]


def test_kinds_of_navigation_are_kept_apart():
    types = [
        "navigate",
        "reload",
        "back-forward",
        "restore",
        None,
        "back-forward-cache",
        "prerender",
        "soft-navigation",
    ]
    frame = pl.DataFrame({"metric": "LCP", "value": 900.0, "navigation_type": types})
    assert vitals_percentiles(frame)["n"].item() == 5
    assert vitals_percentiles(frame, navigations=None)["n"].item() == 8
    assert vitals_percentiles(frame, navigations=["bfcache", "soft"])["n"].item() == 2
    apart = vitals_percentiles(frame, ["navigation"])
    assert dict(apart.select("navigation", "n").rows()) == {"load": 5, "bfcache": 1, "prerender": 1, "soft": 1}
    with pytest.raises(ValueError, match="no kind of navigation is called 'bf'; there are: load, bfcache"):
        vitals_percentiles(frame, navigations=["bf"])


def test_a_shift_of_zero_counts_and_impossible_values_do_not():
    nan, infinite = float("nan"), float("inf")
    shifts = pl.DataFrame({"metric": "CLS", "value": [0.0] * 30 + [0.4] * 10})
    assert vitals_percentiles(shifts, percentiles=[75])["p75"].item() == pytest.approx(0.1), "a quarter of the step"
    paints = pl.DataFrame({"metric": "LCP", "value": [nan, infinite, None, -5.0, 0.0, 2.5, 3.6e6, *[2000.0] * 30]})
    assert vitals_percentiles(paints).select("n", "p95").rows() == [(30, 2000.0)]


def test_rating_is_sure_only_when_the_whole_interval_is_in_one_band():
    def table(values):
        return (
            vitals_percentiles(pl.DataFrame({"metric": "INP", "value": values})).select("rating", "rating_sure").row(0)
        )

    assert table([100.0 + i for i in range(40)]) == ("good", True)
    assert table([173.0 + i for i in range(40)]) == ("needs-improvement", False)


def test_a_metric_without_thresholds_has_percentiles_and_no_rating():
    table = vitals_percentiles(pl.DataFrame({"metric": "TBT", "value": [100.0] * 40}))
    assert table.select("p75", "rating", "share_good").row(0) == (100.0, None, None)


def test_nothing_gives_an_empty_table_of_the_same_columns():
    some = vitals_percentiles(pl.DataFrame({"metric": "LCP", "value": [1.0], "device_class": "mobile"}))
    none = vitals_percentiles(pl.DataFrame({"metric": "LCP", "value": [1.0], "device_class": "mobile"}).clear())
    assert none.is_empty()
    assert none.schema == some.schema


def test_categorical_dimensions_are_taken_as_they_are():
    frame = pl.DataFrame({"metric": ["LCP"] * 30, "route": ["/"] * 30, "value": [float(100 + i) for i in range(30)]})
    stored = frame.with_columns(pl.col("metric", "route").cast(pl.Categorical))
    expected, ours = (vitals_percentiles(each, ["route"]) for each in (frame, stored))
    assert ours.with_columns(pl.col("metric", "route").cast(pl.String)).equals(expected)


def test_what_cannot_be_asked_is_said():
    frame = pl.DataFrame({"metric": "LCP", "value": [1000.0] * 40, "route": "/", "navigation_type": "navigate"})
    with pytest.raises(ValueError, match="there is no percentile 750; give numbers from 0 to 100, as 75"):
        vitals_percentiles(frame, percentiles=[50, 750])
    for same in (frame, frame.lazy()):
        with pytest.raises(ValueError, match="no kind of navigation is called 'loads'"):
            vitals_percentiles(same, navigations=["loads"])
    assert vitals_percentiles(frame, "route").equals(vitals_percentiles(frame, ["route"]))


def test_a_missing_column_is_named_with_those_there_are():
    with pytest.raises(TableError, match="vitals lacks the column region; it has: metric, value"):
        vitals_percentiles(pl.DataFrame({"metric": ["LCP"], "value": [1.0]}), ["region"])


@pytest.mark.parametrize("n", [30, 100, 1000, 10_000])
def test_the_interval_covers_the_true_p75(n):
    draws = 2000
    chance = np.random.default_rng(n)
    truth, covered, at_a_time = 1000 * P75_OF_LOGNORMAL, [], 100
    for _ in range(draws // at_a_time):
        values = 1000 * chance.lognormal(0, 0.7, at_a_time * n)
        frame = pl.DataFrame({"metric": "LCP", "draw": np.repeat(np.arange(at_a_time), n), "value": values})
        table = vitals_percentiles(frame, ["draw"], percentiles=[75])
        assert table.height == at_a_time
        covered.append(_coverage(table, truth))
    assert 0.93 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize(("sessions", "views"), [(20, 4), (100, 4), (60, 8)])
def test_page_views_of_one_session_are_not_taken_for_independent(sessions, views):
    draws = 800
    chance = np.random.default_rng(sessions)
    device = np.repeat(chance.normal(0, 0.6, (draws, sessions)), views, axis=1)
    values = 1000 * np.exp(device + chance.normal(0, 0.36055512754639896, device.shape))
    frame = pl.DataFrame(
        {
            "metric": "LCP",
            "draw": np.repeat(np.arange(draws), sessions * views),
            "session_id": np.tile(np.repeat(np.arange(sessions), views), draws),
            "value": values.ravel(),
        }
    )
    truth = 1000 * P75_OF_LOGNORMAL  # 0.6² + 0.36² = 0.7²

    def coverage(cluster):
        table = vitals_percentiles(frame, ["draw"], percentiles=[75], cluster=cluster)
        return _coverage(table, truth)

    assert 0.93 <= coverage("session_id") <= 0.985
    assert coverage(None) < 0.85, "what taking every page view for itself would have claimed"


def test_the_design_effect_is_that_of_whole_sessions_drawn():
    chance = np.random.default_rng(4)
    session = np.repeat(np.arange(30), 5)
    values = 100 + 50 * chance.random(30)[session] + chance.random(150)
    frame = pl.DataFrame({"metric": "INP", "value": values, "session_id": session.astype(str)})
    ranked = rank_values(frame, ["metric"], cluster="session_id")
    p75 = ranked.quantile(0.75)
    share = np.mean(values <= p75[0])
    variance = naive.share_variance(values.tolist(), session.tolist(), p75[0])
    students_t, normal = 2.045229642132703, 1.959963984540054  # 29 degrees of freedom, 97.5 %, printed tables
    expected = share * (1 - share) / variance * (normal / students_t) ** 2
    assert ranked.independent(0.75)[0] == pytest.approx(expected)
    assert expected < 35, "150 page views of 30 sessions know what some thirty independent ones would"


def test_a_session_with_half_of_all_page_views_leaves_few_degrees_of_freedom():
    session = ["robot"] * 60 + [f"person {i}" for i in range(60)]
    values = [float(3000 - 10 * i) for i in range(120)]
    frame = pl.DataFrame({"metric": "LCP", "value": values, "session_id": session})
    ranked = rank_values(frame, ["metric"], cluster="session_id")
    p75 = ranked.quantile(0.75)[0]
    variance = naive.share_variance(values, session, p75)
    as_many_equal_ones = 120**2 / (60**2 + 60 * 1**2)  # Kish's effective number
    students_t = stats.t.ppf(0.975, as_many_equal_ones - 1)
    assert ranked.independent(0.75)[0] == pytest.approx(0.75 * 0.25 / variance * (1.959963984540054 / students_t) ** 2)


def test_one_page_view_a_session_is_independent():
    values = np.random.default_rng(2).lognormal(5, 1, 200)
    frame = pl.DataFrame({"metric": "INP", "value": values, "session_id": [str(i) for i in range(200)]})
    assert vitals_percentiles(frame).equals(vitals_percentiles(frame, cluster=None))
    unknown = frame.with_columns(session_id=pl.lit(None, pl.String))
    assert vitals_percentiles(unknown).equals(vitals_percentiles(frame, cluster=None))


def test_weighted_intervals_cover():
    draws, n = 800, 200
    chance = np.random.default_rng(9)
    rate = np.where(chance.random((draws, n)) < 0.3, 0.2, 1.0)
    frame = pl.DataFrame(
        {
            "metric": "LCP",
            "draw": np.repeat(np.arange(draws), n),
            "value": (1000 * chance.lognormal(0, 0.7, (draws, n))).ravel(),
            "sample_rate": rate.ravel(),
        }
    )
    truth = 1000 * P75_OF_LOGNORMAL
    table = vitals_percentiles(frame, ["draw"], percentiles=[75])
    covered = _coverage(table, truth)
    assert 0.925 <= covered <= 0.985
