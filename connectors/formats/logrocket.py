"""LogRocket exports: rows of the streaming export's events table, and lines of the session data export.

The table has an `event_type` (`exception`, `networkResponse`, `navigation`, ...) and a group of columns for each; which
columns there are has changed between its versions, so those of a group are found by how their names end. The session
export has `eventType`, `timestamp` in ms and objects (`metadata`, `user`, `network`, `error`). Neither holds a
recording that can be played; highlights of its assistant are prose. Source: docs.logrocket.com (LogRocket Events Table
Schema, Data Export).
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec

from connectors.formats.nested import dig
from connectors.formats.rum_tables import RumTables
from connectors.formats.values import as_int, as_micros, as_number, as_text, shown
from connectors.formats.web_vitals import device_of

TABLE_MARKS = frozenset({"event_type", "session_time"})
LINE_MARKS = frozenset({"eventType", "timestamp", "sessionId"})


class _Said(NamedTuple):
    """What both forms say of an event."""

    kind: str
    at: int
    session: str | None
    user: str | None
    release: str | None
    region: str | None
    device: str | None
    browser: str | None
    url: str | None
    type: str | None = None
    message: str | None = None
    stack: str | None = None
    method: str | None = None
    called: str | None = None
    status: int | None = None
    lasted: float | None = None


def is_logrocket(keys: Any) -> bool:
    """Say whether a line is of one of the exports.

    Examples
    --------
    >>> is_logrocket({"event_type", "session_time", "app_id"}), is_logrocket({"eventType", "timestamp"})
    (True, False)
    """
    return set(keys) >= TABLE_MARKS or set(keys) >= LINE_MARKS


def read_event(event: dict[str, Any], place: str, out: RumTables) -> None:
    """Read one event of either export into `out`.

    Examples
    --------
    >>> out = RumTables()
    >>> line = {"eventType": "error", "timestamp": 1741530000500, "sessionId": "s1", "metadata": {"release": "a1"},
    ...         "error": {"message": "x is undefined", "stack": "TypeError: x is undefined\\n    at f (a.js:1:2)"}}
    >>> read_event(line, "a.jsonl:1", out)
    >>> row = {"event_type": "navigation", "session_time": "2026-03-09T14:00:00Z", "session_id": "s1", "tab_id": 0,
    ...        "seq_id": 4, "navigation_href": "https://shop.example/cart"}
    >>> read_event(row, "b.jsonl:1", out)
    >>> out.events.frame().select("message", "release").rows(), out.page_views.frame()["page_url"].to_list()
    ([('x is undefined', 'a1')], ['https://shop.example/cart'])
    """
    said = _of_row(event) if set(event) >= TABLE_MARKS else _of_line(event)
    if said is None:
        when = event.get("session_time", event.get("timestamp"))
        return out.events.refuse(place, f"the event happened at {shown(when)}, not a time")
    if said.kind == "error":
        return _add_error(said, out)
    if said.kind == "call" and said.called:
        method = (said.method or "GET").upper()
        out.requests.add(
            (None, said.session, said.at, method, said.called, None, said.status, said.lasted, None, "beacon")
        )
        return None
    if said.kind == "page" and said.url:
        view = f"{said.session}-{as_text(event.get('tab_id')) or '0'}-{as_text(event.get('seq_id')) or said.at}"
        visit = (said.url, None, said.release, None, said.device, said.region, said.browser)
        return out.page_views.add((view, said.session, said.at, *visit, None, None, None, said.user))
    return out.events.skip("events that are no error, call or navigation")


def _of_row(event: dict[str, Any]) -> _Said | None:
    at = as_micros(event.get("session_time"), "guess")
    if at is None:
        return None
    kind = {"exception": "error", "networkResponse": "call", "navigation": "page"}.get(
        as_text(event["event_type"]) or ""
    )
    error, call = _group(event, "exception_"), _group(event, "network_response_")
    return _Said(
        kind or "other",
        at,
        as_text(event.get("session_id")),
        as_text(event.get("user_id")),
        as_text(event.get("release")) or as_text(event.get("session_release")),
        as_text(event.get("session_country")),
        device_of(event.get("session_device_type")),
        as_text(event.get("session_browser")),
        as_text(event.get("navigation_href")) or _ending(event, "href"),
        _ending(error, "type", "name"),
        _ending(error, "message", "messages", "value"),
        _ending(error, "stack", "stacktrace", "stack_trace"),
        _ending(call, "method"),
        _ending(call, "url", "href"),
        as_int(_ending(call, "status", "status_code")) or None,
        as_number(_ending(call, "duration", "duration_ms")),
    )


def _of_line(event: dict[str, Any]) -> _Said | None:
    at = as_micros(event.get("timestamp"), "ms")
    if at is None:
        return None
    error, call = event.get("error"), event.get("network")
    kind = "error" if isinstance(error, dict) and error else "call" if isinstance(call, dict) and call else "other"
    stack, level = as_text(dig(error, "stack")), dig(event, "console", "level")
    if kind == "other" and level == "error":
        kind, error = "error", event["console"]
    head = (stack or "").partition("\n")[0]
    return _Said(
        kind,
        at,
        as_text(event.get("sessionId")),
        as_text(dig(event, "user", "userId")),
        as_text(dig(event, "metadata", "release")),
        as_text(dig(event, "metadata", "region")) or as_text(dig(event, "metadata", "country")),
        device_of(dig(event, "metadata", "deviceType")),
        as_text(dig(event, "metadata", "browser")),
        None,
        head.partition(":")[0] if ":" in head and " " not in head.partition(":")[0] else None,
        as_text(dig(error, "message")),
        stack,
        as_text(dig(call, "method")),
        as_text(dig(call, "url")),
        as_int(dig(call, "statusCode")) or None,
        as_number(dig(call, "duration")),
    )


def _add_error(said: _Said, out: RumTables) -> None:
    told = (said.session, said.at, said.type, said.message, said.stack)
    event_id = hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:32]
    out.events.add(
        (
            event_id, said.at, None, "logrocket", None, None, None, said.release, None, "error", said.type,
            said.message, None, None, said.stack, said.url, None, said.session, None, None, None, None, said.user,
            None, said.browser, None, None, said.device, said.region, [], None, None,
        )
    )  # fmt: skip


def _group(event: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name.startswith(prefix)}


def _ending(group: dict[str, Any], *ends: str) -> str | None:
    """Give the first value whose name ends in one of these words, in their order; of a list its first element."""
    for end in ends:
        for name, value in group.items():
            if name == end or name.endswith(f"_{end}"):
                text = as_text(value[0] if isinstance(value, list) and value else value)
                if text is not None:
                    return text
    return None
