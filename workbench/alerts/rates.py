"""Errors per page view (or per session) over time."""

from __future__ import annotations

import polars as pl

from connectors.tables import EVENTS, TIME, require
from workbench.statistics import rate_weight


def error_rates(events: pl.DataFrame, visits: pl.DataFrame, every: str = "15m") -> pl.DataFrame:
    """Count errors and visits in equal bins of time, the empty ones included.

    Parameters
    ----------
    events
        Canonical `events`, noise left out by the caller or not: the rates say what is in them. A row with a number in
        `stands_for` counts so often.
    visits
        Canonical `page_views` (`at`) or `sessions` (`started_at`), likewise.
    every
        Length of a bin, as Polars writes durations: "5m", "15m", "1h".

    Returns
    -------
    One row per bin from the first to the last record: at (start of the bin), errors, visits, rate (errors per visit,
    null in a bin without visits). Rows weigh one over their `sample_rate`, where it is above 0 and at most 1.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    >>> events = pl.DataFrame({"at": [noon.replace(minute=35)]})
    >>> page_views = pl.DataFrame({"at": [noon, noon.replace(minute=31), noon.replace(minute=40)]})
    >>> error_rates(events, page_views)["errors", "visits", "rate"].rows()
    [(0.0, 1.0, 0.0), (0.0, 0.0, None), (1.0, 2.0, 0.5)]
    """
    require(events, EVENTS, ["at"])
    when = "at" if "at" in visits.columns else "started_at"
    counts = pl.concat(
        [
            _weighed(events, "at").select("at", errors="weight", visits=pl.lit(0.0)),
            _weighed(visits, when).select("at", errors=pl.lit(0.0), visits="weight"),
        ]
    ).drop_nulls("at")
    bins = counts.group_by(pl.col("at").dt.truncate(every)).agg(pl.col("errors", "visits").sum()).sort("at")
    return (
        (bins.upsample("at", every=every) if bins.height > 1 else bins)
        .with_columns(pl.col("errors", "visits").fill_null(0.0))
        .with_columns(pl.when(pl.col("visits") > 0).then(pl.col("errors") / pl.col("visits")).alias("rate"))
    )


def _weighed(records: pl.DataFrame, when: str) -> pl.DataFrame:
    weight = rate_weight() if "sample_rate" in records.columns else pl.lit(1.0)
    times = pl.col("stands_for").fill_null(1) if "stands_for" in records.columns else pl.lit(1)
    return records.select(pl.col(when).cast(TIME).alias("at"), (weight * times).alias("weight"))
