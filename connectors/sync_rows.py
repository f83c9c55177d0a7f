"""Pages of a source into the lake: what is there already changes nothing, what came with other values replaces it.

A sync brings most of its rows once and some of them twice, and it brings them all day long. So, unlike `Lake.write`:
rows that lie there with the same values are left alone, no part is made or listed anew for them; what hangs on an event
that the lake does not know is not looked for; and an event that comes again replaces what hangs on it as a whole, so
that no frame of its former stack stays behind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from connectors.lake import Lake
from connectors.lake_changes import Change
from connectors.lake_rows import parts_with
from connectors.loaded import once_a_key
from connectors.manifest import Manifest, Part
from connectors.objects import Objects
from connectors.parts import OF_EVENTS, by_day, parts_of_events, scan_parts, write_part
from connectors.row_keys import identity, without
from connectors.tables import EVENTS, TABLES, Table, conform

NO_EVENTS = pl.DataFrame(schema={"event_id": pl.String(), "was": pl.Date(), "day": pl.Date()})


class Page(NamedTuple):
    """Rows by table as they came, in a form that `conform` takes; and the tables that come whole with their events."""

    tables: Mapping[str, pl.DataFrame]
    whole: frozenset[str] = frozenset()


class Merged(NamedTuple):
    """Rows that the lake did not have, and rows that it had with other values."""

    new: int = 0
    changed: int = 0


class _News(NamedTuple):
    """What a table gets, and which old rows go for it: these, and all that hang on some events."""

    add: pl.DataFrame
    gone: pl.DataFrame
    of_events: pl.DataFrame = NO_EVENTS
    changed: int = 0


def whole_tables(tables: Collection[str]) -> frozenset[str]:
    """Name the tables of a feed that come whole with their events.

    Examples
    --------
    >>> sorted(whole_tables(("events", "frames", "vitals"))), whole_tables(("requests",))
    (['frames'], frozenset())
    """
    return frozenset(tables) & OF_EVENTS if EVENTS.name in tables else frozenset()


def merge(lake: Lake, pages: Sequence[Page]) -> dict[str, Merged]:
    """Bring pages into the lake in one step; nothing is written when the lake has all of it.

    Later pages win over earlier ones.

    Returns
    -------
    What was new and what had changed, by table.

    Examples
    --------
    >>> import tempfile
    >>> lake = Lake.create(tempfile.mkdtemp() + "/shop")
    >>> event = conform(pl.DataFrame({"event_id": ["e1"], "at": ["2026-03-09T12:00Z"]}), EVENTS)
    >>> merge(lake, [Page({"events": event})]), merge(lake, [Page({"events": event})]), lake.manifest.revision
    ({'events': Merged(new=1, changed=0)}, {'events': Merged(new=0, changed=0)}, 1)
    """
    rows = put_together(pages)
    whole = frozenset().union(*(page.whole for page in pages))
    news, counts = _news(lake.objects, rows, whole, lake.manifest)
    if not news:
        return counts

    def build(before: Manifest) -> Change:
        nonlocal news, counts
        if before.revision != revision:  # somebody else wrote since we looked
            news, counts = _news(lake.objects, rows, whole, before)
        days = _days_of(rows)
        return Change({name: _placed(lake.objects, TABLES[name], one, before, days) for name, one in news.items()})

    revision = lake.manifest.revision
    lake.change(build)
    return counts


def put_together(pages: Sequence[Page]) -> dict[str, pl.DataFrame]:
    """Give the rows of several pages, one a key: the last one, and of an event only what came with its last page.

    Rows without any id that are equal in every column count once: they are one beacon that was delivered twice.

    Examples
    --------
    >>> from connectors.tables import FRAMES
    >>> def page(*numbers):
    ...     events = conform(pl.DataFrame({"event_id": ["e1"], "at": ["2026-03-09T12:00Z"]}), EVENTS)
    ...     frames = pl.DataFrame({"event_id": "e1", "exception_index": 0, "frame_index": list(numbers)})
    ...     return Page({"events": events, "frames": conform(frames, FRAMES)}, whole_tables(("events", "frames")))
    >>> put_together([page(0, 1, 2), page(0, 1)])["frames"]["frame_index"].to_list()
    [0, 1]
    """
    numbered: dict[str, list[tuple[int, pl.DataFrame]]] = {}
    for number, page in enumerate(pages):
        for name, frame in page.tables.items():
            if frame.height:
                numbered.setdefault(name, []).append((number, frame))
    whole = frozenset().union(*(page.whole for page in pages))
    rows = {name: _joined(frames, TABLES[name]) for name, frames in numbered.items()}
    events = rows.get(EVENTS.name)
    if events is not None and events["event_id"].is_duplicated().any():
        last = events.group_by("event_id").agg(pl.col("__page").max().alias("__last"))
        for name in whole & rows.keys():
            stale = pl.col("__page") < pl.col("__last")
            joined = rows[name].join(last, on="event_id", how="left", maintain_order="left")
            rows[name] = joined.filter(~stale.fill_null(value=False)).drop("__last")
    return {name: _distinct(frame.drop("__page"), TABLES[name]) for name, frame in rows.items()}


def _joined(frames: Sequence[tuple[int, pl.DataFrame]], table: Table) -> pl.DataFrame:
    """Bring pages into the table's form, many of the same form at once, with the number of the page behind."""
    forms: dict[tuple[tuple[str, pl.DataType], ...], list[tuple[int, pl.DataFrame]]] = {}
    for number, frame in frames:
        forms.setdefault(tuple(frame.schema.items()), []).append((number, frame))
    joined = []
    for some in forms.values():
        numbers = np.repeat([number for number, _ in some], [frame.height for _, frame in some])
        whole = conform(pl.concat([frame for _, frame in some]), table)
        joined.append(whole.with_columns(pl.Series("__page", numbers)))
    return joined[0] if len(joined) == 1 else pl.concat(joined).sort("__page", maintain_order=True)


