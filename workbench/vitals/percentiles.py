"""Percentiles of vitals with their uncertainty: `vitals_percentiles`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from connectors.tables import VITALS, require
from workbench.statistics import rate_weight
from workbench.vitals.packed import pack_values
from workbench.vitals.population import navigation_kind, only_counted, require_kinds
from workbench.vitals.ranks import Ranked, Ranks, rank_values
from workbench.vitals.thresholds import rating


def vitals_percentiles(
    vitals: pl.DataFrame | pl.LazyFrame,
    by: Sequence[str] = ("metric",),
    *,
    percentiles: Sequence[float] = (50, 75, 95),
    intervals: Sequence[float] = (75,),
    min_samples: int = 30,
    confidence: float = 0.95,
    mix_devices: bool = False,
    navigations: Sequence[str] | None = ("load",),
    cluster: str | None = "auto",
) -> pl.DataFrame:
    """Percentiles of each vital, one row per group, with the interval, the rating and the shares.

    A group with fewer than `min_samples` page views keeps its row and its count, but its percentiles are null: a p75 of
    eleven page views is noise, and hiding the row would hide the route.

    Parameters
    ----------
    vitals
        Canonical `vitals` table; `value` in ms, CLS unitless. Values that cannot be true are left out, and so are
        earlier reports of a page view (see `population.treat`, which counts both). Where `sample_rate` is known a row
        weighs one over it; one that is no rate (not above 0, or above 1) counts as 1. A lazy frame, as `Lake.scan`
        gives it, has one report per metric and page view, as every store keeps them, and is read column by column;
        without sampling and without a `cluster` it goes the way of `packed`, which takes 50 million rows in seconds.
    by
        Dimensions to keep apart; `metric` is always one. `navigation` (load, bfcache, prerender, soft) is one too.
    percentiles, intervals
        Which percentiles to give, and for which of them an interval.
    min_samples
        Fewest page views of a group that get percentiles.
    confidence
        Of the intervals.
    mix_devices
        Phones and desktops are different populations: where the frame has `device_class` it is a key of its own, unless
        this is true.
    navigations
        Kinds of navigation counted; None for all. Naming `navigation` in `by` keeps all of them, apart.
    cluster
        Rows with an equal value here are not independent, and the interval allows for it; None to take every row as
        independent. "auto" is `session_id` for a frame in memory, None for a lazy one, whose rows are too many to join.

    Raises
    ------
    TableError
        A column is missing.
    ValueError
        A percentile is not between 0 and 100, or a kind of navigation is unknown.

    Returns
    -------
    Keys, `n` (rows), p50 ... , `p75_low`, `p75_high` (null where so few values cannot bound it), `rating` of the p75,
    `rating_sure` (the whole interval lies in one band), `share_good`, `share_needs`, `share_poor`.

    Notes
    -----
    Linear interpolation between ranks (Hyndman and Fan's type 7); intervals by order statistics, see
    `statistics.quantile_ranks`.

    Examples
    --------
    >>> vitals = pl.DataFrame({"metric": "LCP", "value": [1000.0, 2000.0, 3000.0, 9000.0]})
    >>> vitals_percentiles(vitals, percentiles=[75], min_samples=4)["metric", "n", "p75", "rating"].rows()
    [('LCP', 4, 4500.0, 'poor')]
    """
    require(vitals, VITALS, ["metric", "value"])
    keys = group_keys(vitals, by, mix_devices=mix_devices)
    ranks = rank_cohorts(vitals, keys, navigations, cluster)
    return describe(ranks, percentiles, intervals, min_samples, confidence).sort(keys, nulls_last=True)


def rank_cohorts(
    vitals: pl.DataFrame | pl.LazyFrame, keys: Sequence[str], navigations: Sequence[str] | None, cluster: str | None
) -> Ranked:
    """Rank the values of every cohort that can be true; the way is chosen by what the frame has.

    Parameters
    ----------
    vitals, navigations, cluster
        As in `vitals_percentiles`.
    keys
        What makes a cohort, as `group_keys` gives it.

    Examples
    --------
    >>> vitals = pl.LazyFrame({"metric": "INP", "value": [80.0, -1.0, 40.0]})
    >>> rank_cohorts(vitals, ["metric"], None, None).quantile(0.5).tolist()
    [60.0]
    """
    require_kinds(navigations)
    columns = vitals.collect_schema().names()
    if cluster == "auto":
        cluster = None if isinstance(vitals, pl.LazyFrame) else "session_id"
    if "navigation" in keys:
        require(vitals, VITALS, ["navigation_type"])
        vitals, navigations = vitals.with_columns(navigation_kind()), None
    require(vitals, VITALS, keys)
    if isinstance(vitals, pl.LazyFrame):
        if (cluster is None or cluster not in columns) and not _is_sampled(vitals):
            packed = pack_values(vitals, keys, navigations)
            if packed is not None:
                return packed
        wanted = [*keys, "value", "navigation_type", "sample_rate", *([cluster] if cluster else [])]
        vitals = vitals.select(name for name in dict.fromkeys(wanted) if name in vitals.collect_schema()).collect()
    counted = only_counted(vitals, navigations)
    return rank_values(counted, keys, weight=sample_weight(counted), cluster=cluster)


def describe(
    ranked: Ranks, percentiles: Sequence[float], intervals: Sequence[float], min_samples: int, confidence: float
) -> pl.DataFrame:
    """Describe every group of sorted values in one row; see `vitals_percentiles` for the columns.

    Examples
    --------
    >>> from workbench.vitals.ranks import rank_values
    >>> ranked = rank_values(pl.DataFrame({"metric": "CLS", "value": [0.0, 0.0, 0.3]}), ["metric"])
    >>> describe(ranked, [50], [], 3, 0.95)["metric", "n", "p50", "rating"].rows()
    [('CLS', 3, 0.0, 'needs-improvement')]
    """
    if wrong := [q for q in (*percentiles, *intervals) if not 0 <= q <= 100]:
        raise ValueError(f"there is no percentile {wrong[0]}; give numbers from 0 to 100, as 75")
    enough = ranked.n >= min_samples

    def column(name: str, numbers: np.ndarray) -> pl.Series:
        return pl.Series(name, np.where(enough, numbers, np.nan), pl.Float64).fill_nan(None)

    values = {q: ranked.quantile(q / 100) for q in (*percentiles, *intervals, 75)}
    bounds = {
        q: (np.minimum(bound.low, values[q]), np.maximum(bound.high, values[q]))
        for q in dict.fromkeys([*(q for q in intervals if q in percentiles), 75])
        for bound in ranked.estimates(q / 100, [confidence])
    }
    rows = ranked.keys.with_columns(
        pl.Series("n", ranked.n, pl.Int64),
        *(column(f"p{q:g}", values[q]) for q in dict.fromkeys(percentiles)),
        *(
            column(f"p{q:g}_{side}", end)
            for q, ends in bounds.items()
            if q in intervals and q in percentiles
            for side, end in zip(("low", "high"), ends, strict=True)
        ),
        *(
            column(name, numbers)
            for name, numbers in zip(("_value", "_low", "_high"), (values[75], *bounds[75]), strict=True)
        ),
    )
    good, poor = ranked.shares()
    shares = {"share_good": good, "share_needs": 1 - good - poor, "share_poor": poor}
    return rows.with_columns(
        rating(pl.col("_value")),
        (rating(pl.col("_low")) == rating(pl.col("_high"))).fill_null(False).alias("rating_sure"),
        *(pl.Series(name, share, pl.Float64).fill_nan(None) for name, share in shares.items()),
    ).drop("_value", "_low", "_high")


def group_keys(vitals: pl.DataFrame | pl.LazyFrame, by: Sequence[str], *, mix_devices: bool = False) -> list[str]:
    """Return the keys of a grouping: `by`, `metric`, and `device_class` unless devices are to be mixed.

    Examples
    --------
    >>> group_keys(VITALS.empty(), ["route"])
    ['route', 'metric', 'device_class']
    """
    by = [by] if isinstance(by, str) else by
    devices = ["device_class"] if "device_class" in vitals.collect_schema() and not mix_devices else []
    return list(dict.fromkeys([*by, "metric", *devices]))


def of_one_type(before: pl.DataFrame, after: pl.DataFrame, keys: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make keys text where one side has categories, as a lake does, and the other has not.

    Examples
    --------
    >>> lake = pl.DataFrame({"metric": pl.Series(["LCP"], dtype=pl.Categorical)})
    >>> [side.schema["metric"] for side in of_one_type(lake, pl.DataFrame({"metric": ["LCP"]}), ["metric"])]
    [String, String]
    """
    unlike = [pl.col(key).cast(pl.String) for key in keys if before.schema[key] != after.schema[key]]
    return before.with_columns(unlike), after.with_columns(unlike)


def sample_weight(vitals: pl.DataFrame) -> pl.Expr | None:
    """Return what a row stands for, one over `sample_rate`, or None where all weigh the same.

    Unknown rates and those that cannot be (not above 0, or above 1) are 1.

    Examples
    --------
    >>> kept = pl.DataFrame({"sample_rate": [0.1, 1.0, None, 0.0, 50.0]})
    >>> kept.select(sample_weight(kept)).to_series().to_list()
    [10.0, 1.0, 1.0, 1.0, 1.0]
    """
    if "sample_rate" not in vitals.columns or vitals.select(rate_weight()).to_series().n_unique() <= 1:
        return None
    return rate_weight()


def _is_sampled(vitals: pl.LazyFrame) -> bool:
    if "sample_rate" not in vitals.collect_schema():
        return False
    low, high = vitals.select(rate_weight().min().alias("low"), rate_weight().max().alias("high")).collect().row(0)
    return low != high
