"""The incident of sample-data: releases A, B and D map to the true file and line, C has no maps.

The truth was computed by `@jridgewell/trace-mapping` from the whole maps of the build, not by us.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.exceptions import SourceNotFound
from connectors.registry import open_store
from connectors.stores import Fetched, Window
from workbench.symbolicate.audit import audit_maps
from workbench.symbolicate.frames import STATUSES, source_lines, symbolicate

SAMPLE = Path(__file__).parents[2] / "sample-data"


@pytest.fixture(scope="module")
def store():
    return open_store(SAMPLE)


@pytest.fixture(scope="module")
def truth() -> pl.DataFrame:
    lines = (SAMPLE / "truth.ndjson").read_text("utf-8").splitlines()
    return pl.DataFrame(
        [row for line in lines if (row := json.loads(line))["kind"] == "frame"], infer_schema_length=None
    )


@pytest.fixture(scope="module")
def releases() -> dict[str, str]:
    """Letter of the story -> SHA."""
    lines = (SAMPLE / "truth.ndjson").read_text("utf-8").splitlines()
    return {row["letter"]: row["release"] for line in lines if (row := json.loads(line))["kind"] == "deploy"}


@pytest.fixture(scope="module")
def given(store) -> pl.DataFrame:
    events = store.events(Window()).frame.select("event_id", "release", "dist", "at").collect()
    return store.frames(Window()).frame.collect().join(events, on="event_id", how="left")


@pytest.fixture(scope="module")
def found(given, store) -> pl.DataFrame:
    return symbolicate(given, store)


def compare(found: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Frames of the capture beside their truth; `source` is null in the truth where the map maps nothing."""
    commit = pl.col("release").str.replace("^shop@", "").str.head(12).alias("commit")
    places = ["commit", "url", "line", "column"]
    true = (pl.col("source").alias("true_source"), pl.col("source_line").alias("true_line"))
    wanted = truth.with_columns(commit).select(*places, *true).unique()
    return found.with_columns(commit).join(wanted, on=places, how="inner")


def test_every_frame_of_a_b_and_d_maps_to_the_true_file_and_line(found, truth, releases):
    both = compare(found, truth).filter(pl.col("commit") != releases["C"][:12])
    wrong = both.filter(
        pl.col("source").ne_missing(pl.col("true_source")) | pl.col("source_line").ne_missing(pl.col("true_line"))
    )
    assert wrong.select("release", "url", "line", "column", "source", "true_source").rows() == []
    assert set(both["commit"]) == {releases[letter][:12] for letter in "ABD"}
    assert both["map_status"].is_in(["mapped", "no_source_content"]).all()


def test_truth_knows_every_frame_that_was_mapped(found, truth):
    mapped = found.filter(pl.col("source").is_not_null())
    assert compare(mapped, truth).height == mapped.height


def test_the_hotfix_has_no_maps(found, truth, releases):
    ours = compare(found, truth).filter(pl.col("commit") == releases["C"][:12])
    assert ours.height > 0
    assert set(ours["map_status"]) == {"no_artifact"}
    assert ours["source"].null_count() == ours.height


def test_own_sources_are_ours_and_react_is_not(found):
    mapped = found.filter(pl.col("source").is_not_null())
    assert mapped.filter(pl.col("source").str.starts_with("src/"))["in_app"].all()
    assert not mapped.filter(pl.col("source").str.contains("node_modules/"))["in_app"].any()


def test_the_three_crashes_read_amount_of_discount(found, releases):
    thrown = found.filter((pl.col("frame_index") == 0) & (pl.col("release") == releases["B"]))
    reads = thrown.filter(pl.col("property") == "amount").select("source", "receiver", "function_from").unique()
    components = ["CartDrawer", "CheckoutForm", "OrderSummary"]
    assert sorted(reads.rows()) == [(f"src/components/{name}.tsx", "discount", "tree-sitter") for name in components]


