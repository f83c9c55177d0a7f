"""Release against release: what is found, what is not, and how often wrongly."""

from __future__ import annotations

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

from connectors.exceptions import TableError
from workbench.vitals.cohorts import compare_cohorts, compare_deploys, compare_releases
from workbench.vitals.mix import mix_shift


def _views(release: str, n: int, median: float, **columns: object) -> pl.DataFrame:
    """A log-normal sample without luck: the distribution's own quantiles."""
    places = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    values = median * np.exp(0.5 * np.array(places))
    return pl.DataFrame({"metric": "LCP", "release": release, "value": values}).with_columns(
        *(pl.lit(value).alias(name) for name, value in columns.items())
    )


def test_a_real_change_is_found_with_its_interval_and_a_healthy_cohort_is_left_alone():
    vitals = pl.concat(
        [
            _views("a", 120, 1500, route="/", device_class="mobile"),
            _views("b", 120, 3000, route="/", device_class="mobile"),
            _views("a", 120, 1500, route="/", device_class="desktop"),
            _views("b", 120, 1500, route="/", device_class="desktop"),
            _views("a", 120, 3000, route="/cart", device_class="mobile"),
            _views("b", 120, 1200, route="/cart", device_class="mobile"),
            _views("a", 14, 1500, route="/help", device_class="mobile"),
            _views("b", 200, 9000, route="/help", device_class="mobile"),
        ]
    )
    table = compare_releases(vitals, "a", "b")
    assert table.select("route", "device_class", "verdict", "changed").rows() == [
        ("/", "mobile", "regression", True),
        ("/cart", "mobile", "improvement", True),
        ("/", "desktop", "no change", False),
        ("/help", "mobile", "too few", False),
    ]
    worse, better, same, few = table.to_dicts()
    p75 = 1500 * np.exp(0.5 * 0.6744897501960817)  # of either side, by the normal table
    assert worse["difference_low"] < p75 < worse["difference_high"]
    assert worse["p75_before_low"] < p75 < worse["p75_before_high"]
    assert better["difference_high"] < 0
    assert same["difference_low"] < 0 < same["difference_high"]
    assert (few["n_before"], few["n_after"], few["difference"], few["p"]) == (14, 200, None, None)
    assert few["p75_before"] is None
    assert few["rating_after"] == "poor", "the side that has enough is still told"


@pytest.mark.parametrize(("before", "after"), [(15, 15), (40, 40), (110, 120), (15, 200)])
def test_two_halves_of_one_release_differ_no_more_often_than_promised(before, after):
    chance = np.random.default_rng(before)
    routes = 400

    def half(n: int) -> pl.DataFrame:
        values = 1000 * chance.lognormal(0, 0.7, routes * n)
        return pl.DataFrame({"metric": "LCP", "route": np.repeat(np.arange(routes), n), "value": values})

    table = compare_cohorts(half(before), half(after), ["route"], min_samples=15)
    assert table["p"].null_count() == 0
    assert (table["p"] <= 0.05).mean() <= 0.06, "the nominal rate, and some room for chance"
    assert table["changed"].sum() <= 2, "of four hundred healthy cohorts"


def test_sessions_with_many_page_views_do_not_make_a_change():
    chance = np.random.default_rng(3)
    found = 0
    for _ in range(100):
        sides = []
        for release in "ab":
            device = np.repeat(chance.normal(0, 0.6, 25), 6)
            values = 1500 * np.exp(device + chance.normal(0, 0.2, device.size))
            sessions = [f"{release}{i}" for i in np.repeat(np.arange(25), 6)]
            sides.append(pl.DataFrame({"metric": "LCP", "release": release, "value": values, "session_id": sessions}))
        vitals = pl.concat(sides)
        found += compare_releases(vitals, "a", "b", ["metric"])["changed"].item()
    assert found <= 8, "five in a hundred are promised"


