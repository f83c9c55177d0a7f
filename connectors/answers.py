"""The answers to every Protocol of `connectors.stores`, for a store whose tables can be scanned.

A folder and a lake differ in where a table comes from and what is known of its reading; what belongs to a window, to a
release or to some traces is the same for both, and stands here once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import polars as pl

from connectors.stores import Fetched, Window
from connectors.tables import (
    ARTIFACTS,
    BREADCRUMBS,
    EVENTS,
    FRAMES,
    LAB_RUNS,
    PAGE_VIEWS,
    RELEASES,
    REPLAYS,
    REQUESTS,
    SESSIONS,
    SPANS,
    VITALS,
    Table,
)


class TableAnswers(ABC):
    """Every fetch in terms of two things that a store has to know: how to scan a table, and how to report on it."""

    @abstractmethod
    def scan(self, table: Table, window: Window | None = None) -> pl.LazyFrame:
        """Give the rows of a table that belong to a window (None: all)."""

    @abstractmethod
    def _answer(self, table: Table, frame: pl.LazyFrame, window: Window, query: str | None = None) -> Fetched:
        """Give these rows of a table in canonical form, with the report of the fetch."""

    def events(self, window: Window) -> Fetched:
        """Error events of the window."""
        return self._answer(EVENTS, self.scan(EVENTS, window), window)

    def frames(self, window: Window) -> Fetched:
        """Frames of the window's events."""
        return self._answer(FRAMES, self._of_events(FRAMES, window), window)

    def breadcrumbs(self, window: Window) -> Fetched:
        """Breadcrumbs of the window's events, also those from before the window."""
        return self._answer(BREADCRUMBS, self._of_events(BREADCRUMBS, window), window)

    def requests(self, window: Window) -> Fetched:
        """Requests of the window's events, and the browser's other requests in the window."""
        others = self.scan(REQUESTS, window).filter(pl.col("event_id").is_null())
        return self._answer(REQUESTS, pl.concat([self._of_events(REQUESTS, window), others]), window)

    def vitals(self, window: Window) -> Fetched:
        """Web vitals of the window, the last report of each metric of a page view."""
        return self._answer(VITALS, self.scan(VITALS, window), window)

    def page_views(self, window: Window) -> Fetched:
        """Page views of the window."""
        return self._answer(PAGE_VIEWS, self.scan(PAGE_VIEWS, window), window)

    def sessions(self, window: Window) -> Fetched:
        """Sessions that overlap the window."""
        return self._answer(SESSIONS, self.scan(SESSIONS, window), window)

    def replays(self, window: Window) -> Fetched:
        """Recordings that overlap the window."""
        return self._answer(REPLAYS, self.scan(REPLAYS, window), window)

    def spans(self, *, trace_ids: Sequence[str] | None = None, window: Window | None = None) -> Fetched:
        """Spans of browser and backend: of some traces, of a window, or of both."""
        window = window or Window()
        frame = self.scan(SPANS, window)
        if trace_ids is None:
            return self._answer(SPANS, frame, window)
        wanted = pl.Series(trace_ids, dtype=pl.String).implode()
        query = f"{len(trace_ids)} traces, {window.describe()}"
        return self._answer(SPANS, frame.filter(pl.col("trace_id").is_in(wanted)), window, query)

    def lab_runs(self, window: Window) -> Fetched:
        """Lab runs of the window."""
        return self._answer(LAB_RUNS, self.scan(LAB_RUNS, window), window)

    def releases(self, window: Window) -> Fetched:
        """Deploys of the window."""
        return self._answer(RELEASES, self.scan(RELEASES, window), window)

    def artifacts(self, release: str | None = None) -> Fetched:
        """Bundles and their source maps, of one release or of all."""
        frame = self.scan(ARTIFACTS)
        if release is None:
            return self._answer(ARTIFACTS, frame, Window(), "all releases")
        return self._answer(ARTIFACTS, frame.filter(pl.col("release") == release), Window(), f"release = {release}")

    def _of_events(self, table: Table, window: Window) -> pl.LazyFrame:
        """Give the rows of a table that hangs on events, for the events of a window."""
        if window == Window():
            return self.scan(table).filter(pl.col("event_id").is_not_null())
        return self._scan_of_events(table, window).join(
            self.scan(EVENTS, window).select("event_id"), on="event_id", how="semi", maintain_order="left"
        )

    def _scan_of_events(self, table: Table, window: Window) -> pl.LazyFrame:
        """Give at least the rows that hang on the events of a window; a store that knows where they lie gives fewer."""
        return self.scan(table)
