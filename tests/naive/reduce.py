"""Slow and obvious twins of `workbench.reduce`: one pass over rows, dictionaries of counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from tests.naive.vitals import bucket

Row = Mapping[str, object]


def error_shapes(events: Iterable[Row], by: Sequence[str]) -> dict[tuple, tuple]:
    """by to n, users, sessions, first, last, smallest event id."""
    groups = defaultdict(list)
    for event in events:
        groups[tuple(event[name] for name in by)].append(event)
    return {
        key: (
            len(rows),
            len({row["user_id"] for row in rows} - {None}),
            len({row["session_id"] for row in rows} - {None}),
            min(row["at"] for row in rows),
            max(row["at"] for row in rows),
            min(row["event_id"] for row in rows),
        )
        for key, rows in groups.items()
    }


def counted(rows: Iterable[Row], by: Sequence[str]) -> Counter:
    """by to number of rows."""
    return Counter(tuple(row[name] for name in by) for row in rows)


def over_time(rows: Iterable[Row], every: timedelta, by: Sequence[str]) -> Counter:
    """(start of bin, by) to number of rows; bins count from midnight of 1970."""
    counts: Counter = Counter()
    for row in rows:
        at = row["at"]
        if at is None:
            continue
        epoch = datetime(1970, 1, 1, tzinfo=at.tzinfo)
        counts[(epoch + (at - epoch) // every * every, *(row[name] for name in by))] += 1
    return counts


def histogram(rows: Iterable[Row], by: Sequence[str]) -> Counter:
    """(by, bucket) to number of rows; null, nan, negative and zero (below 1e-6) by name."""

    def place(value: float | None) -> object:
        if value is None:
            return "null"
        if value != value or value == float("inf"):
            return "not a number"
        if value < 0:
            return "negative"
        found = bucket(value)
        return "zero" if found is None else found

    return Counter((*(row[name] for name in by), place(row["value"])) for row in rows)
