"""A slice of vitals that stay where they are: percentiles from histograms, single page views from a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from workbench.case.slices import MOST_TAKEN, Slice, Taken
from workbench.case.vitals_elsewhere import OTHERS
from workbench.vitals.field_vs_lab import LAB_METRICS, field_vs_lab
from workbench.vitals.histogram import histogram_percentiles

if TYPE_CHECKING:
    from workbench.case.measured_elsewhere import MeasuredElsewhere

BY_ROUTE = ("release", "metric", "device_class", "route")


class SliceElsewhere(Slice):
    """As `Slice`; of pages too many to be told apart, the most visited ones are (`pages_told`)."""

    measured: MeasuredElsewhere

    @cached_property
    def state(self) -> pl.DataFrame:
        """Each metric and device: p50, p75 with its interval, p95, n, rating, shares."""
        loads = self.roll_up("1d").filter(navigation="load")
        return histogram_percentiles(loads, ["metric", "device_class"], min_samples=self.min_samples)

    def roll_up(self, every: str) -> pl.DataFrame:
        """Histograms by time, counted where the rows lie."""
        choice = replace(self.choice, device=None)
        counted = self.of_device(self.measured.there.roll_up(choice, every))
        self.measured.tell()
        return counted

    def loads(self) -> pl.DataFrame:
        """Histograms of page loads by release, metric, device class and route; the release is picked at home."""
        choice = replace(self.choice, device=None, release=None)
        counted = self.of_device(self.measured.there.loads(BY_ROUTE, choice, told="route"))
        self.measured.tell()
        return counted if self.choice.release is None else counted.filter(pl.col("release") == self.choice.release)

    def of_device(self, counted: pl.DataFrame) -> pl.DataFrame:
        """Keep the picked device's, or put all into one."""
        if self._mixed:
            return counted.with_columns(pl.lit("all devices").alias("device_class"))
        return counted if self.choice.device is None else counted.filter(pl.col("device_class") == self.choice.device)

    @property
    def pages_told(self) -> tuple[int, int] | None:
        """Of how many pages how many are told apart, the most visited ones; None where all are."""
        choice = replace(self.choice, device=None, release=None)
        most = None if self.choice.route else self.measured.there.most_told("route", BY_ROUTE, choice)
        return None if most is None else (most, len(self.measured.there.values("route")))

    def _by_route(self, metric: str) -> pl.DataFrame:
        counted = self.loads().filter(pl.col("metric") == metric, pl.col("route").ne_missing(pl.lit(OTHERS)))
        return histogram_percentiles(counted, ["metric", "route", "device_class"], min_samples=self.min_samples)

    def take(self, *conditions: pl.Expr, more: Sequence[str] = (), most: int = MOST_TAKEN) -> Taken:
        """Single rows that meet some conditions, of one sample of whole sessions for all that is asked."""
        frame, sample = self.measured.there.sample(self.choice)
        self.measured.tell()
        frame = frame.with_columns(pl.lit("all devices").alias("device_class")) if self._mixed else frame
        return Taken(frame.filter(*conditions) if conditions else frame, sample)

    def lab(self, *more: str) -> pl.DataFrame:
        """Field beside lab, by route and device; by what else is named only where a lab looked at the page."""
        runs, by = self.measured.case.lab_runs, ["route", "device_class", *more]
        if more:
            pages = runs["route"].drop_nulls().unique().sort().to_list()
            choice = replace(self.choice, device=None)
            only = {"metric": LAB_METRICS, "route": pages}
            counted = self.of_device(self.measured.there.loads(by, choice, only=only, told=more[0]))
            counted = counted.filter(pl.col(more[0]).ne_missing(pl.lit(OTHERS)))
        else:
            counted = self.loads().filter(pl.col("route").ne_missing(pl.lit(OTHERS)))
        return field_vs_lab(counted, runs, by, min_samples=self.min_samples, cluster=None)
