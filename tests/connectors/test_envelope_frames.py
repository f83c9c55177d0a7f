"""Envelopes however they were framed: what was put in comes out, and a cut costs what was cut off and no more."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.folder import FolderSource
from connectors.formats.envelope import Received, parse_envelope
from connectors.formats.sentry_tables import SentryTables, read_envelope
from connectors.stores import Window

HEADER = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","sent_at":"2026-03-09T15:21:52.500Z"}'
EVENT = {"event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "timestamp": 1773069712.25, "message": "naïve — 大"}
REPLAY = {"replay_id": "9ec79c33ec9942ab8353589fcb2e04dc", "replay_type": "buffer", "timestamp": 1773069712.5}
RECORDED = [{"type": 4, "timestamp": 1773069712000, "data": {"href": "/"}}, {"type": 2, "timestamp": 1773069712001}]
RECORDING = b'{"segment_id":0}\n' + zlib.compress(json.dumps(RECORDED).encode())


def item(kind: str, payload: bytes, *, length: bool = True, end: bytes = b"\n", **more: object) -> bytes:
    header = {"type": kind, **({"length": len(payload)} if length else {}), **more}
    return json.dumps(header).encode() + end + payload


def said(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def read(raw: bytes) -> SentryTables:
    out = SentryTables()
    read_envelope(Received(raw, None), "e", out)
    return out


ITEMS = st.lists(
    st.one_of(
        # with a length a payload may hold anything; without one it ends with its line
        st.tuples(st.just(True), st.binary(max_size=60)),
        st.tuples(st.just(False), st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b""))),
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(ITEMS, st.sampled_from([b"", b"\n"]))
def test_what_was_put_in_comes_out(items, trailing):
    """develop.sentry.dev/sdk/foundations/envelopes: headers are lines, payloads have a length or are a line."""
    raw = b"\n".join([HEADER, *(item("attachment", payload, length=known) for known, payload in items)]) + trailing
    envelope = parse_envelope(raw)
    assert envelope.broken == []
    assert [one.payload for one in envelope.items] == [payload for _, payload in items]


@settings(max_examples=200, deadline=None)
@given(ITEMS, st.data())
def test_a_cut_costs_what_was_cut_off(items, data):
    raw = b"\n".join([HEADER, *(item("attachment", payload, length=known) for known, payload in items)])
    kept = raw[: data.draw(st.integers(len(HEADER), len(raw)))]
    envelope = parse_envelope(kept)
    payloads, whole = [payload for _, payload in items], len(envelope.items)
    assert [one.payload for one in envelope.items][:-1] == payloads[: max(whole - 1, 0)]
    if envelope.items and items[whole - 1][0]:
        assert envelope.items[-1].payload == payloads[whole - 1]
    assert len(envelope.broken) <= 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("trailing", [0, 1, 2])
def test_items_of_every_kind_between_lines_of_either_kind(end, trailing):
    parts = [
        HEADER,
        item("event", said(EVENT), end=end),
        item("attachment", bytes(range(256)) + b"\n\n{", end=end, filename="a\nb.bin"),
        item("replay_event", said(REPLAY), end=end),
        item("replay_recording", RECORDING, end=end),
        *(item(kind, b'{"items":[]}', length=False, end=end) for kind in ("session", "log", "feedback", "profile")),
    ]
    out = read(end.join(parts) + end * trailing)
    assert out.events.frame()["message"].to_list() == ["naïve — 大"]
    assert out.replay_events.frame().select("replay_id", "segment", "type").rows() == [
        (REPLAY["replay_id"], 0, 4), (REPLAY["replay_id"], 0, 2),
    ]  # fmt: skip
    assert dict(out.events.skipped) == {
        f"{kind} items": 1 for kind in ("attachment", "session", "log", "feedback", "profile")
    }
    assert [refused for rows in vars(out).values() for refused in rows.refused] == []


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n", b"\r\n\n"], ids=["a BOM", "a blank line", "blank lines"])
def test_what_editors_and_shippers_put_before_an_envelope(before):
    assert len(read(before + HEADER + b"\n" + item("event", said(EVENT))).events) == 1


@pytest.mark.parametrize("length", ["41", None, 41.5, -1, True])
def test_a_length_that_is_none_leaves_the_line(length):
    raw = b"\n".join([HEADER, said({"type": "event", "length": length}), said(EVENT), item("session", b"{}")])
    out = read(raw)
    assert (len(out.events), dict(out.events.skipped)) == (1, {"session items": 1})


def test_a_length_in_characters_where_bytes_are_meant_is_said():
    text = json.dumps(EVENT, ensure_ascii=False)
    raw = b"\n".join([HEADER, said({"type": "event", "length": len(text)}), text.encode(), item("session", b"{}")])
    reasons = [refused.reason for refused in read(raw).events.refused]
    assert len(reasons) == 2
    assert "cannot be read" in reasons[0]
    assert "nothing after it can be read" in reasons[1]


@pytest.mark.parametrize("name", ["1.envelope", "1.envelope.gz", "posted", "1.bin"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_file_as_it_was_posted_whatever_its_name(tmp_path, name, packed):
    """A collector that writes bodies down leaves them as they came: `Content-Encoding: gzip`."""
    raw = b"\n".join([HEADER, item("event", said(EVENT)), item("replay_recording", RECORDING)])
    (tmp_path / name).write_bytes(gzip.compress(raw) if packed else raw)
    source = FolderSource(tmp_path)
    assert source.events(Window()).frame.collect()["message"].to_list() == ["naïve — 大"]
    assert source.replays(Window()).frame.collect()["event_count"].to_list() == [2]
