"""A Sentry event as an SDK sends it: rows of events, frames, breadcrumbs, and the requests among the breadcrumbs.

Sections (exception, breadcrumbs, contexts, ...) are decoded one by one, so that a section of the wrong shape costs that
section and is named; the event stays. Snake case, as in envelopes; REST answers become that in `sentry_rest`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import msgspec

from connectors.formats import sentry_wire as wire
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_hex_id, as_int, as_micros, as_text, shown
from connectors.tables import BREADCRUMBS, EVENTS, FRAMES, REQUESTS

T = TypeVar("T")
REQUEST_CATEGORIES = frozenset({"fetch", "xhr", "http"})
# What shops and SDKs call the same thing; the first that is there counts.
SESSION_TAGS = ("session_id", "sessionId", "session.id", "session")
PAGE_VIEW_TAGS = ("page_view_id", "pageViewId", "page_id", "pageId")
REGION_TAGS = ("region", "geo.region", "country")
DEVICE_TAGS = ("device_class", "deviceClass")


class About(NamedTuple):
    """What an event's surroundings say about it: its envelope's header, its tracker, when it came (microseconds)."""

    received_us: int | None = None
    event_id: str | None = None
    project: str | None = None
    replay_id: str | None = None
    source: str = "sentry"
    issue_id: str | None = None


ALONE = About()


class EventTables:
    """The four tables that Sentry events fill."""

    def __init__(self) -> None:
        self.events = Rows(EVENTS)
        self.frames = Rows(FRAMES)
        self.breadcrumbs = Rows(BREADCRUMBS)
        self.requests = Rows(REQUESTS)


def read_event(payload: bytes, place: str, out: EventTables, about: About = ALONE) -> None:
    """Read one event into `out`; what cannot be read is refused there, under `place`.

    Examples
    --------
    >>> out = EventTables()
    >>> read_event(
    ...     b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","timestamp":1741530000.5,"exception":{"values":[{"type":'
    ...     b'"TypeError","value":"x is undefined","stacktrace":{"frames":[{"function":"main","filename":"a.js",'
    ...     b'"lineno":1,"colno":7},{"function":"pay","filename":"a.js","lineno":1,"colno":99}]}}]}}',
    ...     "1.envelope item 1",
    ...     out,
    ... )
    >>> out.events.frame().select("type", "message").rows()
    [('TypeError', 'x is undefined')]
    >>> out.frames.frame().select("exception_index", "frame_index", "function", "column").rows()
    [(0, 0, 'pay', 99), (0, 1, 'main', 7)]
    """
    try:
        event = wire.EVENT.decode(payload)
    except BAD_JSON as error:
        return out.events.refuse(place, f"the event cannot be read ({error})")
    event_id = as_hex_id(event.event_id or about.event_id, 32)
    at = as_micros(event.timestamp)
    if event_id is None:
        return out.events.refuse(place, f"event_id is {shown(event.event_id)}, not 32 hex digits")
    if at is None:
        return out.events.refuse(place, f"timestamp is {shown(event.timestamp)}, not a time")

    tags = _section(event.tags, wire.TAGS, out.events, place, "tags") or {}
    pairs = tags.items() if isinstance(tags, dict) else [pair for pair in tags if pair]
    tag = {key: text for key, value in pairs if (text := as_text(value)) is not None}
    contexts = _section(event.contexts, wire.CONTEXTS, out.events, place, "contexts") or wire.Contexts()
    trace, replay = contexts.trace or wire.Trace(), contexts.replay or wire.Replay()
    user = _section(event.user, wire.USER, out.events, place, "user") or wire.User()
    request = _section(event.request, wire.REQUEST, out.events, place, "request") or wire.Request()
    fingerprint = _section(event.fingerprint, wire.FINGERPRINT, out.events, place, "fingerprint")
    debug_ids = _debug_ids(event, out, place)
    thrown = _values(event.exception, wire.THROWN, out.events, place, "exception")
    for index, one in enumerate(reversed(thrown)):
        _read_frames(one.stacktrace, event_id, index, debug_ids, place, out)
    last = thrown[-1] if thrown else wire.Thrown()
    mechanism = last.mechanism or wire.Mechanism()
    session_id = _first(tag, SESSION_TAGS)
    _read_crumbs(event.breadcrumbs, event_id, session_id, place, out)
    geo = user.geo or wire.Geo()
    replay_id = as_text(replay.replay_id) or tag.get("replayId") or about.replay_id
    out.events.add(
        (
            event_id,
            at,
            about.received_us,
            about.source,
            about.issue_id,
            about.project,
            as_text(event.environment),
            as_text(event.release),
            as_text(event.dist),
            as_text(event.level) or "error",
            as_text(last.type),
            as_text(last.value) if thrown else _message(event),
            mechanism.handled if isinstance(mechanism.handled, bool) else None,
            as_text(mechanism.type),
            None,
            as_text(request.url),
            tag.get("route") or _route(event.transaction),
            session_id,
            _first(tag, PAGE_VIEW_TAGS),
            replay_id,
            as_hex_id(trace.trace_id, 32),
            as_hex_id(trace.span_id, 16),
            as_text(user.id) or as_text(user.username) or as_text(user.email),
            _user_agent(request),
            None,
            None,
            None,
            _first(tag, DEVICE_TAGS),
            _first(tag, REGION_TAGS) or as_text(geo.region) or as_text(geo.country_code),
            [{"key": key, "value": value} for key, value in tag.items()],
            None if fingerprint is None else [text for one in fingerprint if (text := as_text(one))],
            None,
        )
    )
    return None


def _section(raw: msgspec.Raw, decoder: msgspec.json.Decoder[T], rows: Rows, place: str, name: str) -> T | None:
    if not raw:
        return None
    try:
        return decoder.decode(raw)
    except BAD_JSON as error:
        rows.refuse(place, f"{name} left out of the event ({error})")
        return None


def _values(raw: msgspec.Raw, one: msgspec.json.Decoder[T | None], rows: Rows, place: str, name: str) -> list[T]:
    """Read `{"values": [...]}` or a bare list, element by element: a broken element costs itself."""
    listed = _section(raw, wire.LISTED, rows, place, name)
    elements = listed.values if isinstance(listed, wire.Listed) else listed
    return _each(elements, one, rows, place, name)


def _each(
    elements: list[msgspec.Raw] | None, one: msgspec.json.Decoder[T | None], rows: Rows, place: str, name: str
) -> list[T]:
    read = []
    for number, element in enumerate(elements or [], 1):
        value = _section(element, one, rows, place, f"{name} {number}")
        if value is not None:
            read.append(value)
    return read


def _read_frames(
    raw: msgspec.Raw, event_id: str, index: int, debug_ids: Mapping[str, str], place: str, out: EventTables
) -> None:
    if not raw:
        return
    try:
        stack = wire.FRAMES.decode(raw)
        frames = stack.frames or [] if stack else []
    except BAD_JSON:
        loose = _section(raw, wire.STACK, out.frames, place, "stacktrace") or wire.Stack()
        frames = _each(loose.frames, wire.FRAME, out.frames, place, "frame")
    for number, frame in enumerate(reversed(frames)):
        if frame is None:
            continue
        url = frame.abs_path or frame.filename
        out.frames.add(
            (
                event_id,
                index,
                number,
                url,
                None if frame.function in ("?", "") else frame.function,
                _position(frame.lineno),
                _position(frame.colno),
                frame.in_app,
                debug_ids.get(frame.filename or "") or debug_ids.get(url or ""),
            )
        )


def _read_crumbs(raw: msgspec.Raw, event_id: str, session_id: str | None, place: str, out: EventTables) -> None:
    if not raw:
        return
    try:
        listed = wire.CRUMBS.decode(raw)
        crumbs = (listed.values if isinstance(listed, wire.Crumbs) else listed) or []
    except BAD_JSON:
        crumbs = _values(raw, wire.CRUMB, out.breadcrumbs, place, "breadcrumb")
    for number, crumb in enumerate(crumbs, 1):
        if crumb is None:
            continue
        at = as_micros(crumb.timestamp)
        if at is None:
            reason = f"breadcrumb {number}: timestamp is {shown(crumb.timestamp)}, not a time"
            out.breadcrumbs.refuse(place, reason)
            continue
        try:
            data = bytes(crumb.data).decode() if crumb.data and bytes(crumb.data) != b"null" else None
        except UnicodeDecodeError as error:
            # what is passed over undecoded is not checked for UTF-8 either
            out.breadcrumbs.refuse(place, f"breadcrumb {number}: its data cannot be read ({error})")
            continue
        out.breadcrumbs.add((event_id, at, crumb.category, crumb.level, as_text(crumb.message), data))
        if crumb.category in REQUEST_CATEGORIES and data:
            asked = _section(crumb.data, wire.CRUMB_REQUEST, out.requests, place, f"the request of breadcrumb {number}")
            if asked is not None and (url := as_text(asked.url)):
                method = (as_text(asked.method) or "GET").upper()
                status = as_int(asked.status_code)
                out.requests.add((event_id, session_id, at, method, url, None, status, None, None, "breadcrumb"))


def _debug_ids(event: wire.Event, out: EventTables, place: str) -> dict[str, str]:
    meta = _section(event.debug_meta, wire.DEBUG_META, out.frames, place, "debug_meta") or wire.DebugMeta()
    return {
        image.code_file: image.debug_id.lower()
        for image in meta.images or []
        if image is not None and image.code_file and image.debug_id
    }


def _message(event: wire.Event) -> str | None:
    for entry in (event.logentry, event.message):
        text = as_text(entry) or (
            as_text(entry.formatted) or as_text(entry.message) if isinstance(entry, wire.LogEntry) else None
        )
        if text:
            return text
    return None


def _route(transaction: wire.Loose) -> str | None:
    return transaction if isinstance(transaction, str) and transaction.startswith("/") else None


def _user_agent(request: wire.Request) -> str | None:
    headers = request.headers or {}
    for name, value in headers.items() if isinstance(headers, dict) else headers:
        if name.lower() == "user-agent":
            return as_text(value)
    return None


def _position(number: int | float | str | None) -> int | None:
    whole = number if type(number) is int else as_int(number)
    return whole if whole is not None and 0 < whole < 2**53 else None


def _first(tag: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((tag[name] for name in names if name in tag), None)
