"""Percentiles and their intervals, read off the ranks of sorted groups.

All groups stand in one sorted array, one after the other, so that any number of percentiles costs one gather each.
Page views of one session are alike (same device, same network): where sessions are known, the interval is as wide as
that many independent page views would make it, which may be far fewer than there are rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from workbench.statistics import Estimate, Floats, critical_value, quantile_ranks
from workbench.vitals.thresholds import threshold_of

Codes = npt.NDArray[np.int64]


class Ranks(Protocol):
    """Groups whose quantiles can be told: of sorted values (`Ranked`) or of a histogram (`histogram.Buckets`)."""

    @property
    def keys(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def n(self) -> Codes: ...  # noqa: D102
    def quantile(self, q: float) -> Floats: ...  # noqa: D102
    def estimates(self, q: float, confidences: Sequence[float]) -> list[Estimate]: ...  # noqa: D102
    def shares(self) -> tuple[Floats, Floats]: ...  # noqa: D102


@dataclass(frozen=True)
class Ranked:
    """Groups of ascending values.

    Attributes
    ----------
    keys
        One row per group, in order.
    values
        All values, ascending inside each group, group after group.
    start, n
        Where each group begins in `values`, and how many it has (at least one).
    weights
        What each value stands for, or None when each stands for itself.
    clusters
        A code for the session of each value, or None when all are independent.
    """

    keys: pl.DataFrame
    values: Floats
    start: Codes
    n: Codes
    weights: Floats | None = None
    clusters: Codes | None = None

    def quantile(self, q: float) -> Floats:
        """Return the `q` quantile of every group, linear between ranks (weighted: between the weights' middles)."""
        return self.at_rank(1 + (self.n - 1) * q)

    def estimate(self, q: float, confidence: float = 0.95) -> Estimate:
        """Return the `q` quantile of every group with its interval; NaN where the group cannot bound it."""
        return self.estimates(q, [confidence])[0]

    def estimates(self, q: float, confidences: Sequence[float]) -> list[Estimate]:
        """Return `estimate` at several confidences."""
        value = self.quantile(q)
        independent, clusters = self._independent(q, value)
        found = []
        for confidence in confidences:
            known = independent * _students_t(clusters, confidence)
            low, high = (end / (known + 1) * (self.n + 1) for end in quantile_ranks(known, q, confidence))
            found.append(Estimate(value, self.at_rank(low), self.at_rank(high)))
        return found

    def independent(self, q: float, confidence: float = 0.95) -> Floats:
        """Return how many independent, equally weighted page views would know the quantile as well.

        Notes
        -----
        The variance of the share of values up to the quantile, linearised over sessions (ultimate clusters), gives the
        design effect; it never credits a sample with more than it has. Student's t for few sessions. Woodruff, JASA 47
        (1952); Korn and Graubard, Survey Methodology 24 (1998).
        """
        independent, clusters = self._independent(q, self.quantile(q))
        return independent * _students_t(clusters, confidence)

    def shares(self) -> tuple[Floats, Floats]:
        """Return the shares of every group's values that are good and poor; NaN for metrics without thresholds."""
        limits = self.keys.select(threshold_of("good"), threshold_of("poor"))
        good, poor = limits["good"].to_numpy(), limits["poor"].to_numpy()
        return self._share_up_to(good), 1 - self._share_up_to(poor)

    def at_rank(self, rank: Floats) -> Floats:
        """Return the value of every group at a rank counted from 1, with a fraction; NaN stays NaN."""
        place = np.clip(np.nan_to_num(rank, nan=1.0) - 1, 0, self.n - 1)
        if self.weights is not None:
            place = self._weighted_place(place / np.maximum(self.n - 1, 1))
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, self.n - 1)
        low, high = self.values[self.start + below].astype(float), self.values[self.start + above].astype(float)
        return np.where(np.isnan(rank), np.nan, low + (high - low) * (place - below))

    def _independent(self, q: float, value: Floats) -> tuple[Floats, Floats]:
        """Effective sample size before Student's t, and how many equal clusters stand behind it (infinite: exact)."""
        exact = self.n.astype(float), np.full(self.n.size, np.inf)
        if self.weights is None and self.clusters is None:
            return exact
        group = np.repeat(np.arange(self.n.size), self.n)
        weight = np.ones(self.values.size) if self.weights is None else self.weights
        whole = np.bincount(group, weight, self.n.size)
        below = (self.values <= value[group]).astype(float)
        share = np.bincount(group, weight * below, self.n.size) / whole
        off = weight * (below - share[group]) / whole[group]
        if self.clusters is None:
            clusters, squares = self.n, np.bincount(group, off**2, self.n.size)
            squared = np.bincount(group, weight**2, self.n.size)
        else:
            code, back = np.unique(group * (int(self.clusters.max(initial=0)) + 1) + self.clusters, return_inverse=True)
            of_group = np.empty(code.size, np.int64)
            of_group[back] = group
            clusters = np.bincount(of_group, minlength=self.n.size)
            squares = np.bincount(of_group, np.bincount(back, off) ** 2, self.n.size)
            squared = np.bincount(of_group, np.bincount(back, weight) ** 2, self.n.size)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = squares * clusters / (clusters - 1)
            independent = np.where(variance > 0, share * (1 - share) / variance, clusters)
        alone = (clusters == self.n) & (self.weights is None)
        sampled = np.where(clusters > 1, np.minimum(independent, self.n), 1.0)
        # clusters of unequal weight know the variance as well as fewer equal ones do
        return np.where(alone, exact[0], sampled), np.where(alone, np.inf, whole**2 / squared)

    def _share_up_to(self, limit: Floats) -> Floats:
        group = np.repeat(np.arange(self.n.size), self.n)
        weight = np.ones(self.values.size) if self.weights is None else self.weights
        inside = np.bincount(group, weight * (self.values <= limit[group]), self.n.size)
        return np.where(np.isnan(limit), np.nan, inside / np.bincount(group, weight, self.n.size))

    def _weighted_place(self, share: Floats) -> Floats:
        assert self.weights is not None
        middles = np.zeros(self.values.size)
        middles[1:] = (self.weights[1:] + self.weights[:-1]) / 2
        middles[self.start] = 0
        reached = np.cumsum(middles)
        base, end = reached[self.start], reached[self.start + self.n - 1]
        target = base + share * (end - base)
        index = np.clip(np.searchsorted(reached, target, side="right") - 1, self.start, self.start + self.n - 1)
        above = np.minimum(index + 1, self.start + self.n - 1)
        step = reached[above] - reached[index]
        inside = np.divide(target - reached[index], step, out=np.zeros(self.n.size), where=step > 0)
        return index - self.start + np.clip(inside, 0, 1)


