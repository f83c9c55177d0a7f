"""Crawlers and headless browsers, by user agent: each distinct agent is judged once.

The judge is `is-bot`, whose few thousand agents a second are too slow for a day's distinct ones. Most of its patterns
need no look-around and run in Polars; only agents that another might catch are put to `is-bot` itself, so that
the answers are its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import polars as pl
from is_bot import Bots

_LOOK_AROUND = re.compile(r"\(\?<?[=!](?:[^()]|\([^()]*\))*\)")
_KNOWN: dict[str, bool] = {}


class _Patterns(NamedTuple):
    plain: str
    loose: str


def crawlers(agents: Iterable[str]) -> dict[str, bool]:
    """Say of each user agent whether it is a crawler's or a headless browser's.

    Answers are kept for the life of the process.

    Examples
    --------
    >>> list(crawlers(["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"]).values())
    [True]
    """
    agents = list(agents)
    new = pl.Series("agent", list({agent for agent in agents if agent not in _KNOWN}), dtype=pl.String)
    if len(new):
        patterns = _patterns()
        caught = new.str.contains(patterns.plain)
        _KNOWN.update(dict.fromkeys(new.filter(caught), True))
        rest = new.filter(~caught)
        doubtful = rest.str.contains(patterns.loose)
        _KNOWN.update(dict.fromkeys(rest.filter(~doubtful), False))
        judge = _judge()
        _KNOWN.update((agent, judge.is_bot(agent)) for agent in rest.filter(doubtful))
    return {agent: _KNOWN[agent] for agent in agents}


@cache
def _patterns() -> _Patterns:
    """Patterns that mean the same without look-around, and the others with theirs taken out, which match more."""
    plain, loose = [], []
    for pattern in sorted(_judge().patterns):
        (loose if _LOOK_AROUND.search(pattern) else plain).append(_rust(_LOOK_AROUND.sub("", pattern)))
    return _Patterns(*("(?i)" + "|".join(f"(?:{pattern})" for pattern in some) for some in (plain, loose)))


def _rust(pattern: str) -> str:
    """Rust refuses a dash after a class; and its `$` does not match before a last line break, as Python's does."""
    return re.sub(r"(?<!\\)\$", r"\\n?$", re.sub(r"(\\[wds])-", r"\1\\-", pattern))


@cache
def _judge() -> Bots:
    return Bots()
