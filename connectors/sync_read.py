"""The readers of a sync: threads that take slices of feeds and hand over pages, no more of them than fit."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from connectors.exceptions import CallRefused
from connectors.remote import Batch
from connectors.stores import Refused, Window
from connectors.sync_plan import Slices, Span, whole_second
from connectors.sync_rows import Page, whole_tables
from connectors.sync_told import REASONS_KEPT, Told

# A slice whose pages cannot be read to the end (a cursor that expires on the way) is cut in two so many times.
MOST_CUTS = 4
# pages that wait to be written, for each reader
AHEAD = 4
# seconds after which it is said that no page has come
BEAT = 2.0
# seconds that the last page of a reader may take when the others are to end
LAST_PAGE = 1.0


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

    `settled` is the part of it that need not be read again; `truncated` means that the source would not give all;
    `told` is what it said of it.
    """

    feed: str
    span: Span
    settled: Span
    truncated: bool
    rows: int
    told: Told


class Readers:
    """Reads feeds in parallel; iterate over it for the pages, in a `with closing(...)` block.

    The first error of a reader is raised where the pages are taken, after all pages that came before it. While no page
    comes, None does, every few seconds.
    """

    def __init__(self, source: Source, slices: Mapping[str, Slices], parallel: int) -> None:
        self._source = source
        self._slices = dict(slices)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._cuts: dict[tuple[str, datetime], int] = {}
        self._ahead = timedelta()
        self._pages: queue.Queue[Got | Done | BaseException | None] = queue.Queue(AHEAD * parallel)
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"sync-{number}", daemon=True)
            for number in range(parallel)
        ]

    def __iter__(self) -> Iterator[Got | Done | None]:
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            try:
                item = self._pages.get(timeout=BEAT)
            except queue.Empty:
                yield None
                continue
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item

    def close(self) -> None:
        """Let no reader begin another page; those that wait for an answer are not waited for.

        One that is about to finish a page is: a thread that is ended with the process while it converts rows would take
        the process's exit code along.
        """
        self._stop.set()
        until = time.monotonic() + LAST_PAGE
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

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
        began = self._surely_now()
        rows, truncated, refused = 0, False, []
        said: dict[str, dict[str, None]] = {"sampling": {}, "note": {}}
        tables = self._source.feeds[feed]
        whole = whole_tables(tables)
        try:
            with closing(iter(self._source.batches(feed, Window(span.start, span.end)))) as batches:
                for batch in batches:
                    frames = {name: frame for name, frame in batch.tables.items() if frame.height}
                    rows += batch.known + (frames[min(frames, key=tables.index)].height if frames else 0)
                    truncated |= batch.truncated
                    refused += batch.refused
                    for what, texts in said.items():
                        if text := getattr(batch, what):
                            texts[text] = None
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
        with self._lock:
            if truncated and self._slices[feed].split(span):
                return
            self._slices[feed].learn(span, rows)
        # What happened just before we asked may not have been there to be seen.
        sure = min(span.end, whole_second(min(began, self._surely_now()) - self._source.lateness))
        texts = {what: "; ".join(texts) or None for what, texts in said.items()}
        told = Told(span.start, span.end, refused=len(refused), reasons=refused[:REASONS_KEPT], **texts)
        self._hand_over(Done(feed, span, Span(span.start, max(span.start, sure)), truncated, rows, told))

    def _surely_now(self) -> datetime:
        """Give the earliest time that it may be: of a server's nodes, each with a clock, and us."""
        now = datetime.now(UTC)
        with self._lock:
            self._ahead = min(self._ahead, self._source.now() - now)
            return now + self._ahead

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
