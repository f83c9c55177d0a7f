"""One sync on its way: pages into the lake some megabytes at a time, and what is complete written down after them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import polars as pl

from connectors.exceptions import BlindspotError, FetchError, FormatError
from connectors.lake import Lake
from connectors.remote import RemoteStore
from connectors.stores import Refused, Window
from connectors.sync_lock import SyncLock
from connectors.sync_plan import Slices, Span, minus
from connectors.sync_read import Done, Got, Readers
from connectors.sync_rows import Merged, Page, merge
from connectors.sync_state import FeedState, State, read_state, write_state
from connectors.sync_told import REASONS_KEPT
from connectors.tables import EVENTS

# Pages of so many bytes in memory go into the lake in one step, or after so many seconds whatever there is.
STEP_BYTES = 24_000_000
STEP_SECONDS = 60.0
# Of a feed of which so many rows came and none could be read, no more are asked for.
DOUBTED = 500
TEXTS = {"event_id": pl.String, "vendor_issue_id": pl.String}


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
        Rows of the window that the lake has now, over all tables that were asked for; 0 when this source gave none.
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


class Run:
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
        manifest = lake.manifest
        self._state = read_state(lake.objects, store.address, manifest.revision, manifest.made)
        self._pages: list[Page] = []
        self._bytes = 0
        self._complete: dict[str, list[Done]] = {}
        # slices of which no row could be read, of feeds of which none could be so far
        self._doubtful: dict[str, list[Done]] = {}
        self._understood: set[str] = set()
        self._stepped = self._renewed = time.monotonic()
        self._done = timedelta()

    def bring(self, feeds: Sequence[str], parallel: int, overlap: timedelta) -> None:
        """Read what is not there yet, and what lies less than `overlap` before the window's end; write it."""
        window = self.report.window
        sure = window.end - min(overlap, window.length)
        settled = {feed: [Span(one.start, min(one.end, sure)) for one in self._state.settled(feed)] for feed in feeds}
        gaps = {feed: minus(window, settled[feed]) for feed in feeds}
        self.report.read = sum((gap.length for some in gaps.values() for gap in some), timedelta())
        slices = {feed: Slices(some, in_one=feed in self._store.in_one) for feed, some in gaps.items() if some}
        if not overlap:
            self._store.lake_has = self._has
        try:
            with closing(Readers(self._store, slices, parallel if slices else 0)) as readers:
                for item in readers:
                    self._take(item)
                    self._stop_in_doubt(DOUBTED)
                    if self._bytes >= STEP_BYTES or time.monotonic() - self._stepped > STEP_SECONDS:
                        self._step()
        except (BlindspotError, KeyboardInterrupt):
            self._step()  # what is in hand is not fetched a second time
            raise
        finally:
            self._store.lake_has = None
        self._step()
        self._stop_in_doubt(1)

    def found(self, feeds: Sequence[str]) -> bool:
        """Say whether the source has ever given a row of the window."""
        return any(self._state.feeds.get(feed, FeedState()).has_found(self.report.window) for feed in feeds)

    def _stop_in_doubt(self, most: int) -> None:
        """End when so many rows of a feed came and none can be read; what has been read of it is not noted as read."""
        for feed, doubtful in self._doubtful.items():
            if sum(one.told.refused for one in doubtful) >= most:
                first = min(doubtful, key=lambda one: one.span).told.reasons[0]
                raise FormatError(
                    f"{self._store.name} gave no row of {feed} that can be read, the first at {first.place}: "
                    f"{first.reason}; has it changed its form?"
                )

    def _take(self, item: Got | Done | None) -> None:
        report = self.report
        if item is None:
            if time.monotonic() - self._renewed > STEP_SECONDS:
                self._renew()
        elif isinstance(item, Got):
            self._pages.append(item.page)
            self._bytes += item.bytes
            report.rows += item.rows
            report.calls += item.calls
            report.refused += len(item.refused)
            report.reasons += item.refused[: REASONS_KEPT - len(report.reasons)]
        else:
            self._done += item.span.length
            if item.rows:
                self._understood.add(item.feed)
                self._complete.setdefault(item.feed, []).extend(self._doubtful.pop(item.feed, []))
            doubtful = item.told.refused and not item.rows and item.feed not in self._understood
            (self._doubtful if doubtful else self._complete).setdefault(item.feed, []).append(item)
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
            manifest = self._lake.manifest
            state = State(self._store.address, self._store.name, manifest.revision, feeds, manifest.made)
            if state.feeds != self._state.feeds:
                write_state(self._lake.objects, state)
            self._renew()
        except OSError as error:
            raise FetchError(f"the lake at {self._lake.address} cannot be written ({error.strerror})") from error
        self._state = state
        self._pages, self._bytes, self._complete = [], 0, {}
        self._stepped = time.monotonic()

    def _after(self, feed: str, done: Sequence[Done]) -> FeedState:
        before = self._state.feeds.get(feed, FeedState())
        return before.and_read(
            self._store.feeds[feed],
            [one.span for one in done],
            [one.settled for one in done],
            [one.span for one in done if one.truncated],
            [one.span for one in done if one.rows],
            [one.told for one in done],
        )

    def _has(self, issues: Mapping[str, str | None]) -> frozenset[str]:
        """Say which events lie in the lake as this source gave them, with all that hangs on them: a step has both."""
        window = self.report.window
        feeds = (self._state.feeds.get(feed, FeedState()) for feed in self._store.feeds_of([EVENTS.name]))
        if not all(feed.is_whole(window) for feed in feeds):
            return frozenset()
        asked = pl.DataFrame(list(issues.items()), schema=TEXTS, orient="row")
        ours = self._lake.scan(EVENTS, Window(*window)).filter(pl.col("source").cast(pl.String) == self._store.system)
        same = ours.select(pl.col(name).cast(pl.String) for name in TEXTS)
        found = same.join(asked.lazy(), on=list(TEXTS), how="semi", nulls_equal=True)
        return frozenset(self._lake.objects.collect(found)["event_id"])

    def _renew(self) -> None:
        self._lock.renew()
        self._renewed = time.monotonic()
