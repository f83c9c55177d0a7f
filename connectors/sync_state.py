"""What of a source is in a lake already: `.sync/<source>.json` beside the lake's list.

A stretch of time is written down when all its rows are in the lake and its source had time enough to have seen
everything of it. What is not written down is read again: that brings nothing twice, since rows have keys.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

import msgspec

from connectors.exceptions import FormatError, SourceNotFound
from connectors.objects import Objects
from connectors.stores import Refused, Window
from connectors.sync_plan import Span, minus, union
from connectors.sync_told import Told, replaced, summary

FOLDER = ".sync"


class FeedState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A feed: the tables that it gives, and stretches of time.

    `settled` need not be read again, `read` is in the lake as far as its source had it when it was asked, of
    `truncated` the source would not give everything, in `found` there were rows (None: written by a version that did
    not note it), `told` is what the source said of stretches, of `lost` the lake has lost parts.
    """

    tables: list[str] = []
    settled: list[tuple[datetime, datetime]] = []
    read: list[tuple[datetime, datetime]] = []
    truncated: list[tuple[datetime, datetime]] = []
    found: list[tuple[datetime, datetime]] | None = None
    told: list[Told] = []
    lost: list[tuple[datetime, datetime]] = []

    def and_read(
        self,
        tables: Sequence[str],
        spans: Sequence[Span],
        settled: Sequence[Span],
        cut: Sequence[Span],
        found: Sequence[Span] = (),
        told: Sequence[Told] = (),
    ) -> Self:
        """Add what has been read since."""
        return type(self)(
            list(tables),
            _joined(self.settled, settled),
            _joined(self.read, spans),
            _joined(_without(self.truncated, spans), cut),
            _joined(self.read if self.found is None else self.found, found),
            replaced(self.told, spans, told),
            _without(self.lost, spans),
        )

    def without(self, lost: Sequence[Span]) -> Self:
        """Give it as if these stretches had never been read."""
        told = replaced(self.told, lost, [])
        settled, read = _without(self.settled, lost), _without(self.read, lost)
        return msgspec.structs.replace(self, settled=settled, read=read, told=told, lost=_joined(self.lost, lost))

    def is_whole(self, window: Span) -> bool:
        """Say whether what the lake has of a window is all there: an event, and what hangs on it."""
        return not any(start < window.end and end > window.start for start, end in self.lost)

    def has_found(self, window: Span) -> bool:
        """Say whether there were rows in a slice that reaches into a window."""
        found = self.read if self.found is None else self.found
        return any(start < window.end and end > window.start for start, end in found)


class State(msgspec.Struct, frozen=True):
    """The content of the file: the source, the lake's revision when it was written, what there is of each feed.

    `made` is the lake's own mark: a lake that was made anew in the same place is another one.
    """

    source: str
    name: str = ""
    revision: int = 0
    feeds: dict[str, FeedState] = {}
    made: str = ""

    def settled(self, feed: str) -> list[Span]:
        """Give the stretches of a feed that need not be read again."""
        return [Span(*one) for one in self.feeds.get(feed, FeedState()).settled]


# made once, here: two threads that make it at the same time read memory that is not set yet
_state = msgspec.json.Decoder(State)


class Covered(NamedTuple):
    """What a lake knows of its sources for a window: whether something is missing, in words what; what they said."""

    partial: bool = False
    note: str | None = None
    sampling: str | None = None
    refused: tuple[Refused, ...] = ()


def coverage(objects: Objects, table_name: str, window: Window, made: str = "") -> Covered:
    """Say what of a window the sources of a lake have not given, or have not been asked for.

    Nothing is said of a lake that was not synced, nor of an open end of a window.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC
    >>> noon, evening, night = (datetime(2026, 3, 9, hour, tzinfo=UTC) for hour in (12, 18, 23))
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> feed = FeedState(["events"], read=[(noon, evening)])
    >>> write_state(objects, State("acme+https://h/shop", "acme shop", 7, {"errors": feed}))
    >>> coverage(objects, "events", Window(noon, evening)) == Covered() == coverage(objects, "vitals", Window(noon))
    True
    >>> coverage(objects, "events", Window(noon, night)).note
    'acme shop was not read for 2026-03-09 18:00 UTC – 2026-03-09 23:00 UTC: workbench sync brings it'
    """
    missed, notes, sampling, refused = [], [], [], []
    for state in (one for one in states(objects) if one.made == made):
        for feed in state.feeds.values():
            if table_name in feed.tables and feed.read:
                start, end = window.start or feed.read[0][0], window.end or feed.read[-1][1]
                missing = minus(Span(start, end), [Span(*one) for one in feed.read]) if start < end else []
                if missing:
                    more = f" and {len(missing) - 1} more stretches" if len(missing) > 1 else ""
                    said = Window(*missing[0]).describe()
                    missed.append(f"{state.name} was not read for {said}{more}: workbench sync brings it")
                cut = [one for one in feed.truncated if one[0] < end and one[1] > start]
                missed += [f"{state.name} would not give all of {Window(*one).describe()}" for one in cut[:1]]
                told = summary(state.name, feed.told, start, end)
                notes += told.notes
                refused += told.refused
                sampling += [told.sampling] if told.sampling else []
    return Covered(
        bool(missed),
        "; ".join(dict.fromkeys([*missed, *notes])) or None,
        "; ".join(dict.fromkeys(sampling)) or None,
        tuple(dict.fromkeys(refused)),
    )


