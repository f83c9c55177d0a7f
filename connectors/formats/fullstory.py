"""FullStory segment exports: one event a line (or a list of events), its fields as `EventType`, `PageUrl`, `ReqStatus`.

An export names its event types and fields; there is no stack in it, no minified position, no recording, and of calls
only those that failed. Sources: developer.fullstory.com (Segment Export: Export Fields, Event Types, Event Sub Types).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from connectors.formats.rum_tables import RumTables
from connectors.formats.values import as_int, as_micros, as_number, as_text, shown
from connectors.formats.web_vitals import device_of, rating_of

MARKS = frozenset({"EventType", "EventStart"})
# what happened, and what is our metric of it: event type, its field, the metric
METRICS = (
    ("load", "LoadLargestPaintTime", "LCP"),
    ("load", "LoadFirstPaintTime", "FCP"),
    ("cumulative_layout_shift", "EventCumulativeLayoutShift", "CLS"),
    ("first_input_delay", "EventFirstInputDelay", "FID"),
)
ERRORS = {"exception": "exception", "console_message": "console"}
# FullStory has no release and no environment of its own: teams set them as page or user variables
RELEASES = ("page_release_str", "user_release_str", "page_version_str", "user_version_str")
ENVIRONMENTS = ("page_environment_str", "user_environment_str", "page_env_str")


def is_fullstory(keys: Any) -> bool:
    """Say whether a line is an event of an export.

    Examples
    --------
    >>> is_fullstory({"EventType": "click", "EventStart": "2026-03-09T14:00:00Z"}), is_fullstory({"type": 3})
    (True, False)
    """
    return set(keys) >= MARKS


def read_event(event: dict[str, Any], place: str, out: RumTables) -> None:
    """Read one event of an export into `out`.

    Examples
    --------
    >>> out = RumTables()
    >>> read_event({"EventType": "exception", "EventSubType": "uncaught", "EventStart": "2026-03-09T14:00:00.5Z",
    ...     "UserId": 5, "SessionId": 7, "PageId": 9, "EventTargetText": "x is undefined",
    ...     "EventVarErrorKind": "TypeError", "PageUrl": "https://shop.example/cart",
    ...     "EventWebSourceFileUrl": "https://shop.example/app.js"}, "a:1", out)
    >>> out.events.frame().select("type", "message", "handled", "session_id", "page_view_id").rows()
    [('TypeError', 'x is undefined', False, '5:7', '5:7:9')]
    >>> out.events.frame()["tags"].to_list()
    [[{'key': 'EventWebSourceFileUrl', 'value': 'https://shop.example/app.js'}]]
    """
    at = as_micros(event.get("EventStart"))
    kind = as_text(event.get("EventType"))
    if at is None:
        return out.events.refuse(place, f"EventStart is {shown(event.get('EventStart'))}, not a time")
    session, page = _ids(event)
    visit = _visit(event)
    user = as_text(event.get("UserAppKey")) or as_text(event.get("IndvId"))
    agent = as_text(event.get("PageUserAgent"))
    if page is not None:
        began = as_micros(event.get("PageStart")) or at
        out.page_views.add((page, session, began, *visit, _navigation(event), None, agent, user))
    if kind in ERRORS:
        _add_error(event, at, ERRORS[kind], out)
    elif kind == "request" and (url := as_text(event.get("ReqUrl"))):
        method, status = (as_text(event.get("ReqMethod")) or "GET").upper(), as_int(event.get("ReqStatus"))
        lasted = as_number(event.get("EventDuration"))
        out.requests.add((None, session, at, method, url, None, status or None, lasted, None, "beacon"))
    elif not any(kind == of for of, *_ in METRICS):
        out.events.skip("events that are no error, call or vital")
    for of, field, metric in METRICS:
        if kind != of or event.get(field) is None:
            continue
        value = as_number(event.get(field))
        if value is None or value < 0:
            out.vitals.refuse(place, f"{metric}: {field} is {shown(event.get(field))}, not a number from 0")
            continue
        out.vitals.add(
            (
                at,
                page,
                session,
                metric,
                value,
                rating_of(metric, value),
                None,
                *visit,
                None,
                None,
                None,
                None,
                agent,
                user,
            )
        )
    return None


def _add_error(event: dict[str, Any], at: int, mechanism: str, out: RumTables) -> None:
    session, page = _ids(event)
    text, kind = as_text(event.get("EventTargetText")), as_text(event.get("EventVarErrorKind"))
    url, route, release, environment, device, region, browser = _visit(event)
    event_id = hashlib.sha256(msgspec.json.encode((session, page, at, mechanism, kind, text))).hexdigest()[:32]
    # A file without a line is no place in it, and reads as the page's own address; but what an extension threw is told
    # by its scheme alone.
    source = as_text(event.get("EventWebSourceFileUrl"))
    if source and not source.startswith(("http://", "https://", "/")):
        out.frames.add((event_id, 0, 0, source, None, None, None, None, None))
    uncaught = event.get("EventSubType") == "uncaught"
    out.events.add(
        (
            event_id, at, None, "fullstory", None, as_text(event.get("AppName")), environment, release, None, "error",
            kind, text, False if uncaught else None, mechanism, None, url, route, session, page, None, None, None,
            as_text(event.get("UserAppKey")) or as_text(event.get("IndvId")), as_text(event.get("PageUserAgent")),
            browser, as_text(event.get("PageBrowserVersion")), as_text(event.get("PageOperatingSystem")), device,
            region, [{"key": key, "value": value} for key, value in _variables(event)], None, None,
        )
    )  # fmt: skip


def _ids(event: dict[str, Any]) -> tuple[str | None, str | None]:
    """Give session and page: each id counts within the one before, so the whole chain is the id."""
    user, session, page = (as_text(event.get(name)) for name in ("UserId", "SessionId", "PageId"))
    session_id = f"{user}:{session}" if user and session else None
    return session_id, f"{session_id}:{page}" if session_id and page else None


def _visit(event: dict[str, Any]) -> tuple[str | None, ...]:
    """Give page_url, route, release, environment, device_class, region, browser."""
    first = [
        next((text for name in names if (text := as_text(event.get(name)))), None) for names in (RELEASES, ENVIRONMENTS)
    ]
    url, browser = as_text(event.get("PageUrl")), as_text(event.get("PageBrowser"))
    return (url, None, *first, device_of(event.get("PageDevice")), as_text(event.get("user_region_str")), browser)


def _navigation(event: dict[str, Any]) -> str | None:
    kind = as_text(event.get("EventSubType")) if event.get("EventType") == "navigate" else None
    return kind.replace("_", "-") if kind else None


def _variables(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the team's own variables (`evt_...`, `page_...`, `user_...`), and the file that threw."""
    own = [name for name in event if name.startswith(("evt_", "page_", "user_"))]
    said = ((name, as_text(event.get(name))) for name in (*own, "EventWebSourceFileUrl"))
    return [(name, value) for name, value in said if value is not None]
