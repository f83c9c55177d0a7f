"""The vitals of the captured incident: what the new release did to people is found, and what it did not do is not.

What is true about the capture stands in sample-data/README.md: B makes clicks on "add to cart" slow and shifts the
page by a banner; slow phones are mostly in ap-south, whose network is slow in every release.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from connectors.registry import open_store
from connectors.stores import Window
from workbench.contrast import contrast
from workbench.vitals import compare_cohorts, compare_releases, culprits, find_censoring, mix_shift, treat
from workbench.vitals.field_vs_lab import caught_by_lab, field_vs_lab


@pytest.fixture(scope="module")
def shop() -> Any:
    return open_store(Path(__file__).parents[2] / "sample-data")


@pytest.fixture(scope="module")
def vitals(shop) -> pl.DataFrame:
    return shop.vitals(Window()).frame.collect()


@pytest.fixture(scope="module")
def releases(shop) -> tuple[str, ...]:
    """A, B, C and D, as they were deployed."""
    return tuple(shop.releases(Window()).frame.collect().sort("deployed_at")["release"])


def test_slow_clicks_and_the_shifting_page_of_b_are_flagged_with_their_intervals(vitals, releases):
    table = compare_releases(vitals, releases[0], releases[1], ["metric", "device_class"])
    found = {(row["metric"], row["device_class"]): row for row in table.to_dicts()}
    for metric in ("INP", "CLS"):
        for device in ("mobile", "desktop"):
            row = found[metric, device]
            assert row["verdict"] == "regression"
            assert row["difference_low"] > 0
            assert row["difference_low"] <= row["difference"] <= row["difference_high"]
            assert row["p75_after_low"] > row["p75_before"]
            assert row["q"] < 0.01
    assert found["INP", "mobile"]["rating_after"] == "poor"
    assert found["CLS", "desktop"]["rating_before"] == "good"
    assert found["CLS", "desktop"]["rating_after"] != "good"
    assert not table.filter(metric="TTFB")["changed"].any(), "the backend answers as fast as before"


def test_the_change_is_the_pages_and_not_the_visitors(vitals, releases):
    before, after = (vitals.filter(release=release) for release in releases[:2])
    finding = dict(mix_shift(before, after).select("metric", "finding").rows())
    assert (finding["INP"], finding["CLS"]) == ("true change", "true change")


def test_the_button_that_became_slow_is_named(vitals, releases):
    def blamed(release: str) -> pl.DataFrame:
        return culprits(vitals.filter(release=release)).filter(metric="INP", kind="element")

    add = blamed(releases[1]).filter(pl.col("culprit").str.ends_with("button.add"))
    assert add["n"].sum() >= 20
    assert set(add.filter(pl.col("n") >= 5)["phase"]) == {"processing_duration"}
    healthy = blamed(releases[0]).filter(pl.col("culprit").str.ends_with("button.add"))
    assert healthy["n"].sum() < add["n"].sum() / 2


def test_the_slow_region_is_what_slow_sessions_have_in_common(vitals):
    sessions = (
        vitals.filter(metric="LCP")
        .group_by("session_id")
        .agg(pl.col("value").max(), pl.col("region", "device_class").first())
    )
    slow = sessions["value"] > 2500
    table = contrast(sessions, slow, ["region", "device_class"])
    region = table.row(0, named=True)
    assert (region["dimension"], region["value"], region["differs"]) == ("region", "ap-south", True)
    assert region["low"] > 3
    more = table.filter(pl.col("differs") & (pl.col("ratio") > 1))
    assert set(more["value"]) == {"ap-south", "mobile"}
    pairs = contrast(sessions, slow, ["region", "device_class"], pairs=True)
    assert pairs["value"][0] == "ap-south × mobile"


def test_two_halves_of_the_healthy_release_differ_no_more_often_than_promised(vitals, releases):
    healthy = vitals.filter(release=releases[0])
    sessions = healthy["session_id"].unique().sort().to_list()
    chance = np.random.default_rng(2026)
    p, wrongly, splits = [], 0, 60
    for _ in range(splits):
        half = set(chance.permutation(sessions)[: len(sessions) // 2].tolist())
        in_half = pl.col("session_id").is_in(list(half))
        table = compare_cohorts(
            healthy.filter(in_half), healthy.filter(~in_half), ["metric", "device_class"], min_samples=20
        )
        p += table["p"].drop_nulls().to_list()
        wrongly += table["changed"].any()
    assert len(p) > splits * 5
    assert np.mean(np.array(p) <= 0.05) <= 0.06, "the nominal rate"
    assert wrongly <= 0.05 * splits + 3, "splits in which anything at all is called changed"


def test_routes_with_a_handful_of_page_views_are_said_to_be_too_few(vitals, releases):
    table = compare_releases(vitals, releases[0], releases[1])
    few = table.filter(pl.min_horizontal("n_before", "n_after") < 30)
    assert few.height > 10
    assert set(few["verdict"]) == {"too few"}


def test_nothing_was_cut_off_and_every_value_can_be_true(vitals):
    assert find_censoring(vitals, ["release"]).is_empty()
    assert treat(vitals).vitals.height == vitals.height


def test_the_lab_would_have_caught_the_shift_and_is_blind_for_clicks(shop, vitals, releases):
    lab = shop.lab_runs(Window()).frame.collect()
    table = caught_by_lab(compare_releases(vitals, releases[0], releases[1]), lab, releases[0], releases[1])
    assert set(table.filter(metric="CLS")["lab_verdict"]) == {"caught"}
    assert set(table.filter(metric="INP")["lab_verdict"]) == {"not measured"}
    beside = field_vs_lab(vitals, lab, ["route", "device_class"])
    assert "no lab run" in set(beside.filter(route="/checkout")["finding"]), "nobody looks at the page that breaks"
