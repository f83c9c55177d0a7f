"""The vitals of a case: held where they are few, reduced where they lie where they are many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from connectors.stores import Window
from workbench.case.comparison import Comparison, Pair
from workbench.case.impact import crawler_sessions
from workbench.case.rollups import kept_roll_up, roll_up
from workbench.case.slices import Choice, Slice
from workbench.reduce import dimension_counts
from workbench.vitals.cohorts import compare_releases
from workbench.vitals.histogram import only_possible, unusable
from workbench.vitals.population import treat

if TYPE_CHECKING:
    from workbench.case.case import Case

MOST_HELD = 2_000_000
"""Up to so many rows are held in memory, and intervals allow for page views of one session being alike."""


class Measured:
    """What the browsers of people measured, and what of it counts.

    Parameters
    ----------
    case
        Whose vitals they are.
    most_held
        Up to how many rows are held.
    """

    def __init__(self, case: Case, most_held: int = MOST_HELD) -> None:
        self.case = case
        self.most_held = most_held

    @cached_property
    def is_held(self) -> bool:
        """True where the rows are few enough to be held in memory."""
        return self.case.evidence.rows("vitals") <= self.most_held

    @property
    def cluster(self) -> str | None:
        """What tells page views that are not independent, for intervals; None where there are too many to look."""
        return "session_id" if self.is_held else None

    @property
    def precision(self) -> str:
        """How exact the percentiles are, in words; empty where they are exact."""
        return ""

    @property
    def n(self) -> int:
        """How many rows the window has, those that do not count included."""
        return self.case.evidence.rows("vitals")

    def slice(self, choice: Choice | None = None, *, min_samples: int = 30) -> Slice:
        """Look at some of the vitals; see `workbench.case.slices.Slice`."""
        return Slice(self, choice, min_samples=min_samples)

    def comparison(self, pairs: Sequence[Pair], choice: Choice | None = None, *, min_samples: int = 30) -> Comparison:
        """Compare releases or windows; see `workbench.case.comparison.Comparison`."""
        return Comparison(self, pairs, choice, min_samples=min_samples)

    @cached_property
    def rows(self) -> pl.LazyFrame:
        """The rows to reduce, lazily; those of a lake still hold impossible values, which every room leaves out."""
        return self.frame.lazy() if self.is_held else self._of_people(self.case.evidence.scan("vitals"))

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All rows that count, in memory. What was set aside is in `set_aside` and in the case's ledger."""
        treated = treat(self._of_people(self.case.evidence.table("vitals").lazy()).collect())
        self._aside = treated.set_aside.select("metric", "reason", "n")
        self._remark(self._aside)
        return treated.vitals

    @cached_property
    def set_aside(self) -> pl.DataFrame:
        """What does not count, and why: metric, reason, n."""
        if self.is_held:
            assert self.frame is not None
            return self._aside
        counted = unusable(self.roll_up("1d"))
        self._remark(counted)
        return counted

    @cached_property
    def navigations(self) -> pl.DataFrame:
        """Page loads, and what is never mixed with them unasked: metric, navigation, n."""
        counted = only_possible(self.roll_up("1d")).group_by("metric", "navigation").agg(pl.col("n").sum())
        return counted.sort("metric", "navigation")

    @cached_property
    def extent(self) -> tuple[datetime | None, datetime | None]:
        """From when to when something was measured."""
        at = pl.col("at")
        return self.rows.select(at.min(), at.max().alias("last")).collect().row(0)

    @cached_property
    def first_seen(self) -> list[str]:
        """The releases that rows name, in the order in which they were first seen."""
        seen = self.rows.group_by("release").agg(pl.col("at").min()).collect().drop_nulls()
        return seen.sort("at", "release")["release"].cast(pl.String).to_list()

    def values(self, dimension: str, most: int = 200) -> list[str]:
        """Return the values of a dimension, those of most rows first."""
        if dimension not in self._values:
            told = dimension_counts(self.rows, [dimension])["value"].drop_nulls()
            self._values[dimension] = told.to_list()
        return self._values[dimension][:most]

    @cached_property
    def _values(self) -> dict[str, list[str]]:
        return {}

    def change(
        self, before: str | None, after: str | None, by: Sequence[str] = ("metric", "device_class", "route")
    ) -> pl.DataFrame:
        """Compare two releases cohort by cohort; see `workbench.vitals.compare_releases`."""
        return compare_releases(self.rows, before, after, by, cluster=self.cluster)

    def roll_up(self, every: str) -> pl.DataFrame:
        """Histograms by time ("1h" or "1d"), metric, device class and navigation; a lake's days are kept."""
        if every not in self._rolled:
            self._rolled[every] = self._roll_up(every)
        return self._rolled[every]

    @cached_property
    def _rolled(self) -> dict[str, pl.DataFrame]:
        return {}

    def _roll_up(self, every: str) -> pl.DataFrame:
        if self.is_held:
            return roll_up(self.rows, every)
        store = self.case.store
        return kept_roll_up(
            store,
            lambda window: self._of_people(store.scan("vitals", window)),
            self.case.window,
            every,
            apart=lambda day: [self.case.release or "", *self._crawlers_of(day)],
        )

    @cached_property
    def _crawlers(self) -> pl.DataFrame:
        return crawler_sessions(self.case.evidence.scan("sessions"))

    def _crawlers_of(self, day: Window) -> pl.Series:
        last_seen = pl.max_horizontal("started_at", "ended_at")
        return self._crawlers.filter(pl.col("started_at") < day.end, last_seen >= day.start)["session_id"]

    def _of_people(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        if release := self.case.release:
            rows = rows.filter(pl.col("release").cast(pl.String).str.contains(release, literal=True))
        if self._crawlers.is_empty():
            return rows
        return rows.filter(
            ~pl.col("session_id").cast(pl.String).is_in(self._crawlers["session_id"].implode()).fill_null(False)
        )

    def _remark(self, aside: pl.DataFrame) -> None:
        """Tell the ledger what does not count, with its reasons, metric by metric."""
        if aside.is_empty():
            return
        told = [
            f"{metric} {', '.join(f'{n:,} {reason}' for reason, n in rows.select('reason', 'n').iter_rows())}"
            for (metric,), rows in aside.group_by("metric", maintain_order=True)
        ]
        n = int(aside["n"].sum())
        self._told(f"{n:,} values do not count: {'; '.join(told)}", n)

    def _told(self, said: str, aside: int) -> None:
        self.case.evidence.remark("vitals", said, aside)
