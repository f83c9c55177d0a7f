"""Browser errors as HyperDX's SDK sends them: spans with an `exception` event for each error of a chain, causes first.

An event's stack is text (`exception.stacktrace`), or as its SDK parsed it: `exception.parsed_stacktrace`, JSON of
`{"frames": [...]}` with the oldest frame first. Source of the form: `eventProcessor.ts` of hyperdxio/hyperdx-js
(packages/instrumentation-sentry-node), which its packages/instrumentation-exception calls in browsers.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.formats.nested import dig, list_at
from connectors.formats.otel_rows import event_row, flat, identity
from connectors.formats.rows import Rows
from connectors.formats.values import BAD_JSON, as_int, as_text

COLUMNS = (
    "TraceId", "SpanId", "ServiceName", "ResourceAttributes", "SpanAttributes", "Events.Name", "Events.Attributes",
)  # fmt: skip
EXCEPTION = "exception"


class _Span(msgspec.Struct, rename={
    "trace": "TraceId", "span": "SpanId", "service": "ServiceName", "resource": "ResourceAttributes",
    "own": "SpanAttributes", "names": "Events.Name", "about": "Events.Attributes", "ticks": "_ticks",
}):  # fmt: skip
    ticks: int | str
    trace: str = ""
    span: str = ""
    service: str = ""
    resource: dict[str, Any] = {}
    own: dict[str, Any] = {}
    names: list[str] = []
    about: list[dict[str, Any]] = []


_span = msgspec.json.Decoder(_Span)
_json = msgspec.json.Decoder()


def read_error_span(raw: msgspec.Raw | bytes, place: str, events: Rows, frames: Rows) -> None:
    """Read one span that tells an error into an event and its frames, or refuse it there.

    Examples
    --------
    >>> from connectors.tables import EVENTS, FRAMES
    >>> events, frames = Rows(EVENTS), Rows(FRAMES)
    >>> stack = '{"frames":[{"function":"main","filename":"a.js","lineno":1,"colno":7}]}'
    >>> about = {"exception.type": "TypeError", "exception.message": "x is undefined", "exception.parsed_stacktrace": stack}
    >>> span = {
    ...     "ResourceAttributes": {"rum.sessionId": "s1"}, "Events.Name": ["exception"], "Events.Attributes": [about],
    ...     "_ticks": 1741530000000001000,
    ... }
    >>> read_error_span(msgspec.json.encode(span), "row 1", events, frames)
    >>> events.frame().select("type", "message", "session_id").rows(), frames.frame()["function"].to_list()
    ([('TypeError', 'x is undefined', 's1')], ['main'])
    """  # noqa: E501
    try:
        row = _span.decode(raw)
    except BAD_JSON as error:
        return events.refuse(place, f"the row cannot be read ({error})")
    ticks = as_int(row.ticks)
    if ticks is None:
        return events.refuse(place, "the row has no time")
    thrown = [flat(about) for name, about in zip(row.names, row.about, strict=False) if name == EXCEPTION]
    if not thrown:
        return events.skip("spans without an exception")
    event_id = identity(row.service, row.ticks, row.trace, row.span)
    given = 0
    for index, about in enumerate(reversed(thrown)):
        for number, frame in enumerate(_frames(about)):
            frames.add((event_id, index, number, *frame))
            given += 1
    last, mechanism = thrown[-1], _parsed(thrown[-1].get("exception.mechanism"))
    both = {**flat(row.resource), **flat(row.own), **last}
    if given:
        both.pop("exception.stacktrace", None)
    handled = dig(mechanism, "handled")
    more = {
        "source": "hyperdx",
        "level": "error",
        "handled": handled if isinstance(handled, bool) else None,
        "mechanism": as_text(dig(mechanism, "type")),
    }
    return events.add(event_row(event_id, ticks, row.service, (row.trace, row.span), both, more))


def _frames(about: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Give url, function, line, column, in_app, debug_id of the frames that were parsed, the throwing one first."""
    listed = list_at(_parsed(about.get("exception.parsed_stacktrace")), "frames")
    return [
        (
            as_text(dig(frame, "abs_path")) or as_text(dig(frame, "filename")),
            None if dig(frame, "function") in ("?", "") else as_text(dig(frame, "function")),
            as_int(dig(frame, "lineno")) or None,
            as_int(dig(frame, "colno")) or None,
            dig(frame, "in_app") if isinstance(dig(frame, "in_app"), bool) else None,
            None,
        )
        for frame in reversed(listed)
        if isinstance(frame, dict)
    ]


def _parsed(text: Any) -> Any:
    """Give what a text of JSON says; nothing where it is none, or was cut off at a limit of the SDK."""
    try:
        return _json.decode(text) if isinstance(text, str) else None
    except BAD_JSON:
        return None
