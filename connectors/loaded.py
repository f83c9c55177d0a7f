"""A table as it was read from files, before anybody asked for a window of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from connectors.formats.rows import Rows
from connectors.stores import Fetched, FetchReport, Refused, Window
from connectors.tables import Table


@dataclass(frozen=True)
class Loaded:
    """The rows of a table, with columns behind the canonical ones if any, and what the report will say of them."""

    frame: pl.DataFrame
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
    sampling: str | None = None
    files: int = 0
    failed: str | None = None

    @classmethod
    def of(cls, rows: Rows, files: int) -> Loaded:
        """Take what a format collected: rows that came twice are counted once, and said so."""
        frame, twice = once_a_key(rows.frame(), rows.table)
        notes = []
        if rows.skipped:
            counts = ", ".join(f"{count} {what}" for what, count in sorted(rows.skipped.items()))
            notes.append(f"skipped by design: {counts}")
        if twice:
            notes.append(f"{twice} {'row' if twice == 1 else 'rows'} came more than once and were counted once")
        return cls(frame, tuple(rows.refused), tuple(notes), files=files)

    @classmethod
    def nothing(cls, table: Table, looked_for: str) -> Loaded:
        """An empty table that says what was looked for."""
        return cls(table.empty(), notes=(looked_for,))

    def with_frame(self, frame: pl.DataFrame, *notes: str) -> Loaded:
        """Give the same report beside other rows, with more notes."""
        return replace(self, frame=frame, notes=(*self.notes, *notes))

    def fetched(self, table: Table, *, source: str, query: str, window: Window, frame: pl.DataFrame) -> Fetched:
        """Answer a fetch with `frame`, the part of this table that was asked for."""
        report = FetchReport(
            source=source,
            table=table.name,
            query=query,
            rows=len(frame),
            window=window,
            pages=self.files,
            refused=self.refused,
            sampling=self.sampling,
            note="; ".join(self.notes) or None,
            failed=self.failed,
        )
        return Fetched(frame.lazy(), report)


def once_a_key(frame: pl.DataFrame, table: Table, keep: str = "first") -> tuple[pl.DataFrame, int]:
    """Keep one row for each key of `table`, and say how many went; rows without any id in their key all stay.

    Examples
    --------
    >>> from connectors.tables import PAGE_VIEWS
    >>> frame = pl.DataFrame({"page_view_id": ["p1", "p1", None, None], "n": [1, 2, 3, 4]})
    >>> kept, went = once_a_key(frame, PAGE_VIEWS)
    >>> kept["n"].to_list(), went
    ([1, 3, 4], 1)
    """
    ids = [name for name in table.key if name.endswith("_id")]
    if not frame.height or not frame.select(pl.struct(table.key).is_duplicated().any()).item():
        return frame, 0
    numbered = frame.with_row_index("__row")
    anonymous = pl.all_horizontal(pl.col(ids).is_null()) if ids else pl.lit(False)
    kept = pl.concat(
        [
            numbered.filter(~anonymous).unique(subset=list(table.key), keep=keep, maintain_order=True),
            numbered.filter(anonymous),
        ]
    ).sort("__row")
    return kept.drop("__row"), frame.height - kept.height


def in_window(frame: pl.DataFrame, table: Table, window: Window) -> pl.DataFrame:
    """Keep the rows of a window: by the table's time, or for what lasts (`ended_at`) by whether it overlaps the window.

    Rows without a time stay: nobody can say that they lie outside.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from connectors.tables import SESSIONS, conform
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> rows = pl.DataFrame({"session_id": ["s1"], "started_at": [noon.replace(hour=11)], "ended_at": [noon]})
    >>> len(in_window(conform(rows, SESSIONS), SESSIONS, Window(noon, None)))
    1
    """
    return lazily_in_window(frame.lazy(), table, window).collect()


def lazily_in_window(frame: pl.LazyFrame, table: Table, window: Window) -> pl.LazyFrame:
    """Keep the rows of a window, as `in_window` does, without collecting.

    Examples
    --------
    >>> from connectors.tables import RELEASES
    >>> lazily_in_window(RELEASES.empty().lazy(), RELEASES, Window()).collect().height
    0
    """
    environment_only = Window(environment=window.environment, project=window.project)
    frame = environment_only.keep(frame)
    if table.time is None:
        return frame
    begins = pl.col(table.time)
    ends = pl.max_horizontal(begins, "ended_at") if "ended_at" in table.schema else begins
    if window.start is not None:
        frame = frame.filter(begins.is_null() | (ends >= window.start))
    if window.end is not None:
        frame = frame.filter(begins.is_null() | (begins < window.end))
    return frame


def join_notes(loaded: Iterable[Loaded]) -> tuple[str, ...]:
    """Give the notes of several tables, each once."""
    return tuple(dict.fromkeys(note for one in loaded for note in one.notes))
