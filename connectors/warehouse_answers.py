"""The answers of a warehouse to every Protocol: a table comes home whole, or of a big one what belongs to errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import narwhals as nw
import polars as pl

from connectors.bringing_home import bring_home
from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import EVENTS, REPLAY_EVENTS, SPANS, TABLES, Table
from connectors.warehouse_relations import Frame
from connectors.warehouse_slices import belonging, clean, named, representatives

OF_EACH_SHAPE = 50
"""Events of each type, message and stack that come home where not all can."""

BELONG_BY: Mapping[str, tuple[str, ...]] = {
    "frames": ("event_id",), "breadcrumbs": ("event_id",), "requests": ("event_id", "session_id"),
    "sessions": ("session_id",), "page_views": ("session_id",), "vitals": ("session_id",),
    "replays": ("session_id",), "spans": ("trace_id",),
}  # fmt: skip
"""By what the rows of a table belong to an error; where several are named, by the first that a row has."""

OF_EVENTS = ("frames", "breadcrumbs")
"""Tables of which only what belongs to an error is ever wanted."""

BEFORE = timedelta(days=1)
"""How long before the window something can lie that an event of the window names."""


class _Errors(NamedTuple):
    """The window's errors: where they lie, and those that came home."""

    rows: Frame
    home: pl.DataFrame
    report: FetchReport


