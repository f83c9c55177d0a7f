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

from workbench.symbolicate.numbering import number

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
    if not frame.height:
        return Codes(codes, frame.select(pl.col(columns).cast(pl.String)))
    mixed = False  # texts of one column alone all occur
    for column in columns:
        more, texts = _encode_one(frame[column])
        if texts.len() * values.height > _LARGEST_TABLE:
            codes = codes.astype(np.int64) * texts.len() + more
            codes, values = _compact(codes, values, texts)
            continue
        if values.height == 1:
            codes = more
        elif texts.len() > 1:
            codes = codes * np.int32(texts.len())
            codes += more
            mixed = True
        values = values.join(texts.to_frame(), how="cross", maintain_order="left_right")
    seen = np.zeros(values.height, np.bool_)
    if mixed:
        seen[codes] = True
    if mixed and not seen.all():
        codes, values = (np.cumsum(seen, dtype=np.int32) - np.int32(1))[codes], values.filter(pl.Series(seen))
    return Codes(codes, values.select(columns))


def _encode_one(column: pl.Series) -> tuple[NDArray[np.integer], pl.Series]:
    """Codes of one column, and the texts they stand for."""
    if column.null_count() == column.len():
        return np.zeros(column.len(), np.int32), pl.Series(column.name, [None], dtype=pl.String)
    categories = column if isinstance(column.dtype, pl.Categorical) else column.cast(pl.String).cast(pl.Categorical)
    physical = categories.to_physical()
    largest = int(physical.max())  # type: ignore[arg-type]
    if column.null_count():
        physical = physical.cast(pl.Int64).fill_null(largest + 1)
    codes = physical.to_numpy()
    if not column.null_count() and codes.min() == largest:
        return np.zeros(codes.size, np.int32), categories.head(1).cast(pl.String).alias(column.name)
    example = np.full(largest + 2, -1, np.int64)
    example[codes] = np.arange(codes.size, dtype=np.int32 if codes.size < 1 << 31 else np.int64)
    used = example >= 0
    texts = categories.gather(example[used]).cast(pl.String).alias(column.name)
    return (np.cumsum(used, dtype=np.int32) - np.int32(1))[codes], texts


def _compact(
    codes: NDArray[np.integer], values: pl.DataFrame, texts: pl.Series
) -> tuple[NDArray[np.int32], pl.DataFrame]:
    """Number only the combinations that occur, where all that are thinkable would be too many for a table."""
    found, numbers = np.unique(codes, return_inverse=True)
    before, last = np.divmod(found, texts.len())
    return numbers.astype(np.int32), values[before].with_columns(texts.gather(last))


class Positions(NamedTuple):
    """Distinct positions, sorted by group, line and column, and the number of each row's position."""

    rows: NDArray[np.int32]
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
    counted = group < mapped if len(group) and int(group.max()) >= mapped else None
    lines, columns = (_counting(numbers, counted) for numbers in (line, column))
    most = [int(part.max(initial=0)) for part in (group, lines, columns)]
    if not (most[0] >> (63 - _LINE_BITS - _COLUMN_BITS) or most[1] >> _LINE_BITS or most[2] >> _COLUMN_BITS):
        key = np.left_shift(group, _LINE_BITS, dtype=np.int64)
        key |= lines
        key <<= _COLUMN_BITS
        key |= columns
        rows, distinct = number(key)
        parts = (distinct >> (_LINE_BITS + _COLUMN_BITS), (distinct >> _COLUMN_BITS) & ((1 << _LINE_BITS) - 1),
                 distinct & ((1 << _COLUMN_BITS) - 1))  # fmt: skip
        return Positions(rows, pl.DataFrame(dict(zip(("group", "line", "column"), parts, strict=True))))
    places = pl.DataFrame({"group": group, "line": lines, "column": columns}).cast(pl.Int64)
    table = places.unique().sort(places.columns)
    numbered = places.join(table.with_row_index("number"), on=places.columns, how="left", maintain_order="left")
    return Positions(numbered["number"].to_numpy().astype(np.int32), table)


def _counting(numbers: pl.Series, counted: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Lines or columns as they count: nothing below 0, nothing where there is no map."""
    out = numbers.cast(pl.Int64).fill_null(0).to_numpy()
    if out.size and out.min() < 0:
        out = np.maximum(out, 0)
    return out if counted is None else out * counted
