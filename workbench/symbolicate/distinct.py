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

from workbench.symbolicate.numbering import in_blocks, number_keys

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
    used = np.zeros(largest + 2, np.bool_)

    def see(part: slice) -> None:
        used[codes[part].astype(np.intp)] = True  # twice as fast as by numbers of another width

    in_blocks(see, codes.size)
    first = int(used.argmax())
    if codes.dtype == np.uint32 and used[first : largest + 1].all():  # one run, as of a column that was written at once
        out = (codes - codes.dtype.type(first) if first else codes).view(np.int32)
    else:
        rank, out = np.cumsum(used, dtype=np.int32) - np.int32(1), np.empty(codes.size, np.int32)
        in_blocks(lambda part: np.take(rank, codes[part], out=out[part], mode="clip"), codes.size)
    seen = pl.Series(np.flatnonzero(used[: largest + 1])).cast(categories.to_physical().dtype)
    texts = seen.cat.to(categories.dtype).cast(pl.String)
    return out, (texts.append(pl.Series([None], dtype=pl.String)) if used[-1] else texts).alias(column.name)


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


def positions(
    bundle: NDArray[np.integer], group_of: NDArray[np.integer], line: pl.Series, column: pl.Series, *, mapped: int
) -> Positions:
    """Find the distinct (group, line, column).

    Parameters
    ----------
    bundle, group_of
        A bundle a row, and the group of each bundle; rows of one group share a map.
    line, column
        1-based; null or below 1 counts as 0.
    mapped
        Groups from this number on have no map: one position stands for all of theirs.
    """
    (lines, most_lines), (columns, most_columns) = _counting(line), _counting(column)
    counts = group_of < mapped
    most = [int(group_of.max(initial=0)), most_lines, most_columns]
    if not (most[0] >> (63 - _LINE_BITS - _COLUMN_BITS) or most[1] >> _LINE_BITS or most[2] >> _COLUMN_BITS):
        base = group_of.astype(np.int64) << (_LINE_BITS + _COLUMN_BITS)
        all_count = bool(counts.all())

        def keys(part: slice) -> NDArray[np.int64]:
            key = np.left_shift(lines[part], _COLUMN_BITS, dtype=np.int64)
            key |= columns[part]
            if not all_count:
                key *= counts[bundle[part]]
            key |= np.take(base, bundle[part], mode="clip")
            return key

        rows, distinct = number_keys(keys, bundle.size)
        parts = (distinct >> (_LINE_BITS + _COLUMN_BITS), (distinct >> _COLUMN_BITS) & ((1 << _LINE_BITS) - 1),
                 distinct & ((1 << _COLUMN_BITS) - 1))  # fmt: skip
        return Positions(rows, pl.DataFrame(dict(zip(("group", "line", "column"), parts, strict=True))))
    counted = counts[bundle]
    places = pl.DataFrame({"group": group_of[bundle], "line": lines * counted, "column": columns * counted})
    places = places.cast(pl.Int64)
    table = places.unique().sort(places.columns)
    numbered = places.join(table.with_row_index("number"), on=places.columns, how="left", maintain_order="left")
    return Positions(numbered["number"].to_numpy().astype(np.int32), table)


def _counting(numbers: pl.Series) -> tuple[NDArray[np.int64], int]:
    """Lines or columns as they count, nothing below 0, and the largest."""
    whole = numbers.cast(pl.Int64)
    out = (whole.fill_null(0) if whole.null_count() else whole).to_numpy()
    most = int(out.view(np.uint64).max(initial=0))  # a negative number is a very large one here
    if most >> 63:
        out = np.maximum(out, 0)
        most = int(out.max())
    return out, most
