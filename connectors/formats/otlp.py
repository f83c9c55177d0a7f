"""OTLP/JSON: `ExportTraceServiceRequest` messages as spans.

Hex ids in any case, int64 as text or number, enums as integers or names, keys that are not known ignored. Who encodes
the messages by the plain rules of Protobuf's JSON instead (Tempo) writes ids as base64: `ids` says how to read them.
Source of the form: opentelemetry.io/docs/specs/otlp (JSON Protobuf encoding).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from connectors.formats.attributes import SESSION, URL, first_text, http_attributes
from connectors.formats.nested import dig, list_at
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, EARLIEST_US, LATEST_US, as_hex_id, as_int, as_text, shown

KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
# What the resource says about itself on every span and no investigation asks for.
LEFT_OUT = ("telemetry.sdk.", "service.name")
Ids = Callable[[Any, int], str | None]
BROWSER_LANGUAGES = frozenset({"webjs"})


class KeyValue(msgspec.Struct):
    """One attribute; its value is an `AnyValue`."""

    key: str
    value: dict[str, Any] | None = None


class SpanEvent(msgspec.Struct):
    """Something that happened within a span."""

    timeUnixNano: str | int | None = None
    name: Any = None
    attributes: list[KeyValue] | None = None


class Status(msgspec.Struct):
    """How a span ended."""

    code: int | str | None = None
    message: Any = None


class Span(msgspec.Struct):
    """One span as it stands on the wire."""

    traceId: Any = None
    spanId: Any = None
    parentSpanId: Any = None
    name: Any = None
    kind: int | str | None = None
    startTimeUnixNano: str | int | None = None
    endTimeUnixNano: str | int | None = None
    attributes: list[KeyValue] | None = None
    events: list[SpanEvent] | None = None
    status: Status | None = None


class _Scope(msgspec.Struct):
    spans: list[msgspec.Raw] | None = None


class _Resource(msgspec.Struct):
    attributes: list[KeyValue] | None = None


class _ResourceSpans(msgspec.Struct):
    resource: _Resource | None = None
    scopeSpans: list[_Scope] | None = None
    instrumentationLibrarySpans: list[_Scope] | None = None  # the name before OTLP 0.16


class _Request(msgspec.Struct):
    resourceSpans: list[msgspec.Raw]


_request = msgspec.json.Decoder(_Request)
_resource_spans = msgspec.json.Decoder(_ResourceSpans)
_span = msgspec.json.Decoder(Span)


def read_request(raw: bytes | msgspec.Raw, place: str, rows: Rows, *, ids: Ids = as_hex_id) -> None:
    """Read one `ExportTraceServiceRequest` into `rows`; a broken span is refused there, the others are read.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> read_request(
    ...     b'{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pricing"}}]},'
    ...     b'"scopeSpans":[{"spans":[{"traceId":"4BF92F3577B34DA6A3CE929D0E0E4736","spanId":"00f067aa0ba902b7",'
    ...     b'"name":"SELECT","kind":3,"startTimeUnixNano":'
    ...     b'"1741530000000001000","endTimeUnixNano":"1741530000002001000","attributes":[{"key":'
    ...     b'"db.query.text","value":{"stringValue":"SELECT promo_pct"}}],'
    ...     b'"status":{"code":2,"message":"no such column"}}]}]}]}',
    ...     "traces.ndjson:1",
    ...     rows,
    ... )
    >>> rows.frame().select("service", "kind", "side", "duration_us", "status", "status_message").rows()
    [('pricing', 'client', 'backend', 2000, 'error', 'no such column')]
    """
    try:
        request = _request.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"not a request of OTLP/JSON ({error})")
    number = 0
    for part, raw_group in enumerate(request.resourceSpans, 1):
        try:
            group = _resource_spans.decode(raw_group)
        except BAD_JSON as error:
            rows.refuse(place, f"resourceSpans {part} cannot be read ({error})")
            continue
        resource = attributes_of(group.resource.attributes if group.resource else None)
        for scope in group.scopeSpans or group.instrumentationLibrarySpans or []:
            for raw_span in scope.spans or []:
                number += 1
                try:
                    span = _span.decode(raw_span)
                except BAD_JSON as error:
                    rows.refuse(f"{place} span {number}", f"the span cannot be read ({error})")
                    continue
                add_span(span, resource, f"{place} span {number}", rows, ids)
    return None


def add_span(span: Span, resource: Mapping[str, Any], place: str, rows: Rows, ids: Ids = as_hex_id) -> None:
    """Add one span with its resource's attributes to `rows`, or refuse it there.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> add_span(Span("4b" * 16, "00f067aa0ba902b7", name="GET /cart"), {}, "span 1", rows)
    >>> rows.refused[0].reason
    'startTimeUnixNano is None, not a time'
    """
    trace_id, span_id = ids(span.traceId, 32), ids(span.spanId, 16)
    started, ended = _nanos(span.startTimeUnixNano), _nanos(span.endTimeUnixNano)
    if trace_id is None or span_id is None:
        return rows.refuse(place, f"traceId {shown(span.traceId)}, spanId {shown(span.spanId)} are not ids of a span")
    if started is None or not EARLIEST_US <= started // 1000 <= LATEST_US:
        return rows.refuse(place, f"startTimeUnixNano is {shown(span.startTimeUnixNano)}, not a time")
    own = attributes_of(span.attributes)
    http = http_attributes(own)
    attributes = {
        **{name: value for name, value in resource.items() if not name.startswith(LEFT_OUT)},
        **own,
    }
    status = _enum(span.status.code if span.status else None, STATUSES, "STATUS_CODE_")
    events = [
        {
            "at": None if (at := _nanos(event.timeUnixNano)) is None else at // 1000,
            "name": as_text(event.name),
            "attributes": msgspec.json.encode(attributes_of(event.attributes)).decode(),
        }
        for event in span.events or []
    ]
    rows.add(
        (
            trace_id,
            span_id,
            ids(span.parentSpanId, 16),
            as_text(resource.get("service.name")),
            as_text(span.name),
            _enum(span.kind, KINDS, "SPAN_KIND_"),
            "browser" if _from_browser(resource) else "backend",
            started // 1000,
            None if ended is None else max(ended - started, 0) // 1000,
            status,
            _message(span, status),
            http.method,
            http.route,
            http.status,
            http.db_statement,
            msgspec.json.encode(attributes).decode(),
            events,
            first_text(own, URL),
            first_text(own, SESSION) or first_text(resource, SESSION),
        )
    )
    return None


def _message(span: Span, status: str) -> str | None:
    """Give the status's own message, or for a failed span what its exception event says."""
    message = as_text(span.status.message) if span.status else None
    if message is None and status == "error":
        for event in span.events or []:
            if event.name == "exception":
                return as_text(attributes_of(event.attributes).get("exception.message"))
    return message


