"""Any part of what Sentry and its like answer may be of a form that nobody promised: it costs only itself."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats import bugsink, sentry_releases
from connectors.formats.attributes import span_rows
from connectors.formats.git_tags import read_tags
from connectors.formats.releases import read_releases, release_rows
from connectors.formats.rrweb import replay_event_rows
from connectors.formats.sentry_event import EventTables
from connectors.formats.sentry_replay import read_listed_replay, read_recording, read_replay_event, replay_rows
from connectors.formats.sentry_rest import read_rest_event
from connectors.formats.sentry_trace import read_row, read_tree
from connectors.pages import page_of
from tests.connectors.same_incident import incident
from tests.connectors.sentry_server import glitchtip_event, rest_event
from tests.connectors.test_releases import CSV
from tests.connectors.test_sentry_replay import REPLAY
from tests.connectors.test_sentry_rest import BELOW, DEPLOYS, RELEASES, REPLAYS, SPAN, TRACE, tree_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
    | st.sampled_from(["2026-03-09T12:00:00Z", "0", "-1", "1e400", "9" * 23, "https://shop.example/a?b#c", "\ud83d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def sent() -> Any:
    return next(one for one in incident() if len(one.event.get("breadcrumbs") or []) > 3)


def detail() -> dict:
    return {"event_id": sent().event["event_id"], "issue": "7", "project": 1, "ingested_at": "2026-03-09T15:00:00Z",
            "data": sent().event}  # fmt: skip


def of_events(read: Callable[[bytes, str, EventTables], None]) -> Callable[[bytes], tuple]:
    def reader(raw: bytes) -> tuple:
        out = EventTables()
        read(raw, "here", out)
        return out.events, out.frames, out.breadcrumbs, out.requests

    return reader


def of_rows(make: Callable[[], Any], read: Callable[..., None]) -> Callable[[bytes], tuple]:
    def reader(raw: bytes) -> tuple:
        rows = make()
        read(raw, "here", rows)
        return (rows,)

    return reader


CASES: dict[str, tuple[Callable[[bytes], tuple], Any]] = {
    "rest event": (of_events(read_rest_event), rest_event(*sent()[1:], "1", symbolicated=True)),
    "glitchtip event": (of_events(read_rest_event), glitchtip_event(*sent()[1:], "1")),
    "bugsink event": (of_events(bugsink.read_detail), detail()),
    "listed replay": (of_rows(replay_rows, read_listed_replay), REPLAYS[0]),
    "replay event": (
        of_rows(replay_rows, read_replay_event),
        {"replay_id": REPLAY, "replay_type": "buffer", "timestamp": 1773057600.5, "tags": {"session_id": "s"}},
    ),
    "span": (of_rows(span_rows, read_row), SPAN),
    "trace": (
        of_rows(span_rows, lambda raw, place, rows: read_tree(raw, TRACE, place, rows)),
        tree_of(SPAN, [tree_of(BELOW, [])]),
    ),
    "release": (
        of_rows(
            release_rows,
            lambda raw, place, rows: sentry_releases.read_release(*json.loads(raw), place, rows),
        ),
        [RELEASES[0], DEPLOYS["b" * 40]],
    ),
}  # fmt: skip


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Every place in a document, by the keys that lead there."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


@pytest.mark.parametrize("name", list(CASES))
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_one_value_is_something_else(name, data):
    reader, document = CASES[name]
    damaged = copy.deepcopy(document)
    *way, last = data.draw(st.sampled_from(list(places(document))))
    inner = damaged
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[last] = data.draw(ANYTHING)
    elif isinstance(inner, dict):
        del inner[last]
    if name == "release" and not (isinstance(damaged, list) and len(damaged) == 2 and isinstance(damaged[1], list)):
        return  # the connector asks for a list of deploys, and hands nothing else on
    tables = reader(json.dumps(damaged).encode())
    batch = page_of(tables, "key")
    assert all(refused.place.startswith("here") and refused.reason for refused in batch.refused)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_at_all(raw):
    for name, (reader, _) in CASES.items():
        if name != "release":
            page_of(reader(raw), "key")
    for rows, read in (
        (replay_event_rows(), lambda raw, rows: read_recording(raw, "here", rows, REPLAY)),
        (release_rows(), lambda raw, rows: read_tags(raw, rows)),
        (release_rows(), lambda raw, rows: read_releases(raw, "here", rows)),
        (release_rows(), lambda raw, rows: read_releases(CSV.encode() + raw, "here", rows)),
    ):
        read(raw, rows)
        page_of([rows], "key")
