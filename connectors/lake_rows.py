"""How rows get into a lake: they take the place of those with their key, under the day they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from connectors.lake_changes import Change
from connectors.loaded import once_a_key
from connectors.manifest import Manifest, Part
from connectors.objects import Objects
from connectors.parts import OF_EVENTS, as_stored, by_day, scan_parts, write_part
from connectors.row_keys import identity, without
from connectors.tables import EVENTS, TABLES, Table, conform

DAYS = {"event_id": pl.String(), "day": pl.Date()}


class Written(NamedTuple):
    """What a write did: rows that are new, rows that took the place of others with their key."""

    new: int
    replaced: int


class Placed(NamedTuple):
    """A table's parts after a write, what was written, and the days of the rows that were replaced."""

    parts: Sequence[Part]
    written: Written
    days: pl.DataFrame


def place_rows(
    objects: Objects, rows: Mapping[str, pl.DataFrame], before: Manifest
) -> tuple[Change, dict[str, Written]]:
    """Write the parts that hold these rows, and say how the list of parts is to change; nothing is listed yet.

    Events come first: what hangs on them lies under their day. An event that moves to another day takes along what the
    lake has of its frames, breadcrumbs and requests.

    Parameters
    ----------
    objects
        The lake's files.
    rows
        Canonical rows by table, one a key.
    before
        The list that the change is built on.
    """
    tables: dict[str, Sequence[Part]] = {}
    written = {}
    days = None
    if EVENTS.name in rows:
        placed = _placed(objects, EVENTS, rows[EVENTS.name], before)
        tables[EVENTS.name], written[EVENTS.name] = placed.parts, placed.written
        days = rows[EVENTS.name].select("event_id", pl.col("at").dt.date().alias("day"))
        rows = {**rows, **_moved(objects, rows, before, placed.days.join(days, on=["event_id", "day"], how="anti"))}
    for name, given in rows.items():
        if name != EVENTS.name:
            known = _event_days(objects, given, before, days) if name in OF_EVENTS else None
            placed = _placed(objects, TABLES[name], given, before, known)
            tables[name], written[name] = placed.parts, placed.written
    return Change(tables), written


def _placed(
    objects: Objects, table: Table, rows: pl.DataFrame, before: Manifest, event_days: pl.DataFrame | None = None
) -> Placed:
    parts = before.tables.get(table.name, [])
    touched = parts_with(objects, parts, rows, table)
    days = by_day(rows, table, event_days)
    replaced, gone = 0, []
    for part in touched:
        old = objects.collect(scan_parts(objects, [part], table))
        rest = without(old, rows, table)
        replaced += old.height - rest.height
        if table is EVENTS:
            went = old.join(rest.select("event_id"), on="event_id", how="anti")
            gone.append(went.select("event_id", pl.lit(part.day, pl.Date).alias("day")))
        if rest.height:
            stays = conform(rest, table)
            days[part.day] = pl.concat([days[part.day], stays]) if part.day in days else stays
    made = [write_part(objects, table, day, some, before.revision + 1) for day, some in days.items()]
    kept = [part for part in parts if part not in touched]
    return Placed(
        [*kept, *made], Written(rows.height - replaced, replaced), pl.concat([pl.DataFrame(schema=DAYS), *gone])
    )


def parts_with(objects: Objects, parts: Sequence[Part], rows: pl.DataFrame, table: Table) -> list[Part]:
    """Find the parts that hold a row which one of `rows` replaces, looking at the columns of the key only."""
    if not parts or rows.is_empty():
        return []
    stored = as_stored(rows, table)
    ids = [name for name in table.key if name.endswith("_id")]
    some = pl.any_horizontal(pl.col(ids).is_not_null()) if ids else pl.lit(True)
    found = []
    # rows with an id are one by their key, whatever else they say; of the others all that can be compared
    for columns, keys in ((list(table.key), stored.filter(some)), (identity(table), stored.filter(~some))):
        if keys.height:
            lies = scan_parts(objects, parts, table, path_column="__path").select(*columns, "__path")
            wanted = keys.select(columns).unique().lazy()
            found.append(lies.join(wanted, on=columns, how="semi", nulls_equal=True).select("__path").unique())
    paths = set(objects.collect(pl.concat(found).unique())["__path"])
    return [part for part in parts if part.path in paths]


def _moved(
    objects: Objects, rows: Mapping[str, pl.DataFrame], before: Manifest, moved: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Give what hangs on events that moved to another day, as rows to be written again; new rows come before old."""
    again = {}
    for name in sorted(OF_EVENTS) if moved.height else ():
        lies = scan_parts(objects, before.tables.get(name, []), TABLES[name])
        old = conform(objects.collect(lies.join(moved.lazy(), on="event_id", how="semi")), TABLES[name])
        if old.height:
            both = pl.concat([old, rows[name]]) if name in rows else old
            again[name], _ = once_a_key(both, TABLES[name], keep="last")
    return again


def _event_days(objects: Objects, rows: pl.DataFrame, before: Manifest, days: pl.DataFrame | None) -> pl.DataFrame:
    """Say on which day the events of some rows were, as these very rows say or as the lake knows."""
    wanted = rows.select("event_id").drop_nulls().unique()
    if days is not None:
        wanted = wanted.join(days, on="event_id", how="anti")
    known = [days] if days is not None else []
    if wanted.height:
        events = scan_parts(objects, before.tables.get(EVENTS.name, []), EVENTS)
        found = events.select("event_id", pl.col("at").dt.date().alias("day")).join(
            wanted.lazy(), on="event_id", how="semi"
        )
        known.append(objects.collect(found))
    return pl.concat([pl.DataFrame(schema=DAYS), *known])
