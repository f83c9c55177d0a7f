"""Sentry's envelope: a header line, then items, each a header line and a payload.

Only the frame is read here; what an event or a span means stands in `sentry_event` and `sentry_span`.
Source of the form: develop.sentry.dev/sdk/data-model/envelopes.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, NamedTuple

import msgspec

from connectors.exceptions import FormatError
from connectors.formats.values import BAD_JSON, as_micros, shown


class Item(NamedTuple):
    """One item of an envelope: its number in it (from 1), its type, its header and its payload."""

    number: int
    type: str
    header: dict[str, Any]
    payload: bytes


class Envelope(NamedTuple):
    """An envelope's header, the items that are whole, and (number, reason) of those that are not."""

    header: dict[str, Any]
    items: list[Item]
    broken: list[tuple[int, str]]


class Received(NamedTuple):
    """An envelope's bytes, and when the collector got them (microseconds), if it says so."""

    raw: bytes
    received_us: int | None


class _Wrapped(msgspec.Struct):
    envelope: str | None = None
    envelope_b64: str | None = None
    received_at: float | str | None = None


# a JSON text that begins as an envelope does, or an object one of whose first keys holds an envelope
_WRAPPED = re.compile(rb'\s*(?:"\{|\{\s*(?:"\w+"\s*:\s*(?:"[^"\\]*"|[^",{}\[\]]*)\s*,\s*)*"envelope(?:_b64)?"\s*:)')
_header = msgspec.json.Decoder(dict[str, Any])
_wrapped = msgspec.json.Decoder(_Wrapped | str)


def parse_envelope(raw: bytes) -> Envelope:
    r"""Take an envelope apart. A broken item costs that item; after a broken item header the rest has no beginning.

    Raises
    ------
    FormatError
        The envelope's own header is not a JSON object.

    Examples
    --------
    >>> raw = b'{}\n{"type":"event","length":2}\n{}\n{"type":"session","length":9}\n{"a'
    >>> envelope = parse_envelope(raw)
    >>> [(item.number, item.type, item.payload) for item in envelope.items], envelope.broken
    ([(1, 'event', b'{}')], [(2, 'session is cut off: 3 of 9 bytes are there')])
    """
    # what editors and log shippers put before a file's first line
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    end = raw.find(b"\n")
    first = raw if end < 0 else raw[:end]
    try:
        header = _header.decode(first)
    except BAD_JSON as error:
        raise FormatError(f"the envelope's header is not a JSON object ({error})") from error
    items: list[Item] = []
    broken: list[tuple[int, str]] = []
    at = len(first) + 1
    number = 0
    while at < len(raw):
        line, at = _line(raw, at)
        if not line.strip():
            continue
        number += 1
        try:
            about = _header.decode(line)
        except BAD_JSON as error:
            broken.append((number, f"the item's header is not a JSON object ({error}); nothing after it can be read"))
            break
        kind = about.get("type")
        if not isinstance(kind, str):
            broken.append((number, f"the item's type is {shown(kind)}; nothing after it can be read"))
            break
        length = about.get("length")
        if isinstance(length, int) and not isinstance(length, bool) and length >= 0:
            payload = raw[at : at + length]
            at += length + 1
            if len(payload) < length:
                broken.append((number, f"{kind} is cut off: {len(payload)} of {length} bytes are there"))
                break
        else:
            payload, at = _line(raw, at)
        items.append(Item(number, kind, about, payload))
    return Envelope(header, items, broken)


def unwrap(line: bytes) -> Received:
    """Take the envelope out of a collector's line: `{"received_at", "envelope"}`, `envelope_b64`, or a JSON text.

    Raises
    ------
    FormatError
        The line is none of these.

    Examples
    --------
    >>> unwrap(b'{"received_at": 1741530000500, "envelope": "{}"}')
    Received(raw=b'{}', received_us=1741530000500000)
    >>> unwrap(b'{"envelope_b64": "e30="}').raw
    b'{}'
    """
    try:
        wrapped = _wrapped.decode(line)
    except BAD_JSON as error:
        raise FormatError(f"not a line of envelopes ({error})") from error
    if isinstance(wrapped, str):
        return Received(wrapped.encode(), None)
    received = as_micros(wrapped.received_at, "guess")
    if wrapped.envelope is not None:
        return Received(wrapped.envelope.encode(), received)
    if wrapped.envelope_b64 is not None:
        try:
            return Received(base64.b64decode(wrapped.envelope_b64, validate=True), received)
        except binascii.Error as error:
            raise FormatError(f"envelope_b64 is not base64 ({error})") from error
    raise FormatError("a line of envelopes has neither `envelope` nor `envelope_b64`")


def is_wrapped(line: bytes) -> bool:
    """Say whether a line is an envelope wrapped by a collector; the line may be cut off at its end.

    Examples
    --------
    >>> is_wrapped(b'{"received_at":1741530000500,"envelope":"{...'), is_wrapped(b'{"type":"event","length":41}')
    (True, False)
    """
    return bool(_WRAPPED.match(line))


def is_event(line: bytes) -> bool:
    """Say whether a line is an event without an envelope, as Sentry's own exports have it.

    Examples
    --------
    >>> is_event(b'{"event_id":"9ec7","timestamp":1,"platform":"javascript"}'), is_event(b'{"event_id":"9ec7"}')
    (True, False)
    """
    try:
        event = _header.decode(line)
    except BAD_JSON:
        return False
    return "event_id" in event and "timestamp" in event


def project_of(header: dict[str, Any]) -> str | None:
    """Give the project id, which the DSN in a tunnelled envelope's header ends with.

    Examples
    --------
    >>> project_of({"dsn": "https://abc@collect.example/42"})
    '42'
    """
    dsn = header.get("dsn")
    return dsn.rstrip("/").rpartition("/")[2] or None if isinstance(dsn, str) and "/" in dsn else None


def _line(raw: bytes, at: int) -> tuple[bytes, int]:
    end = raw.find(b"\n", at)
    end = len(raw) if end < 0 else end
    return raw[at:end], end + 1
