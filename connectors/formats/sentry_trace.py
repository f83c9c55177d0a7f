"""Spans as Sentry's REST interface tells them: rows of the table of spans, and the tree of one trace.

Sources: docs.sentry.io/api/explore (dataset `spans`) and "Retrieve a Trace". A row has the fields that were asked for;
a tree has fixed names, and the attributes that were asked for beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.formats.rows import Rows
from connectors.formats.sentry_span import add_span, side_of
from connectors.formats.values import BAD_JSON, as_text, shown

ATTRIBUTES = (
    "span.status", "span.status_code", "http.request.method", "http.route", "url.full", "db.query.text", "session.id",
)  # fmt: skip
FIELDS = (
    "id", "trace", "parent_span", "span.op", "span.description", "precise.start_ts", "precise.finish_ts", "project",
    "sdk.name", "timestamp", *ATTRIBUTES,
)  # fmt: skip
"""What a row is asked for; the interface allows twenty fields, and sorts only by one that is asked for."""
REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (\S+)")
_object = msgspec.json.Decoder(dict[str, Any])


def read_row(raw: bytes | msgspec.Raw, place: str, rows: Rows) -> None:
    """Read one row of the table of spans.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> row = {
    ...     "id": "00f067aa0ba902b7", "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "span.op": "http.client",
    ...     "span.description": "GET /api/cart/7", "precise.start_ts": 1741530000.1, "precise.finish_ts": 1741530000.35,
    ...     "span.status": "ok", "span.status_code": "200", "project": "shop", "sdk.name": "sentry.javascript.react",
    ... }
    >>> read_row(msgspec.json.encode(row), "page 1 span 1", rows)
    >>> rows.frame().select("kind", "side", "duration_us", "http_method", "http_status", "service").rows()
    [('client', 'browser', 250000, 'GET', 200, 'shop')]
    """
    try:
        row = _object.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the span cannot be read ({error})")
    return _add(
        rows,
        place,
        (row.get("trace"), row.get("id"), row.get("parent_span")),
        (row.get("precise.start_ts"), row.get("precise.finish_ts")),
        (row.get("span.description"), row.get("span.op")),
        (row.get("project"), row.get("sdk.name")),
        row,
    )


def read_tree(raw: bytes | msgspec.Raw, trace_id: str, place: str, rows: Rows) -> None:
    """Read a top-level span of a trace with all below it; errors and checks among them are left out.

    Examples
    --------
    >>> from connectors.formats.attributes import span_rows
    >>> rows = span_rows()
    >>> child = {
    ...     "event_type": "span", "event_id": "b7ad6b7169203331", "parent_span_id": "00f067aa0ba902b7", "op": "db",
    ...     "description": "SELECT 1", "start_timestamp": "2026-03-09T15:20:00Z", "children": [],
    ... }
    >>> root = {**child, "event_id": "00f067aa0ba902b7", "parent_span_id": None, "op": "http.server"}
    >>> root["children"] = [child]
    >>> read_tree(msgspec.json.encode(root), "4bf92f3577b34da6a3ce929d0e0e4736", "trace 4bf9 span 1", rows)
    >>> rows.frame().select("span_id", "kind", "db_statement").rows()
    [('00f067aa0ba902b7', 'server', None), ('b7ad6b7169203331', 'internal', 'SELECT 1')]
    """
    try:
        waiting: list[Any] = [_object.decode(raw)]
    except BAD_JSON as error:
        return rows.refuse(place, f"the span cannot be read ({error})")
    number = 0
    while waiting:
        span = waiting.pop()
        number += 1
        where = place if number == 1 else f"{place}.{number}"
        if not isinstance(span, dict):
            rows.refuse(where, f"{shown(span)} is not a span")
            continue
        below = span.get("children")
        waiting += reversed(below) if isinstance(below, list) else ()
        if span.get("event_type", "span") != "span":
            rows.skip(f"{span['event_type']} entries")
            continue
        more = span.get("additional_attributes")
        _add(
            rows,
            where,
            (trace_id, span.get("event_id"), span.get("parent_span_id")),
            (span.get("start_timestamp"), span.get("end_timestamp")),
            (span.get("description"), span.get("op")),
            (span.get("project_slug"), span.get("sdk_name")),
            more if isinstance(more, dict) else {},
        )
    return None


def _add(
    rows: Rows,
    place: str,
    ids: tuple[Any, Any, Any],
    times: tuple[Any, Any],
    what: tuple[Any, Any],
    whose: tuple[Any, Any],
    said: Mapping[str, Any],
) -> None:
    name, op = as_text(what[0]), as_text(what[1])
    project, sdk = as_text(whose[0]), as_text(whose[1]) or ""
    named = {key: said[key] for key in ATTRIBUTES if key.partition(".")[0] != "span" and said.get(key) is not None}
    attributes = {**named, "service.name": project, "http.response.status_code": said.get("span.status_code")}
    if op and op.startswith("http") and (request := REQUEST.fullmatch(name or "")):
        attributes = {"http.request.method": request[1], "url.full": request[2], **attributes}
    if op and op.startswith("db"):
        attributes = {"db.query.text": name, **attributes}
    add_span(
        rows,
        place,
        ids=ids,
        name=name,
        op=op,
        side=side_of(None, sdk),
        times=times,
        status=said.get("span.status"),
        attributes={key: value for key, value in attributes.items() if value is not None},
    )
