"""Spans and logs as OpenTelemetry's ClickHouse exporter stores them, as rows of ours.

One JSON object a row: maps are objects, times are nanoseconds in `_ticks`, a span's events are three lists of equal
length. An exporter that is set to `json: true` has columns of objects within objects instead of maps; both are read.
Source of the form: exporter/clickhouseexporter of opentelemetry-collector-contrib (internal/sqltemplates).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.formats.attributes import SESSION, first_text
from connectors.formats.otlp import KeyValue, Span, SpanEvent, Status, add_span
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_hex_id, as_int, as_text
from connectors.tables import EVENTS

SPAN_COLUMNS = (
    "TraceId", "SpanId", "ParentSpanId", "SpanName", "SpanKind", "ServiceName", "ResourceAttributes", "SpanAttributes",
    "Duration", "StatusCode", "StatusMessage", "Events.Timestamp", "Events.Name", "Events.Attributes",
)  # fmt: skip
LOG_COLUMNS = (
    "TraceId", "SpanId", "SeverityText", "ServiceName", "Body", "ResourceAttributes", "LogAttributes",
)  # fmt: skip
ENVIRONMENT = ("deployment.environment.name", "deployment.environment", "environment")
PAGE = ("url.full", "location.href", "page.url", "http.url")
USER = ("enduser.id", "user.id", "userId")
AGENT = ("user_agent.original", "http.user_agent", "userAgent")


class _Span(msgspec.Struct, rename={
    "trace": "TraceId", "span": "SpanId", "parent": "ParentSpanId", "name": "SpanName", "kind": "SpanKind",
    "service": "ServiceName", "resource": "ResourceAttributes", "own": "SpanAttributes", "duration": "Duration",
    "status": "StatusCode", "message": "StatusMessage", "times": "Events.Timestamp", "names": "Events.Name",
    "about": "Events.Attributes", "ticks": "_ticks",
}):  # fmt: skip
    trace: str
    span: str
    ticks: int | str
    parent: str = ""
    name: str = ""
    kind: str = ""
    service: str = ""
    resource: dict[str, Any] = {}
    own: dict[str, Any] = {}
    duration: int | str = 0
    status: str = ""
    message: str = ""
    times: list[int | str] = []
    names: list[str] = []
    about: list[dict[str, Any]] = []


class _Log(msgspec.Struct, rename={
    "trace": "TraceId", "span": "SpanId", "severity": "SeverityText", "service": "ServiceName", "body": "Body",
    "resource": "ResourceAttributes", "own": "LogAttributes", "ticks": "_ticks",
}):  # fmt: skip
    ticks: int | str
    trace: str = ""
    span: str = ""
    severity: str = ""
    service: str = ""
    body: str = ""
    resource: dict[str, Any] = {}
    own: dict[str, Any] = {}


class _Ticked(msgspec.Struct, rename={"ticks": "_ticks"}):
    ticks: int | str


_ticked = msgspec.json.Decoder(_Ticked)
_spans = msgspec.json.Decoder(_Span)
_logs = msgspec.json.Decoder(_Log)


def read_span(raw: msgspec.Raw | bytes, place: str, rows: Rows) -> None:
    """Read one row of `otel_traces` into `rows`, or refuse it there: what an OTLP span of the same content gives.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> read_span(
    ...     b'{"TraceId":"4bf92f3577b34da6a3ce929d0e0e4736","SpanId":"00f067aa0ba902b7","SpanName":"SELECT","SpanKind":'
    ...     b'"Client","ServiceName":"pricing","SpanAttributes":{"db.statement":"SELECT 1"},"Duration":2000000,'
    ...     b'"StatusCode":"Error","StatusMessage":"no such column","_ticks":1741530000000001000}',
    ...     "row 1",
    ...     rows,
    ... )
    >>> rows.frame().select("service", "kind", "side", "duration_us", "status", "status_message").rows()
    [('pricing', 'client', 'backend', 2000, 'error', 'no such column')]
    """
    try:
        row = _spans.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the row cannot be read ({error})")
    started, took = as_int(row.ticks), as_int(row.duration)
    events = zip(row.times, row.names, row.about, strict=False)
    return add_span(
        Span(
            traceId=row.trace,
            spanId=row.span,
            parentSpanId=row.parent,
            name=row.name,
            kind=row.kind.upper().removeprefix("SPAN_KIND_").lower(),
            startTimeUnixNano=started,
            endTimeUnixNano=None if started is None or took is None else started + took,
            attributes=_pairs(row.own),
            events=[SpanEvent(time, name, _pairs(about)) for time, name, about in events],
            status=Status(row.status.upper().removeprefix("STATUS_CODE_").lower(), row.message or None),
        ),
        {"service.name": row.service, **flat(row.resource)},
        place,
        rows,
    )


def read_error_log(raw: msgspec.Raw | bytes, place: str, rows: Rows) -> None:
    """Read one row of `otel_logs` that tells an error into rows of events, or refuse it there.

    An exception's own attributes (`exception.type`, `.message`, `.stacktrace`) say what it is; without them the body is
    the message.

    Examples
    --------
    >>> rows = Rows(EVENTS)
    >>> read_error_log(
    ...     b'{"Body":"x is undefined","SeverityText":"error","ResourceAttributes":{"rum.sessionId":"s1",'
    ...     b'"service.version":"a1b2"},"LogAttributes":{"exception.type":"TypeError","exception.message":'
    ...     b'"x is undefined"},"_ticks":1741530000000001000}',
    ...     "row 1",
    ...     rows,
    ... )
    >>> rows.frame().select("type", "message", "session_id", "release").rows()
    [('TypeError', 'x is undefined', 's1', 'a1b2')]
    """
    try:
        row = _logs.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the row cannot be read ({error})")
    ticks = as_int(row.ticks)
    if ticks is None:
        return rows.refuse(place, "the row has no time")
    both = {**flat(row.resource), **flat(row.own)}
    event_id = identity(row.service, row.ticks, row.trace, row.span, row.body, first_text(both, SESSION))
    more = {"source": "otel_logs", "level": as_text(row.severity.lower()), "message": as_text(row.body)}
    return rows.add(event_row(event_id, ticks, row.service, (row.trace, row.span), both, more))


def event_row(
    event_id: str, ticks: int, service: str, ids: tuple[str, str], both: Mapping[str, Any], more: Mapping[str, Any]
) -> tuple[Any, ...]:
    """Give the row of events that a log or a span with these attributes tells.

    Parameters
    ----------
    ids
        Trace and span.
    both
        The attributes of the resource and its own, by their whole names.
    more
        What is known besides; its message counts where no attribute has one.

    Examples
    --------
    >>> said = {"exception.type": "TypeError"}
    >>> row = event_row("e1", 1741530000000001000, "shop", ("", ""), said, {"level": "error"})
    >>> [value for value in row if value is not None]
    ['e1', 1741530000000001, 'shop', 'error', 'TypeError']
    """
    known: dict[str, Any] = {
        **more,
        "event_id": event_id,
        "at": ticks // 1000,
        "project": as_text(service),
        "environment": first_text(both, ENVIRONMENT),
        "release": first_text(both, ("service.version", "release")),
        "type": first_text(both, ("exception.type", "error.type")),
        "message": first_text(both, ("exception.message", "error.message")) or more.get("message"),
        "stack": first_text(both, ("exception.stacktrace", "error.stack")),
        "page_url": first_text(both, PAGE),
        "session_id": first_text(both, SESSION),
        "trace_id": as_hex_id(ids[0], 32),
        "span_id": as_hex_id(ids[1], 16),
        "user_id": first_text(both, USER),
        "user_agent": first_text(both, AGENT),
    }
    return tuple(known.get(name) for name in EVENTS.schema)


def last_ticks(raw: msgspec.Raw | bytes) -> int:
    """Give the time of a row in its ticks: where the next page begins.

    Examples
    --------
    >>> last_ticks(b'{"_ticks":"1741530000000001000"}')
    1741530000000001000
    """
    return int(_ticked.decode(raw).ticks)


def identity(*parts: Any) -> str:
    """Make the id of a row that has none out of what it says, the same each time it is read.

    Examples
    --------
    >>> identity("shop", 1), len(identity(None))
    ('e705c0acbea3e1eed2c344bf10d62fbe', 32)
    """
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def flat(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Give attributes by their whole names: a column of JSON has an object where a name has a dot.

    Examples
    --------
    >>> flat({"http": {"route": "/cart", "request": {"method": "GET"}}, "rum.sessionId": "s1"})
    {'http.route': '/cart', 'http.request.method': 'GET', 'rum.sessionId': 's1'}
    """
    named: dict[str, Any] = {}
    waiting = list(attributes.items())[::-1]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{name}.{key}", inner) for key, inner in reversed(value.items())]
        else:
            named[name] = value
    return named


def _pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(name, {"stringValue": value}) for name, value in flat(attributes).items()]
