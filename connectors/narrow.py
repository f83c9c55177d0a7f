"""What is asked for and what is not, for trackers that cannot be asked so: one environment, a window of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from connectors.formats.values import as_micros
from connectors.remote import Batch
from connectors.stores import Window

SKEW = timedelta(hours=1)
"""By how much a browser's clock may run ahead of the server's: else an event is received after it happened."""


def in_environment(page: Batch, environment: str | None) -> Batch:
    """Leave out the events of other environments, with all that hangs on them; what names none stays.

    Examples
    --------
    >>> events = pl.DataFrame({"event_id": ["e1", "e2", "e3"], "environment": ["production", "staging", None]})
    >>> frames = pl.DataFrame({"event_id": ["e1", "e2", "e2"]})
    >>> narrowed = in_environment(Batch({"events": events, "frames": frames}), "production")
    >>> {name: frame.height for name, frame in narrowed.tables.items()}
    {'events': 2, 'frames': 1}
    """
    if environment is None:
        return page
    tables = dict(page.tables)
    for name, frame in tables.items():
        if "environment" in frame.columns:
            here = pl.col("environment").is_null() | (pl.col("environment").cast(pl.String) == environment)
            tables[name] = frame.filter(here)
    if "events" in tables:
        kept = tables["events"].select("event_id")
        for name in tables.keys() & {"frames", "breadcrumbs", "requests"}:
            tables[name] = tables[name].join(kept, on="event_id", how="semi", maintain_order="left")
    return page._replace(tables=tables)


def is_outside(time: Any, window: Window) -> bool:
    """Say whether a time, as text or in seconds, lies outside of a window; one that cannot be read may lie inside.

    Examples
    --------
    >>> day = Window(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
    >>> [is_outside(time, day) for time in ("2026-03-08T23:59:59Z", "2026-03-09T00:00:00Z", "2026-03-10T00:00Z", None)]
    [True, False, True, False]
    """
    if (at := time_of(time)) is None:
        return False
    return (window.start is not None and at < window.start) or (window.end is not None and at >= window.end)


def is_before(received: Any, window: Window) -> bool:
    """Say whether what was received then, and all that was received earlier, happened before a window.

    Examples
    --------
    >>> noon = Window(datetime(2026, 3, 9, 12, tzinfo=UTC), None)
    >>> is_before("2026-03-09T11:30:00Z", noon), is_before("2026-03-09T10:30:00Z", noon), is_before(None, noon)
    (False, True, False)
    """
    at = time_of(received)
    return window.start is not None and at is not None and at < window.start - SKEW


def time_of(value: Any) -> datetime | None:
    """Give a time that stands as text or in seconds; None when it is none.

    Examples
    --------
    >>> time_of("2026-03-09T14:20:00Z").hour, time_of("soon")
    (14, None)
    """
    micros = as_micros(value)
    return None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC)
