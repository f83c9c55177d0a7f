"""Decoded maps and outlines on disk, by content hash: the room's one door to the disk.

Files are Parquet, written beside their place and moved there in one step, so that two processes can share a folder and
a reader never sees half a file. A damaged file is thrown away and made again. When the folder grows beyond its bound,
the files used least recently go first.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from workbench.symbolicate.decode import SourceMap
from workbench.symbolicate.functions import Outline
from workbench.symbolicate.vlq import Mappings

FORMAT = 1  # part of every file name: a changed layout finds no old files
MOST_BYTES = 2 << 30


class MapCache:
    """A folder of decoded maps.

    Parameters
    ----------
    folder
        Where the files are kept; made when missing. `MapCache.of_user()` gives the usual place.
    most_bytes
        The bound above which the files used least recently are removed.

    Examples
    --------
    >>> import tempfile
    >>> from workbench.symbolicate.decode import decode_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = MapCache(folder)
    ...     kept.save("1f2e", decode_map(b'{"version":3,"sources":["cart.tsx"],"mappings":"AAAA"}'))
    ...     kept.load("1f2e").sources, kept.load("9999")
    (('cart.tsx',), None)
    """

    def __init__(self, folder: str | os.PathLike[str], *, most_bytes: int = MOST_BYTES) -> None:
        self.folder = Path(folder)
        self.most_bytes = most_bytes

    @classmethod
    def of_user(cls) -> MapCache:
        """The cache in the user's cache folder: `$XDG_CACHE_HOME/blindspot/maps`, `~/.cache/blindspot/maps`."""
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        return cls(Path(base) / "blindspot" / "maps")

    def load(self, digest: str) -> SourceMap | None:
        """The decoded map of the raw bytes with this SHA-256, or None."""
        return self._load(f"{digest}.map{FORMAT}.parquet", _map_from)

    def save(self, digest: str, decoded: SourceMap) -> None:
        """Keep a decoded map."""
        self._save(f"{digest}.map{FORMAT}.parquet", _frame_of_map(decoded))

    def load_outline(self, digest: str) -> Outline | None:
        """The outline of a source by the hash of its content, or None."""
        return self._load(f"{digest}.outline{FORMAT}.parquet", _outline_from)

    def save_outline(self, digest: str, outline: Outline) -> None:
        """Keep a source's outline."""
        self._save(f"{digest}.outline{FORMAT}.parquet", _frame_of_outline(outline))

    def _load(self, name: str, read: Callable[[pl.DataFrame], Any]) -> Any:
        path = self.folder / name
        try:
            loaded = read(pl.read_parquet(path, memory_map=False))
            os.utime(path)
        except FileNotFoundError:
            return None
        except (pl.exceptions.PolarsError, OSError, msgspec.DecodeError, ValueError, IndexError, KeyError):
            path.unlink(missing_ok=True)  # damaged: made again from the map itself
            return None
        return loaded

    def _save(self, name: str, frame: pl.DataFrame) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                frame.write_parquet(file, compression="zstd", compression_level=1, statistics=False)
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


def _frame_of_map(decoded: SourceMap) -> pl.DataFrame:
    about = msgspec.json.encode({"debug_id": decoded.debug_id, "ignore_list": decoded.ignore_list}).decode()
    columns = {name: pl.Series(values).implode() for name, values in decoded.columns._asdict().items()}
    texts = {
        name: pl.Series(getattr(decoded, name), dtype=pl.String).implode() for name in ("sources", "contents", "names")
    }
    return pl.DataFrame({"about": [about], **columns, **texts})


def _map_from(frame: pl.DataFrame) -> SourceMap:
    row = {name: frame[name].explode() for name in frame.columns if name != "about"}
    about = msgspec.json.decode(frame["about"][0])
    texts = {
        name: tuple(row[name].to_list()) if frame[name].list.len()[0] else ()
        for name in ("sources", "contents", "names")
    }
    columns = {
        name: row[name].to_numpy()
        if frame[name].list.len()[0]
        else np.zeros(0, np.int64 if name == "key" else np.int32)
        for name in Mappings._fields
    }
    return SourceMap(
        debug_id=about["debug_id"], ignore_list=tuple(about["ignore_list"]), columns=Mappings(**columns), **texts
    )  # fmt: skip


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


def _outline_from(frame: pl.DataFrame) -> Outline:
    row = {name: frame[name][0] for name in frame.columns}
    return Outline(
        lines=row["lines"].to_numpy(), starts=row["starts"].to_numpy(), functions=row["functions"].to_list(),
        reads=row["reads"].to_numpy().reshape(-1, 4), receivers=row["receivers"].to_list(),
        properties=row["properties"].to_list(),
    )  # fmt: skip
