"""Does a map belong to a bundle? Its positions are tried against the bundle's own text.

A map of another build has the right name and form, and still maps a crash to the wrong line. What gives it away are
positions beyond a line's end or inside of a word, and words that are others in the bundle than in the source.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from workbench.rules.loader import load
from workbench.symbolicate.decode import SourceMap
from workbench.symbolicate.functions import split_lines

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_LONG = 4  # letters; minifiers give shorter names of their own
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Fit(NamedTuple):
    """What trying a map on a bundle showed.

    `tried` mappings, of which `outside` lie beyond the bundle's lines and `inside` within a word; of `words` that are
    long in bundle and source, `agreeing` are the same; of `seen` words of the bundle, `covered` lie behind a mapping.
    """

    tried: int
    outside: int
    inside: int
    words: int
    agreeing: int
    seen: int
    covered: int

    @property
    def problem(self) -> str | None:
        """Why the map is not this bundle's, None when it is."""
        rules = load("symbolicate", "checks").data
        misplaced = self.outside + self.inside
        if misplaced > rules["misplaced"] * self.tried:
            return (
                f"{misplaced:,} of {self.tried:,} positions of the map lie beyond the bundle's lines "
                f"({self.outside:,}) or inside of its words ({self.inside:,})"
            )
        if self.words >= rules["words"] and self.agreeing < rules["agreeing"] * self.words:
            return f"only {self.agreeing:,} of {self.words:,} words are the same in the bundle and in the sources"
        if self.seen >= rules["covered_words"] and self.covered < rules["covered"] * self.seen:
            return f"only {self.covered:,} of {self.seen:,} words of the bundle are mapped"
        return None


def fit(code: str, decoded: SourceMap) -> Fit:
    """Try a map on a bundle.

    Parameters
    ----------
    code
        The bundle's text, as it is deployed.
    decoded
        The map that is said to be its own.

    Examples
    --------
    >>> from workbench.symbolicate.decode import decode_map
    >>> one = decode_map(b'{"version":3,"sources":["a.js"],"mappings":"AAAA,IAAI"}')
    >>> fit("let total=1", one).problem is None
    True
    >>> fit("export{total}", one).problem
    "1 of 2 positions of the map lie beyond the bundle's lines (0) or inside of its words (1)"
    """
    rules = load("symbolicate", "checks").data
    lines = [_ASTRAL.sub("\ufffd\ufffd", line) for line in split_lines(code)]  # columns count UTF-16 units
    sources: dict[int, list[str]] = {}
    outside = inside = words = agreeing = 0
    tried = _spread(decoded.columns.key.size, rules["tried"], rules["tail"])
    columns = (decoded.columns.key >> 32, decoded.columns.key & 0xFFFFFFFF, *decoded.columns[1:4])
    for line, column, source, source_line, source_column in zip(*(one[tried].tolist() for one in columns), strict=True):
        if line >= len(lines) or column > len(lines[line]):
            outside += 1
            continue
        text = lines[line]
        if 0 < column < len(text) and _WORD.match(text, column) and _in_word(text[column - 1]):
            inside += 1
            continue
        word = _WORD.match(text, column)
        if source < 0 or word is None or len(word[0]) < _LONG:
            continue
        if source not in sources:
            sources[source] = split_lines(decoded.contents[source] or "") if decoded.contents.has(source) else []
        original = sources[source][source_line] if source_line < len(sources[source]) else ""
        there = _WORD.match(_ASTRAL.sub("\ufffd\ufffd", original), source_column)
        if there is not None and len(there[0]) >= _LONG:
            words += 1
            agreeing += there[0] == word[0]
    seen, covered = _coverage(lines, decoded, rules["tried"])
    return Fit(len(tried), outside, inside, words, agreeing, seen, covered)


def _in_word(letter: str) -> bool:
    return letter == "$" or letter == "_" or letter.isalnum()


def _spread(n: int, most: int, tail: int) -> np.ndarray:
    if n <= most:
        return np.arange(n)
    return np.unique(np.concatenate([np.linspace(0, n - 1, most).astype(np.int64), np.arange(n - tail, n)]))


def _coverage(lines: list[str], decoded: SourceMap, most: int) -> tuple[int, int]:
    """Of the bundle's words, how many lie behind a mapping with a source; comments at its end do not count."""
    places = [
        (number, word.start())
        for number, line in enumerate(lines)
        if not line.startswith("//")
        for word in _WORD.finditer(line)
        if len(word[0]) >= _LONG
    ]
    if not places:
        return 0, 0
    chosen = np.array(places, np.int64)[_spread(len(places), most, 0)]
    at = decoded.find(chosen[:, 0], chosen[:, 1])
    if not decoded.columns.key.size:
        return len(chosen), 0
    return len(chosen), int(((at >= 0) & (decoded.columns.source[at] >= 0)).sum())
