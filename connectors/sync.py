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
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from connectors.exceptions import FetchError, ParameterError, SourceError, SourceNotFound
from connectors.lake import Lake
from connectors.remote import RemoteStore
from connectors.stores import Window
from connectors.sync_lock import SyncLock
from connectors.sync_plan import Span, whole_second
from connectors.sync_run import Progress, Run, SyncReport
from connectors.sync_sources import remote_stores
from connectors.sync_state import name_of
from connectors.tables import TABLES

__all__ = ["Progress", "SyncReport", "sync"]


def sync(
    source: str | RemoteStore,
    lake: str | os.PathLike[str] | Lake,
    *,
    since: datetime | timedelta,
    until: datetime | timedelta | None = None,
    tables: Sequence[str] | None = None,
    parallel: int = 4,
    again: bool = False,
    overlap: timedelta = timedelta(),
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
    overlap
        Read again what lies less than this before the window's end, also what is settled: for systems in which things
        turn up later than their connector expects.
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
        run = Run(store, target, lock, SyncReport(store.address, target.address, window), progress)
        run.bring(feeds, parallel, window.length if again else overlap)
    names = [name for name in TABLES if any(name in store.feeds[feed] for feed in feeds)]
    if run.found(feeds):
        run.report.held = sum(_rows(target, name, window) for name in names)
    return run.report


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
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        raise ParameterError(f"{time.isoformat()} lies before the first or after the last year there is") from None


def _lake_at(address: str | os.PathLike[str], store: RemoteStore) -> Lake:
    try:
        return Lake.open(address)
    except SourceNotFound:
        try:
            return Lake.create(address, environment=store.environment, first_party=store.first_party)
        except SourceError:  # another sync was faster
            return Lake.open(address)


def _rows(lake: Lake, name: str, window: Span) -> int:
    """Count the rows of a window; what has no time of its own lies with its events and is not counted."""
    if TABLES[name].time is None:
        return 0
    return lake.objects.collect(lake.scan(name, Window(*window)).select(pl.len())).item()
