"""When to decode mappings by compiled code: numba is the extra `fast`, and loading it takes half a second."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from workbench.symbolicate.digits import DIGIT

_BLOCK = 1 << 20
WORTH_LOADING = 4 << 20
"""Characters from which loading numba pays for itself within an incident; once a machine it also compiles, for 2 s."""


def is_worthwhile(size: int) -> bool:
    """Say whether a text of this many characters is for compiled code.

    Examples
    --------
    >>> is_worthwhile(0)
    False
    """
    return size > 0 and (size >= WORTH_LOADING or "numba" in sys.modules) and find_spec("numba") is not None


def decode_clean(text: bytes | memoryview, n_sources: int, n_names: int) -> tuple[NDArray[np.integer], ...] | None:
    """Decode a text that breaks no rule.

    Parameters
    ----------
    text
        The characters of `mappings`.
    n_sources, n_names
        How many sources and names the map has.

    Returns
    -------
    Key, source, line, column and name of each segment, as `vlq.Mappings` has them but in the text's order; None when
    some rule may be broken: `vlq` says which.

    Examples
    --------
    >>> [part.tolist() for part in decode_clean(b"AAAA,IACI;A", 1, 0)[:3]]
    [[0, 4, 4294967296], [0, 0, -1], [0, 1, -1]]
    >>> decode_clean(b"AAA", 1, 0) is None
    True
    """
    from workbench.symbolicate.kernel import read_segments

    characters = np.frombuffer(text, np.uint8)
    most = sum(_segments(characters[start : start + _BLOCK + 1]) for start in range(0, characters.size, _BLOCK)) + 1
    rows = [np.empty(most, np.int64), *(np.empty(most, np.int32) for _ in range(4))]
    found = read_segments(characters, DIGIT, n_sources, n_names, *rows)
    return None if found < 0 else tuple(row[:found] for row in rows)


def _segments(characters: NDArray[np.uint8]) -> int:
    """How many segments end within some characters: a text of separators alone has none."""
    separates = (characters == ord(",")) | (characters == ord(";"))
    return int(np.count_nonzero(separates[1:] & ~separates[:-1]))
