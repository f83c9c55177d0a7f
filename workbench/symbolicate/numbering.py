"""Equal integers to equal small numbers, for millions of rows with few distinct values.

Faster than sorting and than a general hash join, because a table that fits in the processor's cache is enough when
little is distinct.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

Rows = NDArray[np.integer]
T = TypeVar("T")
Keys = Callable[[slice], NDArray[np.int64]]

_BITS = 20
_BLOCK = 1 << 16
_FEW = 1 << 16  # below this, sorting is as fast
_ODD = (
    0x9E3779B97F4A7C15,
    0xC2B2AE3D27D4EB4F,
    0xD6E8FEB86659FD93,
)  # multipliers of Fibonacci hashing, xxHash, Stafford


class Numbered(NamedTuple):
    """`numbers[row]` is the place of the row's value in `distinct`, which is sorted."""

    numbers: NDArray[np.int32]
    distinct: NDArray[np.int64]


def number(values: NDArray[np.int64]) -> Numbered:
    """Number the distinct values, which are 0 or more.

    Examples
    --------
    >>> number(np.array([7, 3, 7, 9]))
    Numbered(numbers=array([1, 0, 1, 2], dtype=int32), distinct=array([3, 7, 9]))
    """
    return number_keys(lambda part: values[part], values.size)


def number_keys(keys: Keys, size: int) -> Numbered:
    """Number the distinct values of `size` rows, 0 or more each, that `keys` makes block by block.

    Each round puts all values into a table by a hash; of those that meet in one place the last stays, and the rest
    goes to the next round with another hash. With 90,000 distinct values 4 % of the rows need a second round. The
    answer does not depend on which stays, so that blocks go to all cores.

    Examples
    --------
    >>> number_keys(lambda part: np.arange(part.start, part.stop) // 2, 4).numbers.tolist()
    [0, 0, 1, 1]
    """
    values = np.empty(size, np.int64)
    if size <= _FEW:
        values[:] = keys(slice(0, size)) if size else 0
        distinct, numbers = np.unique(values, return_inverse=True)
        return Numbered(numbers.astype(np.int32), distinct)
    table, waiting = _meet(values, _ODD[0], keys)
    used = table >= 0
    found = [table[used]]
    rest: list[tuple[Rows, Rows, int]] = []  # rows of a later round, their numbers in it, how many were found before
    for odd in _ODD[1:]:
        if waiting.size <= _FEW or waiting.size > values.size // 2:
            break
        left = values[waiting]
        table, still = _meet(left, odd)
        rank = np.cumsum(table >= 0) - 1
        held = np.ones(left.size, np.bool_)
        held[still] = False
        rest.append((waiting[held], rank[_hashed(left[held], odd)], sum(map(len, found))))
        found.append(table[table >= 0])
        waiting = waiting[still]
    if waiting.size:
        last, numbers = np.unique(values[waiting], return_inverse=True)
        rest.append((waiting, numbers, sum(map(len, found))))
        found.append(last)
    distinct = np.concatenate(found)
    order = np.argsort(distinct)
    place_of = np.empty(distinct.size, np.int32)
    place_of[order] = np.arange(distinct.size, dtype=np.int32)
    first = np.zeros(used.size, np.int32)
    first[used] = place_of[: found[0].size]
    out = np.empty(values.size, np.int32)
    in_blocks(lambda part: np.take(first, _hashed(values[part], _ODD[0]), out=out[part], mode="clip"), values.size)
    for rows, ranks, before in rest:
        out[rows] = place_of[ranks + before]
    return Numbered(out, distinct[order])


def in_blocks(work: Callable[[slice], T], size: int) -> list[T]:
    """Do `work` on blocks of rows whose intermediate results stay in the processor's cache, on all cores.

    numpy lets other threads run while it works on a block.

    Examples
    --------
    >>> in_blocks(lambda part: part.stop - part.start, 100_000)
    [65536, 34464]
    """
    blocks = [slice(start, min(start + _BLOCK, size)) for start in range(0, size, _BLOCK)]
    if len(blocks) < 4:
        return [work(part) for part in blocks]
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return list(pool.map(work, blocks))


def _hashed(values: NDArray[np.int64], odd: int) -> NDArray[np.int64]:
    product = values.view(np.uint64) * np.uint64(odd)
    product >>= np.uint64(64 - _BITS)
    return product.view(np.int64)


def _meet(values: NDArray[np.int64], odd: int, keys: Keys | None = None) -> tuple[NDArray[np.int64], Rows]:
    """The table after all values went to their places, and the rows that did not stay; `keys` fills `values` first."""
    table = np.full(1 << _BITS, -1, np.int64)

    def enter(part: slice) -> None:
        if keys is not None:
            values[part] = keys(part)
        table[_hashed(values[part], odd)] = values[part]

    def lost(part: slice) -> Rows:
        stayed = np.take(table, _hashed(values[part], odd), mode="clip")
        return np.flatnonzero(stayed != values[part]) + part.start

    in_blocks(enter, values.size)
    return table, np.concatenate(in_blocks(lost, values.size) or [np.zeros(0, np.int64)])


class Combined(NamedTuple):
    """`numbers[row]` is the place of the row's combination; `parts[i][place]` is its i-th number."""

    numbers: NDArray[np.int32]
    parts: list[NDArray[np.int64]]


def number_together(parts: Sequence[tuple[Rows, int]]) -> Combined:
    """Number the distinct combinations of several numbers a row.

    Parameters
    ----------
    parts
        Numbers a row, and how many there can be (each number is below that).

    Examples
    --------
    >>> together = number_together([(np.array([0, 1, 1, 0]), 2), (np.array([4, 0, 4, 4]), 5)])
    >>> together.numbers.tolist(), [part.tolist() for part in together.parts]
    ([0, 1, 2, 0], [[0, 1, 1], [4, 0, 4]])
    """
    sizes = [many for _, many in parts]
    if math.prod(sizes) >= 1 << 62:
        head = number_together(parts[:-1])
        return _unfold(number_together([(head.numbers, len(head.parts[0])), parts[-1]]), head)

    def keys(block: slice) -> NDArray[np.int64]:
        total = parts[0][0][block].astype(np.int64)
        for rows, many in parts[1:]:
            if many > 1:
                total *= many
                total += rows[block]
        return total

    numbers, rest = number_keys(keys, parts[0][0].size)
    told: list[NDArray[np.int64]] = []
    for many in reversed(sizes[1:]):
        rest, one = np.divmod(rest, many)
        told.append(one)
    return Combined(numbers, [rest, *reversed(told)])


def _unfold(whole: Combined, head: Combined) -> Combined:
    """Put the parts behind the first number of `whole`, which is a place in `head`."""
    place, last = whole.parts
    return Combined(whole.numbers, [*(part[place] for part in head.parts), last])