def attributes_of(pairs: list[KeyValue] | None) -> dict[str, Any]:
    """Give attributes by name, their values unpacked.

    Examples
    --------
    >>> attributes_of([KeyValue("http.status_code", {"intValue": "200"})])
    {'http.status_code': 200}
    """
    return {pair.key: _value(pair.value) for pair in pairs or [] if pair.value}


def _value(any_value: Any) -> Any:
    """Unpack an `AnyValue`: `{"stringValue": "a"}`, `{"intValue": "7"}`, arrays and key-value lists of these."""
    if not isinstance(any_value, dict) or not any_value:
        return None
    kind, value = next(iter(any_value.items()))
    if kind == "intValue":
        return as_int(value)
    if kind == "arrayValue":
        return [_value(one) for one in list_at(value, "values")]
    if kind == "kvlistValue":
        pairs = [one for one in list_at(value, "values") if isinstance(dig(one, "key"), str)]
        return {one["key"]: _value(one.get("value")) for one in pairs}
    return value


def _nanos(value: str | int | None) -> int | None:
    return as_int(value) or None


def _enum(code: int | str | None, names: tuple[str, ...], prefix: str) -> str:
    if isinstance(code, str):
        name = code.removeprefix(prefix).lower()
        if name in names:
            return name
        code = as_int(code)
    return names[code] if isinstance(code, int) and 0 <= code < len(names) else names[0]


def _from_browser(resource: Mapping[str, Any]) -> bool:
    return as_text(resource.get("telemetry.sdk.language")) in BROWSER_LANGUAGES or any(
        name.startswith("browser.") for name in resource
    )
