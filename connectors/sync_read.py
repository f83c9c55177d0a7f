"""The readers of a sync: threads that take slices of feeds and hand over pages, no more of them than fit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from connectors.exceptions import CallRefused, FormatError
from connectors.remote import Batch
from connectors.stores import Refused, Window
from connectors.sync_plan import Slices, Span, whole_second
from connectors.sync_rows import Page, whole_tables

# A slice whose pages cannot be read to the end (a cursor that expires on the way) is cut in two so many times.
MOST_CUTS = 4
# pages that wait to be written, for each reader
AHEAD = 4


class Source(Protocol):
    """What a sync needs of a store: `connectors.remote.RemoteStore` has it."""

    name: str
    address: str
    lateness: timedelta
    feeds: Mapping[str, tuple[str, ...]]

    def batches(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give a feed's rows of a window, page by page."""
        ...

    def now(self) -> datetime:
        """Say what time it is at the source."""
        ...


class Got(NamedTuple):
    """A page of a slice."""

    feed: str
    page: Page
    rows: int
    bytes: int
    calls: int
    refused: tuple[Refused, ...]


class Done(NamedTuple):
    """A slice whose pages have all been handed over.

    `settled` is the part of it that need not be read again; `truncated` means that the source would not give all.
    """

    feed: str
    span: Span
    settled: Span
    truncated: bool


class Readers:
    """Reads feeds in parallel; iterate over it for the pages, in a `with closing(...)` block.

    The first error of a reader is raised where the pages are taken, after all pages that came before it.
    """

    def __init__(self, source: Source, slices: Mapping[str, Slices], parallel: int) -> None:
        self._source = source
        self._slices = dict(slices)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._cuts: dict[tuple[str, datetime], int] = {}
        self._pages: queue.Queue[Got | Done | BaseException | None] = queue.Queue(AHEAD * parallel)
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"sync-{number}", daemon=True)
            for number in range(parallel)
        ]

    def __iter__(self) -> Iterator[Got | Done]:
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            item = self._pages.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item

    def close(self) -> None:
        """Let no reader begin another page; those that wait for an answer are not waited for."""
        self._stop.set()

    def left(self) -> dict[str, timedelta]:
        """Say how much time no reader has taken yet, by feed."""
        with self._lock:
            return {feed: slices.left for feed, slices in self._slices.items()}

    def _work(self, number: int) -> None:
        try:
            while (task := self._take(number)) is not None:
                self._read(*task)
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that takes the pages
            self._hand_over(error)
        else:
            self._hand_over(None)

    def _take(self, number: int) -> tuple[str, Span] | None:
        """Take a slice: of the feed that is this reader's by turn, or else of the next one that has any left."""
        with self._lock:
            feeds = list(self._slices)
            for turn in range(len(feeds)):
                feed = feeds[(number + turn) % len(feeds)]
                span = self._slices[feed].take()
                if span is not None:
                    return feed, span
        return None

    def _read(self, feed: str, span: Span) -> None:
        began = self._source.now()
        rows, truncated, refused = 0, False, []
        tables = self._source.feeds[feed]
        whole = whole_tables(tables)
        try:
            with closing(iter(self._source.batches(feed, Window(span.start, span.end)))) as batches:
                for batch in batches:
                    frames = {name: frame for name, frame in batch.tables.items() if frame.height}
                    rows += frames[min(frames, key=tables.index)].height if frames else 0
                    truncated |= batch.truncated
                    refused += batch.refused[:1]
                    size = sum(frame.estimated_size() for frame in frames.values())
                    count = sum(frame.height for frame in frames.values())
                    if not self._hand_over(
                        Got(feed, Page(frames, whole), count, int(size), batch.calls, batch.refused)
                    ):
                        return
        except CallRefused:
            if rows == 0 or not self._cut(feed, span):
                raise
            return
        if refused and not rows:
            raise FormatError(
                f"{self._source.name} gave no row of {feed} that can be read, the first at {refused[0].place}: "
                f"{refused[0].reason}; has it changed its form?"
            )
        with self._lock:
            if truncated and self._slices[feed].split(span):
                return
            self._slices[feed].learn(span, rows)
        # What happened just before we asked may not have been there to be seen.
        sure = min(span.end, whole_second(began - self._source.lateness))
        self._hand_over(Done(feed, span, Span(span.start, max(span.start, sure)), truncated))

    def _cut(self, feed: str, span: Span) -> bool:
        with self._lock:
            cuts = self._cuts.get((feed, span.start), 0)
            if cuts >= MOST_CUTS or not self._slices[feed].split(span):
                return False
            self._cuts[feed, span.start] = self._cuts[feed, Slices.middle(span)] = cuts + 1
            return True

    def _hand_over(self, item: Got | Done | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._pages.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
