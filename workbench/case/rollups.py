"""Hourly or daily histograms of the vitals: what a month's trend is read from.

A day of a lake does not change unless it is written to again, so its histogram is kept in the user's cache folder under
a name made of the day's parts; only days that are new, and the cut first and last day of a window, are counted from
rows. A folder that cannot be read or written stops nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from connectors.stores import Window
from workbench.reduce import vitals_histogram
from workbench.rules.loader import load
from workbench.vitals.histogram import merge_histograms
from workbench.vitals.population import navigation_kind

FORMAT = 1
EVERY = ("1h", "1d")
BY = ("at", "metric", "device_class", "navigation")
Rows = Callable[[Window], pl.LazyFrame]


def roll_up(rows: pl.LazyFrame, every: str = "1d") -> pl.DataFrame:
    """Count vitals into log buckets by time, metric, device class and kind of navigation.

    Parameters
    ----------
    rows
        Canonical `vitals`; a dimension that it lacks is null.
    every
        Length of a stretch of time, as Polars writes it.

    Returns
    -------
    `at`, `metric`, `device_class`, `navigation` and the columns of `reduce.vitals_histogram`.

    Examples
    --------
    >>> at = [datetime(2026, 3, 9, hour, tzinfo=UTC) for hour in (1, 2, 23)]
    >>> counted = roll_up(pl.LazyFrame({"at": at, "metric": "CLS", "value": [0.0, 0.0, 0.3]}))
    >>> counted["navigation", "bucket", "n"].rows()
    [('load', -100000, 2), ('load', -121, 1)]
    """
    have = rows.collect_schema().names()
    lacking = [pl.lit(None, pl.String).alias(name) for name in ("device_class", "navigation_type") if name not in have]
    columns = ["metric", "value", *(name for name in ("sample_rate",) if name in have)]
    counted = vitals_histogram(
        rows.with_columns(lacking).select(pl.col("at").dt.truncate(every), "device_class", "navigation_type", *columns),
        ["at", "metric", "device_class", "navigation_type"],
    )
    kind = navigation_kind().cast(pl.String)
    return merge_histograms([counted.with_columns(kind).drop("navigation_type")], by=BY)


def kept_roll_up(
    store: Any,
    rows: Rows,
    window: Window,
    every: str,
    *,
    apart: Callable[[Window], Sequence[str]] = lambda _: (),
    folder: Path | None = None,
) -> pl.DataFrame:
    """Roll a lake's vitals up, reading days that were rolled up before from the cache.

    Parameters
    ----------
    store
        Whatever has `fingerprints("vitals")`, a text a day that changes with the day's rows, as a lake has; any other
        store is counted in one pass.
    rows
        Gives the rows of a window that count.
    window
        Of the case.
    every
        As in `roll_up`.
    apart
        Tells what else decides which rows of a day count (a release, the crawlers left out): part of the kept name.
    folder
        Where roll-ups are kept; the user's cache folder when not given.
    """
    tell = getattr(store, "fingerprints", None)
    days = tell("vitals") if tell is not None else {None: ""}
    if None in days:
        return roll_up(rows(window), every)
    folder = _folder() if folder is None else folder
    parts = [roll_up(rows(window).head(0), every)]
    for day, prints in sorted(days.items()):
        whole = _day(day, window)
        inside = _cut(whole, window)
        if inside is None:
            continue
        if inside != whole:
            parts.append(roll_up(rows(inside), every))
            continue
        rules = [load("vitals", topic).name for topic in ("plausible", "thresholds")]
        told = [FORMAT, every, str(store.address), prints, window.environment, window.project, *rules, *apart(whole)]
        file = folder / f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:40]}.parquet"
        counted = _read(file)
        if counted is None:
            counted = roll_up(rows(whole), every)
            _write(file, counted)
        parts.append(counted)
    return pl.concat(parts, how="vertical_relaxed")


def _day(day: date, window: Window) -> Window:
    start = datetime.combine(day, time(), UTC)
    return Window(start, start + timedelta(days=1), window.environment, window.project)


def _cut(day: Window, window: Window) -> Window | None:
    assert day.start is not None
    assert day.end is not None
    start = day.start if window.start is None else max(day.start, window.start)
    end = day.end if window.end is None else min(day.end, window.end)
    return Window(start, end, window.environment, window.project) if start < end else None


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "blindspot" / "rollups"


def _read(file: Path) -> pl.DataFrame | None:
    try:
        return pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError):
        return None


def _write(file: Path, counted: pl.DataFrame) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".new", delete=False) as stream:
            counted.write_parquet(stream)
        Path(stream.name).replace(file)
    except OSError:
        return
