"""The few heavy passes over big tables, written once for every engine.

Each takes a native frame of any engine that narwhals knows (Polars eager or lazy, DuckDB relation, PySpark DataFrame,
and what Ibis reaches), groups and counts there, and brings home a small Polars frame; the rows are equal on every
engine. Everything else in the workbench works on these, or on a slice. Engines that truncate times by their session's
time zone (DuckDB, Spark) must run it in UTC, as `connectors.warehouse` sets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

from connectors.bringing_home import bring_home
from connectors.exceptions import TableError
from workbench.vitals.histogram import LOG_GAMMA, NEGATIVE, NOT_A_NUMBER, NULL, SMALLEST, ZERO
from workbench.vitals.thresholds import RATINGS, thresholds

_UNITS = {"s": "1s", "m": "1m", "h": "1h", "d": "1h", "w": "1h"}
"""What every engine truncates to for a length of bins; the rest is done at home, where every length is known."""


def error_shapes(events: Any, by: Sequence[str] = ("type", "message", "stack")) -> pl.DataFrame:
    """Reduce events to their distinct type, message and stack.

    Parameters
    ----------
    events
        Canonical `events` on any engine.
    by
        What makes a shape; add `release` to count releases apart.

    Returns
    -------
    `by`, `n` events, `weight` (what they stand for, by `sample_rate`), `users`, `sessions` (distinct, nulls not
    counted), `first`, `last`, `event_id` (the smallest, as a sample); most events first. Columns that `events` lacks
    are left out.

    Examples
    --------
    >>> events = pl.DataFrame({"event_id": ["a", "b", "c"], "type": "TypeError", "message": ["x", "x", "y"],
    ...                        "session_id": ["s", None, "s"]})
    >>> error_shapes(events, ["type", "message"]).rows()
    [('TypeError', 'x', 2, 2.0, 1, 'a'), ('TypeError', 'y', 1, 1.0, 1, 'c')]
    """
    frame = _lazy(events, by)
    have = frame.collect_schema().names()
    counted = {
        **{f"{noun}s": _distinct(f"{noun}_id") for noun in ("user", "session") if f"{noun}_id" in have},
        **({"first": nw.col("at").min(), "last": nw.col("at").max()} if "at" in have else {}),
        **({"event_id": nw.col("event_id").min()} if "event_id" in have else {}),
    }
    shapes = frame.with_columns(_weight(have)).group_by(*by).agg(_n(), nw.col("weight").sum(), **counted)
    return bring_home(shapes).sort(["n", *by], descending=[True, *[False] * len(by)], nulls_last=True)


def positions(frames: Any, by: Sequence[str] = ("debug_id", "url", "line", "column")) -> pl.DataFrame:
    """Reduce frames to the distinct positions that have to be symbolicated.

    Parameters
    ----------
    frames
        Canonical `frames` on any engine; a joined `release` may be named in `by`.
    by
        What makes a position.

    Returns
    -------
    `by` and `n` frames; most frames first.

    Examples
    --------
    >>> frames = pl.DataFrame({"url": "a.js", "line": [1, 1, 1], "column": [7, 9, 7]})
    >>> positions(frames, ["url", "line", "column"]).rows()
    [('a.js', 1, 7, 2), ('a.js', 1, 9, 1)]
    """
    counted = _lazy(frames, by).group_by(*by).agg(_n())
    return bring_home(counted).sort(["n", *by], descending=[True, *[False] * len(by)], nulls_last=True)


def vitals_histogram(vitals: Any, by: Sequence[str] = ("metric", "device_class", "route")) -> pl.DataFrame:
    """Reduce vitals to log buckets, from which `vitals.histogram.histogram_percentiles` reads any percentile.

    Parameters
    ----------
    vitals
        Canonical `vitals` on any engine, one row per metric and page view.
    by
        Dimensions to keep; `metric` is always one. Fine dimensions make large histograms: a bucket is 1 % wide, so a
        group has some 500.

    Returns
    -------
    `by`, `bucket` (values of at least 1e-6 by their logarithm; `ZERO` below; one each for null, NaN and negative
    values), `rating` (by the thresholds in `rules/`, not by what the browser said), `n`, `weight` and
    `weight_squared` (sums of one over `sample_rate` and of its square). Histograms of days add up to that of a month.

    Examples
    --------
    >>> vitals = pl.DataFrame({"metric": "CLS", "value": [0.0, 0.0, 0.3, None]})
    >>> vitals_histogram(vitals, ["metric"])["bucket", "rating", "n"].rows()
    [(-100003, None, 1), (-100000, 'good', 2), (-121, 'poor', 1)]
    """
    keys = list(dict.fromkeys([*by, "metric"]))
    frame = _lazy(vitals, [*keys, "value"])
    have = frame.collect_schema().names()
    value = nw.col("value")
    usable = ~value.is_null() & value.is_finite() & (value >= 0)
    large = usable & (value >= SMALLEST)
    logarithm = nw.when(large).then(value).otherwise(nw.lit(1.0)).log() / LOG_GAMMA
    bucket = (
        nw.when(large)
        .then(logarithm.floor().cast(nw.Int64))
        .when(usable)
        .then(nw.lit(ZERO))
        .when(value.is_null())
        .then(nw.lit(NULL))
        .when(value < 0)
        .then(nw.lit(NEGATIVE))
        .otherwise(nw.lit(NOT_A_NUMBER))
    )
    counted = (
        frame.with_columns(_weight(have), bucket=bucket.cast(nw.Int64), rating=_rating(usable))
        .with_columns(weight_squared=nw.col("weight") * nw.col("weight"))
        .group_by(*keys, "bucket", "rating")
        .agg(_n(), nw.col("weight").sum(), nw.col("weight_squared").sum())
    )
    return bring_home(counted).sort([*keys, "bucket", "rating"], nulls_last=True)


def counts_over_time(frame: Any, every: str = "1h", by: Sequence[str] = (), time: str = "at") -> pl.DataFrame:
    """Count rows in bins of time.

    Parameters
    ----------
    frame
        Any table with a time, on any engine.
    every
        Length of a bin: a number with s, m, h, d or w, as "15m".
    by
        Dimensions to keep apart.
    time
        The column of the time; rows without are left out.

    Returns
    -------
    The start of the bin under the name of `time`, `by`, `n`, `weight`. Bins without rows are not there.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = [datetime(2026, 3, 9, 12, minute, tzinfo=UTC) for minute in (1, 14, 16)]
    >>> counts_over_time(pl.DataFrame({"at": at}), "15m")["n"].to_list()
    [2, 1]
    """
    unit = _UNITS.get(every[-1:])
    if unit is None or not every[:-1].isdigit() or int(every[:-1]) == 0:
        raise ValueError(f"bins of {every!r} are not known; give a number with s, m, h, d or w, as 15m")
    rows = _lazy(frame, [time, *by])
    have = rows.collect_schema().names()
    rows = rows.filter(~nw.col(time).is_null()).with_columns(_weight(have))
    minutes = int(every[:-1]) if unit == "1m" and 60 % int(every[:-1]) == 0 else None
    if minutes is None:
        inside, start = nw.lit(0), pl.col(time)
    else:
        # no engine but Polars truncates to minutes by the dozen: the part of the hour is a key of its own
        unit, inside = "1h", nw.col(time).dt.minute() // minutes
        start = pl.col(time) + pl.duration(minutes=pl.col("_part") * minutes)
    counted = (
        rows.with_columns(nw.col(time).dt.truncate(unit), _part=inside.cast(nw.Int64))
        .group_by(time, "_part", *by)
        .agg(_n(), nw.col("weight").sum())
    )
    return (
        bring_home(counted)
        .with_columns(start.alias(time))
        .group_by([pl.col(time).dt.truncate(every), *by])
        .agg(pl.col("n", "weight").sum())
        .sort([time, *by], nulls_last=True)
    )


def dimension_counts(frame: Any, dimensions: Sequence[str]) -> pl.DataFrame:
    """Count the values of several dimensions, each by itself.

    Parameters
    ----------
    frame
        Any table on any engine.
    dimensions
        Columns of few distinct values; taken as text.

    Returns
    -------
    dimension, value, `n` rows, `weight`; in the order of `dimensions`, most rows first.

    Examples
    --------
    >>> dimension_counts(pl.DataFrame({"os": ["a", "a", None], "region": "eu"}), ["region", "os"]).rows()
    [('region', 'eu', 3, 3.0), ('os', 'a', 2, 2.0), ('os', None, 1, 1.0)]
    """
    rows = _lazy(frame, dimensions)
    have = rows.collect_schema().names()
    parts = [
        bring_home(rows.with_columns(_weight(have)).group_by(name).agg(_n(), nw.col("weight").sum()))
        .select(pl.lit(name).alias("dimension"), pl.col(name).cast(pl.String).alias("value"), "n", "weight")
        .sort("n", "value", descending=[True, False], nulls_last=True)
        for name in dimensions
    ]
    empty = pl.DataFrame(schema={"dimension": pl.String, "value": pl.String, "n": pl.Int64, "weight": pl.Float64})
    return pl.concat([empty, *parts])


def _lazy(frame: Any, columns: Sequence[str]) -> nw.LazyFrame[Any]:
    lazy = nw.from_native(frame).lazy()
    have = lazy.collect_schema().names()
    if missing := [name for name in columns if name not in have]:
        raise TableError(f"no column {missing[0]}; there are: {', '.join(have)}")
    return lazy


def _n() -> nw.Expr:
    return nw.len().cast(nw.Int64).alias("n")


def _weight(have: Sequence[str]) -> nw.Expr:
    if "sample_rate" not in have:
        return nw.lit(1.0).alias("weight")
    rate = nw.col("sample_rate")
    return nw.when((rate > 0) & (rate <= 1)).then(1.0 / rate).otherwise(nw.lit(1.0)).alias("weight")


def _distinct(column: str) -> nw.Expr:
    # every engine counts null as a value of its own here
    return (nw.col(column).n_unique() - nw.col(column).is_null().cast(nw.Int64).max()).cast(nw.Int64)


def _rating(usable: nw.Expr) -> nw.Expr:
    rated = nw.when(nw.lit(False)).then(nw.lit(""))
    for rule in thresholds().values():
        here = usable & (nw.col("metric").cast(nw.String) == rule.metric)
        for limit, name in zip((rule.good, rule.poor), RATINGS, strict=False):
            rated = rated.when(here & (nw.col("value") <= limit)).then(nw.lit(name))
        rated = rated.when(here).then(nw.lit(RATINGS[2]))
    return rated
