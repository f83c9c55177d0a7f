"""Source maps in artifact bundles, the zips that error trackers' upload tools make: one, or some among other files."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from connectors.disk import Disk
from connectors.exceptions import FetchError, FormatError, SourceNotFound
from connectors.files import SourceFile
from connectors.formats.artifact_bundle import MANIFEST, Manifest, Packed, is_artifact_bundle, read_manifest
from connectors.formats.rows import Rows
from connectors.formats.source_maps import debug_id_of
from connectors.loaded import Loaded
from connectors.redaction import redact
from connectors.stores import Fetched, Window
from connectors.tables import ARTIFACTS

MOST_BYTES = 1 << 30  # of one map, unpacked: beyond it a zip is a bomb
BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, OSError)
"""What reading a zip can raise; an encrypted entry or an unknown compression is a RuntimeError."""


class ArtifactBundles:
    """The artifact bundles among `files`; `map_location` is the zip's name, `!/` and the path inside.

    Examples
    --------
    >>> ArtifactBundles([]).read().frame.height
    0
    """

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._zips = {file.name: file for file in files if is_artifact_bundle(file.head(64))}

    def __len__(self) -> int:
        return len(self._zips)

    def read(self) -> Loaded:
        """List the maps of every bundle; one that cannot be read is refused by its name."""
        rows = Rows(ARTIFACTS)
        for name, file in self._zips.items():
            try:
                self._add(rows, name, file)
            except (FormatError, ValueError, *BROKEN) as error:
                rows.refuse(name, f"the artifact bundle cannot be read ({error})")
        return Loaded.of(rows, len(self._zips))

    def holds(self, map_location: str) -> bool:
        """Say whether a location is one of a bundle's here."""
        return map_location.partition("!/")[0] in self._zips

    def open(self, map_location: str) -> bytes:
        """Give the bytes of one map.

        Raises
        ------
        FetchError
            No bundle has it, or it cannot be unpacked.
        """
        name, _, path = map_location.partition("!/")
        file = self._zips.get(name)
        if file is None:
            raise FetchError(f"no artifact bundle at {name!r}; there are {len(self._zips)}")
        try:
            with file.open() as raw, zipfile.ZipFile(raw) as archive:
                return _unpacked(archive, path)
        except (FormatError, *BROKEN) as error:
            raise FetchError(f"{map_location}: the artifact bundle does not give it ({error})") from error

    def _add(self, rows: Rows, name: str, file: SourceFile) -> None:
        with file.open() as raw, zipfile.ZipFile(raw) as archive:
            manifest = read_manifest(_unpacked(archive, MANIFEST))
            for packed in manifest.maps:
                self._add_map(rows, name, archive, manifest, packed)
            if manifest.unused:
                rows.skip("files of artifact bundles that are neither script nor map", manifest.unused)

    def _add_map(self, rows: Rows, name: str, archive: zipfile.ZipFile, manifest: Manifest, packed: Packed) -> None:
        location = f"{name}!/{packed.path}"
        try:
            raw = _unpacked(archive, packed.path)
        except (FormatError, *BROKEN) as error:
            rows.refuse(location, f"listed in {MANIFEST}, but cannot be unpacked ({error})")
            return
        debug_id, broken = debug_id_of(raw)
        if broken:
            rows.refuse(location, f"{broken}; frames on it stay unmapped")
        digest = hashlib.sha256(raw).hexdigest()
        debug_id = packed.debug_id or debug_id
        rows.add((manifest.release, manifest.dist, packed.url, debug_id, location, None, digest, len(raw)))


class ArtifactBundleStore:
    """One artifact bundle as a source-map store: `open_store("maps-of-1f2e3d4.zip")`."""

    def __init__(self, path: str) -> None:
        place = Path(path)
        if not place.is_file():
            raise SourceNotFound(f"there is no artifact bundle at {redact(path)}")
        self.name = place.name
        self.address = redact(path)
        self._path = path
        self._bundles = ArtifactBundles([SourceFile(place.name, Disk(place.parent), place.stat().st_size)])
        if not len(self._bundles):
            raise SourceNotFound(
                f"{self.address} is no artifact bundle: its zip does not begin with {MANIFEST} or files/"
            )

    @classmethod
    def open(cls, address: str) -> ArtifactBundleStore:
        """Open the bundle at a path."""
        return cls(address)

    def __repr__(self) -> str:
        return f"ArtifactBundleStore({self.address!r})"

    def has(self, table_name: str) -> bool:
        """Say that it has source maps and nothing else."""
        return table_name == ARTIFACTS.name

    def with_maps_again(self) -> ArtifactBundleStore:
        """Open the file anew, after it was written again."""
        return ArtifactBundleStore(self._path)

    @cached_property
    def _loaded(self) -> Loaded:
        return self._bundles.read()

    def artifacts(self, release: str | None = None) -> Fetched:
        """Bundles and their source maps, of one release or of all."""
        rows = self._loaded.frame
        chosen = rows if release is None else rows.filter(rows["release"] == release)
        query = "all releases" if release is None else f"release = {release}"
        return self._loaded.fetched(ARTIFACTS, source=self.name, query=query, window=Window(), frame=chosen)

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one source map of `artifacts`."""
        return self._bundles.open(map_location)


def _unpacked(archive: zipfile.ZipFile, path: str) -> bytes:
    """Read one file of a zip, never more of it than a map can be."""

    def blocks() -> Iterator[bytes]:
        left = MOST_BYTES
        with archive.open(path) as stream:
            while block := stream.read(1 << 20):
                left -= len(block)
                if left < 0:
                    raise FormatError(f"{path} unpacks to more than {MOST_BYTES >> 20} MB")
                yield block

    return b"".join(blocks())
