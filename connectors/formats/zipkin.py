"""Zipkin's second format: lists of spans, times in microseconds, tags as text.

A span id may belong to two rows, the client's and the server's of one call (`shared`): both are kept, told apart by
kind and service. Source: zipkin.io/zipkin-api (zipkin2-api.yaml).
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.formats.attributes import SESSION, URL, first_text, http_attributes
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, EARLIEST_US, LATEST_US, as_hex_id, as_text, duration_of, shown


class _Endpoint(msgspec.Struct):
    serviceName: str | None = None


class _Annotation(msgspec.Struct):
    timestamp: int | None = None
    value: str | None = None


class _Span(msgspec.Struct):
    traceId: str
    id: str
    parentId: str | None = None
    name: str | None = None
    kind: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    localEndpoint: _Endpoint | None = None
    annotations: list[_Annotation] | None = None
    tags: dict[str, Any] | None = None
    shared: bool | None = None


_span = msgspec.json.Decoder(_Span)


def read_trace(spans: list[msgspec.Raw], place: str, rows: Rows) -> None:
    """Read the spans of one trace into `rows`; a broken one is refused there, the others are read.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> said = (b'[{"traceId":"5982fe77008310cc80f1da5e10147517","id":"bd7a977555f6b982","kind":"SERVER","name":"get",'
    ...         b'"timestamp":1741530000000000,"duration":2000,"localEndpoint":{"serviceName":"pricing"},'
    ...         b'"tags":{"error":"no such column","http.status_code":"500"}}]')
    >>> read_trace(msgspec.json.decode(said, type=list[msgspec.Raw]), "trace 1", rows)
    >>> rows.frame().select("service", "kind", "status", "status_message", "http_status").rows()
    [('pricing', 'server', 'error', 'no such column', 500)]
    """
    for number, raw in enumerate(spans, 1):
        try:
            span = _span.decode(raw)
        except BAD_JSON as error:
            rows.refuse(f"{place} span {number}", f"the span cannot be read ({error})")
            continue
        _add(span, f"{place} span {number}", rows)


def trace_id_of(spans: list[msgspec.Raw]) -> str | None:
    """Give the trace id of a list of spans.

    Examples
    --------
    >>> trace_id_of([msgspec.Raw(b'{"traceId":"a1","id":"b2"}')])
    '000000000000000000000000000000a1'
    """
    try:
        return _id(_span.decode(spans[0]).traceId, 32) if spans else None
    except BAD_JSON:
        return None


def _add(span: _Span, place: str, rows: Rows) -> None:
    trace_id, span_id = _id(span.traceId, 32), _id(span.id, 16)
    if trace_id is None or span_id is None:
        return rows.refuse(place, f"traceId {shown(span.traceId)}, id {shown(span.id)} are not ids of a span")
    started = _began(span)
    if started is None or not EARLIEST_US <= started <= LATEST_US:
        return rows.refuse(place, f"timestamp is {shown(started)}, not microseconds since 1970")
    tags = {name: as_text(value) for name, value in (span.tags or {}).items()}
    http = http_attributes(tags)
    failed = "error" in tags and tags["error"] != "false"
    rows.add(
        (
            trace_id, span_id, _id(span.parentId, 16), span.localEndpoint.serviceName if span.localEndpoint else None,
            span.name or None, (span.kind or "internal").lower(),
            "browser" if tags.get("telemetry.sdk.language") == "webjs" else "backend", started,
            duration_of(span.duration), "error" if failed else "unset",
            tags["error"] if failed and tags["error"] != "true" else None,
            http.method, http.route, http.status, http.db_statement or tags.get("sql.query"),
            msgspec.json.encode(tags).decode(),
            [{"at": note.timestamp, "name": note.value, "attributes": "{}"} for note in span.annotations or []],
            first_text(tags, URL) or tags.get("http.path"), first_text(tags, SESSION),
        )
    )  # fmt: skip
    return None


def _began(span: _Span) -> int | None:
    """Give when it began: a span that is incomplete or shared may leave that to its first annotation."""
    noted = [note.timestamp for note in span.annotations or [] if note.timestamp]
    return span.timestamp or min(noted, default=None)


def _id(value: str | None, digits: int) -> str | None:
    return as_hex_id(value.rjust(digits, "0"), digits) if value else None
