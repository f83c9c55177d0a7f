"""OTLP as protobuf: what an exporter posts, and what the collector's file exporter writes with `format: proto`.

A file is one `ExportTraceServiceRequest` (`TracesData` is the same on the wire), or many: one behind the other, each
behind its length as four bytes, big-endian (the collector), or each behind its length as a varint (Protobuf's own
`writeDelimitedTo`). Messages are read by the published definitions (opentelemetry-proto), then go the way of
OTLP/JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.exceptions import FormatError
from connectors.formats.otlp import KeyValue, Span, SpanEvent, Status, add_span, attributes_of
from connectors.formats.rows import Rows

# tags of the first fields: resource_spans in a request; resource or scope_spans in those
_REQUEST, _WITHIN = 0x0A, frozenset({0x0A, 0x12})
_MOST_VARINT = 5


def is_otlp_protobuf(head: bytes) -> bool:
    r"""Say whether a file begins like traces in protobuf, with or without lengths between.

    Examples
    --------
    >>> is_otlp_protobuf(b"\x0a\x04\x0a\x02\x0a\x00"), is_otlp_protobuf(b"\x00\x00\x00\x06\x0a\x04\x0a\x02\x0a\x00")
    (True, True)
    >>> is_otlp_protobuf(b'{"resourceSpans":[]}'), is_otlp_protobuf(b'\n{"a":1}'), is_otlp_protobuf(b"")
    (False, False, False)
    """
    if _begins_request(head) or (len(head) > 4 and head[0] < 0x08 and _begins_request(head[4:])):
        return True
    size, at = _varint(head, 0)
    return size > 1 and _begins_request(head[at : at + size])


def each_request(raw: bytes) -> Iterator[bytes]:
    r"""Cut a file into its messages.

    Raises
    ------
    FormatError
        The last message is cut off; comes after those before it.

    Examples
    --------
    >>> list(each_request(b"\x00\x00\x00\x02\x0a\x00\x00\x00\x00\x02\x0a\x00")), list(each_request(b"\x0a\x00"))
    ([b'\n\x00', b'\n\x00'], [b'\n\x00'])
    >>> list(each_request(b"\x02\x0a\x00\x02\x0a\x00"))
    [b'\n\x00', b'\n\x00']
    """
    if raw[:1] == bytes([_REQUEST]) and (_begins_request(raw) or not _begins_request(raw[1 : _REQUEST + 1])):
        yield raw
        return
    # a length of four bytes begins with a zero below 16 MB; one as a varint has the first message right behind it
    size, begin = _varint(raw, 0)
    at, short = 0, size > 0 and raw[begin : begin + 1] == bytes([_REQUEST])
    while at < len(raw):
        size, begin = _varint(raw, at) if short else (int.from_bytes(raw[at : at + 4], "big"), at + 4)
        message = raw[begin : begin + size]
        if len(raw) < begin or len(message) < size:
            raise FormatError(f"the file ends within a message ({len(message)} of {size} bytes are there)")
        yield message
        at = begin + size


def read_protobuf(raw: bytes, place: str, rows: Rows) -> None:
    """Read the requests of one file into `rows`; a broken message or span is refused there, the others are read.

    Examples
    --------
    >>> from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, TracesData
    >>> span = Span(trace_id=b"\\x4b" * 16, span_id=b"\\x0a" * 8, name="SELECT", start_time_unix_nano=1741530000000001000)
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> data = TracesData(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    >>> read_protobuf(data.SerializeToString(), "traces.pb", rows)
    >>> rows.frame().select("span_id", "name", "kind").rows()
    [('0a0a0a0a0a0a0a0a', 'SELECT', 'internal')]
    """  # noqa: E501
    try:
        for number, message in enumerate(each_request(raw), 1):
            _read_request(message, f"{place} message {number}", rows)
    except FormatError as error:
        rows.refuse(place, str(error))


def _read_request(raw: bytes, place: str, rows: Rows) -> None:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    try:
        data = TracesData.FromString(raw)
    except DecodeError as error:
        return rows.refuse(place, f"not a request of OTLP ({error})")
    number = 0
    for group in data.resource_spans:
        resource = attributes_of(_pairs(group.resource.attributes))
        for scope in group.scope_spans:
            for span in scope.spans:
                number += 1
                add_span(_span(span), resource, f"{place} span {number}", rows)
    return None


def _span(span: Any) -> Span:
    return Span(
        traceId=span.trace_id.hex(), spanId=span.span_id.hex(), parentSpanId=span.parent_span_id.hex() or None,
        name=span.name, kind=span.kind, startTimeUnixNano=span.start_time_unix_nano,
        endTimeUnixNano=span.end_time_unix_nano, attributes=_pairs(span.attributes),
        events=[SpanEvent(event.time_unix_nano, event.name, _pairs(event.attributes)) for event in span.events],
        status=Status(span.status.code, span.status.message or None),
    )  # fmt: skip


def _pairs(pairs: Any) -> list[KeyValue]:
    return [KeyValue(pair.key, _value(pair.value)) for pair in pairs]


def _value(value: Any) -> dict[str, Any] | None:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    said = getattr(value, kind)
    if kind == "array_value":
        said = {"values": [_value(one) for one in said.values]}
    elif kind == "kvlist_value":
        said = {"values": [{"key": pair.key, "value": _value(pair.value)} for pair in said.values]}
    elif kind == "bytes_value":
        said = said.hex()
    return {_camel(kind): said}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _begins_request(head: bytes) -> bool:
    if head[:1] != bytes([_REQUEST]):
        return False
    size, at = _varint(head, 1)
    return (size == 0 and at == len(head)) or (size > 0 and at < len(head) and head[at] in _WITHIN)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Give a number and where what is behind it begins; -1 and a place behind the end where there is none."""
    size = 0
    for shift in range(_MOST_VARINT):
        if at >= len(raw):
            break
        size |= (raw[at] & 0x7F) << (7 * shift)
        at += 1
        if raw[at - 1] < 0x80:
            return size, at
    return -1, len(raw) + 1
