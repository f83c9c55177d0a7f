"""What a store is: small Protocols, the window that is asked for, and the report that every fetch returns.

A store is anything that answers one or more of these Protocols. It never guesses and never swallows: whatever it could
not give stands in the `FetchReport` that comes back beside the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, runtime_checkable

import polars as pl


@dataclass(frozen=True)
class Window:
    """The part of a source that is asked for: `start` inclusive, `end` exclusive, both UTC; None is open.

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> Window(datetime(2026, 3, 9, tzinfo=UTC), None).describe()
    '2026-03-09 00:00 UTC – open'
    """

    start: datetime | None = None
    end: datetime | None = None
    environment: str | None = None
    project: str | None = None

    def describe(self) -> str:
        """Say the window in words, for ledgers and errors."""

        def say(time: datetime | None) -> str:
            return "open" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

        if self.start is None and self.end is None:
            return "everything there is"
        return f"{say(self.start)} – {say(self.end)}"

    def keep(self, frame: pl.LazyFrame, time: str = "at") -> pl.LazyFrame:
        """Keep the rows of `frame` whose `time` lies in the window (and environment, project where it has them)."""
        if self.start is not None:
            frame = frame.filter(pl.col(time) >= self.start)
        if self.end is not None:
            frame = frame.filter(pl.col(time) < self.end)
        names = frame.collect_schema().names()
        for name, value in (("environment", self.environment), ("project", self.project)):
            if value is not None and name in names:
                frame = frame.filter(pl.col(name).is_null() | (pl.col(name).cast(pl.String) == value))
        return frame


class Refused(NamedTuple):
    """One row, line or file that was set aside, where it was, and why."""

    place: str
    reason: str


@dataclass(frozen=True)
class FetchReport:
    """What one fetch asked for, what came back, and what did not.

    `rows` counts canonical rows; `refused` is what was set aside with its reason; `truncated` means that the source had
    more than we were given; `sampling` says in words how the source itself samples, null if it says nothing.
    """

    source: str
    table: str
    query: str
    rows: int
    window: Window = field(default_factory=Window)
    pages: int = 1
    truncated: bool = False
    rate_limited: bool = False
    refused: tuple[Refused, ...] = ()
    sampling: str | None = None
    note: str | None = None
    failed: str | None = None

    @property
    def complete(self) -> bool:
        """True when the fetch gave all that its source has for the window."""
        return not (self.truncated or self.refused or self.failed)


class Fetched(NamedTuple):
    """A canonical table, lazy, and the report of the fetch that brought it."""

    frame: pl.LazyFrame
    report: FetchReport


@runtime_checkable
class TrackerStore(Protocol):
    """An error tracker: events, their frames, what happened before them."""

    def events(self, window: Window) -> Fetched:
        """Error events of the window."""
        ...

    def frames(self, window: Window) -> Fetched:
        """Frames of the window's events."""
        ...

    def breadcrumbs(self, window: Window) -> Fetched:
        """Breadcrumbs of the window's events, also those from before the window."""
        ...

    def requests(self, window: Window) -> Fetched:
        """Requests of the window's events, and other requests in the window."""
        ...


@runtime_checkable
class RumStore(Protocol):
    """A RUM store: vitals, page views and sessions."""

    def vitals(self, window: Window) -> Fetched:
        """Web vitals of the window."""
        ...

    def page_views(self, window: Window) -> Fetched:
        """Page views of the window."""
        ...

    def sessions(self, window: Window) -> Fetched:
        """Sessions that overlap the window."""
        ...


@runtime_checkable
class ReplayStore(Protocol):
    """A session-replay store: the list of recordings, and the events of one."""

    def replays(self, window: Window) -> Fetched:
        """Recordings that overlap the window."""
        ...

    def replay_events(self, replay_id: str) -> Fetched:
        """All events of one recording, in order of time."""
        ...


@runtime_checkable
class TraceStore(Protocol):
    """A trace backend: spans by trace ids, or by window."""

    def spans(self, *, trace_ids: Sequence[str] | None = None, window: Window | None = None) -> Fetched:
        """Spans of some traces, of a window, or of both."""
        ...


@runtime_checkable
class LabStore(Protocol):
    """Synthetic results (Lighthouse)."""

    def lab_runs(self, window: Window) -> Fetched:
        """Lab runs of the window."""
        ...


@runtime_checkable
class ReleaseStore(Protocol):
    """When which release was deployed."""

    def releases(self, window: Window) -> Fetched:
        """Deploys of the window."""
        ...


@runtime_checkable
class SourceMapStore(Protocol):
    """Source maps by release; `open_map` gives the raw bytes of one artifact's map by its `map_location`."""

    def artifacts(self, release: str | None = None) -> Fetched:
        """Bundles and their maps, of one release or of all."""
        ...

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one map, decompressed."""
        ...
