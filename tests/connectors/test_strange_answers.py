"""Any part of a payload may be of a form that nobody promised: it costs itself, and nothing raises.

Good payloads of each system's own tests, with one value anywhere in them replaced by something else.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.attributes import span_rows
from connectors.formats.datadog_rum import read_rum_event
from connectors.formats.datadog_spans import read_span
from connectors.formats.exports import read_export
from connectors.formats.faro_loki import read_line
from connectors.formats.posthog_events import read_exception, read_page_view, read_session, read_web_vitals
from connectors.formats.posthog_replay import blob_keys_of, read_recording, read_snapshots, replay_rows
from connectors.formats.rrweb import replay_event_rows
from connectors.formats.rum_tables import RumTables
from connectors.tables import conform
from tests.connectors import test_datadog, test_faro, test_fullstory, test_logrocket, test_posthog

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
    | st.sampled_from(["2026-03-09T12:00:00Z", "0", "-1", "1e400", "99999999999999999999999", "https://shop.example/a?b#c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def events_of_posthog() -> Iterator[tuple[Callable, list]]:
    readers = {"$exception": read_exception, "$web_vitals": read_web_vitals, "$pageview": read_page_view}
    for name, rows in test_posthog.EVENTS.items():
        for row in rows[:1]:
            # the properties as an object, so that what is inside of them is replaced as well
            yield readers[name], [*row[:3], json.loads(row[3])]
    yield read_session, test_posthog.SESSIONS[0]


def one_of(reader: Callable, document: Any) -> tuple[Callable[[Any, RumTables], None], Any]:
    return (lambda said, out: reader(said, "here", out)), document


CASES = [
    *(one_of(read_rum_event, event) for event in test_datadog.EVENTS),
    *(one_of(reader, row) for reader, row in events_of_posthog()),
    *(
        one_of(lambda said, place, out: read_export(json.dumps(said).encode(), place, out), document)
        for document in (
            test_faro.PAYLOAD, {**test_faro.PAYLOAD, "traces": test_faro.SPANS}, *test_fullstory.EVENTS,
            *test_logrocket.TABLE, *test_logrocket.LINES,
        )
    ),
    *(
        one_of(lambda said, place, out: read_line(json.dumps(said), place, out), line)
        for _, line in test_faro.lines()
    ),
]  # fmt: skip


def paths(document: Any, here: tuple = ()) -> list[tuple]:
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [here, *(path for key, value in inner for path in paths(value, (*here, key)))]


def replaced(document: Any, path: tuple, value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return changed


@settings(max_examples=15, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_strange_value_costs_itself(case, data):
    read, document = CASES[case]
    path = data.draw(st.sampled_from(paths(document)))
    out = RumTables()
    read(replaced(document, path, data.draw(ANYTHING)), out)
    for rows in vars(out).values():
        conform(rows.frame(), rows.table)
        assert all(refused.place and refused.reason for refused in rows.refused)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_strange_span_costs_itself(data):
    document = test_datadog.SPANS[1]
    rows = span_rows()
    path = data.draw(st.sampled_from(paths(document)))
    read_span(replaced(document, path, data.draw(ANYTHING)), "here", rows)
    assert conform(rows.frame(), rows.table).height + len(rows.refused) == 1


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_strange_snapshot_costs_itself(data):
    line = data.draw(st.sampled_from(test_posthog.BLOBS))
    path = data.draw(st.sampled_from(paths(line)))
    rows, listed = replay_event_rows(), replay_rows()
    strange = replaced(line, path, data.draw(ANYTHING))
    read_snapshots(json.dumps(strange).encode() + b"\n" + json.dumps(test_posthog.BLOBS[0]).encode(), "b", "s", 0, rows)
    assert conform(rows.frame(), rows.table).height >= 1
    read_recording(strange, "here", listed)
    assert blob_keys_of(strange) == []
