"""Source maps in a folder: `<release>/.../<bundle>.js.map`, with the upload's `artifacts.json` where there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from connectors.exceptions import FetchError, FormatError, SourceNotFound
from connectors.files import COMPRESSION, SourceFile
from connectors.formats.rows import Rows
from connectors.formats.source_maps import LISTING, MAP, Listed, debug_id_of, place_of, read_listing
from connectors.loaded import Loaded
from connectors.tables import ARTIFACTS


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

        A map is opened only for what its listing leaves out, or when its size is not the listed one. A map that was
        pruned stays in the table with what it is recognised by: release, dist, url and debug ID.
        """
        rows = Rows(ARTIFACTS)
        listed: set[str] = set()
        for listing in self._listings:
            listed |= self._read_listing(listing, rows)
        for name in sorted(self._maps.keys() - listed):
            _, release, url = place_of(name)
            self._add(rows, name, {"release": release, "url": url})
        return Loaded.of(rows, len(self._maps) + len(self._listings))

    def open(self, map_location: str) -> bytes:
        """Give the bytes of one map, decompressed.

        Raises
        ------
        SourceNotFound
            The map was pruned: its listing says when.
        FetchError
            The listing has no such map, or it cannot be read. Only maps that were found can be opened, so a location
            from elsewhere cannot lead out of the folder.
        """
        if map_location in self._expired:
            day = datetime.fromtimestamp(self._expired[map_location] / 1e6, UTC)
            raise SourceNotFound(f"{map_location} was pruned on {day:%Y-%m-%d}; upload the maps of its release again")
        file = self._maps.get(map_location)
        if file is None:
            example = f", e.g. {min(self._maps)}" if self._maps else ""
            raise FetchError(f"no map at {map_location!r}; there are {len(self._maps)}{example}")
        try:
            return file.read()
        except FormatError as error:
            raise FetchError(f"{map_location}: {error}") from error

    @cached_property
    def _expired(self) -> dict[str, int]:
        """When each map was pruned that was, by its location."""
        found = {}
        for listing in self._listings:
            with suppress(FormatError, ValueError):  # `read` refuses it by its name
                for entry in read_listing(listing.read())[0]:
                    if entry.expired_us is not None:
                        found[_location(listing, entry)] = entry.expired_us
        return found

    def _read_listing(self, listing: SourceFile, rows: Rows) -> set[str]:
        try:
            entries, broken = read_listing(listing.read())
        except (FormatError, ValueError) as error:
            rows.refuse(listing.name, f"{error}; the maps beside it are listed by their names")
            return set()
        for number, reason in broken:
            rows.refuse(f"{listing.name} entry {number}", reason)
        seen = set()
        for number, entry in enumerate(entries, 1):
            name = _location(listing, entry)
            known = {key: value for key, value in entry._asdict().items() if value is not None}
            if entry.announced_us is not None:
                seen.add(name)
                since = datetime.fromtimestamp(entry.announced_us / 1e6, UTC)
                rows.refuse(name, f"its upload began at {since:%Y-%m-%d %H:%M} UTC and has not ended; upload again")
            elif entry.expired_us is not None:
                seen.add(name)
                rows.add(_row(name, {key: known.get(key) for key in ("release", "dist", "url", "debug_id")}))
            elif name not in self._maps:
                rows.refuse(f"{listing.name} entry {number}", f"the map {entry.map} is not there")
            else:
                seen.add(name)
                self._add(rows, name, {"release": place_of(name).release, **known})
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
        rows.add(_row(name, known))
        return None


def _location(listing: SourceFile, entry: Listed) -> str:
    return (PurePosixPath(listing.name).parent / entry.map).as_posix()


def _row(name: str, known: Mapping[str, Any]) -> tuple[Any, ...]:
    columns = ("release", "dist", "url", "debug_id", "map_location", "uploaded_us", "sha256", "bytes")
    return tuple({**known, "map_location": name}.get(column) for column in columns)


def _size(file: SourceFile) -> int | None:
    """Give a map's size where it can be known without reading it."""
    return None if COMPRESSION.search(file.name) else file.bytes
