"""The Parquet files of a lake: which lie under which day, which a window can need, and how older ones are read."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import TypeVar

import polars as pl

from connectors.manifest import SCHEMA, Part
from connectors.objects import Objects
from connectors.stores import Window
from connectors.tables import REPLAY_EVENTS, TABLES, Table, conform

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)
# lie under the day of their event, so that the events of a day and all that hangs on them are read together
OF_EVENTS = frozenset({"frames", "breadcrumbs", "requests"})


def write_part(objects: Objects, table: Table, day: date | None, rows: pl.DataFrame, revision: int) -> Part:
    """Write rows of one day, in order of time (a recording's events one recording after the other).

    Examples
    --------
    >>> import tempfile
    >>> from connectors.tables import RELEASES
    >>> rows = conform(pl.DataFrame({"release": ["a"], "deployed_at": ["2026-03-09T14:20Z"]}), RELEASES)
    >>> part = write_part(Objects.open(tempfile.mkdtemp()), RELEASES, date(2026, 3, 9), rows, 7)
    >>> part.path[:31], part.rows, part.last
    ('releases/day=2026-03-09/000007-', 1, datetime.date(2026, 3, 9))
    """
    leads = "replay_id" if table is REPLAY_EVENTS else table.time
    order = [name for name in dict.fromkeys([leads, *table.key]) if name]
    out = io.BytesIO()
    as_stored(rows, table).sort(order, maintain_order=True).write_parquet(out, compression="zstd", statistics=True)
    content = out.getvalue()
    # The digest keeps two writers of one revision apart until one of them is told to write again.
    digest = hashlib.sha256(content).hexdigest()[:12]
    name = f"{table.name}/day={day or 'none'}/{revision:06d}-{digest}.parquet"
    objects.write(name, content)
    first, last = _extent(rows, table)
    return Part(name, day, rows.height, first, last, SCHEMA)


def scan_parts(objects: Objects, parts: Sequence[Part], table: Table, path_column: str | None = None) -> pl.LazyFrame:
    """Give the rows of some parts, dimensions as Categorical; parts of older tables are brought into today's form.

    `path_column` names a column to be added, of the part that a row lies in.
    """
    if not parts:
        return as_stored(table.empty(), table).lazy()
    frames = []
    today = [part.path for part in parts if part.schema == SCHEMA]
    if today:
        frames.append(objects.scan_parquet(today, path_column))
    for version in sorted({part.schema for part in parts} - {SCHEMA}):
        older = objects.scan_parquet([part.path for part in parts if part.schema == version], path_column)
        frames.append(as_stored(_in_todays_form(older, table, path_column), table))
    return frames[0] if len(frames) == 1 else pl.concat(frames)


def as_stored(rows: Rows, table: Table) -> Rows:
    """Give rows with the table's dimensions as Categorical."""
    return rows.with_columns(pl.col(name).cast(pl.Categorical) for name in table.dimensions)


def parts_of_window(parts: Sequence[Part], window: Window | None) -> list[Part]:
    """Leave out the parts in which no row can belong to a window by its own time.

    Examples
    --------
    >>> from datetime import datetime
    >>> nine, ten = (Part(f"{n}", date(2026, 3, n), 1, date(2026, 3, n), date(2026, 3, n)) for n in (9, 10))
    >>> day = Window(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
    >>> [part.path for part in parts_of_window([nine, ten], day)]
    ['9']
    """
    if window is None:
        return list(parts)
    start = window.start.astimezone(UTC).date() if window.start else date.min
    end = (window.end.astimezone(UTC) - timedelta(microseconds=1)).date() if window.end else date.max
    return [
        part for part in parts if part.first is None or part.last is None or (part.first <= end and part.last >= start)
    ]


def parts_of_events(parts: Sequence[Part], days: Collection[date | None], table: Table) -> list[Part]:
    """Leave out the parts in which no row can hang on an event of these days."""
    # Parts that do not know their extent are of a time when breadcrumbs and requests lay under their own day.
    return [part for part in parts if part.day is None or part.day in days or (table.time and part.first is None)]


def by_day(rows: pl.DataFrame, table: Table, event_days: pl.DataFrame | None = None) -> dict[date | None, pl.DataFrame]:
    """Cut rows into days; `event_days` (event_id, day) says on which day the event of each row was."""
    own = pl.col(table.time).dt.date() if table.time else pl.lit(None, pl.Date)
    dated = rows.with_columns(own.alias("__day"))
    if event_days is not None:
        of_event = event_days.select("event_id", pl.col("day").alias("__event_day")).unique("event_id")
        dated = dated.join(of_event, on="event_id", how="left", maintain_order="left").with_columns(
            pl.coalesce("__event_day", "__day").alias("__day")
        )
    parts = dated.drop("__event_day", strict=False).partition_by("__day", as_dict=True, include_key=False)
    return {day: part for (day,), part in parts.items()}


def _in_todays_form(older: pl.LazyFrame, table: Table, path_column: str | None) -> pl.LazyFrame:
    if path_column is None:
        return conform(older, table)
    with_path = replace(table, schema={**table.schema, path_column: pl.String()})
    return conform(older, with_path)


def _extent(rows: pl.DataFrame, table: Table) -> tuple[date | None, date | None]:
    """Give the first and the last day that rows speak of; nothing where one row does not say its time."""
    if table.time is None or rows[table.time].null_count():
        return None, None
    ends = pl.max_horizontal(table.time, "ended_at") if "ended_at" in table.schema else pl.col(table.time)
    return rows.select(pl.col(table.time).min().dt.date(), ends.max().dt.date().alias("last")).row(0)


def table_of(name: str | Table) -> Table:
    """Give a canonical table by its name."""
    return TABLES[name] if isinstance(name, str) else name
