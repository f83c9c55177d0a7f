"""Slow and obvious twin of `workbench.contrast`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence


def counts(
    sessions: Sequence[Mapping[str, object]], hit: set[str], dimensions: Sequence[str]
) -> dict[tuple[str, str], tuple[int, int, float, float]]:
    """(dimension, value) to n_hit, n_other, share_hit, share_other."""
    inside = [session for session in sessions if session["session_id"] in hit]
    outside = [session for session in sessions if session["session_id"] not in hit]
    found = {}
    for dimension in dimensions:
        in_hit = Counter(_value(session[dimension]) for session in inside)
        in_other = Counter(_value(session[dimension]) for session in outside)
        for value in {*in_hit, *in_other}:
            found[dimension, value] = (
                in_hit[value],
                in_other[value],
                in_hit[value] / max(len(inside), 1),
                in_other[value] / max(len(outside), 1),
            )
    return found


def _value(value: object) -> str:
    return "unknown" if value is None else str(value)
