"""Traces of the sample: the driver's truth and the server's own access log, against the room."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from connectors.registry import open_store
from connectors.stores import Window
from connectors.tables import TABLES
from workbench.replay.dom import blank_pages, replay_marks
from workbench.traces.joins import all_2xx, replay_joins, trace_joins
from workbench.traces.timeline import timeline
from workbench.traces.tree import failing_spans, trace_tree

SAMPLE = Path(__file__).parents[2] / "sample-data"
FILES = ("/assets/", "/img/", "/style.css", "/favicon")  # not traced by the shop, and not what a backend team watches
GAVE_UP = 499  # the browser went away (search as you type): the server answered nothing


@pytest.fixture(scope="module")
def store():
    return open_store(SAMPLE)


@pytest.fixture(scope="module")
def tables(store) -> dict[str, pl.DataFrame]:
    names = ("events", "requests", "breadcrumbs", "page_views", "vitals", "sessions", "replays", "releases")
    read = {name: getattr(store, name)(Window()).frame.collect() for name in names}
    return {**read, "spans": store.spans(window=Window()).frame.collect()}


@pytest.fixture(scope="module")
def truth() -> list[dict]:
    return [json.loads(line) for line in (SAMPLE / "truth.ndjson").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def story(truth) -> dict[str, dict]:
    """The errors of the two bugs: what the driver knows of each, and the answer that caused it."""
    events = {one["event_id"]: one for one in truth if one["kind"] == "event" and one["bug"]}
    return {one["event_id"]: {**events[one["event_id"]], **one} for one in truth if one["kind"] == "trace"}


def test_every_story_error_joins_its_backend_trace(tables, story):
    joins = trace_joins(tables["events"], tables["spans"], tables["requests"])
    joined = {row["event_id"]: row for row in joins.iter_rows(named=True)}
    assert story
    for event_id, told in story.items():
        row = joined[event_id]
        assert (row["trace_id"], row["has_backend"], row["reason"]) == (told["trace_id"], True, "joined")


def test_what_does_not_join_says_why(tables, truth):
    joins = trace_joins(tables["events"], tables["spans"], tables["requests"])
    bots = {one["event_id"] for one in truth if one["kind"] == "event" and one["noise_class"] == "bot"}
    alone = joins.filter(~pl.col("has_backend"))
    assert set(alone.filter(reason="bot_not_traced")["event_id"]) <= bots
    assert alone["detail"].null_count() == 0


def test_the_failing_span_is_the_missing_column_swallowed_by_the_shop(tables, story):
    found = failing_spans(tables["spans"], every=True)
    cart = [told for told in story.values() if told["bug"] == "missing-discount"]
    assert cart
    for told in cart:
        failures = found.filter(trace_id=told["trace_id"])
        request = told["backend_request"]
        assert failures["service"].unique().to_list() == ["pricing-service"]
        assert failures["db_statement"].str.contains("promo_pct").all()
        assert failures["status_message"].str.contains("no such column: promo_pct").all()
        assert request["status"] == 200
        path = request["path"].rsplit("/", 1)[0] + "/:id" if "/orders/" in request["path"] else request["path"]
        assert f"shop-web {request['method']} {path}" in failures["swallowed_by"].to_list()
        assert failures["swallowed_status"].unique().to_list() == [200]


def test_the_blank_account_has_no_failing_span(tables, story):
    """Its answer was complete and well-formed, one field short: nothing failed anywhere in the backend."""
    account = {told["trace_id"] for told in story.values() if told["bug"] == "blank-account"}
    assert not account & set(failing_spans(tables["spans"])["trace_id"])


def test_one_failure_has_one_signature_in_all_traces(tables):
    found = failing_spans(tables["spans"], every=True)
    promo = found.filter(pl.col("db_statement").str.contains("promo_pct"))
    assert promo["trace_id"].n_unique() > 1
    assert promo["signature"].n_unique() == 1


def test_a_trace_is_one_tree_of_browser_and_backend(tables, story):
    told = next(told for told in story.values() if told["cause"] == "cart_without_discount")
    tree = trace_tree(tables["spans"], told["trace_id"])
    assert set(tree["side"]) == {"browser", "backend"}
    assert tree["is_root_cause"].sum() == 1
    path = tree.filter("on_error_path").select("service", "kind", "http_status").rows()
    assert path == [
        ("shop-web", "server", 200), ("shop-web", "client", 500), ("pricing-service", "server", 500),
        ("pricing-service", "client", None),
    ]  # fmt: skip
    assert tree["offset_us"].min() == 0


def test_the_share_of_hit_sessions_with_good_answers_is_the_access_logs(tables, truth):
    hit = sorted({one["session_id"] for one in truth if one["kind"] == "event" and one["bug"]})
    lines = gzip.decompress((SAMPLE / "raw" / "access.ndjson.gz").read_bytes()).splitlines()
    bad = {
        answer["session_id"]
        for answer in map(json.loads, lines)
        if answer["status"] >= 400 and answer["status"] != GAVE_UP and not answer["path"].startswith(FILES)
    }
    told = all_2xx(hit, tables["requests"], tables["spans"])
    assert told["session_id"].to_list() == hit
    assert {row["session_id"] for row in told.iter_rows(named=True) if row["all_2xx"] is False} == bad & set(hit)
    assert told["all_2xx"].null_count() == 0
    assert (told["backend_answers"] > 0).all()


def test_every_event_has_its_recording_or_a_reason(tables, truth):
    kept = {one["session_id"] for one in truth if one["kind"] == "session" and one.get("replay_kept")}
    joins = replay_joins(tables["events"], tables["replays"], tables["sessions"])
    assert joins["detail"].null_count() == 0
    sessions = tables["events"].select("event_id", "session_id")
    shown = joins.join(sessions, on="event_id").filter("has_replay")
    assert (shown["replay_id"] == shown["session_id"]).all()
    assert set(shown["session_id"]) <= set(tables["replays"]["session_id"])
    if kept:
        assert set(shown["session_id"]) <= kept


def test_the_timeline_tells_the_story_in_its_order(store, tables, story):
    told = next(told for told in story.values() if told["cause"] == "cart_without_discount")
    recording = store.replay_events(told["session_id"]).frame.collect()
    extra = {"marks": replay_marks(recording), "blank_pages": blank_pages(recording)} if recording.height else {}
    rows = timeline(told["event_id"], **tables, **extra)
    before = rows.filter(pl.col("offset_ms") <= 0)
    assert before.filter(kind="error", offset_ms=0).height == 1
    assert before.filter(kind="page", title="page /cart").height >= 1
    assert before.filter(kind="request", title="GET /api/cart → 200").height >= 1
    assert before.filter(pl.col("detail").str.contains("shop-web GET /api/cart answered 200 all the same")).height >= 1
    assert rows["at"].is_sorted()


def test_each_click_and_request_of_the_timeline_is_told_once(store, tables, story):
    for told in story.values():
        recording = store.replay_events(told["session_id"]).frame.collect()
        if recording.is_empty():
            continue
        rows = timeline(told["event_id"], **tables, marks=replay_marks(recording))
        seen = rows.filter(pl.col("kind") == "request", pl.col("sources").list.contains("requests (span)"))
        asked = tables["requests"].filter(session_id=told["session_id"], initiator="span")
        assert seen.height == asked.unique(["at", "method", "url"]).height


def test_dimensions_of_a_lake_give_the_same(tables, story):
    """A lake stores dimensions as Categorical: which of the two a table holds may not matter to any answer."""
    lake = {
        name: frame.with_columns(
            pl.col(column).cast(pl.Categorical) for column in TABLES[name].dimensions if column in frame.columns
        )
        for name, frame in tables.items()
    }
    event_id, told = next(iter(story.items()))
    hit = [told["session_id"]]

    def answers(of: dict[str, pl.DataFrame]) -> list[pl.DataFrame]:
        return [
            trace_joins(of["events"], of["spans"], of["requests"]),
            replay_joins(of["events"], of["replays"], of["sessions"]),
            all_2xx(hit, of["requests"], of["spans"]),
            failing_spans(of["spans"]),
            trace_tree(of["spans"], told["trace_id"]),
            timeline(event_id, **of),
        ]

    for one, other in zip(answers(tables), answers(lake), strict=True):
        assert one.schema == other.schema
        assert one.equals(other)
