"""Percentiles from log-bucket histograms: what any engine can count, and days can be added up from.

A value v of at least 1e-6 falls into bucket b = floor(ln v / ln gamma) with gamma = (1 + a) / (1 - a), and is told as
gamma^b · 2 gamma / (1 + gamma), at most a = 0.5 % away from v (DDSketch: Masson, Rim and Lee, VLDB 2019). Smaller
ones, a CLS of zero above all, have a bucket of their own that sorts first, and so has each kind of value that cannot
be counted. `workbench.reduce.vitals_histogram` makes these histograms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from connectors.exceptions import TableError
from workbench.vitals.buckets import ALPHA as ALPHA
from workbench.vitals.buckets import GAMMA, LOG_GAMMA, Buckets
from workbench.vitals.percentiles import describe, group_keys
from workbench.vitals.population import limit_of, navigation_kind, only_navigations
from workbench.vitals.thresholds import RATINGS

SMALLEST = 1e-6
ZERO = -100_000
NEGATIVE, NOT_A_NUMBER, NULL = -100_001, -100_002, -100_003
UNUSABLE = {NEGATIVE: "negative", NOT_A_NUMBER: "not a number", NULL: "null"}
COUNTS = ("n", "weight", "weight_squared")


def histogram_percentiles(
    histogram: pl.DataFrame,
    by: Sequence[str] = ("metric",),
    *,
    percentiles: Sequence[float] = (50, 75, 95),
    intervals: Sequence[float] = (75,),
    min_samples: int = 30,
    confidence: float = 0.95,
    mix_devices: bool = False,
) -> pl.DataFrame:
    """Percentiles of each vital from a histogram; the columns are those of `vitals_percentiles`.

    Parameters
    ----------
    histogram
        What `reduce.vitals_histogram` gives, or several of them from `merge_histograms`; with any dimensions that hold
        those of `by`.
    by, percentiles, intervals, min_samples, confidence, mix_devices
        As in `vitals_percentiles`.

    Notes
    -----
    Every percentile is within 0.5 % of the exact one, shares are exact. Intervals take page views as independent, since
    a histogram knows no sessions.

    Examples
    --------
    >>> histogram = pl.DataFrame({"metric": "LCP", "bucket": [bucket_of(2000.0), bucket_of(3000.0)], "rating": [
    ...     "good", "needs-improvement"], "n": [60, 40], "weight": [60.0, 40.0], "weight_squared": [60.0, 40.0]})
    >>> histogram_percentiles(histogram, percentiles=[75]).select("n", pl.col("p75").round(1), "share_good").rows()
    [(100, 2996.1, 0.6)]
    """
    if missing := [name for name in (*by, "metric", "bucket", *COUNTS) if name not in histogram.columns]:
        raise TableError(f"the histogram lacks {', '.join(missing)}; it has: {', '.join(histogram.columns)}")
    keys = group_keys(histogram, by, mix_devices=mix_devices)
    return describe(_buckets(histogram, keys), percentiles, intervals, min_samples, confidence)


def rank_histogram(histogram: pl.DataFrame, keys: Sequence[str], navigations: Sequence[str] | None = None) -> Buckets:
    """Rank the buckets of every cohort, as `percentiles.rank_cohorts` ranks rows.

    Parameters
    ----------
    histogram
        As in `histogram_percentiles`; with `navigation_type` among its dimensions where `navigations` matters.
    keys, navigations
        As in `rank_cohorts`.

    Examples
    --------
    >>> counted = {"metric": "LCP", "bucket": [700], "n": [60], "weight": [60.0], "weight_squared": [60.0]}
    >>> rank_histogram(pl.DataFrame(counted), ["metric"]).n.tolist()
    [60]
    """
    if "navigation" in keys and "navigation" not in histogram.columns:
        return _buckets(histogram.with_columns(navigation_kind()), list(keys))
    return _buckets(only_navigations(histogram, navigations), list(keys))


def merge_histograms(histograms: Iterable[pl.DataFrame], by: Sequence[str] | None = None) -> pl.DataFrame:
    """Add histograms up: days into a month, fine dimensions into coarse ones.

    Parameters
    ----------
    histograms
        Histograms of the same dimensions.
    by
        Dimensions to keep; all that there are when not given.

    Examples
    --------
    >>> monday = pl.DataFrame({"metric": "CLS", "bucket": [ZERO], "n": [3], "weight": [3.0], "weight_squared": [3.0]})
    >>> merge_histograms([monday, monday]).rows()
    [('CLS', -100000, 6, 6.0, 6.0)]
    """
    together = pl.concat(histograms)
    own = [name for name in together.columns if name not in (*COUNTS, "bucket", "rating")]
    kept = own if by is None else list(dict.fromkeys([*by, "metric"]))
    keys = [*kept, *(name for name in ("bucket", "rating") if name in together.columns)]
    return together.group_by(keys).agg(pl.col(COUNTS).sum()).sort(keys, nulls_last=True)


def unusable(histogram: pl.DataFrame) -> pl.DataFrame:
    """Count the values that a histogram could not use, as `population.treat` does: metric, reason, n.

    Examples
    --------
    >>> counted = pl.DataFrame({"metric": "LCP", "bucket": [NULL, bucket_of(3.6e6), bucket_of(900.0)], "n": [4, 1, 9]})
    >>> unusable(counted).rows()
    [('LCP', 'absurd', 1), ('LCP', 'null', 4)]
    """
    return (
        histogram.with_columns(_reason().alias("reason"))
        .filter(pl.col("reason").is_not_null())
        .group_by(pl.col("metric").cast(pl.String), "reason")
        .agg(pl.col("n").sum())
        .sort("metric", "reason")
    )


def is_histogram(vitals: pl.DataFrame | pl.LazyFrame) -> bool:
    """Say whether a frame holds buckets rather than rows.

    Examples
    --------
    >>> is_histogram(pl.DataFrame({"metric": "LCP", "value": [900.0]}))
    False
    """
    return "bucket" in vitals.collect_schema()


def only_possible(histogram: pl.DataFrame) -> pl.DataFrame:
    """Leave out the buckets that `unusable` counts.

    Examples
    --------
    >>> counted = pl.DataFrame({"metric": "LCP", "bucket": [NULL, bucket_of(3.6e6), bucket_of(900.0)], "n": [4, 1, 9]})
    >>> only_possible(counted)["n"].to_list()
    [9]
    """
    return histogram.filter(_reason().is_null())


def bucket_of(value: float) -> int:
    """Return the bucket of one value.

    Examples
    --------
    >>> bucket_of(0.0), bucket_of(2500.0)
    (-100000, 782)
    """
    return ZERO if value < SMALLEST else math.floor(math.log(value) / LOG_GAMMA)


def bucket_value(bucket: pl.Expr) -> pl.Expr:
    """Return what the values of a bucket are told as.

    Examples
    --------
    >>> pl.select(bucket_value(pl.lit(782)).round(1)).item()
    2502.5
    """
    return (
        pl.when(bucket == ZERO)
        .then(0.0)
        .otherwise((bucket.cast(pl.Float64) * LOG_GAMMA).exp() * 2 * GAMMA / (1 + GAMMA))
    )


def _reason() -> pl.Expr:
    named = pl.col("bucket").replace_strict(
        list(UNUSABLE), list(UNUSABLE.values()), default=None, return_dtype=pl.String
    )
    value = bucket_value(pl.col("bucket"))
    return (
        pl.when(named.is_not_null())
        .then(named)
        .when((pl.col("bucket") == ZERO) & (limit_of("zero") == 0))
        .then(pl.lit("zero"))
        .when((value > 0) & (value < limit_of("smallest")))
        .then(pl.lit("wrong unit"))
        .when(value > limit_of("largest"))
        .then(pl.lit("absurd"))
    )


def _buckets(histogram: pl.DataFrame, keys: list[str]) -> Buckets:
    rating = pl.col("rating") if "rating" in histogram.columns else pl.lit(None, pl.String)
    weight = pl.col("weight")
    ordered = (
        histogram.filter(_reason().is_null())
        .with_columns(rating.cast(pl.String).alias("rating"))
        .group_by([*keys, "bucket"])
        .agg(
            pl.col(COUNTS).sum(),
            weight.filter(pl.col("rating") == RATINGS[0]).sum().alias("_good"),
            weight.filter(pl.col("rating") == RATINGS[2]).sum().alias("_poor"),
            weight.filter(pl.col("rating").is_in(RATINGS)).sum().alias("_rated"),
        )
        .sort([*keys, "bucket"], nulls_last=True)
        .with_columns(
            bucket_value(pl.col("bucket")).alias("value"), pl.struct(keys).rle_id().cast(pl.Int64).alias("_group")
        )
    )
    start = np.flatnonzero(np.diff(ordered["_group"].to_numpy(), prepend=-1))
    return Buckets(
        ordered[start].select(keys),
        *(ordered[name].to_numpy() for name in ("value", *COUNTS, "_good", "_poor", "_rated")),
        start,
        np.append(start[1:], ordered.height)[: start.size] - 1,
    )
