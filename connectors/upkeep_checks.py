"""What a lake consists of, and whether it is all there: files that nobody lists, listed ones that are gone."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import polars as pl

from connectors.exceptions import BlindspotError, FetchError
from connectors.lake import Lake
from connectors.lake_changes import GRACE, Change
from connectors.manifest import Manifest, Part
from connectors.parts import scan_parts
from connectors.sync_plan import Span
from connectors.sync_state import forget
from connectors.tables import TABLES

DAY = timedelta(days=1)
OURS = re.compile(rf"(?:{'|'.join(TABLES)})/day=[^/]+/[^/]+\.parquet|maps/[^/]+\.zst")
# what a write leaves behind when it dies before it is done
UNFINISHED = re.compile(r"(?:.*/)?\.[^/]+\.new")


class Verified(NamedTuple):
    """What a check of all files found.

    Attributes
    ----------
    files, bytes
        Files that the list names, and their size.
    waiting
        Files that were replaced, and wait for their readers to finish.
    orphans
        Files that nobody lists and nobody is about to: left behind by a process that died.
    broken
        Listed files that are gone or cannot be read, each with why: their rows are lost.
    """

    files: int
    bytes: int
    waiting: int
    orphans: tuple[str, ...]
    broken: tuple[tuple[str, str], ...]


def tables_of(lake: Lake) -> pl.DataFrame:
    """List a lake's tables: rows, files, bytes, the first and the last day.

    Examples
    --------
    >>> import tempfile
    >>> lake = Lake.create(tempfile.mkdtemp(), name="shop")
    >>> _ = lake.write("events", pl.DataFrame({"event_id": ["a"], "at": ["2026-03-09T14:20Z"]}))
    >>> tables_of(lake).select("table", "rows", "files", "first").rows()
    [('events', 1, 1, datetime.date(2026, 3, 9))]
    """
    sizes = {one.name: one.bytes for one in lake.objects.names()}
    rows = []
    for name, parts in lake.manifest.tables.items():
        days = [day for part in parts for day in (part.first or part.day, part.last or part.day) if day is not None]
        size = sum(sizes.get(part.path, 0) for part in parts)
        count = sum(part.rows for part in parts)
        rows.append((name, count, len(parts), size, min(days, default=None), max(days, default=None)))
    schema = {
        "table": pl.String,
        **dict.fromkeys(("rows", "files", "bytes"), pl.Int64),
        "first": pl.Date,
        "last": pl.Date,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def verify(lake: Lake, *, now: datetime | None = None, grace: timedelta = GRACE) -> Verified:
    """Look at every file of a lake: each listed one is opened, each other one is looked for in the list.

    Examples
    --------
    >>> import tempfile
    >>> lake = Lake.create(tempfile.mkdtemp(), name="shop")
    >>> _ = lake.write("events", pl.DataFrame({"event_id": ["a"], "at": ["2026-03-09T14:20Z"]}))
    >>> found = verify(lake)
    >>> found.files, found.waiting, found.orphans, found.broken
    (1, 0, (), ())
    """
    now = now or datetime.now(UTC)
    # The list comes second: what is written in between is then in both, or in the listing alone and young.
    there = {one.name: one for one in lake.objects.names(hidden=True)}
    manifest = lake.manifest
    parts = {part.path: (name, part) for name, some in manifest.tables.items() for part in some}
    listed = {*parts, *manifest.maps.values()}
    orphans = sorted(
        name
        for name, one in there.items()
        if (OURS.fullmatch(name) and name not in listed and name not in manifest.removed) or UNFINISHED.fullmatch(name)
        if now - one.modified > grace
    )
    broken = [(path, "the map is gone") for path in sorted(manifest.maps.values()) if path not in there]
    for path, (name, part) in sorted(parts.items()):
        reason = "the file is gone" if path not in there else _why_broken(lake, name, part)
        if reason:
            broken.append((path, reason))
    size = sum(one.bytes for name, one in there.items() if name in listed)
    waiting = sum(path in there for path in manifest.removed)
    return Verified(len(listed), size, waiting, tuple(orphans), tuple(broken))


def repair(lake: Lake, found: Verified) -> None:
    """Delete orphans, and take what is broken off the list, so that the rest can be read again.

    The days of what is lost are no longer noted as read: the next sync of them brings the rows again.

    Examples
    --------
    >>> import tempfile
    >>> lake = Lake.create(tempfile.mkdtemp(), name="shop")
    >>> _ = lake.write("events", pl.DataFrame({"event_id": ["a"], "at": ["2026-03-09T14:20Z"]}))
    >>> lake.objects.delete(*(part.path for part in lake.manifest.parts()))
    >>> repair(lake, verify(lake))
    >>> verify(lake).broken, lake.has("events")
    ((), False)
    """
    lost = {path for path, _ in found.broken}

    def build(before: Manifest) -> Change:
        tables = {name: [part for part in parts if part.path not in lost] for name, parts in before.tables.items()}
        return Change(tables, {location: None for location, path in before.maps.items() if path in lost})

    if lost:
        forget(lake.objects, _stretches(lake.manifest, lost))
        lake.change(build)
    listed = {part.path for part in lake.manifest.parts()} | set(lake.manifest.maps.values())
    lake.objects.delete(*(name for name in found.orphans if name not in listed))


def _stretches(manifest: Manifest, lost: Collection[str]) -> dict[str, list[Span]]:
    """Say of which days rows are lost, by table; of rows that say no time, it may be any."""
    days: dict[str, list[Span]] = {}
    for name, parts in manifest.tables.items():
        for part in (one for one in parts if one.path in lost):
            first, last = part.first or part.day or date.min, part.last or part.day or date.max - DAY
            start, end = (datetime.combine(day, time.min, UTC) for day in (first, last + DAY))
            days.setdefault(name, []).append(Span(start, end))
    return days


def _why_broken(lake: Lake, table: str, part: Part) -> str | None:
    """Read one file's rows; say what is wrong with it."""
    try:
        rows = lake.objects.collect(scan_parts(lake.objects, [part], TABLES[table]).select(pl.all().len())).row(0)[0]
    except (BlindspotError, OSError, pl.exceptions.PolarsError) as error:
        why = error.__cause__ if isinstance(error, FetchError) and error.__cause__ else error
        return f"the file cannot be read ({' '.join(str(why).split())[:120]})"
    return None if rows == part.rows else f"the file has {rows} rows, {part.rows} are listed"
