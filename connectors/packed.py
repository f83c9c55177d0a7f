"""Gzip streams, unpacked piece by piece: however much is packed into a block, a bounded piece of it is in memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from connectors.exceptions import FormatError

BLOCK = 1 << 20


def gunzip(raw: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress gzip members one after the other; what comes before a break is given before the error.

    Raises
    ------
    FormatError
        The stream is broken, or ends early.

    Examples
    --------
    >>> import gzip
    >>> b"".join(gunzip([gzip.compress(b"two "), gzip.compress(b"members")]))
    b'two members'
    """
    member = zlib.decompressobj(wbits=31)
    begun = False
    for block in raw:
        while block:
            begun = True
            try:
                out = member.decompress(block, BLOCK)
            except zlib.error as error:
                raise FormatError(f"the file's gzip stream is broken ({error})") from error
            if out:
                yield out
            block = member.unconsumed_tail
            if member.eof:
                block = member.unused_data
                member, begun = zlib.decompressobj(wbits=31), False
    if begun:
        tail = member.flush()
        if tail:
            yield tail
        raise FormatError("the file ends early (its gzip stream is cut off)")
