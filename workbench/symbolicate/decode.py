"""ECMA-426 source maps as columns: what a map says, and where a position of the bundle comes from.

`decode_map` reads regular and index maps, with byte-order mark and `)]}'` prefix, `sourceRoot`, null sources, both
spellings of the ignore list and of the debug ID. Strict by default: a map that breaks a rule of the standard is refused
with the reason, because a wrong file and line in a postmortem costs more than none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from workbench.symbolicate.contents import Contents
from workbench.symbolicate.vlq import Mappings
from workbench.symbolicate.wire import read_map

_LAST_COLUMN = (1 << 32) - 1  # of a key
_MANY = 20_000  # below this, sorting queries costs more than it saves


@dataclass(frozen=True, eq=False)
class SourceMap:
    """A decoded source map. Positions are 0-based, columns count UTF-16 units, as in the standard.

    Attributes
    ----------
    sources
        Paths with `sourceRoot` before them, None for a source without a name.
    contents
        `sourcesContent`, one a source, None where the map does not carry it; a text is decoded when it is asked for.
    names
        Original identifiers.
    ignore_list
        Indices into `sources` that the map itself marks as not the team's own code.
    debug_id
        The map's debug ID as written, or None.
    columns
        The mappings, as arrays.
    """

    sources: tuple[str | None, ...]
    contents: Contents
    names: tuple[str, ...]
    ignore_list: tuple[int, ...]
    debug_id: str | None
    columns: Mappings

    @cached_property
    def mappings(self) -> pl.DataFrame:
        """All mappings, one a row; `source` and `name` are indices, null stands for "none"."""
        c = self.columns
        return pl.DataFrame(
            {
                "generated_line": (c.key >> 32).astype(np.int32),
                "generated_column": (c.key & 0xFFFFFFFF).astype(np.int32),
                "source": c.source,
                "line": c.line,
                "column": c.column,
                "name": c.name,
            }
        ).with_columns(
            pl.when(pl.col(column) >= 0).then(pl.col(column)) for column in ("source", "line", "column", "name")
        )

    def find(self, lines: ArrayLike, columns: ArrayLike) -> NDArray[np.int64]:
        """Index of the mapping that holds each generated position, -1 where there is none.

        A position belongs to the last mapping at or before it on its own line. Of several mappings at exactly the
        position asked for the first counts, as in `@jridgewell/trace-mapping`. Many queries in disorder are sorted
        first: a binary search in order finds its way in the processor's cache.
        """
        lines, columns = np.asarray(lines, np.int64), np.asarray(columns, np.int64)
        if lines.shape != columns.shape:
            raise ValueError(f"lines and columns are not equally long: {lines.size} and {columns.size}")
        keys = self.columns.key
        if not keys.size:
            return np.full(lines.shape, -1, np.int64)
        wanted = (lines << 32) | np.minimum(columns, _LAST_COLUMN)
        if wanted.size > _MANY and (wanted[1:] < wanted[:-1]).any():
            order = np.argsort(wanted)
            found = np.empty(wanted.size, np.int64)
            found[order] = self.find(lines[order], columns[order])
            return found
        at = np.searchsorted(keys, wanted, "right") - 1
        found = keys[at]
        outside = (at < 0) | (found >> 32 != lines) | (columns < 0)
        if self._first_of_equal is not None:
            exact = np.flatnonzero(found == wanted)
            at[exact] = self._first_of_equal[at[exact]]
        at[outside] = -1
        return at

    def original(self, lines: ArrayLike, columns: ArrayLike) -> pl.DataFrame:
        """Original position of each generated position, in the order asked for.

        Parameters
        ----------
        lines, columns
            0-based generated positions, equally long; columns in UTF-16 units.

        Returns
        -------
        A frame of `source`, `line`, `column` (0-based), `name`; all null where the position is not mapped, `source`
        alone null where the map gives the source no name.

        Raises
        ------
        ValueError
            Lines and columns are not equally long.

        Examples
        --------
        >>> raw = b'{"version":3,"sources":["cart.tsx"],"names":["total"],"mappings":"AAAA,IACIA"}'
        >>> decode_map(raw).original([0, 0, 1], [0, 9, 0]).rows()
        [('cart.tsx', 0, 0, None), ('cart.tsx', 1, 4, 'total'), (None, None, None, None)]
        """
        return self.take(self.find(lines, columns))

    def take(self, at: NDArray[np.int64]) -> pl.DataFrame:
        """Rows of `original` for mapping indices as `find` gives them."""
        c = self.columns
        if not c.key.size:
            at = np.full(at.shape, -1, np.int64)
            c = Mappings(*(np.full(1, -1, values.dtype) for values in c))
        mapped = at >= 0
        picked = pl.DataFrame(
            {
                "source": np.where(mapped, c.source[at], -1),
                "line": np.where(mapped, c.line[at], -1).astype(np.int64),
                "column": np.where(mapped, c.column[at], -1).astype(np.int64),
                "name": np.where(mapped, c.name[at], -1),
            }
        ).with_columns(pl.when(pl.all() >= 0).then(pl.all()))
        return picked.with_columns(
            _texts(self.sources).gather(picked["source"]).alias("source"),
            self._name_texts.gather(picked["name"]).alias("name"),
        )

    def content_of(self, source: str) -> str | None:
        """What `sourcesContent` holds for a source; None when the map does not carry it or does not know it."""
        for index, path in enumerate(self.sources):
            if path == source and self.contents.has(index):
                return self.contents[index]
        return None

    @cached_property
    def _first_of_equal(self) -> NDArray[np.int64] | None:
        """Index of the first mapping at each mapping's position; None when no two share one."""
        keys = self.columns.key
        again = keys[1:] == keys[:-1]
        if not again.any():
            return None
        index = np.arange(keys.size)
        index[1:][again] = 0
        return np.maximum.accumulate(index)

    @cached_property
    def source_texts(self) -> pl.Series:
        """`sources` as a column; empty for a map that has none."""
        return pl.Series(self.sources, dtype=pl.String)

    @cached_property
    def carried(self) -> NDArray[np.bool_]:
        """For each source, whether the map carries its text."""
        return np.array([self.contents.has(index) for index in range(len(self.sources))], np.bool_)

    @cached_property
    def _name_texts(self) -> pl.Series:
        return _texts(self.names)


def _texts(values: Sequence[str | None]) -> pl.Series:
    return pl.Series(values or [None], dtype=pl.String)


def decode_map(raw: bytes, *, strict: bool = True) -> SourceMap:
    """Decode the bytes of a source map.

    Parameters
    ----------
    raw
        The file as served: UTF-8 JSON, with or without byte-order mark and `)]}'` prefix.
    strict
        Refuse a map that breaks a rule of ECMA-426. When false, read what browsers would read.

    Raises
    ------
    SourceMapError
        The bytes are no source map, or break a rule; the message says which and where.

    Examples
    --------
    >>> decode_map(b'{"version":3,"sources":["a.js",null],"sourceRoot":"src","mappings":""}').sources
    ('src/a.js', None)
    >>> decode_map(b'{"version":4,"sources":[],"mappings":""}')
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceMapError: version is 4; only 3 is known
    """
    return SourceMap(**read_map(raw, strict=strict)._asdict())
