"""Percentiles from log-bucket histograms: what any engine can count, and days can be added up from.

A value v of at least 1e-6 falls into bucket b = floor(ln v / ln gamma) with gamma = (1 + a) / (1 - a), and is told as
gamma^b · 2 gamma / (1 + gamma), at most a = 0.5 % away from v (DDSketch: Masson, Rim and Lee, VLDB 2019). Smaller
ones, a CLS of zero above all, have a bucket of their own that sorts first, and so has each kind of value that cannot
be counted. `workbench.reduce.vitals_histogram` makes these histograms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.exceptions import TableError
from workbench.statistics import Estimate, Floats, quantile_ranks
from workbench.vitals.percentiles import describe, group_keys
from workbench.vitals.population import limit_of, navigation_kind, only_navigations
from workbench.vitals.ranks import Codes
from workbench.vitals.thresholds import RATINGS

ALPHA = 0.005
"""Largest relative error of a value told by its bucket."""

GAMMA = (1 + ALPHA) / (1 - ALPHA)
LOG_GAMMA = math.log(GAMMA)
SMALLEST = 1e-6
ZERO = -100_000
NEGATIVE, NOT_A_NUMBER, NULL = -100_001, -100_002, -100_003
UNUSABLE = {NEGATIVE: "negative", NOT_A_NUMBER: "not a number", NULL: "null"}
COUNTS = ("n", "weight", "weight_squared")


@dataclass(frozen=True)
class Buckets:
    """Groups of ascending buckets; as `ranks.Ranked`, but of counts.

    Attributes
    ----------
    keys
        One row per group.
    values
        What each bucket's values are told as, ascending inside each group, group after group.
    counts, weights, squares
        Rows in each bucket, what they stand for, and the sum of the squares of that.
    rated
        The rating of each bucket's rows: 0 good, 1 needs improvement, 2 poor, -1 none.
    start, end
        Where each group begins, and where its last bucket is.
    """

    keys: pl.DataFrame
    values: Floats
    counts: Codes
    weights: Floats
    squares: Floats
    rated: Codes
    start: Codes
    end: Codes

    @property
    def n(self) -> Codes:
        """Rows of every group."""
        return self._sum(self.counts)

    def quantile(self, q: float) -> Floats:
        """Return the `q` quantile of every group, linear between the ranks that the buckets hold."""
        return self._at(q * (self._whole - self._step))

    def estimates(self, q: float, confidences: Sequence[float]) -> list[Estimate]:
        """Return the `q` quantile with its interval at several confidences, page views taken as independent.

        The ranks' interval, widened by the error of a bucket; the two add up as independent errors do.
        """
        value, whole, step = self.quantile(q), self._whole, self._step
        independent = np.minimum(whole**2 / self._sum(self.squares), self.n)
        error, found = ALPHA * value, []
        for confidence in confidences:
            shares = (rank / (independent + 1) for rank in quantile_ranks(independent, q, confidence))
            low, high = (self._at(share * (whole + step) - step) for share in shares)
            ends = np.maximum(value - np.hypot(value - low, error), 0), value + np.hypot(high - value, error)
            found.append(Estimate(value, *ends))
        return found

    def shares(self) -> tuple[Floats, Floats]:
        """Return the shares of every group's rows that are good and poor; NaN for metrics without thresholds."""
        good, poor, rated = (
            self._sum(self.weights * chosen) for chosen in (self.rated == 0, self.rated == 2, self.rated >= 0)
        )
        known = rated > 0
        return np.where(known, good / self._whole, np.nan), np.where(known, poor / self._whole, np.nan)

    @property
    def _whole(self) -> Floats:
        return self._sum(self.weights)

    @property
    def _step(self) -> Floats:
        return self._whole / self.n

    def _sum(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.add.reduceat(numbers, self.start) if self.start.size else numbers

    def _at(self, place: Floats) -> Floats:
        """Return the value at a place between 0 and the group's weight less one step."""
        step, last = self._step, self._whole - self._step
        reached = np.cumsum(self.weights)
        base = reached[self.start] - self.weights[self.start]
        inside = np.clip(np.nan_to_num(place), 0, last)
        below = np.floor(inside / step + 1e-9) * step
        values = [
            self.values[np.clip(np.searchsorted(reached, base + at + step / 2, side="right"), self.start, self.end)]
            for at in (below, np.minimum(below + step, last))
        ]
        return np.where(np.isnan(place), np.nan, values[0] + (values[1] - values[0]) * (inside - below) / step)


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
    rated = pl.col("rating") if "rating" in histogram.columns else pl.lit(None, pl.String)
    ordered = (
        histogram.filter(_reason().is_null())
        .group_by([*keys, "bucket", rated.alias("rating")])
        .agg(pl.col(COUNTS).sum())
        .sort([*keys, "bucket"], nulls_last=True)
        .with_columns(
            bucket_value(pl.col("bucket")).alias("value"),
            pl.struct(keys).rle_id().cast(pl.Int64).alias("_group"),
            pl.col("rating")
            .replace_strict(list(RATINGS), [0, 1, 2], default=-1, return_dtype=pl.Int64)
            .alias("_rated"),
        )
    )
    start = np.flatnonzero(np.diff(ordered["_group"].to_numpy(), prepend=-1))
    return Buckets(
        ordered[start].select(keys),
        *(ordered[name].to_numpy() for name in ("value", *COUNTS, "_rated")),
        start,
        np.append(start[1:], ordered.height)[: start.size] - 1,
    )
