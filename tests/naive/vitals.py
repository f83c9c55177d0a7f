"""Slow and obvious twins of `workbench.vitals`: lists, loops and definitions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence


def percentile(values: Iterable[float], q: float) -> float:
    """The value at place q (n - 1), linear between neighbours: Hyndman and Fan's type 7."""
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def weighted_percentile(values: Sequence[float], weights: Sequence[float], q: float) -> float:
    """Each value sits at the middle of its weight; q counts from the first middle to the last."""
    pairs = sorted(zip(values, weights, strict=True))
    places, reached = [], 0.0
    for _, weight in pairs:
        places.append(reached + weight / 2)
        reached += weight
    wanted = places[0] + q * (places[-1] - places[0])
    for (low, _), (high, _), left, right in zip(pairs, pairs[1:], places, places[1:], strict=False):
        if left <= wanted <= right:
            return low + (high - low) * (wanted - left) / (right - left)
    return pairs[-1][0]


def percentiles(rows: Iterable[Mapping[str, object]], keys: Sequence[str], qs: Sequence[float]) -> dict[tuple, list]:
    """n and percentiles of every group."""
    groups: dict[tuple, list[float]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row["value"])
    return {group: [len(values), *(percentile(values, q) for q in qs)] for group, values in groups.items()}


def bucket(value: float, alpha: float = 0.005) -> int | None:
    """The log bucket of a value, found by walking; None below 1e-6."""
    if value < 1e-6:
        return None
    gamma = (1 + alpha) / (1 - alpha)
    found = 0
    while gamma ** (found + 1) <= value:
        found += 1
    while gamma**found > value:
        found -= 1
    return found


def share_variance(values: Sequence[float], sessions: Sequence[object], limit: float) -> float:
    """Variance of the share of values up to a limit when whole sessions were drawn (ultimate clusters)."""
    share = sum(value <= limit for value in values) / len(values)
    off: dict[object, float] = defaultdict(float)
    for value, session in zip(values, sessions, strict=True):
        off[session] += (value <= limit) - share
    m = len(off)
    return m / (m - 1) * sum(total**2 for total in off.values()) / len(values) ** 2
