"""Quantiles of groups of log buckets, with their intervals; what `ranks.Ranked` is for sorted values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from workbench.statistics import Estimate, Floats, quantile_ranks
from workbench.vitals.ranks import Codes

ALPHA = 0.005
"""Largest relative error of a value told by its bucket."""

GAMMA = (1 + ALPHA) / (1 - ALPHA)
LOG_GAMMA = math.log(GAMMA)

Told = Callable[[Codes, Floats], Floats]
"""What a bucket is told as, at a part of its weight."""


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
    good, poor, rated
        What the rows of each bucket stand for that are good, poor, of any rating.
    start, end
        Where each group begins, and where its last bucket is.
    """

    keys: pl.DataFrame
    values: Floats
    counts: Codes
    weights: Floats
    squares: Floats
    good: Floats
    poor: Floats
    rated: Floats
    start: Codes
    end: Codes

    @property
    def n(self) -> Codes:
        """Rows of every group."""
        return self._sum(self.counts)

    def quantile(self, q: float) -> Floats:
        """Return the `q` quantile of every group as its bucket is told, linear between ranks."""
        return self._at(q * (self._whole - self._step), lambda bucket, _: self.values[bucket])

    def estimates(self, q: float, confidences: Sequence[float]) -> list[Estimate]:
        """Return the `q` quantile with its interval at several confidences, page views taken as independent.

        Rows are taken as spread over their bucket, so that no end jumps from one bucket to the next: as a rule that is
        nearer to the exact value than `quantile`, but it is bound to 1 %, not to 0.5 %. The interval holds the whole
        bucket of its value, and it ends where the bucket does where both neighbours are empty: such a bucket may be
        one value, many times.
        """
        whole, step = self._whole, self._step
        independent = np.minimum(whole**2 / self._sum(self.squares), self.n)
        here, found = q * (whole - step), []
        value = self._at(here, self._spread)
        first, last = (self._at(here, edge) for edge in (self._begins, self._ends))
        for confidence in confidences:
            low, high = (
                self._at(rank / (independent + 1) * (whole + step) - step, lambda *at, edge=edge: self._end(*at, edge))
                for rank, edge in zip(
                    quantile_ranks(independent, q, confidence), (self._begins, self._ends), strict=True
                )
            )
            found.append(Estimate(value, np.minimum(low, first), np.maximum(high, last)))
        return found

    def shares(self) -> tuple[Floats, Floats]:
        """Return the shares of every group's rows that are good and poor; NaN for metrics without thresholds."""
        known = self._sum(self.rated) > 0
        good, poor = (self._sum(weights) / self._whole for weights in (self.good, self.poor))
        return np.where(known, good, np.nan), np.where(known, poor, np.nan)

    @cached_property
    def _whole(self) -> Floats:
        return self._sum(self.weights)

    @cached_property
    def _reached(self) -> Floats:
        return np.cumsum(self.weights)

    @property
    def _step(self) -> Floats:
        return self._whole / self.n

    def _sum(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.add.reduceat(numbers, self.start) if self.start.size else numbers

    def _at(self, place: Floats, told: Told) -> Floats:
        """Return what is told of a place between 0 and the group's weight less one step."""
        step, last = self._step, self._whole - self._step
        reached = self._reached
        base = reached[self.start] - self.weights[self.start]
        inside = np.clip(np.nan_to_num(place), 0, last)
        below = np.floor(inside / step + 1e-9) * step
        values = []
        for at in (below, np.minimum(below + step, last)):
            middle = base + at + step / 2
            bucket = np.clip(np.searchsorted(reached, middle, side="right"), self.start, self.end)
            values.append(told(bucket, np.clip(1 - (reached[bucket] - middle) / self.weights[bucket], 0, 1)))
        return np.where(np.isnan(place), np.nan, values[0] + (values[1] - values[0]) * (inside - below) / step)

    def _spread(self, bucket: Codes, part: Floats) -> Floats:
        """Return the value at a part of the way through a bucket."""
        return self.values[bucket] / (1 + ALPHA) * GAMMA**part

    def _begins(self, bucket: Codes, _: Floats) -> Floats:
        return self.values[bucket] * (1 - ALPHA)

    def _ends(self, bucket: Codes, _: Floats) -> Floats:
        return self.values[bucket] / (1 - ALPHA)

    def _end(self, bucket: Codes, part: Floats, edge: Told) -> Floats:
        """Return where an interval ends."""
        return np.where(self._alone[bucket], edge(bucket, part), self._spread(bucket, part))

    @cached_property
    def _alone(self) -> npt.NDArray[np.bool_]:
        """True for buckets whose neighbours are empty."""
        if not self.values.size:
            return np.zeros(0, bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.diff(np.log(self.values))
        before, after = np.append(np.inf, step), np.append(step, np.inf)
        before[self.start], after[self.end] = np.inf, np.inf
        return np.fmin(before, after) > 1.5 * LOG_GAMMA
