"""A lake that stays small and quick: small files are put together, what is too old goes; readers notice neither."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import polars as pl

from connectors.exceptions import FetchError, ParameterError
from connectors.lake import Lake
from connectors.lake_changes import Change
from connectors.manifest import SCHEMA, Manifest, Part
from connectors.objects import Objects
from connectors.parts import OF_EVENTS, parts_of_events, parts_of_window, scan_parts, write_part
from connectors.stores import Window
from connectors.tables import ARTIFACTS, EVENTS, REPLAY_EVENTS, REPLAYS, TABLES, Table, conform

# As big as a file becomes: read in one go by anybody, and few enough for a month.
FULL = 32 << 20
# longer than anything is kept: half a million days reach back before the first date there is
LONGEST = 300_000
KEEP = re.compile(r"\s*(?P<table>\w+)\s*=\s*(?P<count>\d+)\s*(?P<unit>[dw])\s*")


class Compacted(NamedTuple):
    """What a compaction did: days of tables that it rewrote, their files before and after, their rows."""

    days: int = 0
    before: int = 0
    after: int = 0
    rows: int = 0


class Retained(NamedTuple):
    """What went of a table: rows, and of it whole files that nobody had to open."""

    table: str
    rows: int
    whole_files: int


def compact(lake: Lake, tables: Sequence[str] | None = None, *, full: int = FULL) -> Compacted:
    """Put the small files of each table and day together, and bring those of older versions into today's form.

    Each day is replaced in one step, with equal rows; the files it consisted of stay an hour for those who are reading
    them. Writers may write meanwhile.

    Parameters
    ----------
    lake
        The lake.
    tables
        Only these; all when not given.
    full
        As many bytes as a file may have; bigger ones are left as they are.

    Examples
    --------
    >>> import tempfile
    >>> lake = Lake.create(tempfile.mkdtemp(), name="shop")
    >>> for event_id in "ab":
    ...     _ = lake.write(EVENTS, pl.DataFrame({"event_id": [event_id], "at": ["2026-03-09T14:20Z"]}))
    >>> compact(lake), compact(lake)
    (Compacted(days=1, before=2, after=1, rows=2), Compacted(days=0, before=0, after=0, rows=0))
    """
    done = Compacted()
    sizes = {one.name: one.bytes for one in lake.objects.names()}
    for name in known_tables(tables):
        for day in sorted({part.day for part in lake.manifest.tables.get(name, [])}, key=lambda day: day or date.min):
            step = _compact_day(lake, TABLES[name], day, sizes, full)
            done = Compacted(*(one + more for one, more in zip(done, step, strict=True)))
    lake.change(lambda _: Change())  # what was replaced an hour ago goes
    return done


def _compact_day(lake: Lake, table: Table, day: date | None, sizes: Mapping[str, int], full: int) -> Compacted:
    step = Compacted()

    def build(before: Manifest) -> Change:
        nonlocal step
        step = Compacted()
        listed = before.tables.get(table.name, [])
        parts = [part for part in listed if part.day == day]
        made: list[Part] = []
        for some in _together(parts, sizes, full):
            rows = conform(lake.objects.collect(scan_parts(lake.objects, some, table)), table)
            if rows.height != sum(part.rows for part in some):
                raise FetchError(
                    f"{table.name} of {day} has {rows.height} rows, {sum(part.rows for part in some)} are listed; "
                    "nothing was changed, see what is wrong with `workbench lake verify`"
                )
            made.append(write_part(lake.objects, table, day, rows, before.revision + 1))
            parts = [part for part in parts if part not in some]
            step = Compacted(1, step.before + len(some), step.after + 1, step.rows + rows.height)
        others = [part for part in listed if part.day != day]
        return Change({table.name: [*others, *parts, *made]})

    if _together([part for part in lake.manifest.tables.get(table.name, []) if part.day == day], sizes, full):
        lake.change(build)
    return step


def _together(parts: Sequence[Part], sizes: Mapping[str, int], full: int) -> list[list[Part]]:
    """Group what is to become one file: small ones up to a full one, and any that is of an older version."""
    groups: list[list[Part]] = []
    room = 0
    for part in sorted(parts, key=lambda part: (part.schema, part.path)):
        size = sizes.get(part.path, 0)
        if size >= full and part.schema == SCHEMA:
            continue
        if not groups or size > room:
            groups.append([])
            room = full
        groups[-1].append(part)
        room -= size
    return [group for group in groups if len(group) > 1 or group[0].schema != SCHEMA]


def retain(lake: Lake, keep: Mapping[str, timedelta], *, now: datetime | None = None) -> list[Retained]:
    """Remove what is older than it is kept, by whole days (UTC), in one step.

    What hangs on an event goes with it (frames, breadcrumbs, the requests it noted), the events of a recording with the
    recording, the maps that no artifact names any more with the artifacts. Rows that say no time stay.

    Parameters
    ----------
    lake
        The lake.
    keep
        Table to how long its rows are kept; other tables lose nothing of their own.
    now
        What time it is.

    Raises
    ------
    ParameterError
        There is no such table, or its rows have no time of their own.

    Examples
    --------
    >>> import tempfile
    >>> lake = Lake.create(tempfile.mkdtemp(), name="shop")
    >>> _ = lake.write(EVENTS, pl.DataFrame({"event_id": ["a", "b"], "at": ["2026-03-09T14:20Z", "2026-03-20T10:00Z"]}))
    >>> retain(lake, {"events": timedelta(days=7)}, now=datetime(2026, 3, 21, tzinfo=UTC))
    [Retained(table='events', rows=1, whole_files=1)]
    """
    now = now or datetime.now(UTC)
    for name in known_tables(list(keep)):
        if TABLES[name].time is None:
            raise ParameterError(f"{name} have no time of their own and go with their events; give events=...")
    firsts = {name: (now - how_long).astimezone(UTC).date() for name, how_long in keep.items()}
    done: list[Retained] = []

    def build(before: Manifest) -> Change:
        done.clear()
        tables: dict[str, Sequence[Part]] = {}
        kept: dict[str, date] = {}
        for name, first in firsts.items():
            tables[name] = _from_day(lake.objects, TABLES[name], before, first, done)
        for owner, names, key in (
            (EVENTS, sorted(OF_EVENTS), "event_id"),
            (REPLAYS, [REPLAY_EVENTS.name], "replay_id"),
        ):
            went = _gone(lake.objects, owner, before, tables[owner.name], key) if owner.name in tables else None
            if went is not None and went.height:
                kept |= dict.fromkeys(names, firsts[owner.name])
            for name in names if went is not None and went.height else ():
                parts = tables.get(name, before.tables.get(name, []))
                tables[name] = _without_owners(lake.objects, TABLES[name], parts, went, before.revision + 1, done)
        maps: dict[str, str | None] = {}
        if ARTIFACTS.name in tables:
            named = scan_parts(lake.objects, tables[ARTIFACTS.name], ARTIFACTS).select("map_location")
            maps = dict.fromkeys(before.maps.keys() - set(lake.objects.collect(named)["map_location"]))
        others = {name: parts for name, parts in tables.items() if parts != before.tables.get(name, [])}
        kept |= {name: first for name, first in firsts.items() if name in others}
        kept = {name: max(first, before.kept_from.get(name, first)) for name, first in kept.items()}
        return Change(others, maps, kept)

    lake.change(build)
    return [one for one in done if one.rows]


def _from_day(objects: Objects, table: Table, before: Manifest, first: date, done: list[Retained]) -> list[Part]:
    """Keep what reaches into `first` or later; a file that reaches over it is cut."""
    kept: list[Part] = []
    rows = whole = 0
    at = pl.max_horizontal(table.time, "ended_at") if "ended_at" in table.schema else pl.col(table.time or "at")
    for part in before.tables.get(table.name, []):
        last, earliest = part.last or part.day, part.first or part.day
        if last is None or (earliest is not None and earliest >= first):
            kept.append(part)
        elif part.last is not None and part.last < first:
            rows, whole = rows + part.rows, whole + 1
        else:
            old = objects.collect(scan_parts(objects, [part], table))
            stay = old.filter(at.is_null() | (at.dt.date() >= first))
            rows += old.height - stay.height
            kept += _rewritten(objects, table, part, old, stay, before.revision + 1)
    done.append(Retained(table.name, rows, whole))
    return kept


def _gone(objects: Objects, owner: Table, before: Manifest, kept: Sequence[Part], key: str) -> pl.DataFrame:
    """Give the ids of the rows that went, and the day up to which they lasted."""
    went = [part for part in before.tables.get(owner.name, []) if part not in kept]
    new = [part for part in kept if part not in before.tables.get(owner.name, [])]
    last = pl.max_horizontal(owner.time, "ended_at") if "ended_at" in owner.schema else pl.col(owner.time or "at")
    ids = scan_parts(objects, went, owner).select(key, last.dt.date().alias("day"))
    return objects.collect(ids.join(scan_parts(objects, new, owner).select(key), on=key, how="anti"))


def _without_owners(
    objects: Objects, table: Table, parts: Sequence[Part], gone: pl.DataFrame, revision: int, done: list[Retained]
) -> list[Part]:
    """Leave out the rows that hang on what went; only files in which some can lie are opened."""
    key = gone.columns[0]
    if table.name in OF_EVENTS:
        opened = parts_of_events(parts, set(gone["day"]), table)
    else:
        opened = parts_of_window(parts, Window(end=datetime.combine(gone["day"].max(), time.max, UTC)))
    kept = [part for part in parts if part not in opened]
    rows = whole = 0
    for part in opened:
        old = objects.collect(scan_parts(objects, [part], table))
        stay = old.join(gone.select(key), on=key, how="anti", maintain_order="left")
        rows, whole = rows + old.height - stay.height, whole + (stay.height == 0)
        kept += _rewritten(objects, table, part, old, stay, revision)
    done.append(Retained(table.name, rows, whole))
    return kept


def _rewritten(
    objects: Objects, table: Table, part: Part, old: pl.DataFrame, stay: pl.DataFrame, revision: int
) -> list[Part]:
    if stay.height == old.height:
        return [part]
    return [write_part(objects, table, part.day, conform(stay, table), revision)] if stay.height else []


def known_tables(names: Sequence[str] | None) -> list[str]:
    """Give the tables of these names, all when there are none.

    Examples
    --------
    >>> known_tables(["evnts"])
    Traceback (most recent call last):
        ...
    connectors.exceptions.ParameterError: there is no table evnts; there are: events, frames, requests, breadcrumbs, ...
    """
    unknown = sorted(set(names or ()) - TABLES.keys())
    if unknown:
        raise ParameterError(f"there is no table {', '.join(unknown)}; there are: {', '.join(TABLES)}")
    return list(TABLES if names is None else names)


def read_keep(text: str) -> dict[str, timedelta]:
    """Read how long tables are kept: days (`d`) or weeks (`w`).

    Examples
    --------
    >>> {name: long.days for name, long in read_keep("spans=14d,replay_events=4w").items()}
    {'spans': 14, 'replay_events': 28}
    >>> read_keep("spans=soon")
    Traceback (most recent call last):
        ...
    connectors.exceptions.ParameterError: 'spans=soon' does not say how long a table is kept; give spans=14d,replay_events=4w
    """  # noqa: E501
    keep = {}
    for one in text.split(","):
        said = KEEP.fullmatch(one)
        if said is None:
            raise ParameterError(f"{one!r} does not say how long a table is kept; give spans=14d,replay_events=4w")
        keep[said["table"]] = timedelta(days=min(int(said["count"]) * (7 if said["unit"] == "w" else 1), LONGEST))
    known_tables(list(keep))
    return keep
