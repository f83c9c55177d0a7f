"""What several messages have in common, as a glob that a rule can use."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\s+|[^\s\w]+|\w+")
_LONGEST = 160
_MOST = 50


def common_glob(messages: Sequence[str]) -> str:
    """Give the narrowest glob of whole words that all messages fit; `*` when they share nothing.

    Parameters
    ----------
    messages
        Distinct messages; the first fifty are looked at, and the glob is checked against all.

    Examples
    --------
    >>> common_glob(["Order 812 not found", "Order 9 not found"])
    'Order * not found'
    >>> common_glob(["x is null", "e.map is not a function"])
    '* is *'
    """
    if not messages:
        return "*"
    shared = _WORD.findall(messages[0][:_LONGEST])
    for message in messages[1:_MOST]:
        shared = _common(shared, _WORD.findall(message[:_LONGEST]))
    cut = any(len(message) > _LONGEST for message in messages)
    glob = "*" if cut and shared[-1:] != ["*"] else ""
    glob = "".join(piece if piece == "*" else _escaped(piece) for piece in shared) + glob
    glob = re.sub(r"\*(?:[\s*]|[^\w\s\\*]{1,2}\*)*\*", "*", glob)
    fits = re.compile(".*".join(re.escape(_plain(piece)) for piece in re.split(r"(?<!\\)\*", glob)), re.I | re.S)
    return glob if all(fits.fullmatch(message) for message in messages) else "*"


def _common(one: list[str], other: list[str]) -> list[str]:
    """Longest common run of words from the front and from the back, and in between whatever words recur in order."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) - 1, -1, -1):
        for j in range(len(other) - 1, -1, -1):
            rows[i][j] = rows[i + 1][j + 1] + 1 if one[i] == other[j] != "*" else max(rows[i + 1][j], rows[i][j + 1])
    out: list[str] = []
    i = j = 0
    while i < len(one) and j < len(other):
        if one[i] == other[j] != "*":
            out.append(one[i])
            i, j = i + 1, j + 1
            continue
        if out[-1:] != ["*"]:
            out.append("*")
        i, j = (i + 1, j) if rows[i + 1][j] >= rows[i][j + 1] else (i, j + 1)
    if (i < len(one) or j < len(other)) and out[-1:] != ["*"]:
        out.append("*")
    return out


def _escaped(piece: str) -> str:
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", piece)


def _plain(piece: str) -> str:
    return re.sub(r"\\(.)", r"\1", piece)
