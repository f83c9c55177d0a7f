"""Datadog RUM events, as its search answers them: errors, views, sessions and resources.

An event is `{"id", "attributes": {"timestamp", "service", "tags", "attributes": {...}}}`; what the browser sent stands
in the inner `attributes`. Durations are nanoseconds, times ISO 8601. An error's issue of Error Tracking is `issue.id`.
Sources: the API reference (Search RUM events), github.com/DataDog/rum-events-format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from connectors.formats.datadog_ids import milliseconds_of, trace_id_of
from connectors.formats.datadog_stack import NO_STACK, parse_stack
from connectors.formats.nested import dig, list_at, object_at
from connectors.formats.rum_tables import RumTables
from connectors.formats.values import as_hex_id, as_int, as_micros, as_number, as_text, shown
from connectors.formats.web_vitals import device_of, rating_of

# our metric, its field in a view, its place in `view.performance` (which replaces the field), whether it is a duration
METRICS = (
    ("LCP", "largest_contentful_paint", ("lcp", "timestamp"), True),
    ("INP", "interaction_to_next_paint", ("inp", "duration"), True),
    ("CLS", "cumulative_layout_shift", ("cls", "score"), False),
    ("FCP", "first_contentful_paint", ("fcp", "timestamp"), True),
    ("TTFB", "first_byte", ("", ""), True),
)
# what web-vitals calls the element behind each
TARGETS = {"LCP": "target", "INP": "interactionTarget", "CLS": "largestShiftTarget"}
# what lasts longer is no session: Datadog ends them after four hours
LONGEST_MS = 7 * 86_400_000
DEVICES = frozenset({"desktop", "mobile", "tablet"})
# a view after the first is a route change without a load: what web-vitals calls a soft navigation
NAVIGATIONS = {"route_change": "soft-navigation"}
CALLS = frozenset({"xhr", "fetch", "beacon"})


class _Rum(NamedTuple):
    """What all kinds of RUM events say."""

    at: int
    inner: dict[str, Any]
    service: str | None
    tags: list[tuple[str, str]]
    session_id: str | None
    view_id: str | None
    url: str | None
    route: str | None
    release: str | None
    environment: str | None
    device: str | None
    region: str | None
    browser: str | None
    user_agent: str | None


def read_rum_event(document: Any, place: str, out: RumTables) -> None:
    """Read one event of a search's answer into `out`; what cannot be read is refused there, under `place`.

    Examples
    --------
    >>> out = RumTables()
    >>> inner = {
    ...     "type": "error",
    ...     "session": {"id": "s1", "has_replay": True},
    ...     "view": {"id": "v1", "url": "https://shop.example/cart"},
    ...     "error": {"type": "TypeError", "message": "x is undefined", "handling": "unhandled", "source": "source",
    ...               "stack": "TypeError: x is undefined\\n  at pay @ https://shop.example/app.js:1:99"},
    ...     "issue": {"id": "i7"},
    ... }
    >>> event = {"id": "AQ1", "attributes": {"timestamp": "2026-03-09T14:00:00.5Z", "attributes": inner}}
    >>> read_rum_event(event, "page 1 event 1", out)
    >>> out.events.frame().select("type", "handled", "vendor_issue_id", "replay_id").rows()
    [('TypeError', False, 'i7', 's1')]
    >>> out.frames.frame().select("function", "line", "column").rows()
    [('pay', 1, 99)]
    """
    inner = dig(document, "attributes", "attributes")
    at = as_micros(dig(document, "attributes", "timestamp"))
    kind = as_text(dig(inner, "type"))
    rows = {"view": out.page_views, "session": out.sessions, "resource": out.requests}.get(kind or "", out.events)
    if not isinstance(inner, dict):
        return rows.refuse(place, "the event has no attributes")
    if at is None:
        return rows.refuse(place, f"timestamp is {shown(dig(document, 'attributes', 'timestamp'))}, not a time")
    rum = _rum(document, inner, at)
    if kind == "error":
        return _add_error(document, rum, out)
    if kind == "view":
        return _add_view(rum, place, out)
    if kind == "session":
        return _add_session(rum, place, out)
    if kind == "resource":
        return _add_resource(rum, place, out)
    return rows.skip(f"RUM events of type {shown(kind)}")


def _rum(document: Any, inner: dict[str, Any], at: int) -> _Rum:
    tags = list(_tags(dig(document, "attributes", "tags")))
    tag = dict(tags)
    name = as_text(dig(inner, "view", "name"))
    device = device_of(dig(inner, "device", "type"))
    return _Rum(
        at,
        inner,
        as_text(inner.get("service")) or as_text(dig(document, "attributes", "service")) or tag.get("service"),
        tags,
        as_text(dig(inner, "session", "id")),
        as_text(dig(inner, "view", "id")),
        as_text(dig(inner, "view", "url")),
        name if name and name.startswith("/") else None,
        as_text(inner.get("version")) or tag.get("version"),
        tag.get("env"),
        device if device in DEVICES else None,
        as_text(dig(inner, "context", "region")) or as_text(dig(inner, "geo", "country_iso_code")),
        as_text(dig(inner, "browser", "name")),
        as_text(dig(inner, "session", "useragent")),
    )


def _tags(listed: Any) -> Iterator[tuple[str, str]]:
    """Give the tags, each once: the search repeats those that came both with the event and with its service."""
    seen = set()
    for text in listed if isinstance(listed, list) else ():
        key, colon, value = text.partition(":") if isinstance(text, str) else ("", "", "")
        if colon and value and (key, value) not in seen:
            seen.add((key, value))
            yield key, value


def _add_error(document: Any, rum: _Rum, out: RumTables) -> None:
    inner, error = rum.inner, object_at(rum.inner, "error")
    event_id = as_hex_id(dig(error, "id"), 32) or as_text(dig(document, "id")) or f"{rum.session_id}-{rum.at}"
    source, stack = as_text(dig(error, "source")), as_text(dig(error, "stack"))
    chain = [stack, *(as_text(dig(cause, "stack")) for cause in list_at(error, "causes"))]
    given = 0
    for index, text in enumerate(chain):
        for number, frame in enumerate(parse_stack(text) if text else ()):
            out.frames.add((event_id, index, number, frame.url, frame.function, frame.line, frame.column, None, None))
            given += 1
    # the "stack" of a failed request is the text of its answer
    raw = None if given or source == "network" or stack == NO_STACK else stack
    handling, fingerprint = as_text(dig(error, "handling")), as_text(dig(error, "fingerprint"))
    out.events.add(
        (
            event_id,
            rum.at,
            None,
            "datadog",
            as_text(dig(inner, "issue", "id")),
            rum.service,
            rum.environment,
            rum.release,
            None,
            "fatal" if dig(error, "is_crash") is True else "error",
            as_text(dig(error, "type")),
            as_text(dig(error, "message")),
            None if handling is None else handling == "handled",
            source,
            raw,
            rum.url,
            rum.route,
            rum.session_id,
            rum.view_id,
            rum.session_id if dig(inner, "session", "has_replay") is True else None,
            trace_id_of(dig(inner, "_dd", "trace_id")),
            None,
            _user(inner),
            rum.user_agent,
            rum.browser,
            as_text(dig(inner, "browser", "version")),
            as_text(dig(inner, "os", "name")),
            rum.device,
            rum.region,
            [{"key": key, "value": value} for key, value in (*rum.tags, *_context(inner))],
            None if fingerprint is None else [fingerprint],
            _sampled(inner),
        )
    )


def _add_view(rum: _Rum, place: str, out: RumTables) -> None:
    if rum.view_id is None:
        return out.page_views.refuse(place, "the view has no id")
    view = object_at(rum.inner, "view")
    navigation = NAVIGATIONS.get(as_text(view.get("loading_type")) or "")
    trace = trace_id_of(dig(rum.inner, "_dd", "trace_id"))
    said = (rum.url, rum.route, rum.release, rum.environment, rum.device, rum.region, rum.browser)
    out.page_views.add(
        (rum.view_id, rum.session_id, rum.at, *said, navigation, trace, rum.user_agent, _user(rum.inner))
    )
    url, route, *rest = said
    for metric, name, (part, field), is_duration in METRICS:
        newer = object_at(view, "performance", part)
        given = view.get(name) if view.get(name) is not None else newer.get(field)
        value = milliseconds_of(given) if is_duration else as_number(given)
        if value is None or value < 0:
            if given is not None:
                out.vitals.refuse(place, f"{metric}: {name} is {shown(given)}, not a number from 0")
            continue
        target = as_text(view.get(f"{name}_target_selector")) or as_text(newer.get("target_selector"))
        out.vitals.add(
            (
                rum.at,
                rum.view_id,
                rum.session_id,
                metric,
                value,
                rating_of(metric, value),
                navigation,
                url,
                route,
                *rest,
                as_text(dig(rum.inner, "connectivity", "effective_type")),
                None if target is None else msgspec.json.encode({TARGETS.get(metric, "target"): target}).decode(),
                trace,
                _sampled(rum.inner),
                rum.user_agent,
                _user(rum.inner),
            )
        )
    return None


def _add_session(rum: _Rum, place: str, out: RumTables) -> None:
    if rum.session_id is None:
        return out.sessions.refuse(place, "the session has no id")
    inner = rum.inner
    lasted = milliseconds_of(dig(inner, "session", "time_spent"))
    ended = None if lasted is None or lasted > LONGEST_MS else rum.at + round(lasted * 1000)
    out.sessions.add(
        (
            rum.session_id,
            rum.at,
            ended,
            _user(inner),
            rum.release,
            rum.environment,
            rum.browser,
            as_text(dig(inner, "browser", "version")),
            as_text(dig(inner, "os", "name")),
            rum.device,
            rum.region,
            rum.user_agent,
            None,
            None,
            _sampled(inner),
        )
    )
    if dig(inner, "session", "has_replay") is True:
        kept = "sample" if dig(inner, "session", "sampled_for_replay") is True else None
        out.replays.add((rum.session_id, rum.session_id, rum.at, ended, None, None, None, kept))
    return None


def _add_resource(rum: _Rum, place: str, out: RumTables) -> None:
    resource = object_at(rum.inner, "resource")
    if as_text(resource.get("type")) not in CALLS:
        return out.requests.skip("resources that are no calls")
    url = as_text(resource.get("url"))
    if url is None:
        return out.requests.refuse(place, "the resource has no address")
    method = (as_text(resource.get("method")) or "GET").upper()
    out.requests.add(
        (
            None,
            rum.session_id,
            rum.at,
            method,
            url,
            None,
            # 0 is what a browser says when no answer came
            as_int(resource.get("status_code")) or None,
            milliseconds_of(resource.get("duration")),
            trace_id_of(dig(rum.inner, "_dd", "trace_id")),
            "beacon",
        )
    )
    return None


def _user(inner: dict[str, Any]) -> str | None:
    return as_text(dig(inner, "usr", "id")) or as_text(dig(inner, "usr", "anonymous_id"))


def _context(inner: dict[str, Any]) -> Iterable[tuple[str, str]]:
    pairs = object_at(inner, "context").items()
    return [(key, text) for key, value in pairs if (text := as_text(value)) is not None]


def _sampled(inner: dict[str, Any]) -> float | None:
    percent = as_number(dig(inner, "_dd", "configuration", "session_sample_rate"))
    return percent / 100 if percent is not None and 0 < percent <= 100 else None
