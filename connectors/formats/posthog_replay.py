"""PostHog's recordings: the list, the sources of one, and snapshots as JSON lines of `[window_id, event]`.

posthog-js packs parts of large events (`cv`: "2024-10"): gzip bytes written as text, one character a byte. A full
snapshot is packed as a whole; of a mutation its texts, attributes, removes and adds; of a style sheet's rule its adds
and removes. Sources: posthog.com/docs/session-replay/snapshot-api, and `decompressEvent` of github.com/PostHog/posthog.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.exceptions import FormatError
from connectors.formats.inflate import inflated
from connectors.formats.nested import dig, list_at
from connectors.formats.rows import Rows
from connectors.formats.rrweb import Whose, read_segment
from connectors.formats.values import BAD_JSON, as_int, as_micros, as_text, shown
from connectors.tables import REPLAYS

FULL_SNAPSHOT, INCREMENTAL = 2, 3
# rrweb's IncrementalSource: Mutation, StyleSheetRule
PACKED_PARTS = {0: ("texts", "attributes", "removes", "adds"), 8: ("adds", "removes")}
PACKING = "2024-10"
PREFERRED, KEPT_LONGER = "blob_v2", "blob_v2_lts"

_json = msgspec.json.Decoder()


def replay_rows() -> Rows:
    """Make an empty collection of recordings."""
    return Rows(REPLAYS)


def read_recording(recording: Any, place: str, rows: Rows) -> None:
    """Read one element of the list of recordings into `rows`; a recording has the id of its session.

    Examples
    --------
    >>> rows = replay_rows()
    >>> read_recording({"id": "s1", "start_time": "2026-03-09T14:00:00Z", "end_time": None}, "page 1", rows)
    >>> rows.frame().select("replay_id", "session_id").rows()
    [('s1', 's1')]
    """
    recording_id, started = as_text(dig(recording, "id")), as_micros(dig(recording, "start_time"))
    if recording_id is None or started is None:
        return rows.refuse(place, f"recording {shown(dig(recording, 'id'))}: no id, or no start")
    ended = as_micros(dig(recording, "end_time"))
    rows.add((recording_id, recording_id, started, ended, None, None, None, None))
    return None


def blob_keys_of(answer: Any) -> list[int]:
    """Give the keys of the blobs that hold a recording, in order; empty when it is not in permanent storage yet.

    The other sources (`blob`, `realtime`) hold the same events once more, so they are left alone.

    Examples
    --------
    >>> blob_keys_of({"sources": [{"source": "blob_v2", "blob_key": "1"}, {"source": "blob_v2", "blob_key": "0"},
    ...                           {"source": "realtime", "blob_key": None}]})
    [0, 1]
    """
    sources = dig(answer, "sources")
    keys = [
        as_int(dig(source, "blob_key"))
        for source in (sources if isinstance(sources, list) else ())
        if dig(source, "source") == PREFERRED
    ]
    return sorted({key for key in keys if key is not None})


def long_term_key_of(answer: Any) -> str | None:
    """Give the key of the one blob of a recording that was moved to long-term storage, as pinned ones are.

    Examples
    --------
    >>> long_term_key_of({"sources": [{"source": "blob_v2_lts", "blob_key": "session_recordings_lts/019c"}]})
    'session_recordings_lts/019c'
    """
    kept = (source for source in list_at(answer, "sources") if dig(source, "source") == KEPT_LONGER)
    return next((key for source in kept if (key := as_text(dig(source, "blob_key")))), None)


def read_snapshots(body: bytes, place: str, recording_id: str, segment: int, rows: Rows) -> None:
    r"""Read the JSON lines of some blobs into replay events; a broken line is refused, the others are read.

    A window is a tab with a document of its own: its id stands as the page view, so that tabs do not mix.

    Examples
    --------
    >>> from connectors.formats.rrweb import replay_event_rows
    >>> rows = replay_event_rows()
    >>> read_snapshots(b'["w1",{"type":4,"timestamp":1741530000000,"data":{"href":"/"}}]\n["w1"', "b", "s1", 0, rows)
    >>> rows.frame().select("replay_id", "type", "data").rows(), [refused.place for refused in rows.refused]
    ([('s1', 4, '{"href":"/"}')], ['b line 2'])
    """
    windows: dict[str, list[Any]] = {}
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        where = f"{place} line {number}"
        try:
            window, event = _json.decode(line)
            windows.setdefault(as_text(window) or "", []).append(unpacked(event))
        except BAD_JSON as error:
            rows.refuse(where, f"the line is not JSON ({error})")
        except (TypeError, ValueError, FormatError) as error:
            rows.refuse(where, f"not [window, event], or packed in a way that is not known ({error})")
    for window, events in windows.items():
        document = {"page_view_id": window or None, "events": events}
        read_segment(msgspec.json.encode(document), place, rows, Whose(recording_id, recording_id, segment))


def unpacked(event: Any) -> Any:
    """Give an event with what posthog-js packed in it unpacked.

    Examples
    --------
    >>> import gzip
    >>> text = gzip.compress(b'{"node":{"id":1}}').decode("latin-1")
    >>> unpacked({"type": 2, "data": text, "cv": "2024-10", "timestamp": 1})
    {'type': 2, 'data': {'node': {'id': 1}}, 'timestamp': 1}
    """
    if not isinstance(event, dict):
        raise TypeError(f"{shown(event)} is no event")
    packing = event.get("cv")
    if packing is None:
        return event
    if packing != PACKING:
        raise ValueError(f"its packing is {shown(packing)}, not {PACKING}")
    data = event.get("data")
    rest = {key: value for key, value in event.items() if key != "cv"}
    if event.get("type") == FULL_SNAPSHOT and isinstance(data, str):
        return {**rest, "data": _unzip(data)}
    if event.get("type") == INCREMENTAL and isinstance(data, dict):
        parts = PACKED_PARTS.get(data.get("source"), ())
        plain = {part: _unzip(data[part]) for part in parts if isinstance(data.get(part), str)}
        return {**rest, "data": {**data, **plain}}
    return rest


def _unzip(text: str) -> Any:
    return _json.decode(inflated(text.encode("latin-1"), "what it packs")) if text else []