def _students_t(clusters: Floats, confidence: float) -> Floats:
    """By how much fewer page views are known than the variance says, because few sessions know the variance badly."""
    factor, few = np.ones(clusters.size), np.isfinite(clusters)
    t = special.stdtrit(np.maximum(clusters[few] - 1, 1), 0.5 + confidence / 2)
    factor[few] = (critical_value(confidence) / t) ** 2
    return factor


def rank_values(
    frame: pl.DataFrame, keys: Sequence[str], *, weight: pl.Expr | None = None, cluster: str | None = None
) -> Ranked:
    """Sort the `value` column of a frame within its groups.

    Parameters
    ----------
    frame
        Has `keys` and `value`; null and NaN values are left out.
    weight
        What a row stands for (1 / sample rate); None when each stands for itself.
    cluster
        The column whose equal values are not independent; a null is on its own. None or an absent column: all rows are.

    Examples
    --------
    >>> ranked = rank_values(pl.DataFrame({"metric": ["a", "a", "b"], "value": [3.0, 1.0, 7.0]}), ["metric"])
    >>> ranked.keys["metric"].to_list(), ranked.quantile(0.5).tolist()
    (['a', 'b'], [2.0, 7.0])
    """
    value = pl.col("value").cast(pl.Float64)
    columns = [pl.col(key) for key in keys] + [value]
    if weight is not None:
        columns.append(weight.cast(pl.Float64).alias("_weight"))
    clustered = cluster is not None and cluster in frame.columns and frame[cluster].null_count() < frame.height
    if clustered:
        known = pl.col(cluster).cast(pl.String)
        own = pl.int_range(pl.len(), 2 * pl.len(), dtype=pl.Int64)
        columns.append(known.rank("dense").cast(pl.Int64).fill_null(own).alias("_cluster"))
    # ties by weight, so that the order of rows decides nothing
    order = [*keys, "value", *(["_weight"] if weight is not None else [])]
    ordered = frame.filter(value.is_finite()).select(columns).sort(order, nulls_last=True)
    group = ordered.select(pl.struct(keys).rle_id().cast(pl.Int64)).to_series().to_numpy()
    start = np.flatnonzero(np.diff(group, prepend=-1)) if group.size else np.empty(0, np.int64)
    return Ranked(
        ordered[start].select(keys),
        ordered["value"].to_numpy(),
        start,
        np.diff(start, append=ordered.height),
        ordered["_weight"].to_numpy() if weight is not None else None,
        ordered["_cluster"].to_numpy() if clustered else None,
    )
