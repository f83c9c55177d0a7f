"""Base64 digits to signed numbers: the VLQ of source maps, least significant digit first, sign in the lowest bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from connectors.exceptions import SourceMapError

Keys = NDArray[np.int64]

COMMA, SEMICOLON, WRONG = 64, 65, 255
LARGEST = (1 << 31) - 1
MOST_DIGITS = 7  # hold 35 bits; whatever stands above them must be zeros

DIGIT = np.full(256, WRONG, np.uint8)
DIGIT[np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8)] = np.arange(64)
DIGIT[ord(",")], DIGIT[ord(";")] = COMMA, SEMICOLON


def numbers(digits: NDArray[np.uint8], ends: NDArray[np.int64], unfinished: NDArray[np.bool_], strict: bool) -> Keys:
    """Signed numbers whose last (most significant) digits stand at `ends`.

    Parameters
    ----------
    digits
        Values of the characters, as `DIGIT` gives them.
    ends, unfinished
        Where numbers end, and which digits are followed by another of the same number.
    strict
        Refuse numbers of more than 32 bits; else they are cut, as by JavaScript's shifts.

    Raises
    ------
    SourceMapError
        A number of more than 32 bits, in strict reading.

    Examples
    --------
    >>> digits = DIGIT[np.frombuffer(b"gBD", np.uint8)]
    >>> numbers(digits, np.array([1, 2]), np.array([True, False, False]), True).tolist()
    [16, -1]
    """
    values = digits[ends].astype(np.int64)
    which = np.flatnonzero((ends > 0) & unfinished[ends - 1])
    at = ends[which] - 1
    for _ in range(MOST_DIGITS - 1):
        if not which.size:
            break
        values[which] = (values[which] << 5) | (digits[at] & 31)
        more = (at > 0) & unfinished[at - 1]
        which, at = which[more], at[more] - 1
    if which.size:
        values = _padded_numbers(digits, ends, unfinished, strict)
    if strict and values.size and values.max() >> 32:
        raise SourceMapError("mappings: a number of more than 32 bits")
    values &= (1 << 32) - 1
    negative = (values & 1).astype(bool)
    values >>= 1
    lowest = negative & (values == 0)  # the sign bit alone stands for -2^31
    np.negative(values, out=values, where=negative)
    values[lowest] = -LARGEST - 1
    return values


def _padded_numbers(
    digits: NDArray[np.uint8], ends: NDArray[np.int64], unfinished: NDArray[np.bool_], strict: bool
) -> Keys:
    """Numbers of any length: zeros may stand above the digits that count."""
    stops = np.flatnonzero(~unfinished)
    starts = np.concatenate(([-1], stops[:-1]))[np.isin(stops, ends, assume_unique=True)] + 1
    values = np.zeros(ends.size, np.int64)
    for place in range(MOST_DIGITS):
        rows = np.flatnonzero(starts + place <= ends)
        values[rows] |= (digits[starts[rows] + place] & 31).astype(np.int64) << (5 * place)
    if strict:
        counting = np.flatnonzero((digits < 64) & ((digits & 31) > 0))
        number = np.searchsorted(ends, counting)
        inside = number < ends.size
        if (counting[inside] - starts[number[inside]] >= MOST_DIGITS).any():
            raise SourceMapError("mappings: a number of more than 32 bits")
    return values
