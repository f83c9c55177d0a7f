"""The captured incident against what its driver did: every bug found once, none merged, noise told apart by class."""

import json
from pathlib import Path

import polars as pl
import pytest

from connectors.registry import open_store
from connectors.stores import Window
from workbench.errors.grouping import group, group_events
from workbench.symbolicate.frames import symbolicate

SAMPLE = Path(__file__).parents[2] / "sample-data"
EVERYTHING = Window()


@pytest.fixture(scope="module")
def truth():
    lines = (SAMPLE / "truth.ndjson").read_text().splitlines()
    rows = [row for row in map(json.loads, lines) if row["kind"] == "event"]
    return pl.DataFrame(rows, infer_schema_length=None).select("event_id", "cause", "bug", truth_noise="noise_class")


@pytest.fixture(scope="module")
def tables():
    store = open_store(SAMPLE)
    names = ("events", "frames", "requests", "releases", "sessions")
    tables = {name: getattr(store, name)(EVERYTHING).frame.collect() for name in names}
    tables["spans"] = store.spans(window=EVERYTHING).frame.collect()
    when = tables["events"].select("event_id", "release", "dist", "at")
    tables["mapped"] = symbolicate(tables["frames"].join(when, on="event_id", how="left"), store)
    tables["first_party"] = store.first_party
    return tables


@pytest.fixture(scope="module")
def grouping(tables):
    return group(
        tables["events"],
        tables["mapped"],
        tables["requests"],
        releases=tables["releases"],
        first_party=tables["first_party"],
        spans=tables["spans"],
        sessions=tables["sessions"],
    )


@pytest.fixture(scope="module")
def told(grouping, truth):
    told = grouping.events.join(truth, on="event_id", how="full", coalesce=True)
    assert told.height == grouping.events.height == truth.height
    return told


def test_every_true_bug_is_one_bug_and_no_two_are_merged(told):
    pairs = told.filter(pl.col("bug").is_not_null()).select("bug", "bug_id").unique()
    assert pairs["bug_id"].null_count() == 0
    assert sorted(pairs["bug"]) == ["blank-account", "missing-discount"]
    assert pairs["bug_id"].n_unique() == 2


def test_nothing_but_the_true_bugs_is_called_a_bug(grouping, told):
    assert told.filter(pl.col("bug_id").is_not_null() & pl.col("bug").is_null()).is_empty()
    assert grouping.bugs.height == 2


def test_the_three_crashes_are_one_bug_also_in_the_release_without_maps(grouping, told):
    causes = ["cart_without_discount", "checkout_without_discount", "order_without_discount"]
    crashes = told.filter(pl.col("cause").is_in(causes) & (pl.col("truth_noise").is_null()))
    assert sorted(crashes["cause"].unique()) == causes
    assert crashes["bug_id"].n_unique() == 1
    bug = grouping.bugs.filter(pl.col("bug_id") == crashes["bug_id"][0]).row(0, named=True)
    issues = grouping.issues.filter(pl.col("bug_id") == bug["bug_id"])
    assert issues["mapped"].to_list().count(False) >= 1
    assert issues.filter("mapped")["top_source"].n_unique() == 3


def test_a_bug_is_named_by_the_field_and_the_endpoint(grouping):
    titles = grouping.bugs["title"].to_list()
    assert "`discount` missing after `GET /api/cart`" in titles
    assert any(title.startswith("`preferences` missing") for title in titles)
    bug = grouping.bugs.filter(pl.col("missing_field") == "discount").row(0, named=True)
    assert {"CartTotals", "toPaymentRequest", "describe"} <= set(bug["components"])
    assert "promo" in bug["failing_span"]


def test_each_noise_class_is_found_and_nothing_else_is_called_it(told):
    classes = told["truth_noise"].drop_nulls().unique().to_list()
    expected = {"extension", "dom_tampering", "opaque", "benign_browser", "bot", "stale_deploy", "cancelled"}
    assert set(classes) == expected
    scores = {}
    for name in classes:
        found, true = pl.col("noise_class") == name, pl.col("truth_noise") == name
        hits = told.filter(found & true).height
        scores[name] = (hits / max(told.filter(found).height, 1), hits / told.filter(true).height)
    assert {name: score for name, score in scores.items() if min(score) < 0.97} == {}


def test_every_noise_verdict_names_its_rule_and_its_reason(grouping):
    noise = grouping.events.filter(pl.col("noise_class").is_not_null())
    assert noise["noise_reason"].str.len_chars().min() > 20
    assert noise.filter(~pl.col("noise_rule").str.starts_with(pl.col("noise_class") + "/")).is_empty()
    assert noise["issue_id"].null_count() == noise.height


def test_without_backend_spans_the_bugs_are_the_same(tables, told):
    grouped = group_events(
        tables["events"],
        tables["mapped"],
        tables["requests"],
        releases=tables["releases"],
        first_party=tables["first_party"],
    )
    both = told.select("event_id", "bug").join(grouped.select("event_id", "bug_id"), on="event_id").drop_nulls("bug")
    assert both.select("bug", "bug_id").unique().height == 2


def test_without_source_maps_no_two_bugs_are_merged(tables, told):
    grouped = group(
        tables["events"],
        tables["frames"],
        tables["requests"],
        releases=tables["releases"],
        first_party=tables["first_party"],
        spans=tables["spans"],
    ).events
    both = told.select("event_id", "bug").join(grouped.select("event_id", "bug_id"), on="event_id").drop_nulls()
    assert both.select("bug", "bug_id").unique().group_by("bug_id").len()["len"].max() == 1