def states(objects: Objects) -> list[State]:
    """Give what is noted of every source of a lake.

    Examples
    --------
    >>> import tempfile
    >>> states(Objects.open(tempfile.mkdtemp()))
    []
    """
    names = [info.name for info in objects.names(FOLDER, hidden=True) if info.name.endswith(".json")]
    return [_decoded(objects, name) for name in names]


def forget(objects: Objects, lost: Mapping[str, Sequence[Span]]) -> None:
    """Take back that stretches were read, by table: a part of the lake is lost, and its rows are to be brought again.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC
    >>> noon, evening, night = (datetime(2026, 3, 9, hour, tzinfo=UTC) for hour in (12, 18, 23))
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> both = [(noon, night)]
    >>> write_state(objects, State("acme+https://h/shop", feeds={"errors": FeedState(["events"], both, both)}))
    >>> forget(objects, {"events": [Span(evening, night)]})
    >>> [(start.hour, end.hour) for start, end in states(objects)[0].feeds["errors"].settled]
    [(12, 18)]
    """
    for state in states(objects):
        feeds = {
            name: feed.without([span for table in feed.tables for span in lost.get(table, ())])
            for name, feed in state.feeds.items()
        }
        if feeds != state.feeds:
            write_state(objects, msgspec.structs.replace(state, feeds=feeds))


def _without(have: Sequence[tuple[datetime, datetime]], gone: Sequence[Span]) -> list[tuple[datetime, datetime]]:
    return [tuple(part) for one in have for part in minus(Span(*one), gone)]


def _joined(have: Sequence[tuple[datetime, datetime]], more: Sequence[Span]) -> list[tuple[datetime, datetime]]:
    return [tuple(span) for span in union([*(Span(*one) for one in have), *more])]


def name_of(source: str) -> str:
    """Name the files of a source, without an ending.

    Examples
    --------
    >>> name_of("sentry+https://sentry.example.com/acme/shop")
    '.sync/sentry-9abf1e1316af'
    """
    system = re.match(r"[A-Za-z0-9]*", source)
    return f"{FOLDER}/{(system and system[0]) or 'folder'}-{hashlib.sha256(source.encode()).hexdigest()[:12]}"


def read_state(objects: Objects, source: str, revision: int, made: str = "") -> State:
    """Read what is in the lake of a source; nothing, when the file speaks of another lake, or of a later one.

    Raises
    ------
    FormatError
        The file cannot be read; without it everything is read again.

    Examples
    --------
    >>> import tempfile
    >>> objects = Objects.open(tempfile.mkdtemp())
    >>> write_state(objects, State("acme+https://h/shop", "acme shop", 7))
    >>> read_state(objects, "acme+https://h/shop", 7).revision, read_state(objects, "acme+https://h/shop", 3).revision
    (7, 0)
    """
    name = f"{name_of(source)}.json"
    try:
        state = _decoded(objects, name)
    except SourceNotFound:
        return State(source, made=made)
    return state if state.revision <= revision and state.made == made else State(source, made=made)


def _decoded(objects: Objects, name: str) -> State:
    try:
        return _state.decode(objects.read(name))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FormatError(
            f"{name} at {objects.address} cannot be read ({error}); delete it, and the source is read anew"
        ) from error


def write_state(objects: Objects, state: State) -> None:
    """Write down what is in the lake."""
    encoded = msgspec.json.format(msgspec.json.encode(state, order="deterministic"), indent=1) + b"\n"
    objects.write(f"{name_of(state.source)}.json", encoded)
