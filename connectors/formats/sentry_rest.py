"""A Sentry event as the REST interface tells it, put back into the form in which the SDK had sent it.

`GET /api/0/projects/{org}/{project}/events/?full=true` gives sections as `entries` and frames in camelCase; once they
are named as the SDK names them, `sentry_event` reads them like those of an envelope. GlitchTip answers in the same
form, with some names left in snake case, so both spellings are understood. Sources: docs.sentry.io/api/events, and the
schema of GlitchTip's own interface (IssueEventSchema).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors.formats.sentry_event import About, EventTables, read_event
from connectors.formats.values import BAD_JSON, as_micros, as_text

FRAME_NAMES = {"absPath": "abs_path", "lineNo": "lineno", "colNo": "colno", "inApp": "in_app"}
NOT_ERRORS = frozenset({"transaction", "generic"})
# what stands in the event itself at the SDK's, and in a tag here
TOLD_BY_TAGS = ("environment", "release", "dist", "level", "transaction")
# the tracker's own tag says who it was in clear, which `user_id` says under a key
PERSONAL_TAGS = frozenset({"user", "sentry:user"})
_event = msgspec.json.Decoder(dict[str, Any])
_encode = msgspec.json.Encoder().encode


class Wrapped(msgspec.Struct):
    """An answer that has its list under `data`; a bare list is a `list[msgspec.Raw]`."""

    data: list[msgspec.Raw]


def read_rest_event(raw: bytes | msgspec.Raw, place: str, out: EventTables, source: str = "sentry") -> None:
    """Read one event of the REST interface into `out`; what cannot be read is refused there, under `place`.

    Examples
    --------
    >>> out = EventTables()
    >>> frame = {"absPath": "https://shop/a.js", "filename": "/a.js", "lineNo": 1, "colNo": 99, "function": "pay"}
    >>> thrown = {"type": "TypeError", "value": "x is undefined", "stacktrace": {"frames": [frame]}}
    >>> event = {
    ...     "eventID": "9ec79c33ec9942ab8353589fcb2e04dc", "groupID": "17", "projectID": "42", "type": "error",
    ...     "dateCreated": "2026-03-09T15:20:00Z", "tags": [{"key": "environment", "value": "production"}],
    ...     "entries": [{"type": "exception", "data": {"values": [thrown]}}],
    ... }
    >>> read_rest_event(msgspec.json.encode(event), "page 1 event 1", out)
    >>> out.events.frame().select("vendor_issue_id", "type", "environment").rows()
    [('17', 'TypeError', 'production')]
    >>> out.frames.frame().select("url", "line", "column").rows()
    [('https://shop/a.js', 1, 99)]
    """
    try:
        event = _event.decode(raw)
    except BAD_JSON as error:
        return out.events.refuse(place, f"the event cannot be read ({error})")
    if event.get("type") in NOT_ERRORS:
        return out.events.skip(f"{event['type']} events")
    about = About(
        received_us=as_micros(event.get("dateReceived")),
        event_id=as_text(event.get("eventID")) or as_text(event.get("eventId")) or as_text(event.get("id")),
        project=as_text(event.get("projectID")) or as_text(event.get("projectId")),
        source=source,
        issue_id=as_text(event.get("groupID")) or as_text(event.get("groupId")),
    )
    return read_event(_encode(as_sent(event)), place, out, about)


def as_sent(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event as an SDK sends it; a section of a shape that nobody knows is handed on as it is.

    Of two stacks the raw one is taken: positions in the bundle, before the tracker looked into source maps of its own.

    Examples
    --------
    >>> as_sent({"dateCreated": "2026-03-09T15:20:00Z", "tags": [{"key": "release", "value": "a1b2"}]})
    {'timestamp': '2026-03-09T15:20:00Z', 'tags': {'release': 'a1b2'}, 'release': 'a1b2'}
    """
    entries = {as_text(entry.get("type")): entry.get("data") for entry in _dicts(event.get("entries"))}
    tags = event.get("tags")
    if isinstance(tags, list) and all(isinstance(tag, dict) for tag in tags):
        named = {tag.get("key"): tag.get("value") for tag in tags if isinstance(tag.get("key"), str)}
        tags = {key: value for key, value in named.items() if key not in PERSONAL_TAGS}
    release = event.get("release")
    said = {
        "timestamp": _time(event.get("dateCreated"), entries.get("breadcrumbs")),
        "exception": _exceptions(entries.get("exception")),
        "breadcrumbs": entries.get("breadcrumbs"),
        "request": _page(entries.get("request")),
        "logentry": entries.get("message") or None,
        "message": event.get("message") if isinstance(event.get("message"), str) else None,
        "debug_meta": entries.get("debugmeta"),
        "contexts": event.get("contexts"),
        "user": event.get("user"),
        "tags": tags,
        "release": release.get("version") if isinstance(release, dict) else release,
        "dist": event.get("dist"),
        "environment": event.get("environment"),
        "level": event.get("level"),
    }
    if isinstance(tags, dict):
        said |= {name: said.get(name) or tags.get(name) for name in TOLD_BY_TAGS}
    return {name: value for name, value in said.items() if value is not None}


def _time(created: Any, breadcrumbs: Any) -> Any:
    """Give the time of an event: where the list gives whole seconds, no earlier in that second than its breadcrumbs."""
    second = as_micros(created)
    if second is None or second % 1_000_000:
        return created
    crumbs = _dicts(breadcrumbs.get("values") if isinstance(breadcrumbs, dict) else breadcrumbs)
    times = [at for crumb in crumbs if (at := as_micros(crumb.get("timestamp"))) is not None]
    within = [at for at in times if second < at < second + 1_000_000]
    return max(within) / 1e6 if within else created


def _page(request: Any) -> Any:
    """Give the page with its query and fragment, which stand apart from its address."""
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        return request
    url, query, fragment = request["url"], request.get("query"), request.get("fragment")
    if isinstance(query, list):
        query = urlencode([(str(pair[0]), str(pair[1])) for pair in query if isinstance(pair, list) and len(pair) == 2])
    if isinstance(query, str) and query and "?" not in url:
        url += f"?{query}"
    if isinstance(fragment, str) and fragment and "#" not in url:
        url += f"#{fragment}"
    return {**request, "url": url}


def _exceptions(section: Any) -> Any:
    if not isinstance(section, dict) or not isinstance(section.get("values"), list):
        return section
    return {"values": [_exception(one) if isinstance(one, dict) else one for one in section["values"]]}


def _exception(one: Mapping[str, Any]) -> dict[str, Any]:
    stacks = (one.get(name) for name in ("rawStacktrace", "raw_stacktrace", "stacktrace"))
    stack = next((stack for stack in stacks if isinstance(stack, dict) and stack.get("frames")), one.get("stacktrace"))
    if isinstance(stack, dict) and isinstance(stack.get("frames"), list):
        stack = {"frames": [_frame(frame) if isinstance(frame, dict) else frame for frame in stack["frames"]]}
    told = {name: one.get(name) for name in ("type", "value", "mechanism")}
    return told if stack is None else {**told, "stacktrace": stack}


def _frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    return {FRAME_NAMES.get(name, name): value for name, value in frame.items()}


def _dicts(values: Any) -> Iterable[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
