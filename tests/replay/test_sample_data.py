"""Recordings of the sample: what the driver saw on the pages, and what stands in the raw files, against the room."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from connectors.registry import open_store
from connectors.stores import Window
from workbench.replay.dom import blank_pages, page_at, replay_marks
from workbench.replay.privacy import leaks
from workbench.replay.recording import streams
from workbench.replay.search import find_text

SAMPLE = Path(__file__).parents[2] / "sample-data"
IBAN = b"IE29AIBK93115212345678"  # the documentation's, typed by the driver into the form that somebody forgot to mask


@pytest.fixture(scope="module")
def truth() -> list[dict]:
    return [json.loads(line) for line in (SAMPLE / "truth.ndjson").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def recordings() -> pl.DataFrame:
    store = open_store(SAMPLE)
    kept = store.replays(Window()).frame.collect()["replay_id"].sort()
    return pl.concat([store.replay_events(replay).frame.collect() for replay in kept])


def test_blank_pages_are_exactly_those_that_the_driver_saw(truth, recordings):
    recorded = set(recordings["session_id"])
    seen = {one["session_id"] for one in truth if one["kind"] == "session" and one["blank"]} & recorded
    found = blank_pages(recordings)
    assert seen
    assert set(found["session_id"]) == seen
    assert found["kind"].unique().to_list() == ["went_blank"]
    assert found["page_url"].str.ends_with("/account").all()
    assert found["visible_text_before"].str.contains("Your account").all()


def test_a_page_goes_blank_when_its_error_is_thrown(truth, recordings):
    thrown = {
        one["session_id"]: datetime.fromtimestamp(one["at"] / 1000, UTC)
        for one in truth
        if one["kind"] == "event" and one["bug"] == "blank-account"
    }
    for row in blank_pages(recordings).iter_rows(named=True):
        assert abs(row["blank_from"] - thrown[row["session_id"]]) < timedelta(seconds=1)
        events = recordings.filter(session_id=row["session_id"])
        assert page_at(events, row["blank_from"], page_view_id=row["page_view_id"]).is_blank


def test_no_recording_names_a_node_that_it_did_not_bring(recordings):
    played = [(stream, list(stream.play())) for stream in streams(recordings, sources=None)]
    assert sum(stream.damaged for stream, _ in played) == 0
    assert sum(stream.mirror.lost for stream, _ in played) == 0


def test_what_the_forgotten_form_leaked_is_found_where_it_is(recordings):
    raw = {
        file.name.split(".")[0]
        for file in (SAMPLE / "raw" / "replays").glob("*.ndjson.gz")
        if IBAN in gzip.decompress(file.read_bytes())
    }
    found = leaks(recordings)
    accounts = found.filter(pattern="iban")
    assert accounts["replays"].sum() == len(raw & set(recordings["session_id"]))
    assert accounts.filter(~pl.col("path").str.ends_with("input[name=iban]")).is_empty()
    assert IBAN.decode() not in found.write_json()
    assert found.filter(pattern="card").is_empty()  # the checkout's fields are masked in every release


def test_the_error_boundary_is_found_by_what_it_shows(truth, recordings):
    recorded = set(recordings["session_id"])
    crashed = {one["session_id"] for one in truth if one["kind"] == "event" and one["cause"] == "cart_without_discount"}
    shown = set(find_text(recordings, "Something went wrong")["replay_id"])
    assert crashed & recorded <= shown


def test_marks_follow_the_drivers_steps(truth, recordings):
    """Each page that the driver opened by its address is a page of the recording, around the time that he opened it."""
    marks = replay_marks(recordings)
    pages = marks.filter(kind="page").select("replay_id", "at", pl.col("label").str.replace(r"^https?://[^/]+", ""))
    recorded = set(recordings["session_id"])
    steps = [
        (one["session_id"], step["path"], datetime.fromtimestamp(step["at"] / 1000, UTC))
        for one in truth
        if one["kind"] == "session" and one["session_id"] in recorded and not one["bot"]
        for step in one["steps"]
        if step["step"] == "open"
    ]
    near = [
        not pages.filter(
            pl.col("replay_id") == session,
            pl.col("label") == path,
            pl.col("at").is_between(at - timedelta(seconds=10), at + timedelta(seconds=20)),
        ).is_empty()
        for session, path, at in steps
    ]
    # pages that were left before the recorder began have no mark
    assert sum(near) / len(near) > 0.95
