"""What every remote system is built on: it says how to read one feed of a window, the rest stands here.

A *feed* is what a system gives in one go: a tracker's pages of events hold the frames, breadcrumbs and requests of
those events as well. A connector is a subclass with its `system`, its `feeds`, and `read`::

    class AcmeStore(RemoteStore):
        system = "acme"
        form = "project"
        feeds = {"errors": ("events", "frames")}

        def read(self, feed, window):
            cursor = ""
            while cursor is not None:
                page = self.http.get("api/errors", {"from": window.start, "to": window.end, "cursor": cursor}).json()
                yield Batch(read_errors(page))
                cursor = page["next"]
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple, Self

import polars as pl
from polars.exceptions import PolarsError

from connectors.answers import TableAnswers
from connectors.batch import Batch, Check
from connectors.derive import USER_KEY
from connectors.exceptions import AuthError, FetchError, FormatError, TableError
from connectors.http import Http
from connectors.loaded import lazily_in_window, once_a_key
from connectors.redaction import redact
from connectors.remote_address import Address, parse_address
from connectors.secrets import secret_of
from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import EVENTS, REPLAY_EVENTS, SPANS, TABLES, Table, conform

__all__ = ["Address", "Batch", "Check", "RemoteStore", "parse_address"]

# windows that a store object remembers: a case asks for the tables of one feed one after the other
REMEMBERED = 4
# a page may come twice, where a list moves while it is read; so often in a row it is a cursor that leads to itself
MOST_EQUAL = 5
# what code that reads an answer stumbles over when the answer is of another form
SURPRISES = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, PolarsError)


class _Collected(NamedTuple):
    tables: dict[str, pl.DataFrame]
    report: FetchReport


class RemoteStore(TableAnswers):
    """Base of every remote system; it answers every Protocol of `connectors.stores` for the tables of its feeds.

    Attributes
    ----------
    system
        The scheme is `<system>+https`; also the name that its secret goes by.
    form
        What stands in its address: `parse_address`.
    feeds
        Feed to the tables it gives, the one with the time first.
    lateness
        How much later than it happened something may come to be seen: `sync` reads that much again.
    in_one
        Feeds that can only be read from the newest back: `sync` cuts no slices of them, each would begin there again.
    http, where
        The client and the address taken apart; `http` is made by `connect` when none is given.
    lake_has
        Set by `sync` while it runs: which of some events its lake has.
    name, address, environment, first_party, user_key
        As a case wants them; users are hashed under `user_key`: BLINDSPOT_USER_KEY, or else the store's name.
    """

    system: ClassVar[str]
    form: ClassVar[str] = ""
    feeds: ClassVar[Mapping[str, tuple[str, ...]]]
    lateness: ClassVar[timedelta] = timedelta(minutes=10)
    in_one: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, address: str, *, http: Http | None = None) -> None:
        self.where = parse_address(address, self.system, self.form)
        self.address = self.where.text
        self.name = f"{self.system} {'/'.join(self.where.parts.values()) or self.where.host}"
        self.environment = self.where.options.get("environment")
        self.first_party = tuple(filter(None, self.where.options.get("first_party", "").split(",")))
        self.user_key = os.environ.get(USER_KEY) or self.name
        self.http = http or self.connect(self.where)
        self.lake_has: Callable[[Mapping[str, str | None]], frozenset[str]] | None = None
        self._collected: dict[tuple[str, Window], _Collected] = {}

    @classmethod
    def open(cls, address: str) -> Self:
        """Open the store at an address; no call is made yet."""
        return cls(address)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address!r})"

    def connect(self, where: Address) -> Http:
        """Make the client: a bearer token, unless a system overrides this (`secret_headers`, `per_second`, `pace`)."""
        return Http(where.base_url, source=self.system, bearer=secret_of(self.system, where.host))

    @abstractmethod
    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give a feed's rows of a window, lazily and page by page.

        `sync` calls it from several threads, each with a window of its own that has a start and an end. The memory it
        takes does not grow with the window. No error is swallowed: what `Http` raises goes through; what cannot be
        read is `refused`. A row may come twice; a row outside of the window does no harm.
        """

    @abstractmethod
    def check(self) -> Check:
        """Make one cheap call and say what it showed; what `Http` raises goes through."""

    def batches(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give what `read` gives; what it stumbles over in an answer of another form becomes one sentence.

        Raises
        ------
        FormatError
            A page could not be understood; the error that shows where hangs on it as its cause.
        FetchError
            The same page comes again and again.
        """
        before, same = None, 0
        with self._in_a_known_form(feed):
            for batch in self.read(feed, window):
                page = {name: frame for name, frame in batch.tables.items() if frame.height}
                same = same + 1 if page and _equal(page, before) else 0
                if same >= MOST_EQUAL:
                    raise FetchError(f"{self.name} gives the same page of {feed} again and again, and no end of it")
                before = page
                yield batch

    def checked(self) -> Check:
        """Give what `check` gives; what it stumbles over becomes one sentence, as in `batches`."""
        with self._in_a_known_form("its description"):
            return self.check()

    @contextmanager
    def _in_a_known_form(self, what: str) -> Iterator[None]:
        try:
            yield
        except SURPRISES as error:
            raise FormatError(
                f"{self.name} gave {what} in a form that this version does not know ({type(error).__name__}: "
                f"{redact(' '.join(str(error).split()))[:200]}); upgrade Blindspot, or report it"
            ) from error

    def read_recording(self, replay_id: str) -> Iterator[Batch]:
        """Give the replay events of one recording; a replay store can do better than to read everything."""
        yield from self._read_table(REPLAY_EVENTS, Window())

    def read_traces(self, trace_ids: Sequence[str], window: Window) -> Iterator[Batch]:
        """Give the spans of some traces; a trace store that finds them by id does better than to read the window."""
        yield from self._read_table(SPANS, window)

    def known_events(self, issues: Mapping[str, str | None]) -> frozenset[str]:
        """Say which of some events need not be fetched one by one: the lake that is synced into has them whole.

        For systems that list events without their content. It takes ids to issues: an event that is of another issue
        by now is fetched again. Where nothing is synced, none is known.
        """
        return self.lake_has(issues) if self.lake_has is not None and issues else frozenset()

    def has(self, table_name: str) -> bool:
        """Say whether the system gives this table at all; no call is made for it."""
        return any(table_name in tables for tables in self.feeds.values())

    def feeds_of(self, table_names: Sequence[str]) -> list[str]:
        """Name the feeds that give any of these tables."""
        return [feed for feed, tables in self.feeds.items() if set(tables) & set(table_names)]

    def now(self) -> datetime:
        """Say what time it is at the source: nothing later than this can be complete."""
        return self.http.now()

    def scan(self, table: Table, window: Window | None = None) -> pl.LazyFrame:
        """Give the rows of a table that belong to a window (None: all)."""
        window = window or Window()
        return lazily_in_window(self._collect(table, window).tables[table.name].lazy(), table, window)

    def replay_events(self, replay_id: str) -> Fetched:
        """All events of one recording, in order of time."""
        query = f"replay_id = {replay_id}"
        collected = self._gather(self.read_recording(replay_id), (REPLAY_EVENTS.name,), query, Window())
        rows = collected.tables[REPLAY_EVENTS.name].filter(pl.col("replay_id") == replay_id)
        return _fetched(REPLAY_EVENTS, rows.sort("at", maintain_order=True).lazy(), collected.report)

    def spans(self, *, trace_ids: Sequence[str] | None = None, window: Window | None = None) -> Fetched:
        """Spans of some traces, of a window, or of both."""
        window = window or Window()
        if trace_ids is None:
            return self._answer(SPANS, self.scan(SPANS, window), window)
        if not trace_ids:
            report = FetchReport(self.name, SPANS.name, "no traces", 0, window, pages=0, note="no trace was asked for")
            return _fetched(SPANS, SPANS.empty().lazy(), report)
        query = f"{len(trace_ids)} traces, {window.describe()}"
        collected = self._gather(self.read_traces(trace_ids, window), (SPANS.name,), query, window)
        rows = collected.tables[SPANS.name].filter(pl.col("trace_id").is_in(list(trace_ids)))
        return _fetched(SPANS, lazily_in_window(rows.lazy(), SPANS, window), collected.report)

    def _of_events(self, table: Table, window: Window) -> pl.LazyFrame:
        rows = self._collect(table, window).tables[table.name].lazy()
        if window == Window():
            return rows.filter(pl.col("event_id").is_not_null())
        return rows.join(self.scan(EVENTS, window).select("event_id"), on="event_id", how="semi", maintain_order="left")

    def _answer(self, table: Table, frame: pl.LazyFrame, window: Window, query: str | None = None) -> Fetched:
        return _fetched(table, frame, self._collect(table, window).report)

    def _read_table(self, table: Table, window: Window) -> Iterator[Batch]:
        for feed in self.feeds_of([table.name]):
            yield from self.batches(feed, window)

    def _collect(self, table: Table, window: Window) -> _Collected:
        """Read the feed of a table once for a window; where several give it, all of them."""
        feeds = self.feeds_of([table.name])
        if not feeds:
            note = f"{self.system} gives no {table.name}"
            empty = FetchReport(self.name, table.name, window.describe(), 0, window, pages=0, note=note)
            return _Collected({table.name: table.empty()}, empty)
        key = (",".join(feeds), window)
        if key not in self._collected:
            while len(self._collected) >= REMEMBERED:
                self._collected.pop(next(iter(self._collected)))
            tables = tuple(dict.fromkeys(name for feed in feeds for name in self.feeds[feed]))
            batches = (batch for feed in feeds for batch in self.batches(feed, window))
            self._collected[key] = self._gather(batches, tables, window.describe(), window)
        return self._collected[key]

    def _gather(self, batches: Iterator[Batch], tables: Sequence[str], query: str, window: Window) -> _Collected:
        """Collect pages; a fetch that fails on the way keeps what it has, and its report says that it failed."""
        frames: dict[str, list[pl.DataFrame]] = {name: [] for name in tables}
        pages, truncated, refused, failed = 0, False, [], None
        said: dict[str, dict[str, None]] = {"sampling": {}, "note": {}}
        held = self.http.pace.held
        try:
            for batch in batches:
                for name, frame in batch.tables.items():
                    if frame.height:
                        frames.setdefault(name, []).append(conform(frame, TABLES[name]))
                pages += batch.calls
                truncated |= batch.truncated
                refused += batch.refused
                for what, text in (("sampling", batch.sampling), ("note", batch.note)):
                    said[what] |= {text: None} if text else {}
        except AuthError:
            raise
        except (FetchError, FormatError, TableError) as error:
            failed = str(error)
        merged = {name: merge_pages(some, TABLES[name]) for name, some in frames.items()}
        report = FetchReport(
            source=self.name, table="", query=query, rows=0, window=window, pages=pages, truncated=truncated,
            rate_limited=self.http.pace.held > held, refused=tuple(refused), failed=failed,
            sampling="; ".join(said["sampling"]) or None, note="; ".join(said["note"]) or None,
        )  # fmt: skip
        return _Collected(merged, report)


def _equal(page: Mapping[str, pl.DataFrame], before: Mapping[str, pl.DataFrame] | None) -> bool:
    return before is not None and page.keys() == before.keys() and all(page[name].equals(before[name]) for name in page)


def merge_pages(pages: Sequence[pl.DataFrame], table: Table) -> pl.DataFrame:
    """Put the pages of a table together: of rows with one key the last is kept.

    Examples
    --------
    >>> from connectors.tables import RELEASES
    >>> page = conform(pl.DataFrame({"release": ["a"], "environment": ["production"]}), RELEASES)
    >>> merge_pages([page, page], RELEASES).height, merge_pages([], RELEASES).height
    (1, 0)
    """
    return once_a_key(pl.concat([table.empty(), *pages]), table, keep="last")[0]


def _fetched(table: Table, frame: pl.LazyFrame, report: FetchReport) -> Fetched:
    rows = frame.collect()
    order = [table.time] if table.time else list(table.key)
    return Fetched(rows.sort(order, maintain_order=True).lazy(), replace(report, table=table.name, rows=rows.height))
