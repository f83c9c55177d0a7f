"""Source maps in a folder: `<release>/.../<bundle>.js.map`, with the upload's `artifacts.json` where there is one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from connectors.exceptions import FetchError, FormatError
from connectors.files import COMPRESSION, SourceFile
from connectors.formats.rows import Rows
from connectors.formats.source_maps import debug_id_of, read_listing
from connectors.loaded import Loaded
from connectors.tables import ARTIFACTS

LISTING = "artifacts.json"
MAP = re.compile(r"\.map(\.gz|\.zst|\.zstd)?$")
HOLDERS = frozenset({"releases", "sourcemaps", "source-maps", "source_maps", "maps", "artifacts"})
RELEASE_LIKE = re.compile(r"[0-9a-f]{7,40}|v?\d+\.\d+(\.\d+)?([.+-].+)?|.+@.+")


class MapDirectory:
    """The maps and listings among `files`; `map_location` is a map's name below the source.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from connectors.files import find_files
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "releases/1.4.0/assets").mkdir(parents=True)
    >>> _ = (root / "releases/1.4.0/assets/shop.js.map").write_text('{"version":3,"mappings":""}')
    >>> maps = MapDirectory(find_files(root, root))
    >>> maps.read().frame.select("release", "url", "map_location", "bytes").rows()
    [('1.4.0', '~/assets/shop.js', 'releases/1.4.0/assets/shop.js.map', 27)]
    >>> maps.open("../../etc/passwd")
    Traceback (most recent call last):
        ...
    connectors.exceptions.FetchError: no map at '../../etc/passwd'; there are 1, e.g. releases/1.4.0/assets/shop.js.map
    """

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._maps = {file.name: file for file in files if MAP.search(file.name)}
        self._listings = [file for file in files if PurePosixPath(file.name).name == LISTING]

    def read(self) -> Loaded:
        """List the artifacts: those of the listings, and the maps that no listing names.

        A map is opened only for what its listing leaves out, or when its size is not the listed one.
        """
        rows = Rows(ARTIFACTS)
        listed: set[str] = set()
        for listing in self._listings:
            listed |= self._read_listing(listing, rows)
        for name in sorted(self._maps.keys() - listed):
            release, url = _release_and_url(name)
            self._add(rows, name, {"release": release, "url": url})
        return Loaded.of(rows, len(self._maps) + len(self._listings))

    def open(self, map_location: str) -> bytes:
        """Give the bytes of one map, decompressed.

        Raises
        ------
        FetchError
            The listing has no such map, or it cannot be read. Only maps that were found can be opened, so a location
            from elsewhere cannot lead out of the folder.
        """
        file = self._maps.get(map_location)
        if file is None:
            example = f", e.g. {min(self._maps)}" if self._maps else ""
            raise FetchError(f"no map at {map_location!r}; there are {len(self._maps)}{example}")
        try:
            return file.read()
        except FormatError as error:
            raise FetchError(f"{map_location}: {error}") from error

    def _read_listing(self, listing: SourceFile, rows: Rows) -> set[str]:
        try:
            entries, broken = read_listing(listing.read())
        except (FormatError, ValueError) as error:
            rows.refuse(listing.name, f"{error}; the maps beside it are listed by their names")
            return set()
        for number, reason in broken:
            rows.refuse(f"{listing.name} entry {number}", reason)
        folder = PurePosixPath(listing.name).parent
        seen = set()
        for number, entry in enumerate(entries, 1):
            name = (folder / entry.map).as_posix()
            if name not in self._maps:
                rows.refuse(f"{listing.name} entry {number}", f"the map {entry.map} is not there")
                continue
            seen.add(name)
            known = {key: value for key, value in entry._asdict().items() if value is not None}
            self._add(rows, name, {"release": _release_and_url(name)[0], **known})
        return seen

    def _add(self, rows: Rows, name: str, known: dict[str, Any]) -> None:
        file = self._maps[name]
        listed_size = known.get("bytes")
        if not (known.get("debug_id") and known.get("sha256") and listed_size == _size(file)):
            try:
                raw = file.read()
            except FormatError as error:
                return rows.refuse(name, str(error))
            debug_id, broken = debug_id_of(raw)
            if broken:
                # The artifact stays listed, so that a frame on it says "invalid map" instead of "no map".
                rows.refuse(name, f"{broken}; frames on it stay unmapped")
            elif listed_size not in (None, len(raw)):
                rows.refuse(
                    name, f"the map has {len(raw)} bytes, its listing says {listed_size}: it is not what was uploaded"
                )
            known |= {
                "debug_id": known.get("debug_id") or debug_id,
                "sha256": hashlib.sha256(raw).hexdigest(),
                "bytes": len(raw),
            }
        columns = ("release", "dist", "url", "debug_id", "map_location", "uploaded_us", "sha256", "bytes")
        rows.add(tuple({**known, "map_location": name}.get(column) for column in columns))
        return None


def _size(file: SourceFile) -> int | None:
    """Give a map's size where it can be known without reading it."""
    try:
        return None if COMPRESSION.search(file.name) else file.path.stat().st_size
    except OSError:
        return None


def _release_and_url(name: str) -> tuple[str | None, str]:
    """Tell the release by a map's folders: the one below `releases` or its like, else the first that looks like one."""
    *folders, last = PurePosixPath(name).parts
    bundle = MAP.sub("", COMPRESSION.sub("", last))
    at = next((n + 1 for n, folder in enumerate(folders[:-1]) if folder.lower() in HOLDERS), None)
    if at is None:
        at = next((n for n, folder in enumerate(folders) if RELEASE_LIKE.fullmatch(folder)), 0)
    if at >= len(folders):
        return None, "~/" + "/".join([*folders, bundle])
    return folders[at], "~/" + "/".join([*folders[at + 1 :], bundle])