def test_source_lines_hold_the_property_that_failed(found, store):
    row = found.filter((pl.col("property") == "amount") & (pl.col("receiver") == "discount")).row(0, named=True)
    lines = source_lines(store, row["map_location"], row["source"], row["source_line"])
    hit = lines.filter("is_hit")["text"][0]
    assert hit[row["source_column"] - 1 :].startswith("amount")


def test_without_debug_ids_the_release_in_another_format_is_recognised(given, store, releases, truth):
    plain = symbolicate(given.with_columns(pl.lit(None, dtype=pl.String).alias("debug_id")), store)
    fixed = compare(plain, truth).filter(pl.col("commit") == releases["D"][:12])
    assert set(fixed["map_status"]) == {"release_mismatch"}
    assert fixed["map_detail"].str.contains(f"'{releases['D']}' is the same commit in another format").all()
    assert fixed["source"].equals(fixed["true_source"])


def test_the_audit_tells_the_story(found, store, releases):
    artifacts = store.artifacts().frame.collect()
    deploys = store.releases(Window()).frame.collect()
    audit = audit_maps(found, artifacts, deploys, first_party=store.first_party)
    verdicts = {release: set() for release in audit["release"]}
    for release, verdict in audit.select("release", "verdict").iter_rows():
        verdicts[release].add(verdict)
    assert verdicts[releases["A"]] == {"complete"}
    assert verdicts[releases["B"]] == {"complete"}
    assert verdicts[releases["C"]] == {"no_maps"}
    assert verdicts[f"shop@{releases['D'][:12]}"] == {"name_changed"}


class Tampered:
    """The sample's store after an accident: other rows in its listing, other bytes or nothing for its maps."""

    def __init__(self, store, rows=lambda rows: rows, maps=lambda raw: raw) -> None:
        self.store, self.rows, self.maps = store, rows, maps

    def artifacts(self, release=None) -> Fetched:
        listed, report = self.store.artifacts(release)
        return Fetched(self.rows(listed), report)

    def open_map(self, map_location: str) -> bytes:
        return self.maps(self.store.open_map(map_location))


def _gone(raw: bytes) -> bytes:
    raise SourceNotFound("pruned")


ACCIDENTS = {
    # the status that every frame which was mapped gets, what happened to frames, to the listing, to the maps
    "dist_mismatch": ({"debug_id": None}, {"dist": "web"}, None),
    "debug_id_mismatch": ({"debug_id": "00000000-0000-4000-8000-000000000000"}, {}, None),
    "expired": ({}, {"uploaded_at": datetime(2025, 9, 1, tzinfo=UTC)}, _gone),
    "invalid_map": ({}, {}, lambda raw: raw.replace(b'"mappings":"', b'"mappings":"!', 1)),
    "outside_map": ({"line": 4000}, {}, None),
    "no_artifact": (
        {"debug_id": None, "release": "night-shift", "url": "http://shop.localhost:8100/assets/shop.js"},
        {},
        None,
    ),
}


@pytest.mark.parametrize("status", ACCIDENTS)
def test_every_other_status_on_the_real_maps(status, given, found, store, releases):
    frame, listing, maps = ACCIDENTS[status]
    ours = given.filter(found["source"].is_not_null() & (pl.Series(given["release"]) == releases["B"]))
    changed = ours.with_columns(pl.lit(value).cast(ours.schema[name]).alias(name) for name, value in frame.items())
    set_in_listing = [pl.lit(value).alias(name) for name, value in listing.items()]
    tampered = Tampered(store, lambda rows: rows.with_columns(set_in_listing), maps or (lambda raw: raw))
    again = symbolicate(changed, tampered)
    assert ours.height > 100
    assert set(again["map_status"]) == {status}
    assert again["map_detail"].null_count() == 0
    assert again["source"].null_count() == again.height


def test_statuses_are_of_the_list(found):
    assert set(found["map_status"]) <= set(STATUSES)
    assert found.filter(pl.col("source").is_null())["map_detail"].null_count() == 0