class WarehouseAnswers(ABC):
    """Every fetch in terms of what a warehouse knows of its tables."""

    name: str
    most_rows: int
    user_key: str
    _errors: dict[Window, _Errors]

    @abstractmethod
    def has(self, table_name: str) -> bool:
        """Say whether the warehouse has this table, or can tell it from others."""

    @abstractmethod
    def rows(self, table_name: str, window: Window | None = None) -> Frame:
        """Give the rows of a window where they lie, under our names, lazily."""

    @abstractmethod
    def count(self, table_name: str, window: Window | None = None) -> int:
        """Count the rows of a window where they lie."""

    @abstractmethod
    def place(self, table_name: str) -> str:
        """Say what the team calls a table."""

    @property
    @abstractmethod
    def told(self) -> tuple[str, ...]:
        """Tables that are told from others."""

    @property
    @abstractmethod
    def there(self) -> str:
        """The names of the tables there are, for sentences."""

    def events(self, window: Window) -> Fetched:
        """Error events of the window; of too many, representatives of each shape, each with what it stands for."""
        if not self.has(EVENTS.name):
            return self._nothing(EVENTS, window)
        errors = self._errors_of(window)
        return Fetched(errors.home.lazy(), errors.report)

    def frames(self, window: Window) -> Fetched:
        """Frames of the events that came home."""
        return self._of_errors(TABLES["frames"], window)

    def breadcrumbs(self, window: Window) -> Fetched:
        """Breadcrumbs of the events that came home."""
        return self._of_errors(TABLES["breadcrumbs"], window)

    def requests(self, window: Window) -> Fetched:
        """Requests of the window; of too many, those of the sessions that met an error."""
        return self._whole_or_of_errors(TABLES["requests"], window)

    def vitals(self, window: Window) -> Fetched:
        """Web vitals of the window; of too many, those of the sessions that met an error."""
        return self._whole_or_of_errors(TABLES["vitals"], window)

    def page_views(self, window: Window) -> Fetched:
        """Page views of the window; of too many, those of the sessions that met an error."""
        return self._whole_or_of_errors(TABLES["page_views"], window)

    def sessions(self, window: Window) -> Fetched:
        """Sessions that overlap the window; of too many, those that met an error."""
        return self._whole_or_of_errors(TABLES["sessions"], window)

    def replays(self, window: Window) -> Fetched:
        """Recordings that overlap the window; of too many, those of the sessions that met an error."""
        return self._whole_or_of_errors(TABLES["replays"], window)

    def replay_events(self, replay_id: str) -> Fetched:
        """All events of one recording, in order of time."""
        if not self.has(REPLAY_EVENTS.name):
            return self._nothing(REPLAY_EVENTS, Window())
        rows = named(self.rows(REPLAY_EVENTS.name), "replay_id", [replay_id])
        return self._fetched(REPLAY_EVENTS, rows, Window(), f"replay_id = {replay_id}")

    def spans(self, *, trace_ids: Sequence[str] | None = None, window: Window | None = None) -> Fetched:
        """Spans of some traces, of a window, or of both; of too many, those of the traces that met an error."""
        window = window or Window()
        if trace_ids is None or not self.has(SPANS.name):
            return self._whole_or_of_errors(SPANS, window)
        rows = named(self.rows(SPANS.name, window), "trace_id", trace_ids)
        return self._fetched(SPANS, rows, window, f"{len(trace_ids)} traces, {window.describe()}")

    def lab_runs(self, window: Window) -> Fetched:
        """Lab runs of the window."""
        return self._whole_or_of_errors(TABLES["lab_runs"], window)

    def releases(self, window: Window) -> Fetched:
        """Deploys of the window."""
        return self._whole_or_of_errors(TABLES["releases"], window)

    def of_errors(self, table_name: str, window: Window, events: Fetched) -> Fetched:
        """Give a table's rows of a window; of too many, those that belong to errors which another store told.

        Parameters
        ----------
        table_name
            A table that lies here.
        window
            The errors' window.
        events
            The errors, as they came home.
        """
        home = events.frame.collect()
        self._errors = {**self._errors, window: _Errors(nw.from_native(home.lazy()), home, events.report)}
        table = TABLES[table_name]
        return self._of_errors(table, window) if table_name in OF_EVENTS else self._whole_or_of_errors(table, window)

    def _errors_of(self, window: Window) -> _Errors:
        if window not in self._errors:
            rows, n = self.rows(EVENTS.name, window), self.count(EVENTS.name, window)
            sampling = None
            if n > self.most_rows:
                rows = representatives(rows, OF_EACH_SHAPE)
                sampling = f"at most {OF_EACH_SHAPE} of each error of {n:,} came home, each with what it stands for"
            frame, report = self._fetched(EVENTS, rows, window, sampling=sampling)
            # one window's errors are asked for table after table; of several windows the last few stay
            self._errors = dict([*self._errors.items(), (window, _Errors(rows, frame.collect(), report))][-3:])
        return self._errors[window]

    def _of_errors(self, table: Table, window: Window, n: int | None = None) -> Fetched:
        """Give what belongs to the errors that came home; `n` is how many rows the window has of all."""
        if not self.has(table.name):
            return self._nothing(table, window)
        if not self.has(EVENTS.name) and window not in self._errors:
            return self._nothing(table, window, f"{self.name} has no events that {table.name} could belong to", n)
        errors = self._errors_of(window)
        reach = window if n is not None or window.start is None else replace(window, start=window.start - BEFORE)
        rows = self.rows(table.name, reach)
        have = set(rows.collect_schema().names()) & set(errors.home.columns)
        columns = [name for name in BELONG_BY.get(table.name, ()) if name in have]
        if not columns:
            by = " or ".join(BELONG_BY.get(table.name, ("an id",)))
            said = f"{n or 0:,} rows stayed where they are: without {by} nobody can say which belong to the errors"
            return self._nothing(table, window, said, n)
        parts, asked = [], []
        for column in columns:
            home = errors.home[column].drop_nulls().unique()
            parts.append(belonging(rows, column, errors.rows, home))
            asked.append(f"{len(home):,} {column.removesuffix('_id')}s")
            rows = rows.filter(nw.col(column).is_null())
        of = f"{n:,} rows, of these those of" if n is not None else "of"
        query = f"{of} {' and '.join(asked)} with an error, {window.describe()}"
        if table is SPANS:
            parts.extend(_edges(self.rows(table.name, window)))
        return self._fetched(table, parts, window, query)

    def _whole_or_of_errors(self, table: Table, window: Window) -> Fetched:
        if not self.has(table.name):
            return self._nothing(table, window)
        n = self.count(table.name, window)
        if n <= self.most_rows:
            note = "no table of sessions: told from what the others say" if table.name in self.told else None
            return self._fetched(table, self.rows(table.name, window), window, note=note)
        return self._of_errors(table, window, n)

    def _fetched(self, table: Table, parts: Frame | Sequence[Frame], window: Window, query: str | None = None, *,
                 note: str | None = None, sampling: str | None = None) -> Fetched:  # fmt: skip
        if isinstance(parts, Sequence):
            home = pl.concat([bring_home(part) for part in parts], how="diagonal_relaxed")
            home = home.unique(list(table.key), maintain_order=True)
        else:
            home = bring_home(parts)
        frame, refused, notes = clean(home, table, self.place(table.name), self.user_key)
        report = FetchReport(
            self.name, table.name, query or window.describe(), frame.height, window, refused=tuple(refused),
            note="; ".join(filter(None, [note, *notes])) or None, sampling=sampling,
        )  # fmt: skip
        return Fetched(frame.lazy(), report)

    def _nothing(self, table: Table, window: Window, note: str | None = None, stayed: int | None = None) -> Fetched:
        said = note or f"{self.name} has no {table.name}; it has: {', '.join(self._relations) or 'no tables'}"
        return Fetched(
            table.empty().lazy(),
            FetchReport(self.name, table.name, window.describe(), 0, window, note=said, truncated=bool(stayed)),
        )


def _edges(spans: Frame) -> list[Frame]:
    """Give the first and the last of the backend's spans: what time its traces cover."""
    backend = spans.filter((nw.col("side") != "browser") | nw.col("side").is_null()) if _has(spans, "side") else spans
    ends = bring_home(backend.select(first=nw.col("started_at").min(), last=nw.col("started_at").max())).row(0)
    zoned = getattr(spans.collect_schema()["started_at"], "time_zone", None)
    bounds = [end if zoned else end.replace(tzinfo=None) for end in ends if end is not None]
    return [backend.filter(nw.col("started_at") == end).head(1) for end in bounds]


def _has(rows: Frame, column: str) -> bool:
    return column in rows.collect_schema().names()
