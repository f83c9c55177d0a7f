"""The vitals of a case whose rows stay where they are: histograms come home, and everything is read from those."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl

from connectors.bringing_home import bring_home
from connectors.exceptions import FetchError
from workbench.case.comparison import Comparison, Pair
from workbench.case.comparison_elsewhere import ComparisonElsewhere
from workbench.case.measured import Measured
from workbench.case.slices import Choice, Slice
from workbench.case.slices_elsewhere import SliceElsewhere
from workbench.case.vitals_elsewhere import EVERYTHING, OTHERS, VitalsElsewhere
from workbench.reduce import dimension_counts
from workbench.vitals.cohorts import compare_releases
from workbench.vitals.histogram import histogram_percentiles, unusable

if TYPE_CHECKING:
    from workbench.case.elsewhere import CaseElsewhere

COHORT = ("metric", "device_class", "route")


class MeasuredElsewhere(Measured):
    """As `Measured`, over vitals that are too many to come home: percentiles within 0.5 % of the exact ones."""

    case: CaseElsewhere

    @cached_property
    def there(self) -> VitalsElsewhere:
        """The rows where they lie."""
        return VitalsElsewhere(self.case)

    @cached_property
    def is_held(self) -> bool:
        """True where the rows are few enough to come home."""
        return not self.case.is_big("vitals")

    @property
    def precision(self) -> str:
        """How exact the percentiles are, in words; empty where they are exact."""
        return "" if self.is_held else "read from histograms made where the rows lie, within 0.5 % of exact"

    @property
    def n(self) -> int:
        """How many rows the window has, those that do not count included."""
        return self.there.n

    def slice(self, choice: Choice | None = None, *, min_samples: int = 30) -> Slice:
        """Look at some of the vitals."""
        return (Slice if self.is_held else SliceElsewhere)(self, choice, min_samples=min_samples)

    def comparison(self, pairs: Sequence[Pair], choice: Choice | None = None, *, min_samples: int = 30) -> Comparison:
        """Compare releases or windows."""
        return (Comparison if self.is_held else ComparisonElsewhere)(self, pairs, choice, min_samples=min_samples)

    @cached_property
    def rows(self) -> pl.LazyFrame:
        """The rows that count, where they are few; `FetchError` where they stay where they are."""
        return self.frame.lazy()

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The rows that count, where they are few.

        Raises
        ------
        FetchError
            They stay where they are.
        """
        if not self.is_held:
            most = self.case.store.warehouse_of("vitals").most_rows
            raise FetchError(
                f"{self.n:,} vitals stay where they are, more than the {most:,} that come home: ask "
                "case.measured.percentiles(by), or a shorter window"
            )
        return super().frame

    @cached_property
    def set_aside(self) -> pl.DataFrame:
        """What does not count, and why: metric, reason, n."""
        if self.is_held:
            return super().set_aside
        aside = unusable(self.roll_up("1d"))
        if self.there.are_repeated:
            every, last = (dimension_counts(rows, ["metric"]) for rows in (self.there.people, self.there.last))
            n = (pl.col("n") - pl.col("n_last").fill_null(0)).alias("n")
            repeated = every.join(last, on="value", how="left", suffix="_last").filter(n > 0)
            reason = pl.lit("repeated").alias("reason")
            aside = pl.concat([aside, repeated.select(pl.col("value").alias("metric"), reason, n)])
        aside = aside.sort("metric", "reason")
        self._remark(aside)
        return aside

    @cached_property
    def extent(self) -> tuple[datetime | None, datetime | None]:
        """From when to when something was measured."""
        if self.is_held:
            return super().extent
        return bring_home(self.there.people.select(first=nw.col("at").min(), last=nw.col("at").max())).row(0)

    @cached_property
    def first_seen(self) -> list[str]:
        """The releases that rows name, in the order in which they were first seen."""
        if self.is_held:
            return super().first_seen
        seen = bring_home(self.there.people.group_by("release").agg(nw.col("at").min())).drop_nulls()
        return seen.sort("at", "release")["release"].to_list()

    def values(self, dimension: str, most: int = 200) -> list[str]:
        """Return the values of a dimension, those of most rows first."""
        return super().values(dimension, most) if self.is_held else self.there.values(dimension)[:most]

    def change(self, before: str | None, after: str | None, by: Sequence[str] = COHORT) -> pl.DataFrame:
        """Compare two releases cohort by cohort; see `workbench.vitals.compare_releases`."""
        if self.is_held:
            return super().change(before, after, by)
        named = {"release": [release for release in (before, after) if release is not None]}
        wanted = list(dict.fromkeys(["release", *COHORT, *by]))
        loads = self.there.loads(wanted, only=named, told="route")
        told = loads.filter(pl.col("route").ne_missing(pl.lit(OTHERS))) if "route" in by else loads
        compared = compare_releases(told, before, after, by)
        self.tell()
        return compared

    def histogram(self, by: Sequence[str] = COHORT) -> pl.DataFrame:
        """Count the vitals of people into log buckets where they lie, by these dimensions and `navigation_type`."""
        counted = self.there.histogram([*by, "navigation_type"])
        self.tell()
        return counted

    def percentiles(self, by: Sequence[str] = COHORT, **asked: Any) -> pl.DataFrame:
        """Percentiles of page loads by any dimensions, see `workbench.vitals.histogram_percentiles`."""
        told = histogram_percentiles(self.there.loads(tuple(dict.fromkeys(["metric", *by]))), by, **asked)
        self.tell()
        return told

    def _roll_up(self, every: str) -> pl.DataFrame:
        if self.is_held:
            return super()._roll_up(every)
        counted = self.there.roll_up(EVERYTHING, every)
        self.tell()
        return counted

    def tell(self) -> None:
        """Tell the ledger what stayed where it is, and what came home."""
        sample = self.there.largest_sample
        said = [
            f"{self.n:,} vitals stay where they are; histograms of them came home, {self.there.rows_home:,} rows: "
            "percentiles within 0.5 %, page views taken as independent"
        ]
        if sample is not None and sample.one_in > 1:
            said.append(
                f"for what single page views tell, a sample of {sample.taken:,} of {sample.of:,} rows came home, "
                f"those of one session in {sample.one_in:,} by a seeded hash of its id"
            )
        self.case.evidence.counted("vitals")
        doubted, n = self._doubted
        self.case.evidence.remark("vitals", "; ".join([*said, *filter(None, [doubted])]), n)

    _doubted: tuple[str, int] = ("", 0)

    def _told(self, said: str, aside: int) -> None:
        if self.is_held:
            super()._told(said, aside)
            return
        self._doubted = said, aside
        self.tell()
