"""All that Sentry envelopes fill: events, frames, breadcrumbs, requests, browser spans and recordings."""

from __future__ import annotations

from connectors.exceptions import FormatError
from connectors.formats.attributes import span_rows
from connectors.formats.envelope import Received, parse_envelope, project_of
from connectors.formats.rrweb import replay_event_rows
from connectors.formats.sentry_event import About, EventTables, read_event
from connectors.formats.sentry_replay import read_recording, read_replay_event, replay_rows
from connectors.formats.sentry_span import read_span_item, read_transaction


class SentryTables(EventTables):
    """The tables that envelopes fill; `replays` holds a row for each segment that says whose it is."""

    def __init__(self) -> None:
        super().__init__()
        self.spans = span_rows()
        self.replays = replay_rows()
        self.replay_events = replay_event_rows()


def read_envelope(received: Received, place: str, out: SentryTables) -> None:
    r"""Read one envelope into `out`. A broken item is refused there; items of other kinds are counted as skipped.

    Examples
    --------
    >>> out = SentryTables()
    >>> raw = (
    ...     b'{"dsn":"https://k@collect.example/42"}\n{"type":"session"}\n{"sid":"1"}\n'
    ...     b'{"type":"event"}\n{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","timestamp":1741530000,"message":"hi"}\n'
    ...     b'{"type":"span","length":400}\n{"items":['
    ... )
    >>> read_envelope(Received(raw, None), "a.envelope", out)
    >>> out.events.frame().select("project", "message").rows(), dict(out.events.skipped), out.spans.refused[0].reason
    ([('42', 'hi')], {'session items': 1}, 'span is cut off: 10 of 400 bytes are there')
    """
    try:
        envelope = parse_envelope(received.raw)
    except FormatError as error:
        return out.events.refuse(place, str(error))
    header = envelope.header
    trace = header.get("trace")
    event_id, replay_id = header.get("event_id"), trace.get("replay_id") if isinstance(trace, dict) else None
    about = About(
        received.received_us,
        event_id if isinstance(event_id, str) else None,
        project_of(header),
        replay_id if isinstance(replay_id, str) else None,
    )
    for item in envelope.items:
        where = f"{place} item {item.number}"
        if item.type == "event":
            read_event(item.payload, where, out, about)
        elif item.type == "span":
            read_span_item(item.payload, where, out.spans)
        elif item.type == "transaction":
            read_transaction(item.payload, where, out.spans)
        elif item.type == "replay_event":
            read_replay_event(item.payload, where, out.replays)
        elif item.type == "replay_recording":
            read_recording(item.payload, where, out.replay_events, event_id if isinstance(event_id, str) else None)
        else:
            out.events.skip(f"{item.type} items")
    for number, reason in envelope.broken:
        kind = reason.partition(" ")[0]
        rows = out.spans if kind in ("span", "transaction") else out.events
        rows = {"replay_event": out.replays, "replay_recording": out.replay_events}.get(kind, rows)
        rows.refuse(f"{place} item {number}", reason)
    return None
