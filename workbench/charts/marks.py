"""Labels of moments above a time axis, in as many lanes as it takes to keep them apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from workbench.charts.labels import text_width

_GAP = 10.0  # px between two labels of a lane
_MOST = 4


class Placed(NamedTuple):
    """Where a label stands: its lane (0 is the top), "left" when it starts at its line, "right" when it ends there."""

    lane: int
    side: str


class _Label(NamedTuple):
    """A label at a place: from `start` to `end` px in its lane, its line at `x` from there down to the axis."""

    x: float
    start: float
    end: float
    place: Placed

    def meets(self, other: _Label) -> bool:
        if self.place.lane == other.place.lane:
            return self.end + _GAP > other.start and self.start - _GAP < other.end
        upper, lower = sorted((self, other), key=lambda label: label.place.lane)
        return lower.start - 1 < upper.x < lower.end + 1 and upper.x != lower.x


def lanes(
    labels: Sequence[tuple[float, str]], width: float, *, size: float = 11, first: Collection[int] = ()
) -> list[Placed | None]:
    """Give each label a lane where it overlaps no other, no line runs through it, and its own runs through none.

    A line runs from its label down to the axis, so that it crosses the lanes below its own.

    Parameters
    ----------
    labels
        (x in px, text), in order of x; a text may have several lines.
    width
        Of the chart, px: no label leaves it.
    first
        Which of them, by their numbers, choose before the others.

    Returns
    -------
    One place a label, in the order given; None for one that finds no room in four lanes: its line has to do without.

    Examples
    --------
    >>> [place and tuple(place) for place in lanes([(0, "release a"), (20, "release b"), (390, "release c")], 400)]
    [(0, 'left'), (1, 'left'), (0, 'right')]
    """
    spans = [max((text_width(line, size) for line in text.split("\n")), default=0.0) for _, text in labels]
    keys: tuple[Callable[[int], float], ...] = (float, lambda i: -i, lambda i: labels[i][0] + spans[i] <= width)
    tries = []
    for key in keys:
        order = sorted(range(len(labels)), key=lambda i, key=key: (i not in first, key(i), i))  # type: ignore[misc]
        tries.append(_greedily(order, [x for x, _ in labels], spans, width))
    placed = max(tries, key=lambda found: (len(found), -sum(label.place.lane for label in found.values())))
    return [placed[i].place if i in placed else None for i in range(len(labels))]


def _greedily(order: Sequence[int], at: Sequence[float], spans: Sequence[float], width: float) -> dict[int, _Label]:
    """Give each label in turn the highest lane that is free, right of its line if it can be."""
    placed: dict[int, _Label] = {}
    for i in order:
        sides = [("left", at[i], at[i] + spans[i]), ("right", at[i] - spans[i], at[i])]
        inside = [(side, start, end) for side, start, end in sides if start >= 0 and end <= width]
        for lane in range(_MOST):
            free = [
                label
                for side, start, end in inside
                for label in [_Label(at[i], start, end, Placed(lane, side))]
                if not any(label.meets(other) for other in placed.values())
            ]
            if free:
                placed[i] = free[0]
                break
    return placed
