"""The vitals of a case whose rows stay where they are: histograms come home, and everything is read from those."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl

from connectors.exceptions import FetchError
from workbench.case.measured import Measured
from workbench.case.rollups import BY
from workbench.reduce import vitals_histogram
from workbench.vitals.cohorts import compare_releases
from workbench.vitals.histogram import histogram_percentiles, merge_histograms
from workbench.vitals.population import navigation_kind, only_navigations

if TYPE_CHECKING:
    from workbench.case.elsewhere import CaseElsewhere

COHORT = ("metric", "device_class", "route")


class MeasuredElsewhere(Measured):
    """As `Measured`, over vitals that are too many to come home: percentiles within 0.5 % of the exact ones."""

    case: CaseElsewhere

    @cached_property
    def is_held(self) -> bool:
        """True where the rows are few enough to come home."""
        return not self.case.is_big("vitals")

    @cached_property
    def rows(self) -> pl.LazyFrame:
        """The rows that count, where they are few.

        Raises
        ------
        FetchError
            They stay where they are.
        """
        if not self.is_held:
            raise FetchError(self._too_many)
        return self.frame.lazy()

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The rows that count, where they are few; `FetchError` where they stay where they are."""
        if not self.is_held:
            raise FetchError(self._too_many)
        return super().frame

    def change(self, before: str | None, after: str | None, by: Sequence[str] = COHORT) -> pl.DataFrame:
        """Compare two releases cohort by cohort; see `workbench.vitals.compare_releases`."""
        if self.is_held:
            return super().change(before, after, by)
        return compare_releases(self._by_release(before, after, tuple(by)), before, after, by)

    def histogram(self, by: Sequence[str] = COHORT) -> pl.DataFrame:
        """Count the vitals of people into log buckets where they lie, by these dimensions and `navigation_type`."""
        wanted = list(dict.fromkeys(["metric", *by, "navigation_type"]))
        counted = self._counted(self.case.people("vitals"), wanted)
        self._told(counted)
        return counted

    def percentiles(self, by: Sequence[str] = COHORT, **asked: Any) -> pl.DataFrame:
        """Percentiles of page loads by any dimensions, see `workbench.vitals.histogram_percentiles`."""
        return histogram_percentiles(only_navigations(self.histogram(by), ["load"]), by, **asked)

    def _by_release(self, before: str | None, after: str | None, by: tuple[str, ...]) -> pl.DataFrame:
        wanted = list(dict.fromkeys(["release", "metric", *COHORT, "navigation_type"]))
        if not set(by) <= set(wanted):
            return self._count_releases(before, after, [*wanted, *(name for name in by if name not in wanted)])
        if (before, after) not in self._compared:
            self._compared[before, after] = self._count_releases(before, after, wanted)
        return self._compared[before, after]

    @cached_property
    def _compared(self) -> dict[tuple[str | None, str | None], pl.DataFrame]:
        return {}

    def _count_releases(self, before: str | None, after: str | None, wanted: list[str]) -> pl.DataFrame:
        rows = self.case.people("vitals")
        if "release" in rows.collect_schema().names():
            named = [release for release in (before, after) if release is not None]
            rows = rows.filter(nw.col("release").cast(nw.String).is_in(named)) if named else rows.head(0)
        counted = self._counted(rows, wanted)
        self._told(counted)
        return counted

    def _roll_up(self, every: str) -> pl.DataFrame:
        if self.is_held:
            return super()._roll_up(every)
        rows = self.case.people("vitals").with_columns(nw.col("at").dt.truncate(every))
        counted = self._counted(rows, ["at", "metric", "device_class", "navigation_type"])
        self._told(counted)
        kind = navigation_kind().cast(pl.String)
        return merge_histograms([counted.with_columns(kind).drop("navigation_type")], by=BY)

    def _counted(self, rows: nw.LazyFrame[Any], wanted: Sequence[str]) -> pl.DataFrame:
        """Count into buckets; a dimension that the table lacks is null."""
        have = rows.collect_schema().names()
        lacking = [name for name in wanted if name not in have]
        counted = vitals_histogram(rows, [name for name in wanted if name in have])
        return counted.with_columns(pl.lit(None, pl.String).alias(name) for name in lacking)

    def _told(self, counted: pl.DataFrame) -> None:
        n = self.case.store.count("vitals", self.case.window)
        self.case.evidence.counted("vitals")
        self.case.evidence.remark(
            "vitals",
            f"{n:,} vitals stay where they are; histograms of them came home (the last of {counted.height:,} rows): "
            "percentiles within 0.5 %, page views taken as independent",
        )

    @property
    def _too_many(self) -> str:
        n = self.case.store.count("vitals", self.case.window)
        return (
            f"{n:,} vitals stay where they are, more than the {self.case.store.most_rows:,} that come home: ask "
            "case.measured.percentiles(by), or a shorter window"
        )
