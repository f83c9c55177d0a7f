"""Sentry's span forms: streamed `span` items (version 2), single ones (version 1), transactions; all as rows of spans.

A page's spans stand on the browser side; a server SDK's on the backend side. HTTP and SQL attributes are read under
their old and their new OpenTelemetry names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.formats.attributes import SESSION, URL, first_text, http_attributes
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_hex_id, as_micros, as_text, shown

CLIENT_OPS = ("http.client", "resource.xhr", "resource.fetch")
SERVER_OPS = ("http.server",)
# Sentry's span statuses (canonical gRPC codes in snake case); whatever is not named here is an error.
FINE, UNSAID = frozenset({"ok"}), frozenset({None, "", "unset", "undefined"})
BROWSER_PLATFORMS = frozenset({"javascript", "browser"})
# `sentry.javascript.<runtime>`: everything else of that family runs in pages
SERVER_RUNTIMES = frozenset({
    "node", "bun", "deno", "nestjs", "cloudflare", "vercel-edge", "aws-serverless", "google-cloud-serverless",
})  # fmt: skip


class _Span(msgspec.Struct):
    span_id: Any = None
    trace_id: Any = None
    parent_span_id: Any = None
    name: Any = None
    start_timestamp: float | str | None = None
    end_timestamp: float | str | None = None
    status: Any = None
    attributes: dict[str, Any] | None = None


class _ChildSpan(msgspec.Struct):
    span_id: Any = None
    trace_id: Any = None
    parent_span_id: Any = None
    description: Any = None
    op: Any = None
    origin: Any = None
    start_timestamp: float | str | None = None
    timestamp: float | str | None = None
    status: Any = None
    data: dict[str, Any] | None = None


class _RootContext(msgspec.Struct):
    span_id: Any = None
    trace_id: Any = None
    parent_span_id: Any = None
    op: Any = None
    status: Any = None
    data: dict[str, Any] | None = None


class _Contexts(msgspec.Struct):
    trace: _RootContext | None = None


class _Request(msgspec.Struct):
    url: Any = None


class _Transaction(msgspec.Struct):
    transaction: Any = None
    platform: Any = None
    start_timestamp: float | str | None = None
    timestamp: float | str | None = None
    contexts: _Contexts | None = None
    spans: list[msgspec.Raw] | None = None
    request: _Request | None = None
    tags: Any = None
    release: Any = None
    environment: Any = None


class _Container(msgspec.Struct):
    items: list[msgspec.Raw] | None = None


_container = msgspec.json.Decoder(_Container)
_span = msgspec.json.Decoder(_Span)
_transaction = msgspec.json.Decoder(_Transaction)
_child = msgspec.json.Decoder(_ChildSpan)


def read_span_item(payload: bytes, place: str, rows: Rows) -> None:
    """Read a `span` item, content type `application/vnd.sentry.items.span.v2+json`: `{"items": [span, ...]}`.

    Without that content type it is one span of the older form, as versions 8 to 10 of the SDK send it for INP and CLS.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> read_span_item(
    ...     b'{"version":2,"items":[{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","name":'
    ...     b'"GET /api/cart/7","start_timestamp":1741530000.1,"end_timestamp":1741530000.35,"status":"ok",'
    ...     b'"attributes":{"sentry.op":{"value":"http.client","type":"string"},'
    ...     b'"http.response.status_code":{"value":200,"type":"integer"}}}]}',
    ...     "1.envelope item 1",
    ...     rows,
    ... )
    >>> rows.frame().select("kind", "side", "duration_us", "status", "http_status").rows()
    [('client', 'browser', 250000, 'ok', 200)]
    """
    try:
        container = _container.decode(payload)
    except BAD_JSON as error:
        return rows.refuse(place, f"the spans cannot be read ({error})")
    if container.items is None:
        return _add_child(payload, place, rows, _RootContext())
    for number, raw in enumerate(container.items, 1):
        try:
            span = _span.decode(raw)
        except BAD_JSON as error:
            rows.refuse(f"{place} span {number}", f"the span cannot be read ({error})")
            continue
        attributes = {key: _unboxed(value) for key, value in (span.attributes or {}).items()}
        attributes = {key: value for key, value in attributes.items() if value is not None}
        op = as_text(attributes.get("sentry.op"))
        sdk = as_text(attributes.get("sentry.sdk.name")) or ""
        add_span(
            rows,
            f"{place} span {number}",
            ids=(span.trace_id, span.span_id, span.parent_span_id),
            name=as_text(span.name),
            op=op,
            side=side_of(platform=None, sdk=sdk),
            times=(span.start_timestamp, span.end_timestamp),
            status=span.status,
            attributes=attributes,
        )
    return None


def read_transaction(payload: bytes, place: str, rows: Rows) -> None:
    """Read a `transaction` item: its root span (in the trace context) and the spans below.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> read_transaction(
    ...     b'{"type":"transaction","platform":"javascript","transaction":"/cart","start_timestamp":1741530000,'
    ...     b'"timestamp":1741530002,"contexts":{"trace":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",'
    ...     b'"span_id":"00f067aa0ba902b7","op":"pageload","status":"ok"}},"spans":[{"span_id":"b7ad6b7169203331",'
    ...     b'"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","parent_span_id":"00f067aa0ba902b7","op":"http.client",'
    ...     b'"description":"GET /api/cart/7","start_timestamp":1741530001,"timestamp":1741530001.2,'
    ...     b'"status":"internal_error","data":{"http.method":"GET","http.response.status_code":500}}]}',
    ...     "1.envelope item 1",
    ...     rows,
    ... )
    >>> rows.frame().select("name", "parent_span_id", "status", "http_status").rows()
    [('/cart', None, 'unset', None), ('GET /api/cart/7', '00f067aa0ba902b7', 'error', 500)]
    """
    try:
        whole = _transaction.decode(payload)
    except BAD_JSON as error:
        return rows.refuse(place, f"the transaction cannot be read ({error})")
    root = (whole.contexts.trace if whole.contexts else None) or _RootContext()
    side = side_of(platform=as_text(whole.platform), sdk="")
    attributes = dict(root.data or {})
    for key, value in (("url.full", whole.request and whole.request.url), ("sentry.release", whole.release)):
        if value and key not in attributes:
            attributes[key] = value
    add_span(
        rows,
        place,
        ids=(root.trace_id, root.span_id, root.parent_span_id),
        name=as_text(whole.transaction),
        op=as_text(root.op),
        side=side,
        times=(whole.start_timestamp, whole.timestamp),
        status=root.status,
        attributes=attributes,
    )
    for number, raw in enumerate(whole.spans or [], 1):
        _add_child(raw, f"{place} span {number}", rows, root, side)
    return None


def _add_child(raw: msgspec.Raw | bytes, place: str, rows: Rows, root: _RootContext, side: str | None = None) -> None:
    """Add a span of the older form: one below a transaction's root, or one that came alone."""
    try:
        span = _child.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the span cannot be read ({error})")
    attributes = span.data or {}
    return add_span(
        rows,
        place,
        ids=(span.trace_id or root.trace_id, span.span_id, span.parent_span_id),
        name=as_text(span.description) or as_text(span.op),
        op=as_text(span.op),
        side=side or side_of(platform=None, sdk=as_text(attributes.get("sentry.sdk.name")) or ""),
        times=(span.start_timestamp, span.timestamp),
        status=span.status,
        attributes=attributes,
    )


