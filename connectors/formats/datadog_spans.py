"""Spans as Datadog's search answers them: ids in decimal, durations in nanoseconds, parent "0" is a root.

Source: the API reference (Search spans) and the answers recorded with github.com/DataDog/datadog-api-client-python.
What the tracer set beyond the reserved fields stands in `custom`, as nested objects (`http.status_code` is
`custom.http.status_code`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.formats.datadog_ids import span_id_of, trace_id_of
from connectors.formats.nested import dig, object_at
from connectors.formats.rows import Rows
from connectors.formats.values import as_int, as_micros, as_text, shown

# the kind that the tracer's type of a span means, where it names no `span.kind`
KINDS = {
    "web": "server", "http": "client", "sql": "client", "db": "client", "cache": "client", "mongodb": "client",
    "redis": "client", "elasticsearch": "client", "queue": "consumer", "worker": "internal",
}  # fmt: skip


def read_span(document: Any, place: str, rows: Rows) -> None:
    """Read one span of a search's answer into `rows`; one that has no id or no time is refused there.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> said = {
    ...     "trace_id": "1376633447483012831", "span_id": "12174885344805365765", "parent_id": "0", "service": "shop",
    ...     "resource_name": "GET /", "type": "web", "start_timestamp": "2023-06-29T10:37:09.217Z",
    ...     "custom": {"duration": 4218725, "http": {"method": "GET", "route": "/", "status_code": "200"}},
    ... }
    >>> read_span({"id": "AYk", "type": "spans", "attributes": said}, "page 1 span 1", rows)
    >>> rows.frame().select("trace_id", "parent_span_id", "kind", "duration_us", "http_status").rows()
    [('0000000000000000131ac8d3a72576df', None, 'server', 4218, 200)]
    """
    said = object_at(document, "attributes")
    trace_id, span_id = trace_id_of(dig(said, "trace_id")), span_id_of(dig(said, "span_id"))
    if trace_id is None or span_id is None:
        return rows.refuse(
            place, f"trace_id {shown(dig(said, 'trace_id'))}, span_id {shown(dig(said, 'span_id'))} are no decimal ids"
        )
    started, ended = as_micros(said.get("start_timestamp")), as_micros(said.get("end_timestamp"))
    if started is None:
        return rows.refuse(place, f"start_timestamp is {shown(said.get('start_timestamp'))}, not a time")
    custom = object_at(said, "custom")
    nanoseconds = as_int(custom.get("duration"))
    lasted = None if ended is None else max(ended - started, 0)
    failed = said.get("status") == "error" or any(map(object_at(custom, "error").get, ("message", "type")))
    method, kind = as_text(dig(custom, "http", "method")), as_text(said.get("type"))
    rows.add(
        (
            trace_id,
            span_id,
            span_id_of(said.get("parent_id")),
            as_text(said.get("service")),
            as_text(said.get("resource_name")) or as_text(said.get("operation_name")),
            as_text(dig(custom, "span", "kind")) or KINDS.get(kind or "", "internal"),
            "browser" if kind == "browser" else "backend",
            started,
            nanoseconds // 1000 if nanoseconds is not None and nanoseconds >= 0 else lasted,
            "error" if failed else "ok" if said.get("status") == "ok" else "unset",
            as_text(dig(custom, "error", "message")) or (as_text(dig(custom, "error", "type")) if failed else None),
            method.upper() if method else None,
            as_text(dig(custom, "http", "route")),
            as_int(dig(custom, "http", "status_code")) or None,
            as_text(dig(custom, "db", "statement")) or as_text(dig(custom, "sql", "query")),
            msgspec.json.encode(custom).decode(),
            [],
            as_text(dig(custom, "http", "url")),
            as_text(dig(custom, "session", "id")) or as_text(dig(custom, "usr", "session_id")),
        )
    )
    return None
