"""Pages merged into a lake against the same by dictionaries, one row after the other."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.lake import Lake
from connectors.sync_rows import Page, merge, whole_tables
from connectors.tables import EVENTS, FRAMES, VITALS, Table, conform
from tests.naive.sync import NaiveLake

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
EVENT_COLUMNS = ("event_id", "at", "message", "tags")
FRAME_COLUMNS = ("event_id", "exception_index", "frame_index", "url")
VITAL_COLUMNS = ("at", "page_view_id", "session_id", "metric", "navigation_type", "value")
TABLES, COLUMNS = (EVENTS, FRAMES, VITALS), (EVENT_COLUMNS, FRAME_COLUMNS, VITAL_COLUMNS)

times = st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=9 * hours))
tags = st.none() | st.lists(st.sampled_from("xy").map(lambda value: {"key": "a", "value": value}), max_size=2)
event = st.builds(
    lambda name, at, message, tags: dict(zip(EVENT_COLUMNS, (name, at, message, tags), strict=True)),
    st.sampled_from("abcdef"), times, st.sampled_from(["m1", "m2", None]), tags,
)  # fmt: skip
vital = st.builds(
    lambda at, view, session, value: dict(
        zip(VITAL_COLUMNS, (at, view, session, "LCP", None, float(value)), strict=True)
    ),
    times, st.sampled_from(["p", "q", None]), st.sampled_from(["s", None, None]), st.integers(1, 2),
)  # fmt: skip


@st.composite
def pages(draw):
    events = draw(st.lists(event, max_size=4, unique_by=lambda one: one["event_id"]))
    frames = [
        dict(zip(FRAME_COLUMNS, (one["event_id"], 0, index, draw(st.sampled_from(["u", "v"]))), strict=True))
        for one in events
        for index in range(draw(st.integers(0, 3)))
    ]
    return events, frames, draw(st.lists(vital, max_size=3))


def frame_of(rows: list[dict], table: Table, columns: tuple[str, ...]) -> pl.DataFrame:
    return conform(pl.DataFrame(rows, schema={name: table.schema[name] for name in columns}), table)


def brought(events: list[dict], frames: list[dict], vitals: list[dict]) -> list[Page]:
    tables = {"events": frame_of(events, EVENTS, EVENT_COLUMNS), "frames": frame_of(frames, FRAMES, FRAME_COLUMNS)}
    return [Page(tables, whole_tables(tables)), Page({"vitals": frame_of(vitals, VITALS, VITAL_COLUMNS)})]


def told(rows: list[dict]) -> list[str]:
    values = [
        {name: str(value) if isinstance(value, datetime) else value for name, value in row.items()} for row in rows
    ]
    return sorted(repr(sorted(row.items())) for row in values)


def held(lake: Lake, table: Table, columns: tuple[str, ...]) -> list[str]:
    return told(conform(lake.scan(table).collect(), table).select(columns).to_dicts())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(pages(), min_size=1, max_size=3), min_size=1, max_size=4))
def test_merged_as_by_dictionaries(steps):
    lake, naive = Lake.create(tempfile.mkdtemp() + "/lake"), NaiveLake()
    for step in steps:
        naive.merge(step)
        merge(lake, [page for one in step for page in brought(*one)])
        for table, columns, rows in zip(TABLES, COLUMNS, naive.rows(), strict=True):
            assert held(lake, table, columns) == told(rows), table.name
        # what the last page of each event said is there: brought again, it changes nothing
        revision = lake.manifest.revision
        merge(lake, brought(*naive.rows()))
        assert lake.manifest.revision == revision
    days = {part.path.split("/")[1] for part in lake.manifest.tables.get("frames", [])}
    assert days <= {part.path.split("/")[1] for part in lake.manifest.tables.get("events", [])}