def _distinct(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    columns = identity(table)
    rows, _ = once_a_key(rows, table, keep="last")
    return rows if columns == list(table.key) else rows.unique(subset=columns, keep="last", maintain_order=True)


def _days_of(rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    if EVENTS.name not in rows:
        return pl.DataFrame(schema={"event_id": pl.String(), "day": pl.Date()})
    return rows[EVENTS.name].select("event_id", pl.col("at").dt.date().alias("day"))


def _news(
    objects: Objects, rows: Mapping[str, pl.DataFrame], whole: frozenset[str], before: Manifest
) -> tuple[dict[str, _News], dict[str, Merged]]:
    """Say of each table what the lake does not have in these rows."""
    news: dict[str, _News] = {}
    given = dict(rows)
    known = NO_EVENTS
    if EVENTS.name in given:
        events = given.pop(EVENTS.name)
        news[EVENTS.name], held = _keyed_news(objects, EVENTS, events, before)
        known = _days_moved(events, held)
    moved = known.filter(pl.col("was") != pl.col("day"))
    for name in sorted(OF_EVENTS):
        table = TABLES[name]
        some = given.pop(name, table.empty())
        some, ids = (some, known) if name in whole else (_with_moved(objects, table, some, moved, before), moved)
        if some.height or ids.height:
            days = _days_of(rows if name in whole else {})
            news[name] = _dependents_news(objects, table, some, ids, days, before)
    for name, some in given.items():
        news[name], _ = _keyed_news(objects, TABLES[name], some, before)
    counts = {name: Merged(one.add.height - one.changed, one.changed) for name, one in news.items()}
    return {name: one for name, one in news.items() if one.add.height or one.of_events.height}, counts


def _keyed_news(objects: Objects, table: Table, rows: pl.DataFrame, before: Manifest) -> tuple[_News, pl.DataFrame]:
    """Give the news among rows that stand for themselves, and those rows of the lake that have their keys."""
    held = _held(objects, table, rows, before)
    add = _unequal(rows, held)
    gone = _left_out(held, without(held.with_row_index("__row"), add, table))
    return _News(add, gone, changed=gone.height), held


def _days_moved(rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Say of those events that the lake knows on which day they lay, and on which they lie now."""
    was = held.select("event_id", pl.col("at").dt.date().alias("was"))
    return was.join(_days_of({EVENTS.name: rows}), on="event_id", how="inner")


def _dependents_news(
    objects: Objects, table: Table, rows: pl.DataFrame, known: pl.DataFrame, days: pl.DataFrame, before: Manifest
) -> _News:
    """Give the news among what hangs on events.

    Of those events that the lake knows (`known`), all rows when they are others now, or the event lies elsewhere; of
    those that came with them (`days`) and are unknown, all rows; the rest stands for itself.
    """
    of_known = rows.join(known, on="event_id", how="semi", maintain_order="left")
    others = rows.join(known, on="event_id", how="anti", maintain_order="left")
    of_new = others.join(days, on="event_id", how="semi", maintain_order="left")
    stray = others.join(days, on="event_id", how="anti", maintain_order="left")
    held = table.empty()
    if known.height:
        parts = parts_of_events(before.tables.get(table.name, []), set(known["was"]), table)
        lies = scan_parts(objects, parts, table).join(known.lazy(), on="event_id", how="semi")
        held = conform(objects.collect(lies), table)
    differ = [_unequal(of_known, held), _unequal(held, of_known), known.filter(pl.col("was") != pl.col("day"))]
    ids = pl.concat([one.select("event_id") for one in differ]).unique()
    of_ids = of_known.join(ids, on="event_id", how="semi", maintain_order="left")
    of_stray, _ = _keyed_news(objects, table, stray, before)
    return _News(
        pl.concat([of_new, of_ids, of_stray.add]),
        of_stray.gone,
        known.join(ids, on="event_id", how="semi"),
        of_stray.changed + min(of_ids.height, held.join(ids, on="event_id", how="semi").height),
    )


def _with_moved(
    objects: Objects, table: Table, rows: pl.DataFrame, moved: pl.DataFrame, before: Manifest
) -> pl.DataFrame:
    """Add what hangs on events that moved to another day, and did not come again itself."""
    parts = before.tables.get(table.name, [])
    if moved.is_empty() or not parts:
        return rows
    old = objects.collect(scan_parts(objects, parts, table).join(moved.lazy(), on="event_id", how="semi"))
    return once_a_key(pl.concat([conform(old, table), rows]), table, keep="last")[0]


def _held(objects: Objects, table: Table, rows: pl.DataFrame, before: Manifest) -> pl.DataFrame:
    """Give the lake's rows that these rows would replace; of the parts only those rows are read."""
    held = [table.empty()]
    columns = identity(table)
    narrow = columns == list(table.key)
    for part in parts_with(objects, before.tables.get(table.name, []), rows, table):
        lies = scan_parts(objects, [part], table)
        if narrow:
            keys = rows.select(columns).unique().lazy()
            same = [pl.col(name).cast(pl.String) if name in table.dimensions else pl.col(name) for name in columns]
            lies = lies.with_columns(same).join(keys, on=columns, how="semi", nulls_equal=True)
        old = conform(objects.collect(lies), table)
        held.append(_left_out(old, without(old.with_row_index("__row"), rows, table)))
    return pl.concat(held)


def _left_out(rows: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Give the rows whose number (`__row`) is not among those kept."""
    return rows.with_row_index("__row").join(kept.select("__row"), on="__row", how="anti").drop("__row")


def _unequal(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Give the rows that are not among `others` with the same values."""
    if rows.is_empty() or others.is_empty():
        return rows
    columns = rows.columns
    there = _flat(others).unique()
    left = _flat(rows).with_row_index("__row").join(there, on=columns, how="anti", nulls_equal=True)
    return rows.with_row_index("__row").join(left.select("__row"), on="__row", how="semi").sort("__row").drop("__row")


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows with their lists as text, so that they can be joined on all columns."""
    nested = [name for name, dtype in rows.schema.items() if dtype.is_nested()]
    return rows.with_columns(pl.struct(name).struct.json_encode().alias(name) for name in nested)


def _placed(objects: Objects, table: Table, news: _News, before: Manifest, event_days: pl.DataFrame) -> list[Part]:
    """Write the parts: old ones without what goes, each for itself, and one a day of what comes."""
    parts = before.tables.get(table.name, [])
    revision = before.revision + 1
    touched = parts_with(objects, parts, news.gone, table)
    if news.of_events.height:
        touched += [part for part in _parts_of(objects, parts, table, news.of_events) if part not in touched]
    placed = [part for part in parts if part not in touched]
    for part in touched:
        rest = without(objects.collect(scan_parts(objects, [part], table)), news.gone, table)
        if news.of_events.height:
            rest = rest.join(news.of_events, on="event_id", how="anti")
        if rest.height:
            placed.append(write_part(objects, table, part.day, conform(rest, table), revision))
    days = by_day(news.add, table, event_days if table.name in OF_EVENTS else None)
    return placed + [write_part(objects, table, day, some, revision) for day, some in days.items()]


def _parts_of(objects: Objects, parts: Sequence[Part], table: Table, events: pl.DataFrame) -> list[Part]:
    """Find the parts in which something hangs on these events."""
    near = parts_of_events(parts, set(events["was"]), table)
    lies = scan_parts(objects, near, table, path_column="__path").select("event_id", "__path")
    found = lies.join(events.lazy(), on="event_id", how="semi").select("__path").unique()
    paths = set(objects.collect(found)["__path"]) if near else set()
    return [part for part in near if part.path in paths]
