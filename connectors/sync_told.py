"""What a source said of a stretch while it was read: that it samples, what it noted, what of it could not be read.

It is kept beside what has been read (`connectors.sync_state`), so that a lake says of a window what its source said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from connectors.stores import Refused, Window
from connectors.sync_plan import Span, minus

REASONS_KEPT = 20
SHOWN = 3


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stretch: what was said of it; how many rows could not be read, and the first of them with their reasons."""

    start: datetime
    end: datetime
    sampling: str | None = None
    note: str | None = None
    refused: int = 0
    reasons: list[Refused] = []

    @property
    def span(self) -> Span:
        """The stretch."""
        return Span(self.start, self.end)

    @property
    def says_something(self) -> bool:
        """Whether it is worth to be kept."""
        return bool(self.sampling or self.note or self.refused)


class Summary(NamedTuple):
    """What was said of a window, for a report."""

    sampling: str | None = None
    notes: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()


def replaced(have: Sequence[Told], read: Sequence[Span], new: Iterable[Told]) -> list[Told]:
    """Give what is known after some stretches were read again: of them only what is said now.

    Neighbours that say the same become one.

    Examples
    --------
    >>> day = [datetime(2026, 3, n) for n in range(1, 9)]
    >>> old = [Told(day[0], day[4], note="n", refused=2)]
    >>> new = [Told(day[3], day[5], note="n"), Told(day[5], day[6])]
    >>> [(one.start.day, one.end.day, one.note, one.refused) for one in replaced(old, [Span(day[3], day[6])], new)]
    [(1, 6, 'n', 2)]
    """
    kept: list[Told] = []
    for one in have:
        for number, left in enumerate(minus(one.span, read)):
            rest = {} if number == 0 else {"refused": 0, "reasons": []}
            kept.append(msgspec.structs.replace(one, start=left.start, end=left.end, **rest))
    joined: list[Told] = []
    for one in sorted([*kept, *new], key=lambda told: told.span):
        before = joined[-1] if joined else None
        if not one.says_something:
            continue
        if before is not None and (before.end, before.sampling, before.note) == (one.start, one.sampling, one.note):
            reasons = [*before.reasons, *one.reasons][:REASONS_KEPT]
            joined[-1] = msgspec.structs.replace(
                before, end=one.end, refused=before.refused + one.refused, reasons=reasons
            )
        else:
            joined.append(one)
    return joined


def summary(source: str, told: Iterable[Told], start: datetime, end: datetime) -> Summary:
    """Say what a source said of a window, as short as it can be said.

    Examples
    --------
    >>> noon, two, four = (datetime(2026, 3, 9, hour) for hour in (12, 14, 16))
    >>> told = [Told(noon, two, sampling="1 of 2 were kept"), Told(two, four, sampling="2 of 3 were kept", refused=1)]
    >>> summary("acme shop", told, noon, four).sampling
    '1 of 2 were kept (2026-03-09 12:00 UTC – 2026-03-09 14:00 UTC); 2 of 3 were kept (2026-03-09 14:00 UTC – ...)'
    >>> summary("acme shop", told, noon, two)
    Summary(sampling='1 of 2 were kept', notes=(), refused=())
    """
    seen = [one for one in told if one.start < end and one.end > start]
    refused = [reason for one in seen for reason in one.reasons]
    more = sum(one.refused for one in seen) - len(refused)
    if more > 0:
        refused.append(Refused(source, f"{more:,} more rows could not be read when they were synced"))
    sampling = _said(seen, lambda one: one.sampling)
    notes = _said(seen, lambda one: one.note, dated=False)
    return Summary("; ".join(sampling) or None, tuple(notes), tuple(refused))


def _said(told: Sequence[Told], what: Callable[[Told], str | None], *, dated: bool = True) -> list[str]:
    """Give each text once, with its stretch where there are several, and how many more there are."""
    texts: dict[str, Told] = {}
    for one in told:
        if text := what(one):
            texts.setdefault(text, one)
    said = [
        f"{text} ({Window(*one.span).describe()})" if dated and len(texts) > 1 else text for text, one in texts.items()
    ]
    return said if len(said) <= SHOWN else [*said[:SHOWN], f"likewise of {len(said) - SHOWN} more stretches"]
