"""Labels of moments above a time axis, in as many lanes as it takes to keep them apart."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.charts.labels import text_width


def lanes(
    labels: Sequence[tuple[float, str]], width: float, *, size: float = 11, gap: float = 10
) -> list[tuple[int, str]]:
    """Give each label the lowest lane where it overlaps none before it, and the side of its line that it stands on.

    Parameters
    ----------
    labels
        (x in px, text), in order of x.
    width
        Of the chart, px: a label that would leave it on the right stands left of its line.

    Returns
    -------
    (lane from 0, "left" for text that starts at x or "right" for text that ends there), in the order given.

    Examples
    --------
    >>> lanes([(0, "release a"), (20, "release b"), (390, "release c")], 400)
    [(0, 'left'), (1, 'left'), (0, 'right')]
    """
    taken: list[list[tuple[float, float]]] = []
    placed: list[tuple[int, str]] = []
    for x, text in labels:
        long = text_width(text, size)
        side = "left" if x + long + gap <= width else "right"
        start, end = (x, x + long + gap) if side == "left" else (x - long - gap, x)
        lane = next(
            (i for i, spans in enumerate(taken) if all(end <= low or start >= high for low, high in spans)), len(taken)
        )
        if lane == len(taken):
            taken.append([])
        taken[lane].append((start, end))
        placed.append((lane, side))
    return placed
