"""Real documents of every format, damaged at random: nothing raises, and what comes out is still a table."""

import gzip
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.attributes import span_rows
from connectors.formats.lighthouse import Run, lab_rows, read_result
from connectors.formats.otlp import read_request
from connectors.formats.recognise import KINDS, recognise
from connectors.formats.releases import read_releases, release_rows
from connectors.formats.rrweb import Whose, read_segment, replay_event_rows
from connectors.formats.source_maps import debug_id_of
from connectors.formats.web_vitals import page_view_rows, read_beacon, read_page_view, vital_rows
from connectors.tables import conform
from tests.connectors.conftest import SAMPLE

VALUE = re.compile(rb':\s*("[^"]*"|[-0-9.]+|null|true|false|\[\]|\{\})')
TOKENS = [
    b"NaN",
    b"\xff",
    b"null",
    b"-1",
    b"1e999",
    b"9" * 23,
    b'"x"',
    b"[]",
    b"{}",
    b"true",
    b"",
    b"[[",
    b'"\\ud83d"',
    b"1.5",
]


@cache
def lines(name: str, count: int) -> list[bytes]:
    return gzip.decompress((SAMPLE / "raw" / name).read_bytes()).splitlines()[:count]


def recording() -> list[bytes]:
    first = min((SAMPLE / "raw/replays").glob("*.gz"))
    return lines(f"replays/{first.name}", 20)


@cache
def lab_results() -> list[bytes]:
    return [gzip.decompress(path.read_bytes()) for path in sorted((SAMPLE / "raw/lab").glob("*.gz"))[:2]]


FORMATS = {
    "otlp": (lambda: lines("traces.otlp.ndjson.gz", 10), read_request, span_rows),
    "beacon": (lambda: lines("beacons.ndjson.gz", 50), read_beacon, vital_rows),
    "page view": (lambda: lines("page_views.ndjson.gz", 50), read_page_view, page_view_rows),
    "rrweb": (
        recording,
        lambda raw, place, rows: read_segment(raw, place, rows, Whose("r", "s", 1)),
        replay_event_rows,
    ),
    "lighthouse": (lab_results, lambda raw, place, rows: read_result(raw, place, rows, Run("run")), lab_rows),
    "releases": (lambda: [(SAMPLE / "raw/releases.json").read_bytes()], read_releases, release_rows),
}


@pytest.mark.parametrize("name", list(FORMATS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_document_is_read_or_refused(name, data):
    documents, read, collection = FORMATS[name]
    text = bytearray(data.draw(st.sampled_from(documents())))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(text), 4000)))
        token = data.draw(st.sampled_from(TOKENS))
        value = VALUE.search(text, at)
        match data.draw(st.sampled_from(["value", "insert", "cut"])):
            case "value" if value:
                text[value.start(1) : value.end(1)] = token
            case "cut":
                del text[at : at + data.draw(st.integers(1, 100))]
            case _:
                text[at:at] = token
    rows = collection()
    read(bytes(text), "place", rows)
    conform(rows.frame(), rows.table)
    assert all(refused.place.startswith("place") and refused.reason for refused in rows.refused)
    assert recognise("file", bytes(text[:65_536])) in (None, *KINDS)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_at_all(raw):
    for _, read, collection in FORMATS.values():
        rows = collection()
        read(raw, "place", rows)
        conform(rows.frame(), rows.table)
    debug_id_of(raw)
    assert recognise("file", raw) in (None, *KINDS)
