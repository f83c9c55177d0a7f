"""Multiply the sample into a lake of any size, for load tests: `python sample-data/amplify.py OUT --copies N`.

Every row stays a captured row. A copy gets new ids (a keyed hash, the same in every table, so that all joins hold) and
one shift in time; stacks, messages, durations and user agents are never touched. So a bigger lake has more rows, not
more evidence: nothing about the incident may be concluded from it. `OUT/templates/` says for each new id which captured
id it was made of, and in which copy.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl
import polars_hash as plh

from connectors.lake import Lake
from connectors.manifest import Manifest, Part, read_manifest, write_manifest
from connectors.registry import open_store
from connectors.stores import Window
from connectors.tables import REPLAY_EVENTS, SPAN_EVENTS, TABLES, TIME, Table

SAMPLE = Path(__file__).resolve().parent
# tables whose rows belong to sessions; the others (releases, artifacts, lab runs) are the same in every copy
MULTIPLIED = ("events", "frames", "requests", "breadcrumbs", "sessions", "page_views", "vitals", "replays", "spans")
ONCE = ("releases", "artifacts", "lab_runs")
IDS = ("session_id", "event_id", "page_view_id", "replay_id", "trace_id", "span_id", "parent_span_id", "user_id")
# free text in which ids stand
TEXTS = ("data", "attributes")
ROWS_A_PART = 2_000_000
UUID_LENGTH = 36


def new_ids(templates: pl.DataFrame, copy: int, seed: int) -> pl.DataFrame:
    """Give each template id its new id in one copy: equal length, equal form, another value.

    Parameters
    ----------
    templates
        Column `template`: distinct ids.
    copy
        Number of the copy, from 0.
    seed
        Another seed gives other ids.

    Returns
    -------
    `templates` with the column `id`.

    Examples
    --------
    >>> ids = new_ids(pl.DataFrame({"template": ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"]}), 0, 1)
    >>> ids["id"].str.len_chars().to_list()
    [32, 16]
    """
    digest = plh.concat_str(pl.lit(f"{seed}:{copy}:"), pl.col("template")).chash.sha2_256()
    dashed = pl.concat_str(
        [digest.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))],
        separator="-",
    )
    length = pl.col("template").str.len_chars()
    return templates.with_columns(
        pl.when(length == UUID_LENGTH).then(dashed).otherwise(digest.str.head(length)).alias("id")
    )


def shift_of(copy: int, seed: int, days: int) -> timedelta:
    """Say by how much a copy is moved: whole seconds, less than `days` days, the same at every run.

    Examples
    --------
    >>> shift_of(3, 1, 14) == shift_of(3, 1, 14) < timedelta(days=14)
    True
    """
    digest = hashlib.blake2b(f"{seed}:{copy}".encode(), digest_size=8).digest()
    return timedelta(seconds=int.from_bytes(digest, "big") % (days * 86_400))


def copied(frame: pl.DataFrame, ids: pl.DataFrame, shift: timedelta) -> pl.DataFrame:
    """Give one copy of a canonical frame: its ids exchanged, its times moved, nothing else changed.

    Parameters
    ----------
    frame
        Any canonical table.
    ids
        Columns `template` and `id`, as from `new_ids`.
    shift
        What is added to every time.
    """
    exchange = dict(zip(ids["template"], ids["id"], strict=True))
    old, new = list(exchange), list(exchange.values())

    def replaced(column: str, dtype: pl.DataType) -> pl.Expr:
        if column in IDS:
            return pl.col(column).replace(exchange)
        if column in TEXTS:
            return pl.col(column).str.replace_many(old, new)
        if column == "tags":
            value = pl.element().struct.field("value").replace(exchange)
            return pl.col(column).list.eval(pl.element().struct.with_fields(value.alias("value")))
        if dtype == SPAN_EVENTS:
            at = pl.element().struct.field("at") + shift
            return pl.col(column).list.eval(pl.element().struct.with_fields(at.alias("at")))
        return pl.col(column) + shift if dtype == TIME else pl.col(column)

    return frame.with_columns(replaced(column, dtype) for column, dtype in frame.schema.items())


def read_tables(source: str, names: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Read canonical tables of a store; recordings come one by one."""
    store = open_store(source)
    everything = Window()

    def fetch(name: str) -> pl.DataFrame:
        if name == REPLAY_EVENTS.name:
            recordings = store.replays(everything).frame.collect()["replay_id"]
            return pl.concat([store.replay_events(recording).frame.collect() for recording in recordings])
        if name == "artifacts":
            return store.artifacts().frame.collect()
        return getattr(store, name)(window=everything).frame.collect()

    return {name: fetch(name) for name in names}


def template_ids(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Every distinct id of the tables, with what kind of id it is."""
    found = [
        frame.select(pl.lit(column.removeprefix("parent_")).alias("kind"), pl.col(column).alias("template"))
        for frame in tables.values()
        for column in IDS
        if column in frame.columns
    ]
    return pl.concat(found).drop_nulls().unique("template", keep="first").sort("template")


def parts_of(frame: pl.DataFrame, table: Table, days: pl.DataFrame, root: Path, batch: int) -> Iterator[Part]:
    """Write rows as parts of a lake, one a day, dimensions as Categorical, in order of time."""
    dated = (
        frame.join(days, on="event_id", how="left")
        if table.time is None
        else frame.with_columns(day=pl.col(table.time).dt.date())
    )
    order = [name for name in dict.fromkeys([table.time, *table.key]) if name]
    stored = dated.with_columns(pl.col(name).cast(pl.Categorical) for name in table.dimensions)
    for (day,), rows in sorted(stored.partition_by("day", as_dict=True, include_key=False).items(), key=str):
        path = f"{table.name}/day={day or 'none'}/{batch:06d}.parquet"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        rows.sort(order, maintain_order=True).write_parquet(root / path, compression="zstd", statistics=True)
        yield Part(path, day, rows.height)


def amplify(
    source: str, out: Path, *, copies: int, seed: int = 1, days: int = 14, names: Sequence[str] = MULTIPLIED
) -> Manifest:
    """Write `copies` copies of a store's tables into a new lake at `out`.

    Parameters
    ----------
    source
        Address of the store to multiply.
    out
        Folder of the new lake; it must not hold one.
    copies
        How many copies; one copy is as big as the source.
    seed
        Gives the ids and the shifts.
    days
        Copies are moved by less than so many days.
    names
        Which canonical tables to multiply.

    Returns
    -------
    The manifest of the lake.

    Raises
    ------
    SourceError
        There is a lake at `out` already.
    """
    lake = Lake.create(out, name="amplified", environment="production")
    for name, frame in read_tables(source, ONCE).items():
        lake.write(name, frame)
    tables = read_tables(source, names)
    known = template_ids(tables)
    most = max(frame.height for frame in tables.values())
    step = max(1, ROWS_A_PART // max(1, most))
    parts: dict[str, list[Part]] = {name: [] for name in tables}
    (out / "templates").mkdir()
    for batch, first in enumerate(range(0, copies, step)):
        numbers = range(first, min(first + step, copies))
        ids = [new_ids(known, copy, seed).with_columns(copy=pl.lit(copy)) for copy in numbers]
        made = {
            name: pl.concat(
                [copied(frame, own, shift_of(copy, seed, days)) for copy, own in zip(numbers, ids, strict=True)]
            )
            for name, frame in tables.items()
        }
        days_of = made["events"].select("event_id", day=pl.col("at").dt.date()) if "events" in made else pl.DataFrame()
        for name, frame in made.items():
            parts[name].extend(parts_of(frame, TABLES[name], days_of, out, batch))
        pl.concat(ids).write_parquet(out / "templates" / f"{batch:06d}.parquet", compression="zstd")
    before = read_manifest(out)
    manifest = Manifest(
        name=before.name,
        environment=before.environment,
        first_party=list(getattr(open_store(source), "first_party", ())),
        revision=before.revision + 1,
        tables={**before.tables, **parts},
        maps=before.maps,
    )
    write_manifest(out, manifest, after=before.revision)
    return manifest


def main() -> None:
    """Read the command line and say what was written."""
    parser = argparse.ArgumentParser(description="Multiply the sample into a lake, for load tests.")
    parser.add_argument("out", type=Path, help="folder of the new lake")
    parser.add_argument("--copies", type=int, required=True, help="how many copies; 100 make about 30,000 sessions")
    parser.add_argument("--source", default=str(SAMPLE), help="what to multiply (default: the sample beside this file)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other ids and shifts")
    parser.add_argument("--days", type=int, default=14, help="copies are moved by less than so many days")
    parser.add_argument("--tables", nargs="+", default=list(MULTIPLIED), choices=[*MULTIPLIED, REPLAY_EVENTS.name])
    given = parser.parse_args()
    manifest = amplify(
        given.source, given.out, copies=given.copies, seed=given.seed, days=given.days, names=given.tables
    )
    for name, parts in sorted(manifest.tables.items()):
        print(f"{name}: {sum(part.rows for part in parts):,} rows in {len(parts)} files")


if __name__ == "__main__":
    main()
