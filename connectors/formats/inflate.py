"""Zlib and gzip as recorders pack with them: a whole stream, and none that unpacks to more than any recording has."""

from __future__ import annotations

import zlib

from connectors.exceptions import FormatError

MOST_BYTES = 256 << 20
"""A segment above this is refused: SDKs cut recordings at some 20 MB, so a larger one is a bomb."""


def inflated(body: bytes, what: str) -> bytes:
    """Unpack a zlib or gzip stream.

    Raises
    ------
    FormatError
        It is none, it ends early, or it is too large; `what` says of what.

    Examples
    --------
    >>> inflated(zlib.compress(b"[]"), "the recording")
    b'[]'
    >>> inflated(b"x", "the recording")
    Traceback (most recent call last):
        ...
    connectors.exceptions.FormatError: the recording is cut off (its zlib stream ends early)
    """
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)  # tells by the header which of them it is
    try:
        plain = unpacking.decompress(body, MOST_BYTES)
    except zlib.error as error:
        raise FormatError(f"{what} is neither JSON nor zlib ({error})") from error
    if unpacking.unconsumed_tail:
        raise FormatError(f"{what} is larger than {MOST_BYTES >> 20} MB unpacked")
    if not unpacking.eof:
        raise FormatError(f"{what} is cut off (its zlib stream ends early)")
    return plain
