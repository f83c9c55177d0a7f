"""What became of the errors that were sent: Sentry's statistics of outcomes, as a sentence about what was not kept.

Source: docs.sentry.io/api/organizations ("Retrieve Event Counts for an Organization (v2)"): groups of
`{"by": {"outcome": ...}, "totals": {"sum(quantity)": n}}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.formats.values import as_int, as_text

QUANTITY = "sum(quantity)"
KEPT = "accepted"
SAID = {
    "filtered": "filtered by the project's own rules",
    "rate_limited": "over quota or rate limit",
    "client_discard": "dropped by the SDK",
    "invalid": "invalid",
    "abuse": "over the abuse limit",
}


class Outcomes(msgspec.Struct):
    """An answer of the statistics, as far as it is read."""

    groups: list[dict[str, Any]]


def counts_of(groups: list[dict[str, Any]]) -> dict[str, int]:
    """Give how many errors had which outcome.

    Examples
    --------
    >>> counts_of([{"by": {"outcome": "accepted"}, "totals": {"sum(quantity)": 150}}, {"by": {}}])
    {'accepted': 150}
    """
    counts: Counter[str] = Counter()
    for group in groups:
        by, totals = group.get("by"), group.get("totals")
        outcome = as_text(by.get("outcome")) if isinstance(by, Mapping) else None
        quantity = as_int(totals.get(QUANTITY)) if isinstance(totals, Mapping) else None
        if outcome is not None and quantity:
            counts[outcome] += quantity
    return dict(counts)


def sampling_of(counts: Mapping[str, int]) -> str | None:
    """Say what share of the errors was kept, and what became of the others; None when all were kept.

    Examples
    --------
    >>> sampling_of({"accepted": 150, "rate_limited": 120, "client_discard": 30})
    '150 of 300 errors sent in these hours were kept; 120 over quota or rate limit, 30 dropped by the SDK'
    >>> sampling_of({"accepted": 150}) is None
    True
    """
    lost = {outcome: count for outcome, count in counts.items() if outcome != KEPT}
    if not lost:
        return None
    kept, total = counts.get(KEPT, 0), sum(counts.values())
    why = ", ".join(f"{count} {SAID.get(outcome, outcome)}" for outcome, count in sorted(lost.items(), key=_largest))
    return f"{kept} of {total} errors sent in these hours were kept; {why}"


def _largest(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
