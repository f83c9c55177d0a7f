"""Decoded maps and outlines on disk, by content hash: the room's one door to the disk.

Files are Parquet, written beside their place and moved there in one step, so that two processes can share a folder and
a reader never sees half a file. A damaged file is thrown away and made again. When the folder grows beyond its bound,
the files used least recently go first.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from workbench.symbolicate.contents import Contents
from workbench.symbolicate.decode import SourceMap
from workbench.symbolicate.functions import Outline
from workbench.symbolicate.vlq import Mappings

FORMAT = 2  # part of every file name: a changed layout finds no old files
MOST_BYTES = 2 << 30
MOST_IN_MEMORY = 256 << 20  # ten maps of 36 MB, or hundreds of usual size: an incident's releases


class MapCache:
    """A folder of decoded maps.

    Parameters
    ----------
    folder
        Where the files are kept; made when missing. `MapCache.of_user()` gives the usual place.
    most_bytes
        The bound above which the files used least recently are removed.
    most_in_memory
        Bytes of mappings that are kept in memory as well, for the next look at the same incident.

    Examples
    --------
    >>> import tempfile
    >>> from workbench.symbolicate.decode import decode_map
    >>> decoded = decode_map(b'{"version":3,"sources":["cart.tsx"],"mappings":"AAAA"}')
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = MapCache(folder)
    ...     cache.save("1f2e", decoded)
    ...     cache.load("1f2e", lambda: decoded.contents).sources, cache.load("9999", lambda: decoded.contents)
    (('cart.tsx',), None)
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        most_bytes: int = MOST_BYTES,
        most_in_memory: int = MOST_IN_MEMORY,
    ) -> None:
        self.folder = Path(folder)
        self.most_bytes = most_bytes
        self.most_in_memory = most_in_memory
        self._recent: dict[str, SourceMap] = {}
        self._held = 0

    @classmethod
    def of_user(cls) -> MapCache:
        """The cache in the user's cache folder: `$XDG_CACHE_HOME/blindspot/maps`, `~/.cache/blindspot/maps`."""
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        return cls(Path(base) / "blindspot" / "maps")

    def load(self, digest: str, contents: Callable[[], Contents]) -> SourceMap | None:
        """The decoded map of the raw bytes with this SHA-256, or None.

        The sources' texts are not kept here: `contents` gets them from the raw map when one is asked for.
        """
        known = self._recent.pop(digest, None)
        if known is not None:
            self._held -= _bytes_of(known)
        else:
            known = self._load(f"{digest}.map{FORMAT}.parquet", lambda path: _read_map(path, contents))
        if known is not None:
            self._remember(digest, known)
        return known

    def save(self, digest: str, decoded: SourceMap) -> None:
        """Keep a decoded map."""
        about = {
            "sources": decoded.sources, "names": decoded.names, "ignore_list": decoded.ignore_list,
            "debug_id": decoded.debug_id, "contents": decoded.contents.digests(),
        }  # fmt: skip
        mappings = pl.DataFrame(decoded.columns._asdict())
        self._save(f"{digest}.map{FORMAT}.parquet", mappings, {"about": msgspec.json.encode(about).decode()})

    def load_outline(self, digest: str) -> Outline | None:
        """The outline of a source by the hash of its content, or None."""
        return self._load(f"{digest}.outline{FORMAT}.parquet", _read_outline)

    def save_outline(self, digest: str, outline: Outline) -> None:
        """Keep a source's outline."""
        self._save(f"{digest}.outline{FORMAT}.parquet", _frame_of_outline(outline))

    def _remember(self, digest: str, decoded: SourceMap) -> None:
        """Keep the maps used last, the oldest first in the dictionary."""
        self._recent[digest] = decoded
        self._held += _bytes_of(decoded)
        while self._held > self.most_in_memory:
            self._held -= _bytes_of(self._recent.pop(next(iter(self._recent))))

    def _load(self, name: str, read: Callable[[Path], Any]) -> Any:
        path = self.folder / name
        try:
            loaded = read(path)
            os.utime(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (pl.exceptions.PolarsError, OSError, msgspec.DecodeError, ValueError, LookupError):
            with suppress(OSError):
                path.unlink(missing_ok=True)  # damaged: made again from the map itself
            return None
        return loaded

    def _save(self, name: str, frame: pl.DataFrame, metadata: dict[str, str] | None = None) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        except OSError:  # a folder that cannot be written to keeps nothing; maps are decoded again
            return
        try:
            with os.fdopen(handle, "wb") as file:
                frame.write_parquet(file, compression="uncompressed", statistics=False, metadata=metadata)
            os.replace(beside, self.folder / name)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        self._keep_within()

    def _keep_within(self) -> None:
        entries = []
        for path in self.folder.glob("*.parquet"):
            try:
                seen = path.stat()
            except FileNotFoundError:  # another process was faster
                continue
            entries.append((seen.st_mtime, seen.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.most_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size


class _About(msgspec.Struct):
    sources: tuple[str | None, ...]
    names: tuple[str, ...]
    ignore_list: tuple[int, ...]
    debug_id: str | None
    contents: list[str | None]


_about = msgspec.json.Decoder(_About)


def _read_map(path: Path, contents: Callable[[], Contents]) -> SourceMap:
    about = _about.decode(pl.read_parquet_metadata(path)["about"])
    mappings = pl.read_parquet(path, memory_map=False)
    return SourceMap(
        sources=about.sources, names=about.names, ignore_list=about.ignore_list, debug_id=about.debug_id,
        contents=Contents(digests=about.contents, load=contents),
        columns=Mappings(*(mappings[name].to_numpy() for name in Mappings._fields)),
    )  # fmt: skip


def _bytes_of(decoded: SourceMap) -> int:
    return sum(column.nbytes for column in decoded.columns)


def _frame_of_outline(outline: Outline) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "lines": [outline.lines.tolist()], "starts": [outline.starts.tolist()],
            "functions": [list(outline.functions)], "reads": [outline.reads.ravel().tolist()],
            "receivers": [list(outline.receivers)], "properties": [list(outline.properties)],
        },
        schema={
            "lines": pl.List(pl.Int32), "starts": pl.List(pl.Int32), "functions": pl.List(pl.String),
            "reads": pl.List(pl.Int32), "receivers": pl.List(pl.String), "properties": pl.List(pl.String),
        },
    )  # fmt: skip


def _read_outline(path: Path) -> Outline:
    frame = pl.read_parquet(path, memory_map=False)
    row = {name: frame[name][0] for name in frame.columns}
    return Outline(
        lines=row["lines"].to_numpy(), starts=row["starts"].to_numpy(), functions=row["functions"].to_list(),
        reads=row["reads"].to_numpy().reshape(-1, 4), receivers=row["receivers"].to_list(),
        properties=row["properties"].to_list(),
    )  # fmt: skip