def add_span(
    rows: Rows,
    place: str,
    *,
    ids: tuple[Any, Any, Any],
    name: str | None,
    op: str | None,
    side: str,
    times: tuple[Any, Any],
    status: Any,
    attributes: Mapping[str, Any],
) -> None:
    """Add one span, however it was told.

    Parameters
    ----------
    ids
        Trace, span and parent span.
    times
        Start and end, in seconds or as text.
    """
    trace_id, span_id = as_hex_id(ids[0], 32), as_hex_id(ids[1], 16)
    started, ended = as_micros(times[0]), as_micros(times[1])
    if trace_id is None or span_id is None:
        return rows.refuse(place, f"trace_id {shown(ids[0])}, span_id {shown(ids[1])} are not ids of a span")
    if started is None:
        return rows.refuse(place, f"start_timestamp is {shown(times[0])}, not a time")
    status = status if isinstance(status, str) else None
    http = http_attributes(attributes)
    if op and "sentry.op" not in attributes:
        attributes = {"sentry.op": op, **attributes}
    rows.add(
        (
            trace_id,
            span_id,
            as_hex_id(ids[2], 16),
            as_text(attributes.get("service.name")) or side,
            name or op,
            "client" if op in CLIENT_OPS else "server" if op in SERVER_OPS else "internal",
            side,
            started,
            None if ended is None else max(ended - started, 0),
            _status(status, http.status),
            None if status in FINE or status in UNSAID else status,
            http.method,
            http.route,
            http.status,
            http.db_statement,
            msgspec.json.encode(attributes).decode(),
            None,
            first_text(attributes, URL),
            first_text(attributes, SESSION),
        )
    )
    return None


def _status(status: str | None, http_status: int | None) -> str:
    if status in UNSAID:
        return "error" if http_status is not None and http_status >= 400 else "unset"
    # Sentry writes "ok" by default: only an answer that was seen makes it more than nothing said.
    return "ok" if status in FINE and http_status is not None else "unset" if status in FINE else "error"


def side_of(platform: str | None, sdk: str) -> str:
    """Say on which side a span was made, by the event's platform or the SDK's name.

    Examples
    --------
    >>> side_of(None, "sentry.javascript.react"), side_of(None, "sentry.javascript.node"), side_of("python", "")
    ('browser', 'backend', 'backend')
    """
    if platform is not None:
        return "browser" if platform in BROWSER_PLATFORMS else "backend"
    _, family, runtime, *_ = [*sdk.split("."), "", "", ""]
    if family in ("", "javascript"):
        return "backend" if runtime in SERVER_RUNTIMES else "browser"
    return "backend"


def _unboxed(value: Any) -> Any:
    return value.get("value") if isinstance(value, dict) and "value" in value else value