def test_page_views_of_four_sessions_are_too_few_however_many():
    chance = np.random.default_rng(6)

    def side(median: float) -> pl.DataFrame:
        session = np.repeat(np.arange(4), 15)
        values = median * np.exp(chance.normal(0, 0.5, 4)[session] + chance.normal(0, 0.1, 60))
        return pl.DataFrame({"metric": "LCP", "value": values, "session_id": [f"{median}-{i}" for i in session]})

    assert compare_cohorts(side(1000), side(4000), ["metric"])["verdict"].item() == "too few"
    alone = compare_cohorts(side(1000), side(4000), ["metric"], cluster=None)
    assert alone["verdict"].item() == "regression", "which is what it would have said, had each been a person"


def test_a_sure_change_that_nobody_could_notice_is_none():
    values = np.linspace(900, 1100, 5000)
    before, after = (pl.DataFrame({"metric": "LCP", "value": values + plus}) for plus in (0, 40))
    row = compare_cohorts(before, after, ["metric"]).row(0, named=True)
    assert row["q"] < 1e-6
    assert row["difference"] == pytest.approx(40)
    assert (row["changed"], row["verdict"]) == (False, "no change")


def test_a_shift_that_was_never_there_before_is_found():
    before = pl.DataFrame({"metric": "CLS", "value": [0.0] * 55 + [0.05] * 5})
    after = pl.DataFrame({"metric": "CLS", "value": [0.0] * 30 + [0.18] * 40})
    row = compare_cohorts(before, after, ["metric"]).row(0, named=True)
    assert (row["p75_before"], row["p75_after"], row["verdict"]) == (0.0, 0.18, "regression")


def test_a_release_that_nobody_saw_is_too_few_everywhere():
    table = compare_releases(_views("a", 50, 1000), "a", "nobody", ["metric"])
    assert table.select("n_before", "n_after", "verdict").rows() == [(50, 0, "too few")]
    assert compare_releases(_views("a", 50, 1000), None, "a", ["metric"])["verdict"].to_list() == ["too few"]
    assert compare_releases(_views("a", 50, 1000), "x", "y", ["metric"]).is_empty()


@pytest.mark.parametrize("stored", [pl.Categorical, pl.Enum(["LCP", "INP", "mobile"])])
def test_a_lake_s_categories_are_compared_with_text(stored):
    text = pl.DataFrame({"metric": "LCP", "device_class": "mobile", "value": [float(1000 + i) for i in range(60)]})
    slower = text.with_columns(pl.col("metric", "device_class").cast(stored), pl.col("value") * 2)
    for before, after, found in ((text, slower, "regression"), (slower, text, "improvement")):
        assert compare_cohorts(before, after.lazy(), ["metric"])["verdict"].to_list() == [found]
        assert mix_shift(before, after)["finding"].to_list() == ["true change"]


def test_no_deploys_to_compare_are_said():
    vitals = pl.DataFrame({"metric": "LCP", "release": "a", "value": [1000.0]})
    with pytest.raises(ValueError, match="no releases to compare"):
        compare_deploys(vitals, [])


def test_a_missing_dimension_is_named():
    frame = pl.DataFrame({"metric": ["LCP"], "value": [1.0], "release": ["a"]})
    with pytest.raises(TableError, match="vitals lacks the columns device_class, route; it has: metric, value"):
        compare_releases(frame, "a", "b")


def test_deploys_one_after_the_other_share_one_bound_on_false_discoveries():
    """Of eight deploys of the same page, the q of each is that of all eight together, by hand (Benjamini, Hochberg)."""
    chance = np.random.default_rng(3)
    names = [f"r{i}" for i in range(9)]
    vitals = pl.concat(
        pl.DataFrame({"metric": "LCP", "release": name, "value": 1500 * chance.lognormal(0, 0.5, 80)}) for name in names
    )
    pairs = list(pairwise(names))
    table = compare_deploys(vitals, pairs, ["metric"])
    single = {pair: compare_releases(vitals, *pair, ["metric"]).row(0, named=True) for pair in pairs}
    assert {row["before"]: row["p"] for row in table.to_dicts()} == {pair[0]: row["p"] for pair, row in single.items()}
    p = sorted(table["p"])
    by_hand = [min(p[j] * len(p) / (j + 1) for j in range(i, len(p))) for i in range(len(p))]
    assert sorted(table["q"]) == pytest.approx(by_hand)
    assert not table["changed"].any()
