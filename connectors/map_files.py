"""The source maps among the files of a source: folders of maps and artifact bundles, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from connectors.files import SourceFile
from connectors.loaded import Loaded, join_notes, once_a_key
from connectors.sourcemaps.artifact_bundle import ArtifactBundles
from connectors.sourcemaps.directory import MapDirectory
from connectors.tables import ARTIFACTS


class MapFiles:
    """Lists the maps of all kinds, and opens each where it lies.

    Examples
    --------
    >>> MapFiles([]).read().frame.height
    0
    """

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._directory = MapDirectory(files)
        self._bundles = ArtifactBundles([file for file in files if file.name.lower().endswith(".zip")])

    def read(self) -> Loaded:
        """List the artifacts; one that lies in a folder counts before one in a bundle."""
        found = self._directory.read()
        if not len(self._bundles):
            return found
        packed = self._bundles.read()
        both, twice = once_a_key(pl.concat([found.frame, packed.frame]), ARTIFACTS)
        notes = join_notes([found, packed])
        said = (f"{twice} maps lie in a folder and in an artifact bundle, and were counted once",) if twice else ()
        return replace(
            found,
            frame=both,
            refused=(*found.refused, *packed.refused),
            notes=(*notes, *said),
            files=found.files + packed.files,
        )

    def open(self, map_location: str) -> bytes:
        """Give the bytes of one map, by its `map_location`."""
        holder = self._bundles if self._bundles.holds(map_location) else self._directory
        return holder.open(map_location)
