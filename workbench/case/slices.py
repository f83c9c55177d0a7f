"""Some of a case's vitals, looked at from every side: the pages, devices and regions that somebody picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import polars_hash as plh

from connectors.exceptions import ParameterError
from workbench.case.rollups import roll_up
from workbench.contrast import contrast, contrast_numbers
from workbench.vitals.attribution import culprits, phases
from workbench.vitals.censoring import find_censoring
from workbench.vitals.field_vs_lab import field_vs_lab
from workbench.vitals.histogram import histogram_percentiles, merge_histograms
from workbench.vitals.percentiles import vitals_percentiles
from workbench.vitals.population import only_navigations
from workbench.vitals.thresholds import thresholds

if TYPE_CHECKING:
    from workbench.case.measured import Measured

DIMENSIONS = ("device_class", "route", "region", "browser", "connection", "release")
MIXED = "mixed"
"""Chosen as a device: phones and desktops in one number, for whoever asks for it."""

MOST_TAKEN = 300_000
"""Where single page views are looked at, rows of so many at most: of more, those of one session in k."""

MOST_BLAMED = 100_000
"""Of so many rows attributions are read: each is a document of its own."""

WHO = ("at", "page_view_id", "session_id", "metric", "value", "navigation_type", "sample_rate")

HOURS = ("1h", "2h", "3h", "6h", "12h", "1d")
FINE_DAYS = 4


@dataclass(frozen=True)
class Choice:
    """What somebody picked; None is all, and for devices all of them, each apart."""

    device: str | None = None
    route: str | None = None
    region: str | None = None
    browser: str | None = None
    connection: str | None = None
    release: str | None = None

    def dimensions(self) -> dict[str, str]:
        """Return the dimensions that are held to one value."""
        device = None if self.device == MIXED else self.device
        picked = {"device_class": device, **{name: getattr(self, name) for name in DIMENSIONS[1:]}}
        return {name: value for name, value in picked.items() if value is not None}


class Sample(NamedTuple):
    """How many rows were looked at: `taken` of `of`, those of one session in `one_in`; 1 is all of them."""

    one_in: int
    taken: int
    of: int


WHOLE = Sample(1, 0, 0)
"""Every row was looked at."""


class Taken(NamedTuple):
    """Rows in memory, and whether these are all."""

    frame: pl.DataFrame
    sample: Sample


class Slow(NamedTuple):
    """What slow page views have in common: who counts as slow, how many, the values and the numbers that differ."""

    means: str
    n_slow: int
    n: int
    values: pl.DataFrame
    numbers: pl.DataFrame
    sample: Sample


class Behind(NamedTuple):
    """What is behind a metric that is not good: who is blamed, in which phase the time went, of how many rows."""

    blamed: pl.DataFrame
    phases: pl.DataFrame
    sample: Sample


def take(rows: pl.LazyFrame, most: int = MOST_TAKEN) -> Taken:
    """Collect rows, or where there are more than `most` those of one session in k, by a hash of its id.

    The sessions of a smaller sample are among those of a larger one, so that two samples have page views in common.

    Examples
    --------
    >>> rows = pl.LazyFrame({"session_id": [str(i) for i in range(1000)]})
    >>> taken = take(rows, most=100)
    >>> taken.sample
    Sample(one_in=10, taken=107, of=1000)
    """
    n = rows.select(pl.len()).collect().item()
    one_in = -(-n // most)
    if one_in <= 1:
        return Taken(rows.collect(), Sample(1, n, n))
    have = rows.collect_schema().names()
    ids = [pl.col(name).cast(pl.String) for name in ("session_id", "page_view_id", "at") if name in have]
    session = plh.col("_id").nchash.xxh3_64()
    frame = rows.with_columns(pl.coalesce(ids).alias("_id")).filter(session < 2**64 // one_in).drop("_id").collect()
    return Taken(frame, Sample(one_in, frame.height, n))


class Slice:
    """The vitals of a choice. Every table is computed when first looked at, and once.

    Parameters
    ----------
    measured
        The vitals of a case.
    choice
        Which of them.
    min_samples
        Fewest page views of a group that get a percentile.
    """

    def __init__(self, measured: Measured, choice: Choice | None = None, *, min_samples: int = 30) -> None:
        self.measured = measured
        self.choice = choice or Choice()
        self.min_samples = min_samples

    @cached_property
    def rows(self) -> pl.LazyFrame:
        """The rows of the choice, of all metrics."""
        rows = self.measured.rows
        for name, value in self.choice.dimensions().items():
            rows = rows.filter(pl.col(name) == pl.lit(value))
        return rows.with_columns(pl.lit("all devices").alias("device_class")) if self._mixed else rows

    @property
    def _mixed(self) -> bool:
        return self.choice.device == MIXED

    @cached_property
    def state(self) -> pl.DataFrame:
        """Each metric and device: p50, p75 with its interval, p95, n, rating, shares."""
        return self._percentiles(self.rows, ["metric", "device_class"])

    @property
    def pages_told(self) -> tuple[int, int] | None:
        """Of how many pages how many are told apart, the most visited ones; None where all are."""
        return None

    def routes(self, metric: str) -> pl.DataFrame:
        """The same for each route of a metric, most page views first."""
        of_metric = self._by_route(metric)
        return of_metric.sort(pl.col("n").sum().over("route"), "route", "device_class", descending=[True, False, False])

    def _by_route(self, metric: str) -> pl.DataFrame:
        of_metric = self.rows.filter(pl.col("metric") == pl.lit(metric))
        return self._percentiles(of_metric, ["metric", "route", "device_class"])

    def _percentiles(self, rows: pl.LazyFrame, by: Sequence[str]) -> pl.DataFrame:
        return vitals_percentiles(rows, by, min_samples=self.min_samples, cluster=self.measured.cluster)

    def roll_up(self, every: str) -> pl.DataFrame:
        """Histograms by time: the case's kept roll-ups where only a device is picked, else counted from the rows."""
        if set(self.choice.dimensions()) - {"device_class"}:
            return roll_up(self.rows, every)
        kept = self.measured.roll_up(every)
        if self._mixed:
            return merge_histograms([kept.with_columns(pl.lit("all devices").alias("device_class"))])
        return kept if self.choice.device is None else kept.filter(pl.col("device_class") == self.choice.device)

    @cached_property
    def _loads(self) -> tuple[str, pl.DataFrame]:
        """Page loads by hour where the window is a few days, else by day."""
        days = self.roll_up("1d")
        span = days["at"].n_unique()
        every, counted = ("1d", days) if span > FINE_DAYS else ("1h", self.roll_up("1h"))
        return every, counted.filter(navigation="load")

    def histogram(self, metric: str) -> pl.DataFrame:
        """The metric's histogram by device."""
        counted = self._loads[1].filter(metric=metric)
        return merge_histograms([counted], by=["metric", "device_class"])

    def trend(self, metric: str) -> tuple[str, pl.DataFrame]:
        """The p75 over time by device, read from the roll-ups, and how long a stretch of it is.

        Of hours as many make a stretch as it takes for most page views to lie in one that has `min_samples`.
        """
        every, counted = self._loads
        counted = counted.filter(metric=metric)
        for step in HOURS if every == "1h" else ("1d", "1w"):
            told = histogram_percentiles(
                counted.with_columns(pl.col("at").dt.truncate(step)),
                ["at", "metric", "device_class"],
                percentiles=[75],
                min_samples=self.min_samples,
            )
            enough = told.filter(pl.col("n") >= self.min_samples)["n"].sum()
            if enough >= 0.8 * max(1, told["n"].sum()):
                break
        return step, told.sort("device_class", "at")

    def take(self, *conditions: pl.Expr, more: Sequence[str] = (), most: int = MOST_TAKEN) -> Taken:
        """Single rows that meet some conditions, in memory; of too many, those of some sessions.

        They have what tells rows apart, the dimensions, and the columns named in `more`.
        """
        have = self.rows.collect_schema().names()
        known = [name for name in (*WHO, *DIMENSIONS, *more) if name in have]
        return take(self.rows.filter(*conditions).select(known), most)

    def slow(self, metric: str) -> Slow:
        """Contrast the slow page views of a metric with the others, one of each session: they are independent so."""
        taken = self.take(pl.col("metric") == pl.lit(metric))
        views = only_navigations(taken.frame, ("load",)).filter(pl.col("value").is_finite())
        views = views.sort(plh.col("page_view_id").cast(pl.String).nchash.xxh3_64(), nulls_last=True)
        named = pl.col("session_id").is_not_null()
        views = pl.concat(
            [views.filter(named).unique("session_id", keep="first", maintain_order=True), views.filter(~named)]
        )
        limit, means = _slow_from(views, metric)
        slow = (views["value"] > limit) if limit is not None else pl.Series("value", [False] * views.height, pl.Boolean)
        others = self.take(pl.col("metric") != pl.lit(metric)).frame
        numbers, wide = _numbers(views, others)
        held = [name for name in DIMENSIONS if views[name].n_unique() > 1]
        return Slow(means, int(slow.sum()), views.height, contrast(views, slow, held),
                    contrast_numbers(wide, slow, numbers), taken.sample)  # fmt: skip

    def behind(self, metric: str) -> Behind:
        """Who is blamed for what was not good, and in which phase its time went, by device."""
        limit = thresholds()[metric].good if metric in thresholds() else 0.0
        is_bad = pl.col("metric") == pl.lit(metric), pl.col("value") > limit
        bad, sample = self.take(*is_bad, more=["attribution"], most=MOST_BLAMED)
        return Behind(culprits(bad, ["device_class"]), phases(bad, ["device_class"]), sample)

    def lab(self, *more: str) -> pl.DataFrame:
        """Field beside lab, by route, device and what else is named."""
        runs = self.measured.case.lab_runs
        return field_vs_lab(
            self.rows, runs, ["route", "device_class", *more], min_samples=self.min_samples,
            cluster=self.measured.cluster,
        )  # fmt: skip

    @cached_property
    def censored(self) -> Taken:
        """Groups whose values end at a wall or lack the good ones, by metric, device and release."""
        rows, sample = self.take()
        return Taken(find_censoring(rows, ["metric", "device_class", "release"]), sample)

    def check(self) -> None:
        """Say which values there are when a picked one is not among them.

        Raises
        ------
        ParameterError
            No row has a picked value.
        """
        for name, value in self.choice.dimensions().items():
            there = self.measured.values(name)
            if value not in there:
                said = {"device_class": "device"}.get(name, name)
                raise ParameterError(f"no page view has {said} {value!r}; there are: {', '.join(there) or 'none'}")


def _slow_from(views: pl.DataFrame, metric: str) -> tuple[float | None, str]:
    """From which value on a page view is slow: above good, or where that is rare or usual the slowest quarter."""
    if views.is_empty():
        return None, "slow"
    rule = thresholds().get(metric)
    if rule is not None:
        share = (views["value"] > rule.good).mean() or 0.0
        if 0.02 <= share <= 0.6:
            return rule.good, "not good"
    quarter = views["value"].quantile(0.75, interpolation="linear")
    return quarter, "the slowest quarter"


def _numbers(views: pl.DataFrame, others: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """Put the other metrics of the same page view, and the hour of the day, beside each page view."""
    wide = views.with_columns(pl.col("at").dt.hour().alias("hour of the day (UTC)"))
    names = ["hour of the day (UTC)"]
    known = only_navigations(others, ("load",)).filter(pl.col("page_view_id").is_not_null())
    for metric in sorted(known["metric"].cast(pl.String).unique()):
        of_view = (
            known.filter(pl.col("metric") == metric).group_by("page_view_id").agg(pl.col("value").max().alias(metric))
        )
        wide, names = wide.join(of_view, on="page_view_id", how="left", maintain_order="left"), [*names, metric]
    return names, wide
