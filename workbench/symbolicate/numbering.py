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

_BITS = (18, 20, 20)  # of each round's table: the first stays in the processor's cache, the others lose less
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
    goes to the next round with another hash. With 90,000 distinct values 15 % of the rows need a second round, 0.5 %
    a third. The answer does not depend on which stays, so that blocks go to all cores.

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
    slots = np.empty(size, np.int32)
    table, waiting = _meet(values, slots, 0, keys)
    tables, rest = [table], []  # rest: rows that a later round holds, and their places in its table
    for turn in range(1, len(_ODD)):
        if waiting.size <= _FEW:
            break
        left, places = values[waiting], np.empty(waiting.size, np.int32)
        table, still = _meet(left, places, turn)
        held = np.ones(left.size, np.bool_)
        held[still] = False
        tables.append(table)
        rest.append((waiting[held], places[held]))
        if still.size > left.size // 2:  # nearly all differ: no table helps
            waiting = waiting[still]
            break
        waiting = waiting[still]
    used = [table >= 0 for table in tables]
    found = [table[held] for table, held in zip(tables, used, strict=True)]
    last, numbers = np.unique(values[waiting], return_inverse=True)
    distinct = np.concatenate([*found, last])
    order = np.argsort(distinct)
    place_of = np.empty(distinct.size, np.int32)
    place_of[order] = np.arange(distinct.size, dtype=np.int32)
    ranks, before = [], 0
    for held, some in zip(used, found, strict=True):
        rank = np.zeros(held.size, np.int32)
        rank[held] = place_of[before : before + some.size]
        ranks.append(rank)
        before += some.size

    def told(part: slice) -> None:
        slots[part] = np.take(ranks[0], slots[part], mode="clip")

    in_blocks(told, size)
    for (rows, places), rank in zip(rest, ranks[1:], strict=True):
        slots[rows] = rank[places]
    slots[waiting] = place_of[before + numbers]
    return Numbered(slots, distinct[order])


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


def _meet(
    values: NDArray[np.int64], slots: NDArray[np.int32], turn: int, keys: Keys | None = None
) -> tuple[NDArray[np.int64], Rows]:
    """The table after all values went to their `slots`, and the rows that did not stay; `keys` fills `values` first."""
    table = np.full(1 << _BITS[turn], -1, np.int64)
    odd, shift = np.uint64(_ODD[turn]), np.uint64(64 - _BITS[turn])

    def enter(part: slice) -> None:
        if keys is not None:
            values[part] = keys(part)
        product = values[part].view(np.uint64) * odd
        product >>= shift
        place = product.view(np.int64)
        slots[part] = place
        table[place] = values[part]

    def lost(part: slice) -> Rows:
        stayed = np.take(table, slots[part], mode="clip")
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
