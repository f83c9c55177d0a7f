"""PostHog events as its query API answers them: `$exception`, `$web_vitals`, `$pageview`, and rows of `sessions`.

An event is a row of `COLUMNS`; its `properties` are JSON text. In `$exception_list` the exception shown comes first and
its causes after it; frames come oldest first, raw (`filename`, `lineno`, `colno`) or as the server resolved them
(`source`, `line`, `column`, `mangled_name`). Sources: posthog.com/docs/error-tracking, /docs/api/queries, and
github.com/PostHog/posthog (`rust/cymbal`: "a list of frames, most recent call last").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.formats.nested import dig, list_at
from connectors.formats.rows import Rows
from connectors.formats.rum_tables import RumTables
from connectors.formats.values import BAD_JSON, as_hex_id, as_int, as_micros, as_number, as_text, shown
from connectors.formats.web_vitals import device_of, rating_of

COLUMNS = ("uuid", "timestamp", "distinct_id", "properties")
SESSION_COLUMNS = ("session_id", "distinct_id", "$start_timestamp", "$end_timestamp")
# what a session's page views say of who came: properties, in the order of `_visitor`, then the release
VISITOR = (
    "$raw_user_agent", "$browser", "$browser_version", "$os", "$device_type", "$geoip_country_code", "release",
    "environment",
)  # fmt: skip
METRICS = ("LCP", "INP", "CLS", "FCP", "TTFB")
RELEASES = ("release", "$release", "$app_version", "version")
REGIONS = ("region", "$geoip_country_code")
RECORDED = frozenset({"active", "sampled"})
# a property of the team's own has no dollar; these two are PostHog's all the same
NOT_TAGS = frozenset({"token", "distinct_id"})

_json = msgspec.json.Decoder()


def read_exception(row: list[Any], place: str, out: RumTables) -> None:
    """Read one `$exception` event into events and frames.

    Examples
    --------
    >>> out = RumTables()
    >>> said = {
    ...     "$exception_list": [{"type": "TypeError", "value": "x is undefined", "mechanism": {"handled": False},
    ...         "stacktrace": {"type": "raw", "frames": [{"function": "main", "filename": "a.js", "lineno": 1, "colno": 7},
    ...                                                  {"function": "pay", "filename": "a.js", "lineno": 1, "colno": 99}]}}],
    ...     "$exception_issue_id": "i7",
    ... }
    >>> row = ["019295b1-519f-71a6-aacf-c97b5db73696", "2026-03-09T14:00:00.5Z", "u1", msgspec.json.encode(said).decode()]
    >>> read_exception(row, "page 1 row 1", out)
    >>> out.events.frame().select("type", "handled", "vendor_issue_id").rows()
    [('TypeError', False, 'i7')]
    >>> out.frames.frame().select("frame_index", "function", "column").rows()
    [(0, 'pay', 99), (1, 'main', 7)]
    """  # noqa: E501
    read = _row(row, place, out.events)
    if read is None:
        return
    event_id, at, user, said = read
    thrown = [one for one in list_at(said, "$exception_list") if isinstance(one, dict)]
    for index, exception in enumerate(thrown):
        for number, frame in enumerate(reversed(list_at(exception, "stacktrace", "frames"))):
            if isinstance(frame, dict):
                out.frames.add((event_id, index, number, *_frame(frame)))
    first = thrown[0] if thrown else {}
    handled = dig(first, "mechanism", "handled")
    if not isinstance(handled, bool):
        handled = said.get("$exception_handled")
    session = as_text(said.get("$session_id"))
    out.events.add(
        (
            event_id,
            at,
            as_micros(said.get("$sent_at")),
            "posthog",
            as_text(said.get("$exception_issue_id")) or as_text(said.get("$exception_fingerprint")),
            as_text(said.get("$host")),
            as_text(said.get("environment")),
            _first(said, RELEASES),
            None,
            as_text(said.get("$exception_level")) or "error",
            as_text(first.get("type")) or as_text(said.get("$exception_type")),
            as_text(first.get("value")) or as_text(said.get("$exception_message")),
            handled if isinstance(handled, bool) else None,
            as_text(dig(first, "mechanism", "type")),
            None,
            as_text(said.get("$current_url")),
            as_text(said.get("route")),
            session,
            as_text(said.get("$pageview_id")),
            session if as_text(said.get("$recording_status")) in RECORDED else None,
            as_hex_id(said.get("trace_id"), 32),
            as_hex_id(said.get("span_id"), 16),
            user,
            *_visitor(said),
            _tags(said),
            None,
            None,
        )
    )


def read_web_vitals(row: list[Any], place: str, out: RumTables) -> None:
    """Read one `$web_vitals` event, which may hold several metrics, into vitals.

    Examples
    --------
    >>> out = RumTables()
    >>> said = '{"$web_vitals_LCP_value": 2612.5, "$web_vitals_LCP_event": {"id": "v4", "rating": "needs-improvement"}}'
    >>> read_web_vitals(["019295b1-519f-71a6-aacf-c97b5db73696", "2026-03-09T14:00:00Z", "u1", said], "row 1", out)
    >>> out.vitals.frame().select("metric", "value", "rating").rows()
    [('LCP', 2612.5, 'needs-improvement')]
    """
    read = _row(row, place, out.vitals)
    if read is None:
        return
    event_id, at, user, said = read
    agent, browser, _, _, device, region = _visitor(said)
    for metric in METRICS:
        about, given = said.get(f"$web_vitals_{metric}_event"), said.get(f"$web_vitals_{metric}_value")
        value = as_number(given)
        if value is None or value < 0:
            if given is not None:
                out.vitals.refuse(place, f"{metric}: value is {shown(given)}, not a number from 0")
            continue
        attribution = dig(about, "attribution")
        out.vitals.add(
            (
                at,
                as_text(said.get("$pageview_id")) or as_text(dig(about, "id")) or event_id,
                as_text(said.get("$session_id")),
                metric,
                value,
                as_text(dig(about, "rating")) or rating_of(metric, value),
                as_text(dig(about, "navigationType")),
                as_text(dig(about, "$current_url")) or as_text(said.get("$current_url")),
                as_text(said.get("route")),
                _first(said, RELEASES),
                as_text(said.get("environment")),
                device,
                region,
                browser,
                as_text(said.get("$network_effective_type")),
                msgspec.json.encode(attribution).decode() if attribution else None,
                as_hex_id(said.get("trace_id"), 32),
                None,
                agent,
                user,
            )
        )


def read_page_view(row: list[Any], place: str, out: RumTables) -> None:
    """Read one `$pageview` event into page views.

    Examples
    --------
    >>> out = RumTables()
    >>> said = '{"$pageview_id": "p1", "$current_url": "https://shop.example/cart", "$session_id": "s1"}'
    >>> read_page_view(["019295b1-519f-71a6-aacf-c97b5db73696", "2026-03-09T14:00:00Z", "u1", said], "row 1", out)
    >>> out.page_views.frame().select("page_view_id", "page_url").rows()
    [('p1', 'https://shop.example/cart')]
    """
    read = _row(row, place, out.page_views)
    if read is None:
        return
    event_id, at, user, said = read
    agent, browser, _, _, device, region = _visitor(said)
    out.page_views.add(
        (
            as_text(said.get("$pageview_id")) or event_id,
            as_text(said.get("$session_id")),
            at,
            as_text(said.get("$current_url")),
            as_text(said.get("route")),
            _first(said, RELEASES),
            as_text(said.get("environment")),
            device,
            region,
            browser,
            None,
            as_hex_id(said.get("trace_id"), 32),
            agent,
            user,
        )
    )


def read_session(row: Any, place: str, out: RumTables, visitor: Sequence[Any] = ()) -> None:
    """Read one row of `sessions` (`SESSION_COLUMNS`) into sessions, with who came (`VISITOR`) where that is known.

    Examples
    --------
    >>> out = RumTables()
    >>> row = ["s1", "u1", "2026-03-09T14:00:00Z", "2026-03-09T14:09:00Z"]
    >>> read_session(row, "row 1", out, [None, "Chrome", 129, "Linux", "Desktop", "PT", "a1", None])
    >>> out.sessions.frame().select("session_id", "user_id", "browser", "device_class", "release").rows()
    [('s1', 'u1', 'Chrome', 'desktop', 'a1')]
    """
    session, user, started, ended = (*row, *SESSION_COLUMNS)[:4] if isinstance(row, list) else (None,) * 4
    at = as_micros(started)
    if as_text(session) is None or at is None:
        return out.sessions.refuse(place, f"session {shown(session)} began at {shown(started)}: no id, or no time")
    said = dict(zip(VISITOR, visitor, strict=False))
    agent, browser, version, os, device, region = _visitor(said)
    about = (_first(said, RELEASES), as_text(said.get("environment")), browser, version, os, device, region, agent)
    out.sessions.add((as_text(session), at, as_micros(ended), as_text(user), *about, None, None, None))
    return None


def _row(row: Any, place: str, rows: Rows) -> tuple[str, int, str | None, dict[str, Any]] | None:
    if not isinstance(row, list) or len(row) < len(COLUMNS):
        rows.refuse(place, f"{shown(row)} is not a row of {', '.join(COLUMNS)}")
        return None
    uuid, timestamp, user, properties = row[: len(COLUMNS)]
    at, event_id = as_micros(timestamp), as_hex_id(uuid, 32)
    if at is None or event_id is None:
        rows.refuse(place, f"uuid {shown(uuid)} at {shown(timestamp)}: not a UUID, or not a time")
        return None
    try:
        said = _json.decode(properties) if isinstance(properties, str) else properties
    except BAD_JSON as error:
        rows.refuse(place, f"the properties cannot be read ({error})")
        return None
    if not isinstance(said, dict):
        rows.refuse(place, f"the properties are {shown(said)}, not an object")
        return None
    return event_id, at, as_text(user), said


def _frame(frame: dict[str, Any]) -> tuple[Any, ...]:
    """Give url, function, line, column, in_app, debug_id of a frame, raw or resolved."""
    resolved = frame.get("resolved") is True
    name = as_text(frame.get("resolved_name")) if resolved else None
    name = name or as_text(frame.get("mangled_name")) or as_text(frame.get("function"))
    in_app, chunk = frame.get("in_app"), as_text(frame.get("chunk_id"))
    return (
        as_text(frame.get("source")) or as_text(frame.get("filename")) or as_text(frame.get("abs_path")),
        None if name in ("?", "") else name,
        as_int(frame.get("line")) or as_int(frame.get("lineno")) or None,
        as_int(frame.get("column")) or as_int(frame.get("colno")) or None,
        in_app if isinstance(in_app, bool) else None,
        chunk.lower() if chunk else None,
    )


def _visitor(said: dict[str, Any]) -> tuple[str | None, ...]:
    """Give user_agent, browser, browser_version, os, device_class, region."""
    agent = as_text(said.get("$raw_user_agent"))
    return (
        agent,
        as_text(said.get("$browser")),
        as_text(said.get("$browser_version")),
        as_text(said.get("$os")),
        device_of(said.get("$device_type")),
        _first(said, REGIONS),
    )


def _tags(said: dict[str, Any]) -> list[dict[str, str]]:
    own = ((key, as_text(value)) for key, value in said.items() if not key.startswith("$") and key not in NOT_TAGS)
    return [{"key": key, "value": value} for key, value in own if value is not None]


def _first(said: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := as_text(said.get(name))) is not None), None)
