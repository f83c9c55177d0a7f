"""rrweb recordings: segments of events, however a recorder cut and wrapped them.

A segment is an object with `events` (and whose they are), a bare list of events, a list of such segments, or one event.
An event that rrweb's packer packed is a text: the zlib bytes of its JSON, one character a byte.
Sources of the form: rrweb's `eventWithTime` (packages/types): `{type, data, timestamp}`, milliseconds; packages/packer.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import msgspec

from connectors.exceptions import FormatError
from connectors.formats.fields import Fields
from connectors.formats.inflate import inflated
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_int, as_micros, as_text, shown
from connectors.tables import REPLAY_EVENTS

INCREMENTAL = 3
# rrweb's enumerations end at 8 and 16; whatever is far from there is no event of any version
Code = Annotated[int, msgspec.Meta(ge=0, le=255)]


class Whose(NamedTuple):
    """Whose events these are, as far as the file's place says it; what the segment itself says counts more."""

    replay_id: str | None = None
    session_id: str | None = None
    segment: int | None = None


NOBODYS = Whose()


class _Event(msgspec.Struct):
    type: Code
    timestamp: int | float
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Source(msgspec.Struct):
    source: Code | None = None


_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder()
_event = msgspec.json.Decoder(_Event)
_source = msgspec.json.Decoder(_Source | str | None)
_text = msgspec.json.Decoder(str)
_fields = Fields(("replay_id", "session_id", "page_view_id"))
SEGMENT_KEYS = ("seq", "segment_id", "segment", "segmentId")


def replay_event_rows() -> Rows:
    """Make an empty collection of replay events."""
    return Rows(REPLAY_EVENTS)


def read_segment(raw: bytes, place: str, rows: Rows, whose: Whose = NOBODYS) -> None:
    """Read one segment into `rows`; an event without a time or a type is refused there, the others are read.

    Examples
    --------
    >>> rows = replay_event_rows()
    >>> read_segment(
    ...     b'{"session_id":"s1","page_view_id":"p1","seq":4,"events":[{"type":3,"timestamp":1741530000500,'
    ...     b'"data":{"source":2,"x":1}},{"type":3,"timestamp":null}]}',
    ...     "s1.ndjson:5",
    ...     rows,
    ... )
    >>> rows.frame().select("replay_id", "page_view_id", "segment", "type", "source", "data").rows()
    [('s1', 'p1', 4, 3, 2, '{"source":2,"x":1}')]
    >>> rows.refused[0].place
    's1.ndjson:5 event 2'
    """
    opening = raw.lstrip()[:1]
    try:
        if opening == b'"':
            return _add([msgspec.Raw(raw)], None, place, rows, whose)
        if opening == b"[":
            elements = _list.decode(raw)
        else:
            return _read_object(_object.decode(raw), raw, place, rows, whose)
    except BAD_JSON as error:
        return rows.refuse(place, f"the segment cannot be read ({error})")
    bare = []
    for number, element in enumerate(elements, 1):
        first = bytes(element[:1]) if isinstance(element, bytes) else bytes(element)[:1]
        if first == b"[" or (first == b"{" and b'"events"' in bytes(element) and _has_events(element)):
            read_segment(bytes(element), f"{place} part {number}", rows, whose._replace(segment=number - 1))
        else:
            bare.append(element)
    _add(bare, None, place, rows, whose)
    return None


def _has_events(element: msgspec.Raw) -> bool:
    try:
        return "events" in _object.decode(element)
    except BAD_JSON:
        return False


def _read_object(document: dict[str, msgspec.Raw], raw: bytes, place: str, rows: Rows, whose: Whose) -> None:
    if "events" not in document:
        if "timestamp" in document:
            return _add([msgspec.Raw(raw)], None, place, rows, whose)
        return rows.skip("lines of recordings without events")
    try:
        events = _list.decode(document["events"])
        about: dict[str, Any] = {key: _any.decode(value) for key, value in document.items() if key != "events"}
    except BAD_JSON as error:
        return rows.refuse(place, f"the segment's events are not a list ({error})")
    replay, session, page_view = (as_text(value) for value in _fields.of(about))
    number = next((n for key in SEGMENT_KEYS if (n := as_int(about.get(key))) is not None), whose.segment)
    session = session or whose.session_id
    whose = Whose(replay or session or whose.replay_id, session, number)
    return _add(events, page_view, place, rows, whose)


def _add(events: list[msgspec.Raw], page_view: str | None, place: str, rows: Rows, whose: Whose) -> None:
    replay = whose.replay_id or whose.session_id
    if replay is None and events:
        return rows.refuse(place, "nothing says whose recording this is")
    for number, raw in enumerate(events, 1):
        try:
            event = _event.decode(_unpacked(raw))
            source = _source.decode(event.data) if event.type == INCREMENTAL else None
            data = bytes(event.data).decode()
        except (*BAD_JSON, FormatError) as error:
            rows.refuse(f"{place} event {number}", f"not an rrweb event ({error})")
            continue
        # Milliseconds; Sentry's own events among them have seconds.
        at = as_micros(event.timestamp, "guess")
        if at is None:
            rows.refuse(f"{place} event {number}", f"timestamp is {shown(event.timestamp)}, not a time in ms")
        elif isinstance(source, str):
            rows.refuse(f"{place} event {number}", "its data is a text, packed in a way that is not known")
        else:
            kind = source.source if source else None
            rows.add((replay, whose.session_id, page_view, whose.segment, at, event.type, kind, data))
    return None


def _unpacked(raw: msgspec.Raw) -> msgspec.Raw | bytes:
    """Give the JSON of an event, also of one that is a text: JSON once more, or packed."""
    if memoryview(raw)[:1] != b'"':
        return raw
    text = _text.decode(raw)
    if text.lstrip().startswith("{"):
        return text.encode()
    try:
        packed = text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise FormatError("a text that is neither JSON nor packed by rrweb's packer") from error
    return inflated(packed, "the packed event")
