"""How much of a map's JSON is taken in, and how its size is told before anything is made of it.

Whoever writes a map would decide what reading it costs: in 100 MB there is room for 30 million texts, and each becomes
an object of 50 to 100 bytes. So lists are counted as they are written, all sections of an index map together.
"""

from __future__ import annotations

import re
from itertools import islice

import msgspec
import numpy as np

from connectors.exceptions import SourceMapError

MOST_ENTRIES = 1 << 21  # names, sources and texts, 200 MB of objects at most; the largest real map we met has 60,000
MOST_SECTIONS = 1 << 15  # one a module where a bundler writes one a module
MOST_CHARACTERS = 1 << 28  # of all sources, with the root before each
MOST_SEGMENTS = 1 << 25  # 24 bytes each once decoded; the largest real map we met has 1.7 million

_BLOCK = 1 << 18
_ENTRY = re.compile(rb'(?:"(?:[^"\\]++|\\.)*+"|[^",]++)*+(?:,|\Z)', re.DOTALL)


class Budget:
    """What a map may still hold, its sections together.

    Examples
    --------
    >>> budget = Budget(entries=2)
    >>> budget.expect("names", msgspec.Raw(b'["a","b,c"]'))
    >>> budget.spend("names", 2)
    >>> budget.spend("names", 1)
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceMapError: names: more than 2 entries in all lists of the map, the most that are read
    """

    def __init__(self, entries: int = MOST_ENTRIES) -> None:
        self.most = self.entries = entries
        self.sections = MOST_SECTIONS
        self.characters = MOST_CHARACTERS
        self.segments = MOST_SEGMENTS

    def expect(self, what: str, written: msgspec.Raw) -> None:
        """Refuse a list with too many entries while it is still text."""
        text = memoryview(written)
        if len(text) < 2 * self.entries or _commas(text) < self.entries:
            return  # the usual case: fewer commas, those within texts included, than entries are allowed
        found = islice(_ENTRY.finditer(text), self.entries + 2)  # the last match is that of the end
        if sum(1 for _ in found) > self.entries + 1:
            self._refuse(what)

    def spend(self, what: str, entries: int) -> None:
        """Count the entries of a list that was read."""
        self.entries -= entries
        if self.entries < 0:
            self._refuse(what)

    def spend_sections(self, n: int) -> None:
        """Count the sections of an index map."""
        self.sections -= n
        if self.sections < 0:
            raise SourceMapError(f"sections: more than {MOST_SECTIONS:,}, the most that are read")

    def spend_characters(self, n: int) -> None:
        """Count what the sources come to with the root before each."""
        self.characters -= n
        if self.characters < 0:
            raise SourceMapError(f"sourceRoot: sources of more than {MOST_CHARACTERS:,} characters with it before each")

    def spend_segments(self, n: int) -> None:
        """Count the segments of a section."""
        self.segments -= n
        if self.segments < 0:
            raise SourceMapError(f"mappings: more than {MOST_SEGMENTS:,} segments, the most that are read")

    def _refuse(self, what: str) -> None:
        raise SourceMapError(f"{what}: more than {self.most:,} entries in all lists of the map, the most that are read")


def _commas(text: memoryview) -> int:
    characters = np.frombuffer(text, np.uint8)
    blocks = range(0, characters.size, _BLOCK)
    return sum(int(np.count_nonzero(characters[start : start + _BLOCK] == ord(","))) for start in blocks)
