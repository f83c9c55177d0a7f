"""Which parts of a window are still to be read, and in slices of what length."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

# a slice is what is read again when a sync is killed: so many rows are aimed at
ROWS = 5_000
# the first slices tell how dense the rows lie; none is longer than so many times one before it
FIRST, GROWTH = 64, 4
SHORTEST = timedelta(seconds=1)


class Span(NamedTuple):
    """A stretch of time: `start` inclusive, `end` exclusive."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


def whole_second(time: datetime) -> datetime:
    """Give the second that a time lies in: systems that know no smaller ones lose nothing where slices meet.

    Examples
    --------
    >>> whole_second(datetime(2026, 3, 9, 12, 0, 1, 999_999)).isoformat()
    '2026-03-09T12:00:01'
    """
    return time.replace(microsecond=0)


def union(spans: Iterable[Span]) -> list[Span]:
    """Put stretches together that touch or overlap, in order of time.

    Examples
    --------
    >>> day = [datetime(2026, 3, n) for n in range(1, 9)]
    >>> [(a.day, b.day) for a, b in union([Span(day[4], day[5]), Span(day[0], day[2]), Span(day[1], day[3])])]
    [(1, 4), (5, 6)]
    """
    merged: list[Span] = []
    for span in sorted(spans):
        if span.end <= span.start:
            continue
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def minus(whole: Span, covered: Iterable[Span]) -> list[Span]:
    """Give what is left of a stretch.

    Examples
    --------
    >>> day = [datetime(2026, 3, n) for n in range(1, 9)]
    >>> [(a.day, b.day) for a, b in minus(Span(day[0], day[6]), [Span(day[2], day[3]), Span(day[5], day[7])])]
    [(1, 3), (4, 6)]
    """
    left, start = [], whole.start
    for span in union(covered):
        if span.start >= whole.end:
            break
        if span.start > start:
            left.append(Span(start, span.start))
        start = max(start, span.end)
    return [*left, Span(start, whole.end)] if start < whole.end else left


class Slices:
    """The slices of one feed, oldest first, as long as the rows so far make it wise; not for several threads at once.

    Parameters
    ----------
    gaps
        What is to be read.
    rows
        How many rows a slice should bring.
    in_one
        Each gap is a slice.

    Examples
    --------
    >>> noon = datetime(2026, 3, 9, 12)
    >>> slices = Slices([Span(noon, noon + timedelta(hours=64))])
    >>> first = slices.take()
    >>> slices.learn(first, 100)
    >>> first.length, slices.take().length, slices.left
    (datetime.timedelta(seconds=3600), datetime.timedelta(seconds=14400), datetime.timedelta(days=2, seconds=39600))
    """

    def __init__(self, gaps: Sequence[Span], *, rows: int = ROWS, in_one: bool = False) -> None:
        self._left = deque(gaps)
        self._rows = rows
        self._in_one = in_one
        total = sum((gap.length for gap in gaps), timedelta())
        self._next = total if in_one else max(total / FIRST, SHORTEST)

    def take(self) -> Span | None:
        """Give the next slice, None when there is none left."""
        if not self._left:
            return None
        gap = self._left.popleft()
        # no stump that is shorter than a half of what comes before it
        if gap.length <= self._next * 1.5:
            return gap
        cut = max(whole_second(gap.start + self._next), gap.start + SHORTEST)
        self._left.appendleft(Span(cut, gap.end))
        return Span(gap.start, cut)

    def learn(self, done: Span, rows: int) -> None:
        """Take note of how many rows a slice brought."""
        if self._in_one:
            return
        wanted = done.length * (self._rows / rows) if rows else done.length * GROWTH
        self._next = max(SHORTEST, min(wanted, max(self._next, done.length) * GROWTH))

    def split(self, span: Span) -> bool:
        """Put a slice that cannot be read in one go back as two; False when it is too short for that."""
        if span.length < 2 * SHORTEST:
            return False
        middle = self.middle(span)
        self._left.extendleft([Span(middle, span.end), Span(span.start, middle)])
        self._next = min(self._next, span.length / 2)
        return True

    @staticmethod
    def middle(span: Span) -> datetime:
        """Say where a slice is cut in two."""
        return whole_second(span.start + span.length / 2)

    @property
    def left(self) -> timedelta:
        """How much time no slice has been taken of."""
        return sum((gap.length for gap in self._left), timedelta())
