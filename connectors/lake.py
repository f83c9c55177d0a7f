"""The embedded default: the canonical tables as Parquet files on disk, one folder a table, one a day.

`lake/<table>/day=2026-03-09/<part>.parquet`, dimensions as Categorical, rows in order of time; `lake.json` says which
parts there are (`connectors.manifest`). Other tools can read the folders as a hive-partitioned data set.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl
import zstandard

from connectors.answers import TableAnswers
from connectors.exceptions import FetchError, SourceError
from connectors.loaded import lazily_in_window, once_a_key
from connectors.manifest import FILE, Manifest, Part, read_manifest, write_atomically, write_manifest
from connectors.redaction import redact
from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import EVENTS, REPLAY_EVENTS, TABLES, Table, conform


class Written(NamedTuple):
    """What a write did: rows that are new, rows that took the place of others with their key."""

    new: int
    replaced: int


class Lake(TableAnswers):
    """A lake on disk; it answers every Protocol of `connectors.stores` that it has tables for.

    Examples
    --------
    >>> import tempfile
    >>> from connectors.tables import RELEASES
    >>> lake = Lake.create(Path(tempfile.mkdtemp()) / "shop")
    >>> deploys = pl.DataFrame({"release": ["a1b2", "c3d4"], "deployed_at": ["2026-03-02T09:00Z", "2026-03-09T14:20Z"]})
    >>> lake.write(RELEASES, deploys), lake.write("releases", deploys)
    (Written(new=2, replaced=0), Written(new=0, replaced=2))
    >>> Lake.open(lake.address).releases(Window()).report.rows
    2
    """

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self._root = root
        self._manifest = manifest
        self.address = redact(os.fspath(root))
        self.name = manifest.name
        self.environment = manifest.environment
        self.first_party = tuple(manifest.first_party)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        environment: str | None = None,
        first_party: Sequence[str] = (),
    ) -> Lake:
        """Make an empty lake at `path`.

        Raises
        ------
        SourceError
            There is a lake already.
        """
        root = Path(path)
        if (root / FILE).exists():
            raise SourceError(f"there is a lake at {root} already; open it")
        manifest = Manifest(name or root.resolve().name, environment, list(first_party))
        write_manifest(root, manifest, after=None)
        return cls(root, manifest)

    @classmethod
    def open(cls, address: str | os.PathLike[str]) -> Lake:
        """Open the lake in the folder at `address`."""
        root = Path(address)
        return cls(root, read_manifest(root))

    def __repr__(self) -> str:
        return f"Lake({self.address!r})"

    def has(self, table_name: str) -> bool:
        """Say whether the lake has rows of this table."""
        return any(part.rows for part in self._parts(TABLES[table_name]))

    def write(self, table: str | Table, frame: pl.DataFrame | pl.LazyFrame) -> Written:
        """Write rows: those whose key is there already take the place of the old ones. Writing twice changes nothing.

        Frames have no time and lie with their events, so write events first. Each write looks at the keys of the
        whole table: a few big writes are cheaper than many small ones.

        Raises
        ------
        TableError
            The frame is not in the table's form.
        FetchError
            Somebody else wrote meanwhile.
        """
        table = TABLES[table] if isinstance(table, str) else table
        rows = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
        rows, _ = once_a_key(conform(rows, table), table, keep="last")
        if rows.is_empty():
            return Written(0, 0)
        before = self._manifest = read_manifest(self._root)
        revision = before.revision + 1
        kept: list[Part] = []
        replaced, leftover = 0, []
        for part in self._parts(table):
            path = self._root / part.path
            keys = pl.read_parquet(path, columns=_identity(table), hive_partitioning=False)
            if _without(keys, rows, table).height == part.rows:
                kept.append(part)
                continue
            rest = _without(pl.read_parquet(path, hive_partitioning=False), rows, table)
            replaced += part.rows - rest.height
            leftover.append((part.day, rest))
        by_day = self._by_day(rows, table)
        for day, rest in leftover:
            by_day[day] = pl.concat([by_day[day], rest], how="vertical_relaxed") if day in by_day else rest
        made = [self._write_part(table, day, one, revision) for day, one in by_day.items() if one.height]
        tables = {**before.tables, table.name: sorted([*kept, *made], key=lambda part: part.path)}
        try:
            self._commit(msgspec.structs.replace(before, revision=revision, tables=tables), before)
        except (FetchError, OSError):
            self._remove(made)
            raise
        return Written(rows.height - replaced, replaced)

    def write_map(self, map_location: str, raw: bytes) -> None:
        """Keep the bytes of one source map, compressed; its location is a name, never a path."""
        before = self._manifest = read_manifest(self._root)
        path = f"maps/{hashlib.sha256(map_location.encode()).hexdigest()[:32]}.zst"
        write_atomically(self._root / path, zstandard.ZstdCompressor(level=9).compress(raw))
        maps = {**before.maps, map_location: path}
        self._commit(msgspec.structs.replace(before, revision=before.revision + 1, maps=maps), before)

    def scan(self, table: str | Table, window: Window | None = None) -> pl.LazyFrame:
        """Give a table as it lies on disk, dimensions as Categorical: for reductions over many rows.

        Only the days of the window are opened; rows outside of it, within those days, are left out as well.
        """
        table = TABLES[table] if isinstance(table, str) else table
        self._manifest = read_manifest(self._root)
        parts = [part for part in self._parts(table) if _may_hold(part, table, window)]
        if not parts:
            return _as_stored(table.empty(), table).lazy()
        frame = pl.scan_parquet([self._root / part.path for part in parts], hive_partitioning=False)
        return frame if window is None else lazily_in_window(frame, table, window)

    def fingerprints(self, table: str | Table) -> dict[date | None, str]:
        """Tell each day's parts by name: a text that changes when rows of the day do, for whoever keeps results."""
        names: dict[date | None, list[str]] = {}
        for part in self._parts(TABLES[table] if isinstance(table, str) else table):
            names.setdefault(part.day, []).append(part.path)
        return {day: " ".join(sorted(paths)) for day, paths in names.items()}

    def replay_events(self, replay_id: str) -> Fetched:
        """All events of one recording, in order of time."""
        frame = self.scan(REPLAY_EVENTS).filter(pl.col("replay_id") == replay_id)
        return self._answer(REPLAY_EVENTS, frame, Window(), f"replay_id = {replay_id}")

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one source map.

        Raises
        ------
        FetchError
            The lake keeps no map of this name.
        """
        path = self._manifest.maps.get(map_location)
        if path is None:
            raise FetchError(f"the lake keeps no map {map_location!r}; it keeps {len(self._manifest.maps)}")
        return zstandard.ZstdDecompressor().decompress((self._root / path).read_bytes())

    def _parts(self, table: Table) -> list[Part]:
        return self._manifest.tables.get(table.name, [])

    def _answer(self, table: Table, frame: pl.LazyFrame, window: Window, query: str | None = None) -> Fetched:
        order = [table.time] if table.time else list(table.key)
        report = FetchReport(
            source=self.name,
            table=table.name,
            query=query or window.describe(),
            rows=frame.select(pl.len()).collect().item(),
            window=window,
            pages=len(self._parts(table)),
            note=None if self._parts(table) else f"the lake has no {table.name}",
        )
        return Fetched(conform(frame.sort(order, maintain_order=True), table), report)

    def _by_day(self, rows: pl.DataFrame, table: Table) -> dict[date | None, pl.DataFrame]:
        if table.time is not None:
            dated = rows.with_columns(pl.col(table.time).dt.date().alias("__day"))
        else:
            days = self.scan(EVENTS).select("event_id", pl.col("at").dt.date().alias("__day")).collect()
            dated = rows.join(days, on="event_id", how="left", maintain_order="left")
        parts = dated.partition_by("__day", as_dict=True, include_key=False)
        return {day: _as_stored(part, table) for (day,), part in parts.items()}

    def _write_part(self, table: Table, day: date | None, rows: pl.DataFrame, revision: int) -> Part:
        order = [name for name in dict.fromkeys([table.time, *table.key]) if name]
        folder = self._root / table.name / f"day={day or 'none'}"
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{os.getpid()}.new"
        rows.sort(order, maintain_order=True).write_parquet(temporary, compression="zstd", statistics=True)
        with temporary.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        # The digest keeps two writers of one revision apart until one of them is told to write again.
        target = folder / f"{revision:06d}-{digest[:12]}.parquet"
        temporary.replace(target)
        return Part(target.relative_to(self._root).as_posix(), day, rows.height)

    def _commit(self, manifest: Manifest, before: Manifest) -> None:
        write_manifest(self._root, manifest, after=before.revision)
        self._manifest = manifest
        names = {part.path for parts in manifest.tables.values() for part in parts}
        self._remove(part for parts in before.tables.values() for part in parts if part.path not in names)

    def _remove(self, parts: Iterable[Part]) -> None:
        for part in parts:
            path = self._root / part.path
            path.unlink(missing_ok=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()


def _as_stored(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    return rows.with_columns(pl.col(name).cast(pl.Categorical) for name in table.dimensions)


def _without(old: pl.DataFrame, rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Give the old rows that no new row replaces: of equal key, or of equal values where the key holds no id."""
    ids = [name for name in table.key if name.endswith("_id")]
    known = pl.any_horizontal(pl.col(ids).is_not_null()) if ids else pl.lit(True)
    kept = _anti(old.filter(known), rows.filter(known), list(table.key))
    return pl.concat([kept, _anti(old.filter(~known), rows.filter(~known), _identity(table))])


def _identity(table: Table) -> list[str]:
    """Give the columns that tell two rows apart: the key, or where a row may have no id, all that can be compared."""
    ids = [name for name in table.key if name.endswith("_id")]
    if not ids or any(name in table.required for name in ids):
        return list(table.key)
    return [name for name, dtype in table.schema.items() if not dtype.is_nested()]


def _anti(old: pl.DataFrame, rows: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    if old.is_empty() or rows.is_empty():
        return old
    keys = rows.select(pl.col(name).cast(old.schema[name]) for name in on)
    return old.join(keys, on=on, how="anti", nulls_equal=True, maintain_order="left")


def _may_hold(part: Part, table: Table, window: Window | None) -> bool:
    if window is None or part.day is None:
        return True
    if window.end is not None and part.day > window.end.date():
        return False
    lasting = "ended_at" in table.schema or table.time is None
    return lasting or window.start is None or part.day >= window.start.date() - timedelta(days=1)
