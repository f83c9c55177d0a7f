"""The one loop over the characters of `mappings`, compiled by numba.

It knows only the rules' good side: at the first thing that a strict reading may refuse it gives up, and `vlq` reads the
text again and says what is wrong. Import it through `compiled`, which decides when loading numba is worth it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.symbolicate.digits import COMMA, LARGEST, SEMICOLON

try:
    from numba import njit
except ModuleNotFoundError:  # the same function uncompiled: slow, and right

    def njit(**_: Any) -> Callable[[Any], Any]:
        """Leave a function as it is."""
        return lambda function: function


MOST_SHIFT = 35  # seven digits hold the 32 bits that a number may have


@njit(cache=True, nogil=True, inline="always")
def read_number(text: NDArray[np.uint8], digit: NDArray[np.uint8], at: int, size: int) -> tuple[int, int]:
    """Read the number at `at`: its value, and where it ends; -1 when it is none.

    The sign bit alone stands for -2^31, which takes every total out of its range.

    Examples
    --------
    >>> from workbench.symbolicate.digits import DIGIT
    >>> tuple(int(part) for part in read_number(np.frombuffer(b"gBA", np.uint8), DIGIT, 0, 3))
    (16, 2)
    """
    code = np.int64(digit[text[at]])
    if code < 32:
        return (code >> 1) * (1 - 2 * (code & 1)) - (np.int64(code == 1) << 31), at + 1
    value, shift = code & 31, 5
    at += 1
    while at < size and shift < MOST_SHIFT:
        code = np.int64(digit[text[at]])
        if code >= COMMA:
            return 0, -1
        value |= (code & 31) << shift
        shift += 5
        at += 1
        if code < 32:
            if value >> 32:
                return 0, -1
            return (value >> 1) * (1 - 2 * (value & 1)) - (np.int64(value == 1) << 31), at
    return 0, -1


@njit(cache=True, nogil=True)
def read_segments(
    text: NDArray[np.uint8], digit: NDArray[np.uint8], n_sources: int, n_names: int,
    keys: NDArray[np.int64], sources: NDArray[np.int32], lines: NDArray[np.int32], columns: NDArray[np.int32],
    names: NDArray[np.int32],
) -> int:  # fmt: skip
    """Fill the arrays with one row a segment and return how many there are; -1 at the first broken rule.

    A total below zero, or above its bound, sets the sign of `wrong`: looking at it once is enough.

    Examples
    --------
    >>> from workbench.symbolicate.digits import DIGIT
    >>> rows = [np.empty(2, np.int64), *(np.empty(2, np.int32) for _ in range(4))]
    >>> read_segments(np.frombuffer(b"AAAA,IACI", np.uint8), DIGIT, 1, 0, *rows), rows[0].tolist(), rows[3].tolist()
    (2, [0, 4], [0, 4])
    """
    size = text.size
    at, found, wrong = 0, 0, 0
    generated_line, generated_column, source, line, column, name = 0, 0, 0, 0, 0, 0
    after = SEMICOLON
    while at < size:
        code = np.int64(digit[text[at]])
        if code >= COMMA:
            if code != SEMICOLON or after == COMMA:
                return -1
            generated_line += 1
            generated_column = 0
            at += 1
            continue
        value, at = read_number(text, digit, at, size)
        if at < 0:
            return -1
        generated_column += value
        wrong |= generated_column | (LARGEST - generated_column)
        keys[found] = (generated_line << 32) | generated_column
        code = np.int64(digit[text[at]]) if at < size else SEMICOLON
        if code >= COMMA:
            sources[found] = lines[found] = columns[found] = names[found] = -1
        else:
            value, at = read_number(text, digit, at, size)
            if at < 0 or at >= size:
                return -1
            source += value
            value, at = read_number(text, digit, at, size)
            if at < 0 or at >= size:
                return -1
            line += value
            value, at = read_number(text, digit, at, size)
            if at < 0:
                return -1
            column += value
            wrong |= source | (n_sources - 1 - source) | line | (LARGEST - line) | column | (LARGEST - column)
            sources[found], lines[found], columns[found] = source, line, column
            names[found] = -1
            code = np.int64(digit[text[at]]) if at < size else SEMICOLON
            if code < COMMA:
                value, at = read_number(text, digit, at, size)
                if at < 0:
                    return -1
                name += value
                wrong |= name | (n_names - 1 - name)
                names[found] = name
                code = np.int64(digit[text[at]]) if at < size else SEMICOLON
        found += 1
        at += 1
        after = code
        if code == SEMICOLON:
            generated_line += 1
            generated_column = 0
        elif code != COMMA:
            return -1
    return -1 if after == COMMA or wrong < 0 else found
