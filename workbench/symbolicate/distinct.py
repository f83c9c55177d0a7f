"""Millions of frames to distinct bundles and distinct positions, and back.

A position is one integer, so that frames are grouped and joined by integers alone: text columns are turned into codes
first (for free where they are categorical, as in the lake).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

_LINE_BITS, _COLUMN_BITS = 22, 26  # 4 million lines, 67 million columns: larger bundles are grouped column by column
_LARGEST_TABLE = 1 << 24


class Codes(NamedTuple):
    """Rows as integers: `codes[row]` is the number of the row's values in `values`."""

    codes: NDArray[np.int32]
    values: pl.DataFrame


def encode(frame: pl.DataFrame, columns: Sequence[str]) -> Codes:
    """Number the distinct combinations of text columns.

    Examples
    --------
    >>> frame = pl.DataFrame({"release": ["b", "a", "b", None], "url": ["x", "x", "x", "x"]})
    >>> codes, values = encode(frame, ["release", "url"])
    >>> [values.row(code) for code in codes.tolist()]
    [('b', 'x'), ('a', 'x'), ('b', 'x'), (None, 'x')]
    """
    codes, values = np.zeros(frame.height, np.int32), pl.DataFrame({"": [None]}, schema={"": pl.String})
    for column in columns:
        more, texts = _encode_one(frame[column])
        if texts.len() > 1:
            wide = np.int32 if texts.len() * values.height < 1 << 31 else np.int64
            codes = codes.astype(wide, copy=False) * wide(texts.len()) + more
        if texts.len() * values.height > _LARGEST_TABLE:
            codes, values = _compact(codes, values, texts)
        else:
            values = values.join(texts.to_frame(), how="cross", maintain_order="left_right")
    seen = np.zeros(values.height, np.bool_)
    seen[codes] = True
    if not seen.all():
        codes, values = (np.cumsum(seen, dtype=np.int32) - np.int32(1))[codes], values.filter(pl.Series(seen))
    return Codes(codes.astype(np.int32, copy=False), values.select(columns))


def _encode_one(column: pl.Series) -> tuple[NDArray[np.int32], pl.Series]:
    """Codes of one column, and the texts they stand for."""
    if column.null_count() == column.len():
        return np.zeros(column.len(), np.int32), pl.Series(column.name, [None], dtype=pl.String)
    categories = column if isinstance(column.dtype, pl.Categorical) else column.cast(pl.String).cast(pl.Categorical)
    texts = categories.unique()
    found = texts.to_physical().cast(pl.Int64)
    missing = int(found.max()) + 1  # type: ignore[arg-type]
    number = np.zeros(missing + 1, np.int32)
    number[found.fill_null(missing).to_numpy()] = np.arange(texts.len(), dtype=np.int32)
    codes = categories.to_physical()
    codes = codes.cast(pl.Int64).fill_null(missing) if column.null_count() else codes
    return number[codes.to_numpy()], texts.cast(pl.String).alias(column.name)


def _compact(
    codes: NDArray[np.integer], values: pl.DataFrame, texts: pl.Series
) -> tuple[NDArray[np.int32], pl.DataFrame]:
    """Number only the combinations that occur, where all that are thinkable would be too many for a table."""
    found, numbers = np.unique(codes, return_inverse=True)
    before, last = np.divmod(found, texts.len())
    return numbers.astype(np.int32), values[before].with_columns(texts.gather(last))


class Positions(NamedTuple):
    """Distinct positions, sorted by group, line and column, and the number of each row's position."""

    rows: NDArray[np.uint32]
    distinct: pl.DataFrame  # group, line, column


def positions(group: NDArray[np.integer], line: pl.Series, column: pl.Series, *, mapped: int) -> Positions:
    """Find the distinct (group, line, column).

    Parameters
    ----------
    group
        A number a row; rows of one group share a map.
    line, column
        1-based; null or below 1 counts as 0.
    mapped
        Groups from this number on have no map: one position stands for all of theirs.
    """
    place = pl.col("line", "column").cast(pl.Int64).fill_null(0).clip(lower_bound=0)
    if len(group) and group.max() >= mapped:
        place = pl.when(pl.col("group") < mapped).then(place).otherwise(0)
    places = pl.DataFrame({"group": group, "line": line, "column": column}).with_columns(place)
    if not _fits(places):
        distinct = places.unique().sort(places.columns)
        return Positions(_numbers(places, distinct, places.columns), distinct)
    packed = (pl.col("group").cast(pl.Int64) * (1 << _LINE_BITS) + pl.col("line")) * (1 << _COLUMN_BITS) + pl.col(
        "column"
    )
    keys = places.select(packed.alias("key"))
    distinct_keys = keys.unique().sort("key")
    line_and_column = pl.col("key") % (1 << (_LINE_BITS + _COLUMN_BITS))
    distinct = distinct_keys.select(
        (pl.col("key") // (1 << (_LINE_BITS + _COLUMN_BITS))).alias("group"),
        (line_and_column // (1 << _COLUMN_BITS)).alias("line"),
        (line_and_column % (1 << _COLUMN_BITS)).alias("column"),
    )
    return Positions(_numbers(keys, distinct_keys, ["key"]), distinct)


def _fits(places: pl.DataFrame) -> bool:
    if not places.height:
        return True
    group, line, column = places.select(pl.all().max()).row(0)
    return not (line >> _LINE_BITS or column >> _COLUMN_BITS or group >> (63 - _LINE_BITS - _COLUMN_BITS))


def _numbers(rows: pl.DataFrame, distinct: pl.DataFrame, on: list[str]) -> NDArray[np.uint32]:
    numbered = distinct.with_row_index("number")
    return rows.join(numbered, on=on, how="left", maintain_order="left")["number"].to_numpy()
