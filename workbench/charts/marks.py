"""Labels of moments above a time axis, in as many lanes as it takes to keep them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.charts.labels import text_width

_GAP = 10.0  # px between two labels of a lane
_MOST = 8


class Placed(NamedTuple):
    """Where a label stands: its lane (0 is the top), "left" when it starts at its line, "right" when it ends there."""

    lane: int
    side: str


def lanes(labels: Sequence[tuple[float, str]], width: float, *, size: float = 11) -> list[Placed]:
    """Give each label the highest lane where it overlaps no other and no line runs through it.

    A line runs from its label down to the axis, so that it crosses the lanes below its own.

    Parameters
    ----------
    labels
        (x in px, text), in order of x.
    width
        Of the chart, px: a label that would leave it on the right stands left of its line.

    Returns
    -------
    One place a label, in the order given.

    Examples
    --------
    >>> [tuple(place) for place in lanes([(0, "release a"), (20, "release b"), (390, "release c")], 400)]
    [(0, 'left'), (1, 'left'), (0, 'right')]
    """
    spans = [_span(x, text, width, size) for x, text in labels]
    placed: dict[int, int] = {}
    order = sorted(range(len(labels)), key=lambda i: (spans[i][2] == "left", i))  # those at the right edge choose first
    for i in order:
        free = [lane for lane in range(_MOST) if _fits(i, lane, labels, spans, placed, crossing=False)]
        clear = [lane for lane in free if _fits(i, lane, labels, spans, placed, crossing=True)]
        placed[i] = (clear or free or [0])[0]
    return [Placed(placed[i], spans[i][2]) for i in range(len(labels))]


def _span(x: float, text: str, width: float, size: float) -> tuple[float, float, str]:
    long = text_width(text, size)
    return (x, x + long, "left") if x + long <= width else (x - long, x, "right")


def _fits(
    i: int,
    lane: int,
    labels: Sequence[tuple[float, str]],
    spans: Sequence[tuple[float, float, str]],
    placed: dict[int, int],
    *,
    crossing: bool,
) -> bool:
    start, end, _ = spans[i]
    for other, at in placed.items():
        low, high, _ = spans[other]
        if at == lane and end + _GAP > low and start - _GAP < high:
            return False
        if crossing and at < lane and start < labels[other][0] < end:
            return False
        if crossing and at > lane and low < labels[i][0] < high:
            return False
    return True
