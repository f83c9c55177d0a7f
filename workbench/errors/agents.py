"""Crawlers and headless browsers, by user agent: each distinct agent is looked at once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from is_bot import Bots

_KNOWN: dict[str, bool] = {}


def crawlers(agents: Iterable[str]) -> dict[str, bool]:
    """Say of each user agent whether it is a crawler's or a headless browser's.

    Answers are kept for the life of the process: an agent is judged once.

    Examples
    --------
    >>> list(crawlers(["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"]).values())
    [True]
    """
    agents = list(agents)
    judge = _judge()
    for agent in agents:
        if agent not in _KNOWN:
            _KNOWN[agent] = judge.is_bot(agent)
    return {agent: _KNOWN[agent] for agent in agents}


@cache
def _judge() -> Bots:
    return Bots()
