"""Base64-VLQ `mappings` to integer columns, without a loop over segments.

The text is cut into blocks at separators and each block is decoded with array operations; only the running totals
(line, source, original line and column, name) go from one block to the next. So the memory needed beside the result is
that of one block, whatever the map's size.

Rules and their names follow ECMA-426, section 9 (https://tc39.es/ecma426/): a number has at most 32 bits, a segment has
1, 4 or 5 numbers, totals stay within 0 and 2^31 - 1, source and name exist.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.exceptions import SourceMapError
from workbench.symbolicate.bounds import MOST_SEGMENTS
from workbench.symbolicate.compiled import decode_clean, is_worthwhile
from workbench.symbolicate.digits import COMMA, DIGIT, LARGEST, SEMICOLON, WRONG, numbers

Ints = NDArray[np.int32]
Keys = NDArray[np.int64]

BLOCK = 1 << 18  # measured: 2^17 to 2^20 are equal, 2^22 is 1.5 times slower (its temporaries leave the cache)


class Mappings(NamedTuple):
    """Mappings in columns, sorted by generated position; -1 stands for "none" in the last four.

    `key` is generated line << 32 | generated column, both 0-based, so that one binary search finds a position.
    """

    key: Keys
    source: Ints
    line: Ints
    column: Ints
    name: Ints

    @classmethod
    def empty(cls) -> Mappings:
        """Mappings of a map that maps nothing."""
        return cls(np.zeros(0, np.int64), *(np.zeros(0, np.int32) for _ in range(4)))

    @classmethod
    def join(cls, parts: list[Mappings]) -> Mappings:
        """Put parts one after the other; `parts` is emptied, column by column, to spare memory."""
        if not parts:
            return cls.empty()
        rows = [list(part) for part in parts]
        parts.clear()
        columns = []
        for i in range(len(cls._fields)):
            columns.append(np.concatenate([row[i] for row in rows]))
            for row in rows:
                row[i] = None
        return cls(*columns)

    def in_order(self) -> Mappings:
        """Sort by generated position; equal positions keep their order, as consumers expect."""
        if self.key.size == 0 or (self.key[1:] >= self.key[:-1]).all():
            return self
        order = np.argsort(self.key, kind="stable")
        return Mappings(*(column[order] for column in self))


class _Totals(NamedTuple):
    """What the numbers of a block are relative to."""

    generated_line: int = 0
    generated_column: int = 0
    source: int = 0
    line: int = 0
    column: int = 0
    name: int = 0
    after: int = SEMICOLON  # the separator before the block; the start counts as that of a line


def decode_mappings(text: bytes, n_sources: int, n_names: int, *, strict: bool = True) -> Mappings:
    """Decode the `mappings` text of a regular source map.

    Parameters
    ----------
    text
        The text as ASCII bytes.
    n_sources, n_names
        Lengths of the map's `sources` and `names`: an index beyond them breaks the map.
    strict
        Refuse a map that breaks a rule. When false, keep what can be read, as browsers do: a segment that points
        at no source or name loses that part, extra numbers are dropped, and reading ends at a foreign character.

    Raises
    ------
    SourceMapError
        The first rule broken, with the generated line where it is (1-based).

    Examples
    --------
    >>> decode_mappings(b"AAAA,IACI;;A", 1, 0).key.tolist()
    [0, 4, 8589934592]
    >>> decode_mappings(b"AAA", 1, 0)
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceMapError: mappings: generated line 1 has a segment of 3 numbers; 1, 4 or 5 are allowed
    """
    if text.count(b",") >= MOST_SEGMENTS:
        raise SourceMapError(f"mappings: {text.count(b',') + 1:,} segments; at most {MOST_SEGMENTS:,} are read")
    clean = decode_clean(text, n_sources, n_names) if is_worthwhile(len(text)) else None
    if clean is not None and clean[0].size <= MOST_SEGMENTS:
        return Mappings(*clean).in_order()
    parts: list[Mappings] = []
    totals, start, found = _Totals(), 0, 0
    while start < len(text):
        stop = _block_end(text, start)
        part, totals = _decode_block(text, start, stop, totals, n_sources, n_names, strict)
        parts.append(part)
        start, found = stop, found + part.key.size
        if found > MOST_SEGMENTS:
            raise SourceMapError(f"mappings: more than {MOST_SEGMENTS:,} segments, the most that are read")
        if totals.after == WRONG:
            break
    if strict and text.endswith(b","):
        raise SourceMapError(f"mappings: generated line {totals.generated_line + 1} has an empty segment")
    return Mappings.join(parts).in_order()


def _block_end(text: bytes, start: int) -> int:
    stop = start + BLOCK
    if stop >= len(text):
        return len(text)
    cut = max(text.rfind(b",", start, stop), text.rfind(b";", start, stop)) + 1
    if not cut:
        raise SourceMapError(f"mappings: a segment of more than {BLOCK:,} characters")
    return cut


def _decode_block(
    text: bytes, start: int, stop: int, totals: _Totals, n_sources: int, n_names: int, strict: bool
) -> tuple[Mappings, _Totals]:
    digits = DIGIT[np.frombuffer(text, np.uint8, stop - start, start)]
    wrong = np.flatnonzero(digits == WRONG)
    cut_off = wrong.size > 0
    if cut_off:
        if strict:
            line = totals.generated_line + int((digits[: wrong[0]] == SEMICOLON).sum()) + 1
            raise SourceMapError(f"mappings: generated line {line} has a character that is no base64 digit")
        digits = digits[: wrong[0]]
    separator = digits >= COMMA
    last_digit = digits < 32
    places = np.flatnonzero(separator)
    is_line_end = digits[places] == SEMICOLON
    line_of = np.concatenate(([0], np.cumsum(is_line_end))) + totals.generated_line  # of each segment, empty ones too

    ends = np.flatnonzero(last_digit)
    unfinished = ~(separator | last_digit)
    if strict and unfinished.size and (unfinished[-1] or (unfinished[:-1] & separator[1:]).any()):
        at = np.flatnonzero(unfinished & np.append(separator[1:], True))[0]
        line = line_of[np.searchsorted(places, at)] + 1
        raise SourceMapError(f"mappings: generated line {line} ends in the middle of a number")
    values = numbers(digits, ends, unfinished, strict)

    stops = np.append(np.cumsum(last_digit, dtype=np.int64)[places], ends.size)
    starts = np.concatenate(([0], stops[:-1]))
    counts = stops - starts
    filled = counts > 0
    if strict:
        opens = np.concatenate(([totals.after], digits[places]))
        closes = np.append(digits[places], SEMICOLON if stop == len(text) else WRONG)
        lonely = (opens == SEMICOLON) & (closes == SEMICOLON)  # an empty line is fine
        empty = ~filled & ~lonely & (closes != WRONG)  # the piece after the last separator belongs to the next block
        if empty.any():
            raise SourceMapError(f"mappings: generated line {line_of[empty][0] + 1} has an empty segment")
    after = WRONG if cut_off else int(digits[places[-1]]) if places.size else totals.after
    first, counts, lines = starts[filled], counts[filled], line_of[filled]
    return _segments(values, first, counts, lines, totals, int(line_of[-1]), after, n_sources, n_names, strict)


def _segments(
    values: Keys,
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
    lines: NDArray[np.int64],
    totals: _Totals,
    last_line: int,
    after: int,
    n_sources: int,
    n_names: int,
    strict: bool,
) -> tuple[Mappings, _Totals]:
    has_source, has_name = counts >= 4, counts >= 5
    if strict:
        odd = ~((counts == 1) | (counts == 4) | (counts == 5))
        if odd.any():
            line, n = lines[odd][0] + 1, counts[odd][0]
            raise SourceMapError(f"mappings: generated line {line} has a segment of {n} numbers; 1, 4 or 5 are allowed")
    running = np.cumsum(values[first])
    new_line = np.flatnonzero(lines[1:] != lines[:-1]) + 1
    lengths = np.diff(np.concatenate(([0], new_line, [running.size])))
    base = np.concatenate(([-totals.generated_column if _continues(lines, totals) else 0], running[new_line - 1]))
    columns = running - np.repeat(base, lengths) if running.size else running
    _in_range("generated column", columns, lines, LARGEST + 1, strict)

    def running_total(place: int, rows: NDArray[np.bool_], start: int) -> Keys:
        total = np.cumsum(values[first[rows] + place])
        total += start
        return total

    source = running_total(1, has_source, totals.source)
    line = running_total(2, has_source, totals.line)
    column = running_total(3, has_source, totals.column)
    name = running_total(4, has_name, totals.name)
    for what, total, rows, limit in (
        ("source", source, has_source, n_sources),
        ("original line", line, has_source, LARGEST + 1),
        ("original column", column, has_source, LARGEST + 1),
        ("name", name, has_name, n_names),
    ):
        _in_range(what, total, lines[rows], limit, strict)
    ahead = _Totals(
        last_line,
        int(columns[-1]) if columns.size and lines[-1] == last_line
        else totals.generated_column if last_line == totals.generated_line else 0,
        *(int(total[-1]) if total.size else old for total, old in zip(
            (source, line, column, name), totals[2:6], strict=True)),
        after,
    )  # fmt: skip
    key = (lines << 32) | columns
    part = Mappings(
        key, *(_spread(total, rows) for total, rows in (
            (source, has_source), (line, has_source), (column, has_source), (name, has_name)))
    )  # fmt: skip
    return (part, ahead) if strict else (_without_wrong(part, columns, n_sources, n_names), ahead)


def _continues(lines: NDArray[np.int64], totals: _Totals) -> bool:
    return lines.size > 0 and lines[0] == totals.generated_line


def _in_range(what: str, total: Keys, lines: NDArray[np.int64], limit: int, strict: bool) -> None:
    if strict and total.size and (total.min() < 0 or total.max() >= limit):
        at = np.flatnonzero((total < 0) | (total >= limit))[0]
        wrong = f"mappings: generated line {lines[at] + 1} has {what} {total[at]}"
        raise SourceMapError(f"{wrong}, not within 0 and {limit - 1}" if limit else f"{wrong}, but the map has none")


def _spread(total: Keys, rows: NDArray[np.bool_]) -> Ints:
    out = np.full(rows.size, -1, np.int32)
    out[rows] = total
    return out


def _without_wrong(part: Mappings, columns: Keys, n_sources: int, n_names: int) -> Mappings:
    """What a browser keeps of a map with wrong numbers: segments in range, parts of them that exist."""
    source, line, column, name = (values.copy() for values in part[1:])
    lost = (source < 0) | (source >= n_sources) | (line < 0) | (column < 0)
    source[lost], line[lost], column[lost] = -1, -1, -1
    name[lost | (name < 0) | (name >= n_names)] = -1
    keep = (columns >= 0) & (columns <= LARGEST)
    return Mappings(*(values[keep] for values in (part.key, source, line, column, name)))
