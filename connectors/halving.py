"""Windows cut in halves until a search that knows only a limit, and no next page, gives all that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from connectors.stores import Window

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Part(NamedTuple):
    """A part of a window, what was found in it, and whether there is more that cannot be had."""

    window: Window
    found: list
    truncated: bool


def halved(ask: Callable[[Window], list[T]], window: Window, limit: int, least: timedelta) -> Iterator[Part]:
    """Search a window; where as many come back as may, search its halves.

    Parameters
    ----------
    ask
        Gives what is found in a window, at most `limit`.
    window
        Has a start and an end.
    limit
        As many, and there may be more.
    least
        A window of this length is not cut any more: its part is `truncated`.

    Examples
    --------
    >>> at = [datetime(2026, 3, 9, hour, tzinfo=UTC) for hour in (0, 1, 2, 9)]
    >>> ask = lambda window: [time for time in at if window.start <= time < window.end][:2]
    >>> day = Window(at[0], at[0] + timedelta(days=1))
    >>> [(len(part.found), part.truncated) for part in halved(ask, day, 2, timedelta(hours=1))]
    [(1, False), (1, False), (1, False), (0, False), (1, False), (0, False)]
    """
    found = ask(window)
    if window.start is None or window.end is None:
        raise ValueError("a window to be cut has a start and an end")
    length = window.end - window.start
    if len(found) < limit or length <= least:
        yield Part(window, found, len(found) >= limit)
        return
    half = window.start + max(length / 2 // least * least, least)
    yield from halved(ask, replace(window, end=half), limit, least)
    yield from halved(ask, replace(window, start=half), limit, least)


def closed(window: Window, now: datetime, back: timedelta) -> Window:
    """Give a window with both ends: `now` where it is open, and what lies `back` before its end.

    Examples
    --------
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> closed(Window(), noon, timedelta(hours=1)).describe()
    '2026-03-09 11:00 UTC – 2026-03-09 12:00 UTC'
    """
    end = window.end or now
    return replace(window, start=window.start or max(end - back, EPOCH), end=end)
