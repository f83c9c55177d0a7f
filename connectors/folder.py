"""Any folder of files, on disk or S3, as a store: envelopes, beacons, recordings, traces, lab results, source maps.

What is where stands in its `source.toml`, or is seen by looking (`connectors.layout`). Each file is read once for each
store object, when a table is first asked for that needs it (`connectors.folder_tables`).
"""

from __future__ import annotations

import os
from copy import copy

import polars as pl

from connectors.answers import TableAnswers
from connectors.derive import USER_KEY
from connectors.disk import Disk
from connectors.exceptions import SourceNotFound
from connectors.folder_tables import FolderTables
from connectors.layout import read_layout
from connectors.loaded import lazily_in_window
from connectors.objects import Objects
from connectors.redaction import redact
from connectors.stores import Fetched, Window
from connectors.tables import REPLAY_EVENTS, Table


class FolderSource(TableAnswers):
    """A folder of files as tracker, RUM, replay, trace, lab, release and source-map store.

    Attributes
    ----------
    name, environment, first_party
        As `source.toml` says; else the folder's name, None, and no hosts.
    address
        The folder, or the bucket and prefix, without secrets.
    passed_over
        Files that were looked at and are of no kind that is known.

    Users are hashed under the key in the environment variable `BLINDSPOT_USER_KEY`, or else under the source's name:
    set it when reports leave the house.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "vitals.log").write_text('{"ts":1741530000500,"name":"LCP","value":2612.5,"page_view_id":"p1"}')
    >>> source = FolderSource(root)
    >>> source.vitals(Window()).frame.select("metric", "value").collect().rows()
    [('LCP', 2612.5)]
    >>> source.events(Window()).report.note
    'looked for envelopes in every file of the folder by its content, found none'
    """

    def __init__(self, root: str | os.PathLike[str] | Objects) -> None:
        self._objects = root if isinstance(root, Objects) else Objects.open(root)
        self.address = redact(self._objects.address)
        if isinstance(self._objects, Disk) and not self._objects.root.is_dir():
            raise SourceNotFound(f"there is no folder at {self.address}")
        layout = read_layout(self._objects)
        if self._objects.remote and not (layout.described or layout.files or layout.passed_over):
            raise SourceNotFound(f"there is nothing at {self.address}; is the prefix right?")
        self.name = layout.name
        self.environment = layout.environment
        self.first_party = layout.first_party
        self.passed_over = layout.passed_over
        self._tables = FolderTables(layout, os.environ.get(USER_KEY) or layout.name)

    @classmethod
    def open(cls, address: str | os.PathLike[str] | Objects) -> FolderSource:
        """Open the folder at a path, or the objects at `s3://bucket/prefix`."""
        return cls(address)

    def __repr__(self) -> str:
        return f"FolderSource({self.address!r})"

    def has(self, table_name: str) -> bool:
        """Say whether there are files that this table is made of; nothing is read for it."""
        return self._tables.has(table_name)

    def scan(self, table: Table, window: Window | None = None) -> pl.LazyFrame:
        """Give the rows of a table that belong to a window (None: all)."""
        frame = self._tables.table(table).frame.lazy()
        return frame if window is None else lazily_in_window(frame, table, window)

    def replay_events(self, replay_id: str) -> Fetched:
        """All events of one recording, in order of time."""
        loaded = self._tables.recording(replay_id)
        query = f"replay_id = {replay_id}"
        return loaded.fetched(REPLAY_EVENTS, source=self.name, query=query, window=Window(), frame=loaded.frame)

    def with_maps_again(self) -> FolderSource:
        """Give this source with its source maps listed anew, after an upload; nothing else is read again."""
        again = copy(self)
        again._tables = self._tables.with_maps_of(read_layout(self._objects))
        return again

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one source map of `artifacts`."""
        return self._tables.maps.open(map_location)

    def _answer(self, table: Table, frame: pl.LazyFrame, window: Window, query: str | None = None) -> Fetched:
        loaded = self._tables.table(table)
        rows = frame.collect()
        return loaded.fetched(table, source=self.name, query=query or window.describe(), window=window, frame=rows)
