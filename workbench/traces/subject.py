"""What an id is the id of, and which session, events and traces belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from connectors.exceptions import ParameterError

TIME_OF = {"sessions": "started_at", "replays": "started_at", "spans": "started_at"}
# in which order a kind of id is looked for, and the tables that hold it
KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("event", "event_id", ("events",)),
    ("session", "session_id", ("sessions", "events", "page_views", "requests", "vitals", "replays", "marks")),
    ("replay", "replay_id", ("replays", "events", "marks")),
    ("page view", "page_view_id", ("page_views", "events", "vitals", "marks")),
    ("trace", "trace_id", ("spans", "events", "requests", "page_views", "vitals")),
    ("span", "span_id", ("spans",)),
)


@dataclass(frozen=True)
class Subject:
    """What a timeline is about.

    Attributes
    ----------
    kind, id
        What was asked for: event, session, replay, page view, trace or span.
    sessions, events, traces
        Whose rows belong to it; events only where no session is known.
    at
        When it happened, the zero of its timeline; None where it has no moment of its own (a session, a recording).
    """

    kind: str
    id: str
    sessions: frozenset[str]
    events: frozenset[str]
    traces: frozenset[str]
    at: datetime | None


def subject_of(any_id: str, tables: Mapping[str, pl.DataFrame]) -> Subject:
    """Find out what an id is the id of; upper case and a UUID's dashes do not matter.

    Parameters
    ----------
    any_id
        An event, session, replay, page view, trace or span id. An id that its system writes in decimal goes through
        `workbench.traces.ids.parse` first.
    tables
        Canonical tables by name.

    Raises
    ------
    ParameterError
        No table holds the id.

    Examples
    --------
    >>> events = pl.DataFrame({"event_id": ["e1"], "session_id": ["s1"], "trace_id": ["a"], "at": [None]})
    >>> subject = subject_of("A", {"events": events})
    >>> subject.kind, sorted(subject.sessions)
    ('trace', ['s1'])
    """
    wanted = list(dict.fromkeys([any_id.strip(), any_id.strip().replace("-", "").lower()]))
    for kind, column, places in KINDS:
        for place in places:
            frame = tables.get(place)
            if frame is None or column not in frame.columns:
                continue
            rows = frame.filter(pl.col(column).is_in(wanted))
            if not rows.is_empty():
                return _subject(kind, column, rows[column][0], tables, rows[TIME_OF.get(place, "at")].min())
    looked = ", ".join(name for name, frame in tables.items() if not frame.is_empty()) or "no tables with rows"
    raise ParameterError(f"nothing has the id {any_id!r}; looked in {looked}")


def _subject(kind: str, column: str, found: str, tables: Mapping[str, pl.DataFrame], at: datetime | None) -> Subject:
    own = {name: frame.filter(pl.col(column) == found) for name, frame in tables.items() if column in frame.columns}
    if kind == "span":
        trace = own["spans"]["trace_id"][0]
        whole = _subject("trace", "trace_id", trace, tables, at)
        return Subject(kind, found, whole.sessions, whole.events, whole.traces, at)
    sessions = _values(own, "session_id")
    events = frozenset() if sessions else _values({"events": own.get("events", pl.DataFrame())}, "event_id")
    traces = _values(own, "trace_id")
    for frame in tables.values():
        if sessions and {"session_id", "trace_id"} <= set(frame.columns):
            mine = frame.filter(pl.col("session_id").is_in(sorted(sessions)))
            traces |= _values({"": mine}, "trace_id")
    if kind in ("session", "replay"):
        at = None
    return Subject(kind, found, sessions, events, traces, at)


def _values(frames: Mapping[str, pl.DataFrame], column: str) -> frozenset[str]:
    found = [frame[column].drop_nulls().unique().to_list() for frame in frames.values() if column in frame.columns]
    return frozenset(value for values in found for value in values)
