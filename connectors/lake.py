"""The embedded default: the canonical tables as Parquet files, on disk or S3, one folder a table, one a day.

`lake/<table>/day=2026-03-09/<part>.parquet`, dimensions as Categorical, rows in order of time; `lake.json` says which
parts there are (`connectors.manifest`). Other tools can read the folders as a hive-partitioned data set. What hangs on
an event (frames, breadcrumbs, requests) lies under the event's day.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, timedelta

import polars as pl
import zstandard

from connectors.answers import TableAnswers
from connectors.exceptions import FetchError, SourceError, WrittenMeanwhile
from connectors.lake_changes import Change, change_lake
from connectors.lake_rows import Written, place_rows
from connectors.loaded import lazily_in_window, once_a_key
from connectors.manifest import SCHEMA, Manifest, Part, read_manifest, write_manifest
from connectors.objects import Objects
from connectors.parts import parts_of_events, parts_of_window, scan_parts, table_of
from connectors.redaction import redact
from connectors.stores import Fetched, FetchReport, Window
from connectors.sync_state import coverage
from connectors.tables import EVENTS, REPLAY_EVENTS, REPLAYS, Table, conform


class Lake(TableAnswers):
    """A lake on disk or S3; it answers every Protocol of `connectors.stores` that it has tables for.

    Any number of writers may write at the same time: each write is built on the newest list of parts, and built again
    when somebody else was faster.

    Examples
    --------
    >>> import tempfile
    >>> from connectors.tables import RELEASES
    >>> lake = Lake.create(tempfile.mkdtemp() + "/shop")
    >>> deploys = pl.DataFrame({"release": ["a1b2", "c3d4"], "deployed_at": ["2026-03-02T09:00Z", "2026-03-09T14:20Z"]})
    >>> lake.write(RELEASES, deploys), lake.write("releases", deploys)
    (Written(new=2, replaced=0), Written(new=0, replaced=2))
    >>> Lake.open(lake.address).releases(Window()).report.rows
    2
    """

    def __init__(self, objects: Objects, manifest: Manifest) -> None:
        self.objects = objects
        self._manifest = manifest
        self.address = redact(objects.address)
        self.name = manifest.name
        self.environment = manifest.environment
        self.first_party = tuple(manifest.first_party)

    @classmethod
    def create(
        cls,
        address: str | os.PathLike[str],
        *,
        name: str | None = None,
        environment: str | None = None,
        first_party: Sequence[str] = (),
    ) -> Lake:
        """Make an empty lake in a folder or at `s3://bucket/prefix`.

        Raises
        ------
        SourceError
            There is a lake already.
        """
        objects = Objects.open(address)
        mark = uuid.uuid4().hex
        manifest = Manifest(name or objects.title, environment, list(first_party), made=mark, schema=SCHEMA)
        try:
            write_manifest(objects, manifest, seen=None)
        except WrittenMeanwhile as error:
            raise SourceError(f"there is a lake at {objects.address} already; open it") from error
        return cls(objects, manifest)

    @classmethod
    def open(cls, address: str | os.PathLike[str] | Objects) -> Lake:
        """Open the lake in a folder or at `s3://bucket/prefix`."""
        objects = address if isinstance(address, Objects) else Objects.open(address)
        return cls(objects, read_manifest(objects)[0])

    def __repr__(self) -> str:
        return f"Lake({self.address!r})"

    @property
    def manifest(self) -> Manifest:
        """The list of parts as it is now."""
        self._manifest, _ = read_manifest(self.objects)
        return self._manifest

    def has(self, table_name: str) -> bool:
        """Say whether the lake had rows of this table when it was last looked at."""
        return any(part.rows for part in self._parts(table_of(table_name)))

    def write(self, table: str | Table, frame: pl.DataFrame | pl.LazyFrame) -> Written:
        """Write rows: those whose key is there already take the place of the old ones. Writing twice changes nothing.

        Each write looks at the keys of the whole table: a few big writes are cheaper than many small ones.

        Raises
        ------
        TableError
            The frame is not in the table's form.
        WrittenMeanwhile
            Others wrote faster than this write could be built, again and again.
        """
        name = table_of(table).name
        return self.write_all({name: frame})[name]

    def write_all(self, frames: Mapping[str, pl.DataFrame | pl.LazyFrame]) -> dict[str, Written]:
        """Write rows of several tables in one step: readers see all of it or nothing."""
        rows: dict[str, pl.DataFrame] = {}
        for name, frame in frames.items():
            table = table_of(name)
            whole = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
            rows[name], _ = once_a_key(conform(whole, table), table, keep="last")
        some = {name: frame for name, frame in rows.items() if frame.height}
        written = dict.fromkeys(rows, Written(0, 0))

        def build(before: Manifest) -> Change:
            change, placed = place_rows(self.objects, some, before)
            written.update({name: what for name, what in placed.items() if name in some})
            return change

        if some:
            self.change(build)
        return written

    def write_map(self, map_location: str, raw: bytes) -> None:
        """Keep the bytes of one source map, compressed; its location is a name, never a path."""
        path = f"maps/{hashlib.sha256(map_location.encode()).hexdigest()[:32]}.zst"
        self.objects.write(path, zstandard.ZstdCompressor(level=9).compress(raw))
        self.change(lambda _: Change({}, {map_location: path}))

    def change(self, build: Callable[[Manifest], Change]) -> None:
        """Replace the list of parts by what `build` makes of the newest one; see `connectors.lake_changes`."""
        self._manifest = change_lake(self.objects, build)

    def scan(self, table: str | Table, window: Window | None = None) -> pl.LazyFrame:
        """Give a table as it lies there, dimensions as Categorical: for reductions over many rows.

        Only the days of the window are opened; rows outside of it, within those days, are left out as well.
        """
        table = table_of(table)
        parts = parts_of_window(self.manifest.tables.get(table.name, []), window)
        frame = scan_parts(self.objects, parts, table)
        return frame if window is None else lazily_in_window(frame, table, window)

    def fingerprints(self, table: str | Table) -> dict[date | None, str]:
        """Tell each day's parts by name: a text that changes when rows of the day do, for whoever keeps results."""
        names: dict[date | None, list[str]] = {}
        for part in self._parts(table_of(table)):
            names.setdefault(part.day, []).append(part.path)
        return {day: " ".join(sorted(paths)) for day, paths in names.items()}

    def replay_events(self, replay_id: str) -> Fetched:
        """All events of one recording, in order of time; of a recording that is listed, only its days are opened."""
        query = f"replay_id = {replay_id}"
        listed = self.scan(REPLAYS).filter(pl.col("replay_id") == replay_id).select("started_at", "ended_at")
        times = self.objects.collect(listed).drop_nulls()
        around = Window()
        if times.height:
            # a day more on either side, should the listing be of another clock
            around = Window(times["started_at"][0] - timedelta(days=1), times["ended_at"][0] + timedelta(days=1))
        parts = parts_of_window(self._parts(REPLAY_EVENTS), around)
        frame = scan_parts(self.objects, parts, REPLAY_EVENTS).filter(pl.col("replay_id") == replay_id)
        return self._answer(REPLAY_EVENTS, frame, Window(), query)

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one source map.

        Raises
        ------
        FetchError
            The lake keeps no map of this name.
        """
        path = self.manifest.maps.get(map_location)
        if path is None:
            raise FetchError(f"the lake keeps no map {map_location!r}; it keeps {len(self._manifest.maps)}")
        return zstandard.ZstdDecompressor().decompress(self.objects.read(path))

    def _parts(self, table: Table) -> list[Part]:
        return self._manifest.tables.get(table.name, [])

    def _scan_of_events(self, table: Table, window: Window) -> pl.LazyFrame:
        days = {part.day for part in parts_of_window(self.manifest.tables.get(EVENTS.name, []), window)}
        return scan_parts(self.objects, parts_of_events(self._parts(table), days, table), table)

    def _answer(self, table: Table, frame: pl.LazyFrame, window: Window, query: str | None = None) -> Fetched:
        order = [table.time] if table.time else list(table.key)
        rows = conform(frame.sort(order, maintain_order=True), table)
        if self.objects.remote or any(part.schema != SCHEMA for part in self._parts(table)):
            rows = self.objects.collect(rows).lazy()
        parts = self._parts(table)
        synced = coverage(self.objects, table.name, window, self._manifest.made)
        gone = self._removed(table, window)
        notes = [None if parts else f"the lake has no {table.name}", synced.note, gone]
        report = FetchReport(
            source=self.name,
            table=table.name,
            query=query or window.describe(),
            rows=self.objects.collect(rows.select(pl.len())).item(),
            window=window,
            pages=len(parts_of_window(parts, window)),
            truncated=synced.partial or (gone is not None and window.start is not None),
            refused=synced.refused,
            sampling=synced.sampling,
            note="; ".join(filter(None, notes)) or None,
        )
        return Fetched(rows, report)

    def _removed(self, table: Table, window: Window) -> str | None:
        """Say what of a window a retention has removed."""
        first = self._manifest.kept_from.get(table.name)
        if first is None or (window.start is not None and window.start.astimezone(UTC).date() >= first):
            return None
        return f"{table.name} from before {first} were removed by workbench lake retain"
