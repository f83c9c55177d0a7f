"""From a remote system into a lake: a window of it, in parallel, to be killed at any moment and started again.

::

    from connectors.sync import sync
    sync("sentry+https://sentry.example.com/acme/shop", "lake", since=timedelta(hours=24))

A window is cut into slices of time (`sync_plan`), which several threads read page by page (`sync_read`). Pages go into
the lake some megabytes at a time, each time in one step (`sync_rows`); after that, the slices that are complete are
written down (`sync_state`). So memory does not grow with the window; a process that dies loses what it had in hand, and
nothing else; and what is read twice changes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from connectors.exceptions import BlindspotError, FetchError, ParameterError, SourceNotFound
from connectors.lake import Lake
from connectors.remote import RemoteStore
from connectors.stores import Refused, Window
from connectors.sync_lock import SyncLock
from connectors.sync_plan import Slices, Span, minus, whole_second
from connectors.sync_read import Done, Got, Readers
from connectors.sync_rows import Merged, Page, merge
from connectors.sync_sources import remote_stores
from connectors.sync_state import FeedState, State, name_of, read_state, write_state
from connectors.tables import TABLES

# Pages of so many bytes in memory go into the lake in one step, or after so many seconds whatever there is.
STEP_BYTES = 24_000_000
STEP_SECONDS = 60.0
REASONS_KEPT = 20


class Progress(NamedTuple):
    """How far a sync is: the share of its time that is in the lake or about to be, rows and calls so far."""

    share: float
    rows: int
    calls: int
    waits: float


@dataclass
class SyncReport:
    """What a sync did.

    Attributes
    ----------
    source, lake
        Their addresses, without secrets.
    window
        From when to when, as it was understood: never later than the source's own clock.
    read
        How much time was read now, over all feeds; the rest was there.
    tables
        Rows that were new and rows that had changed, by table.
    rows, calls
        What came, also what was there already, and in how many calls.
    held
        Rows of the window that the lake has now, over all tables that were asked for.
    refused, reasons
        How many rows were set aside, and the first of them with their reasons.
    truncated
        Stretches of which the source would not give everything, by feed.
    """

    source: str
    lake: str
    window: Span
    read: timedelta = timedelta()
    tables: dict[str, Merged] = field(default_factory=dict)
    rows: int = 0
    calls: int = 0
    held: int = 0
    refused: int = 0
    reasons: list[Refused] = field(default_factory=list)
    truncated: list[tuple[str, Span]] = field(default_factory=list)


def sync(
    source: str | RemoteStore,
    lake: str | os.PathLike[str] | Lake,
    *,
    since: datetime | timedelta,
    until: datetime | timedelta | None = None,
    tables: Sequence[str] | None = None,
    parallel: int = 4,
    again: bool = False,
    most_wait: float = 900.0,
    progress: Callable[[Progress], None] | None = None,
) -> SyncReport:
    """Bring a window of a remote system into a lake.

    Parameters
    ----------
    source
        The address of a remote system, or its store.
    lake
        The lake, or its address; it is made when there is none.
    since, until
        The window in the source's own time; a timedelta reaches back from now, `until` is now when not given. What an
        earlier sync has settled is not read again; the latest stretch, as long as things may come late at this source
        (`lateness`), always is.
    tables
        Only the feeds that give one of these; a feed is brought whole (events with their frames).
    parallel
        How many slices are read at a time.
    again
        Read all of the window, also what is settled.
    most_wait
        Seconds that a call may wait for the source's rate limit, before the sync ends.
    progress
        Called with each page.

    Raises
    ------
    AddressError, ParameterError
        This cannot be synced, or not so.
    AuthError, SourceNotFound, FetchError, FormatError
        The source did not give what was asked for. What came before is in the lake; the same call goes on from there.
    """
    stores = remote_stores(source)
    if len(stores) > 1:
        named = ", ".join(one.address for one in stores)
        raise ParameterError(f"one system is synced at a time, here are {len(stores)} ({named}); name one of them")
    (store,) = stores
    if parallel < 1:
        raise ParameterError(f"parallel is {parallel}; at least one slice is read at a time")
    feeds = _feeds(store, tables)
    store.http.pace.most_wait = max(store.http.pace.most_wait, most_wait)
    check = store.checked()
    if not check.ok:
        raise FetchError(f"{store.name} cannot be read: {check.says}")
    window = _window(since, until, store.now())
    target = lake if isinstance(lake, Lake) else _lake_at(lake, store)
    with SyncLock(target.objects, name_of(store.address)) as lock:
        run = _Run(store, target, lock, SyncReport(store.address, target.address, window), progress)
        run.bring(feeds, parallel, again)
    names = [name for name in TABLES if any(name in store.feeds[feed] for feed in feeds)]
    run.report.held = sum(_rows(target, name, window) for name in names)
    return run.report


class _Run:
    """One sync on its way."""

    def __init__(
        self,
        store: RemoteStore,
        lake: Lake,
        lock: SyncLock,
        report: SyncReport,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.report = report
        self._store, self._lake, self._lock, self._progress = store, lake, lock, progress
        self._state = read_state(lake.objects, store.address, lake.manifest.revision)
        self._pages: list[Page] = []
        self._bytes = 0
        self._complete: dict[str, list[Done]] = {}
        self._stepped = time.monotonic()
        self._done = timedelta()

    def bring(self, feeds: Sequence[str], parallel: int, again: bool) -> None:
        """Read what is not there yet, and write it."""
        window = self.report.window
        gaps = {feed: minus(window, [] if again else self._state.settled(feed)) for feed in feeds}
        self.report.read = sum((gap.length for some in gaps.values() for gap in some), timedelta())
        slices = {feed: Slices(some, in_one=feed in self._store.in_one) for feed, some in gaps.items() if some}
        try:
            with closing(Readers(self._store, slices, parallel if slices else 0)) as readers:
                for item in readers:
                    self._take(item)
                    if self._bytes >= STEP_BYTES or time.monotonic() - self._stepped > STEP_SECONDS:
                        self._step()
        except (BlindspotError, KeyboardInterrupt):
            self._step()  # what is in hand is not fetched a second time
            raise
        self._step()

    def _take(self, item: Got | Done) -> None:
        report = self.report
        if isinstance(item, Got):
            self._pages.append(item.page)
            self._bytes += item.bytes
            report.rows += item.rows
            report.calls += item.calls
            report.refused += len(item.refused)
            report.reasons += item.refused[: REASONS_KEPT - len(report.reasons)]
        else:
            self._complete.setdefault(item.feed, []).append(item)
            self._done += item.span.length
            if item.truncated:
                report.truncated.append((item.feed, item.span))
        if self._progress is not None:
            share = self._done / report.read if report.read else 1.0
            self._progress(Progress(share, report.rows, report.calls, self._store.http.pace.waits()))

    def _step(self) -> None:
        """Write what is in hand, then write down which slices are complete: in this order a crash loses nothing."""
        try:
            if self._pages:
                for name, merged in merge(self._lake, self._pages).items():
                    before = self.report.tables.get(name, Merged())
                    self.report.tables[name] = Merged(before.new + merged.new, before.changed + merged.changed)
            feeds = {**self._state.feeds, **{feed: self._after(feed, done) for feed, done in self._complete.items()}}
            state = State(self._store.address, self._store.name, self._lake.manifest.revision, feeds)
            if state.feeds != self._state.feeds:
                write_state(self._lake.objects, state)
            self._lock.renew()
        except OSError as error:
            raise FetchError(f"the lake at {self._lake.address} cannot be written ({error.strerror})") from error
        self._state = state
        self._pages, self._bytes, self._complete = [], 0, {}
        self._stepped = time.monotonic()

    def _after(self, feed: str, done: Sequence[Done]) -> FeedState:
        before = self._state.feeds.get(feed, FeedState())
        cut = [one.span for one in done if one.truncated]
        return before.and_read(self._store.feeds[feed], [one.span for one in done], [one.settled for one in done], cut)


def _feeds(store: RemoteStore, tables: Sequence[str] | None) -> list[str]:
    if tables is None:
        return list(store.feeds)
    given = sorted({name for feed in store.feeds.values() for name in feed})
    unknown = sorted(set(tables) - set(given))
    if unknown or not tables:
        asked = ", ".join(unknown) or "tables, since none was named"
        raise ParameterError(f"{store.name} gives no {asked}; it gives {', '.join(given)}")
    return store.feeds_of(tables)


def _window(since: datetime | timedelta, until: datetime | timedelta | None, now: datetime) -> Span:
    start, end = whole_second(_at(since, now)), whole_second(now)
    if until is not None:
        end = min(end, whole_second(_at(until, now) + timedelta(microseconds=999_999)))
    if start >= end:
        raise ParameterError(
            f"there is no time between {start:%Y-%m-%d %H:%M:%S} and {end:%Y-%m-%d %H:%M:%S} UTC"
            + (", which is now at the source" if end == whole_second(now) else "")
        )
    return Span(start, end)


def _at(time: datetime | timedelta, now: datetime) -> datetime:
    if isinstance(time, timedelta):
        return now - time
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _lake_at(address: str | os.PathLike[str], store: RemoteStore) -> Lake:
    try:
        return Lake.open(address)
    except SourceNotFound:
        return Lake.create(address, environment=store.environment, first_party=store.first_party)


def _rows(lake: Lake, name: str, window: Span) -> int:
    """Count the rows of a window; what has no time of its own lies with its events and is not counted."""
    if TABLES[name].time is None:
        return 0
    return lake.objects.collect(lake.scan(name, Window(*window)).select(pl.len())).item()
