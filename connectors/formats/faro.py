"""Grafana Faro payloads: `{meta, exceptions, measurements, events, logs, traces}`, as its SDK sends them.

Frames come newest first. A measurement of type `web-vitals` holds one metric under its lower-case name, beside what
attributes it. Sources: github.com/grafana/faro (spec), github.com/grafana/faro-web-sdk (web-vitals, navigation events),
and `internal/component/faro/receiver` of github.com/grafana/alloy.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec

from connectors.formats.nested import dig, list_at, object_at
from connectors.formats.otlp import read_request
from connectors.formats.rum_tables import RumTables
from connectors.formats.values import BAD_JSON, as_hex_id, as_int, as_micros, as_number, as_text, shown
from connectors.formats.web_vitals import METRICS, rating_of

WEB_VITALS = "web-vitals"
NAVIGATION = "faro.performance.navigation"
CALLS = frozenset({"faro.tracing.fetch", "faro.tracing.xml-http-request"})
# `session_resume` and `session_extend` go on with a session that began before
SESSION_START = "session_start"
UNKNOWN = "unknown"
# attributes whose names are not those of web-vitals in snake case; those of a script stand in its entry there
RENAMED = {"element": "target", "resource_url": "url", "first_byte_to_fcp": "firstByteToFCP", "source_url": "sourceURL"}
SCRIPT = "longest_script_"
# of a metric's context what has a column of its own
SAID_ELSEWHERE = frozenset({"id", "rating", "navigation_type", "navigation_entry_id"})

_json = msgspec.json.Decoder()


class _Meta(NamedTuple):
    """What a payload says for everything in it."""

    app: str | None
    release: str | None
    environment: str | None
    user_id: str | None
    session_id: str | None
    page_url: str | None
    route: str | None
    browser: str | None
    browser_version: str | None
    os: str | None
    device: str | None
    region: str | None
    user_agent: str | None


def read_payload(raw: bytes, place: str, out: RumTables) -> None:
    """Read one payload into `out`; what cannot be read of it is refused there, the rest is kept.

    Examples
    --------
    >>> out = RumTables()
    >>> read_payload(
    ...     b'{"meta":{"app":{"name":"shop","release":"a1"},"session":{"id":"s1"},"page":{"url":"https://shop.example/"}},'
    ...     b'"exceptions":[{"type":"TypeError","value":"x is undefined","timestamp":"2026-03-09T14:00:00.5Z",'
    ...     b'"stacktrace":{"frames":[{"function":"pay","filename":"a.js","lineno":1,"colno":99}]}}]}',
    ...     "1.json",
    ...     out,
    ... )
    >>> out.events.frame().select("type", "release", "session_id").rows()
    [('TypeError', 'a1', 's1')]
    >>> out.frames.frame().select("frame_index", "function", "column").rows()
    [(0, 'pay', 99)]
    """
    try:
        payload = _json.decode(raw)
    except BAD_JSON as error:
        return out.events.refuse(place, f"the payload is not JSON ({error})")
    for number, one in enumerate(payload if isinstance(payload, list) else [payload], 1):
        read_document(one, f"{place} payload {number}" if isinstance(payload, list) else place, out)
    return None


def read_document(payload: Any, place: str, out: RumTables) -> None:
    """Read a payload that is decoded already.

    Examples
    --------
    >>> out = RumTables()
    >>> said = {"type": "web-vitals", "values": {"lcp": 2612.5, "delta": 10}, "timestamp": "2026-03-09T14:00:00Z"}
    >>> read_document({"meta": {}, "measurements": [said]}, "1.json", out)
    >>> out.vitals.frame().select("metric", "value", "rating", "attribution").rows()
    [('LCP', 2612.5, 'needs-improvement', '{"delta":10}')]
    """
    if not isinstance(payload, dict):
        return out.events.refuse(place, f"{shown(payload)} is no payload")
    meta = _meta(payload.get("meta"))
    for kind, rows, add in (
        ("exceptions", out.events, _add_exception),
        ("measurements", out.vitals, _add_measurement),
        ("events", out.page_views, _add_event),
    ):
        for number, one in enumerate(list_at(payload, kind), 1):
            where = f"{place} {kind} {number}"
            at = as_micros(dig(one, "timestamp"))
            if at is None:
                rows.refuse(where, f"timestamp is {shown(dig(one, 'timestamp'))}, not a time")
            else:
                add(one, at, meta, where, out, bool(payload.get("traces")))
    if logs := payload.get("logs"):
        out.events.skip("logs", len(logs) if isinstance(logs, list) else 1)
    if isinstance(payload.get("traces"), dict) and "resourceSpans" in payload["traces"]:
        read_request(msgspec.json.encode(payload["traces"]), f"{place} traces", out.spans)
    return None


def _meta(meta: Any) -> _Meta:
    browser, agent = object_at(meta, "browser"), as_text(dig(meta, "browser", "userAgent"))
    mobile = dig(browser, "mobile")
    view = as_text(dig(meta, "view", "name"))
    return _Meta(
        as_text(dig(meta, "app", "name")),
        as_text(dig(meta, "app", "release")) or as_text(dig(meta, "app", "version")),
        as_text(dig(meta, "app", "environment")),
        as_text(dig(meta, "user", "id")) or as_text(dig(meta, "user", "username")),
        as_text(dig(meta, "session", "id")),
        as_text(dig(meta, "page", "url")),
        view if view and view.startswith("/") else None,
        as_text(dig(browser, "name")),
        as_text(dig(browser, "version")),
        as_text(dig(browser, "os")),
        # the agent tells tablets apart, this flag does not
        None if agent or not isinstance(mobile, bool) else "mobile" if mobile else "desktop",
        as_text(dig(meta, "session", "attributes", "region")),
        agent,
    )


def _add_exception(one: Any, at: int, meta: _Meta, place: str, out: RumTables, traced: bool) -> None:
    kind, value = as_text(dig(one, "type")), as_text(dig(one, "value"))
    frames = [frame for frame in list_at(one, "stacktrace", "frames") if isinstance(frame, dict)]
    lines = [tuple(as_text(frame.get(key)) for key in ("function", "filename", "lineno", "colno")) for frame in frames]
    event_id = _digest(meta.session_id, at, kind, value, lines)
    for number, frame in enumerate(frames):
        name, in_app = as_text(frame.get("function")), frame.get("in_app")
        out.frames.add(
            (
                event_id,
                0,
                number,
                as_text(frame.get("filename")),
                None if name in ("?", "<anonymous>") else name,
                as_int(frame.get("lineno")) or None,
                as_int(frame.get("colno")) or None,
                in_app if isinstance(in_app, bool) else None,
                None,
            )
        )
    pairs, fingerprint = object_at(one, "context").items(), as_text(dig(one, "fingerprint"))
    out.events.add(
        (
            event_id,
            at,
            None,
            "faro",
            as_text(dig(one, "hash")),
            meta.app,
            meta.environment,
            meta.release,
            None,
            "error",
            kind,
            value,
            None,
            None,
            None,
            meta.page_url,
            meta.route,
            meta.session_id,
            None,
            None,
            *_trace(one),
            meta.user_id,
            meta.user_agent,
            meta.browser,
            meta.browser_version,
            meta.os,
            meta.device,
            meta.region,
            [{"key": key, "value": text} for key, said in pairs if (text := as_text(said)) is not None],
            [fingerprint] if fingerprint else None,
            None,
        )
    )


def _add_measurement(one: Any, at: int, meta: _Meta, place: str, out: RumTables, traced: bool) -> None:
    if dig(one, "type") != WEB_VITALS:
        return out.vitals.skip(f"measurements of type {shown(dig(one, 'type'))}")
    values, context = object_at(one, "values"), object_at(one, "context")
    for name in METRICS:
        value = as_number(values.get(name.lower()))
        if value is None or value < 0:
            if name.lower() in values:
                out.vitals.refuse(place, f"{name}: value is {shown(values[name.lower()])}, not a number from 0")
            continue
        page = as_text(context.get("navigation_entry_id"))
        navigation = as_text(context.get("navigation_type"))
        about = {key: said for key, said in values.items() if key != name.lower()}
        about |= {key: said for key, said in context.items() if key not in SAID_ELSEWHERE}
        about = _attribution(about)
        out.vitals.add(
            (
                at,
                (page if page != UNKNOWN else None) or as_text(context.get("id")) or _digest(meta.session_id, at, name),
                meta.session_id,
                name,
                value,
                as_text(context.get("rating")) or rating_of(name, value),
                navigation,
                *_visit(meta),
                None,
                msgspec.json.encode(about).decode() if about else None,
                _trace(one)[0],
                None,
                meta.user_agent,
                meta.user_id,
            )
        )
    return None


def _attribution(about: dict[str, Any]) -> dict[str, Any]:
    """Give what attributes a metric under the names of web-vitals, which the SDK writes in snake case and flat."""
    named: dict[str, Any] = {}
    entry = {key.removeprefix(SCRIPT): about[key] for key in about if key.startswith(SCRIPT)}
    for key in about.keys() - {f"{SCRIPT}{rest}" for rest in entry}:
        named[RENAMED.get(key) or _camel(key)] = about[key]
    if entry:
        named["longestScript"] = {"entry": {RENAMED.get(key) or _camel(key): said for key, said in entry.items()}}
    return dict(sorted(named.items()))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _add_event(one: Any, at: int, meta: _Meta, place: str, out: RumTables, traced: bool) -> None:
    name, said = as_text(dig(one, "name")), object_at(one, "attributes")
    if name == NAVIGATION and (page := as_text(dig(said, "faroNavigationId"))):
        visited = meta._replace(page_url=as_text(said.get("name")) or meta.page_url)
        kind = (as_text(said.get("type")) or "").replace("_", "-") or None
        row = (page, meta.session_id, at, *_visit(visited), kind, _trace(one)[0], meta.user_agent, meta.user_id)
        return out.page_views.add(row)
    if name in CALLS and not traced and (url := as_text(dig(said, "http.url"))):
        method, status = (as_text(said.get("http.method")) or "GET").upper(), as_int(said.get("http.status_code"))
        nanoseconds = as_number(said.get("duration_ns"))
        lasted = None if nanoseconds is None else nanoseconds / 1e6
        trace = _trace(one)[0]
        return out.requests.add((None, meta.session_id, at, method, url, None, status or None, lasted, trace, "span"))
    if name == SESSION_START and meta.session_id:
        about = (meta.user_id, meta.release, meta.environment, meta.browser, meta.browser_version, meta.os)
        rest = (meta.device, meta.region, meta.user_agent, None, None, None)
        return out.sessions.add((meta.session_id, at, None, *about, *rest))
    return out.page_views.skip("events that are no navigation, no session's start and no call")


def _visit(meta: _Meta) -> tuple[str | None, ...]:
    """Give page_url, route, release, environment, device_class, region, browser."""
    return (meta.page_url, meta.route, meta.release, meta.environment, meta.device, meta.region, meta.browser)


def _trace(one: Any) -> tuple[str | None, str | None]:
    return as_hex_id(dig(one, "trace", "trace_id"), 32), as_hex_id(dig(one, "trace", "span_id"), 16)


def _digest(*said: Any) -> str:
    """Make an id for what has none: equal when the same thing is read twice, from files or from a log store."""
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:32]
