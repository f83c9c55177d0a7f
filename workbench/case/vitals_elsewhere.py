"""Vitals where they lie: histograms of any choice of them, and samples of whole sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl

from connectors.stores import Window
from connectors.tables import VITALS
from connectors.warehouse_relations import in_window
from connectors.warehouse_slices import of_sessions
from workbench.case.repeated import are_repeated, last_reports
from workbench.case.rollups import BY
from workbench.case.slices import MOST_TAKEN, Choice, Sample, Taken
from workbench.reduce import dimension_counts, vitals_histogram
from workbench.vitals.histogram import merge_histograms
from workbench.vitals.population import navigation_kind, treat

if TYPE_CHECKING:
    from workbench.case.elsewhere import CaseElsewhere

Frame = nw.LazyFrame[Any]
EVERYTHING = Choice()

MOST_GROUPS, FEWEST = 10_000, 12
"""About so many groups a histogram may have, some hundred rows each; so many values of a dimension at least."""

OTHERS = "(others)"
"""What the values of a dimension are put together as that are too many to be told apart, those of the fewest rows."""


class VitalsElsewhere:
    """The vitals of people, of which only what is counted or sampled comes home; each pass is made once.

    Parameters
    ----------
    case
        Whose vitals they are.
    """

    def __init__(self, case: CaseElsewhere) -> None:
        self.case = case
        self.rows_home = 0
        self.largest_sample: Sample | None = None
        self._values: dict[str, list[str]] = {}
        self._histograms: dict[Any, pl.DataFrame] = {}
        self._samples: dict[Choice, Taken] = {}

    @cached_property
    def n(self) -> int:
        """How many rows the window has, those that do not count included."""
        return int(self.case.store.count("vitals", self.case.window))

    @cached_property
    def people(self) -> Frame:
        """The rows of people, repeated reports included."""
        return self.case.people("vitals")

    @cached_property
    def are_repeated(self) -> bool:
        """Whether page views report a metric more than once."""
        return are_repeated(self.people, self.n)

    @cached_property
    def last(self) -> Frame:
        """The rows of people without repeated reports: what histograms are made of."""
        return last_reports(self.people) if self.are_repeated else self.people

    def has(self, name: str) -> bool:
        """Say whether the table has a column."""
        return name in self._columns

    @cached_property
    def _columns(self) -> list[str]:
        names: list[str] = self.people.collect_schema().names()
        return names

    def values(self, name: str) -> list[str]:
        """Return the values of a dimension, those of most rows first."""
        if name not in self._values:
            told = dimension_counts(self.people, [name])["value"].drop_nulls().to_list() if self.has(name) else []
            self._values[name] = told
        return self._values[name]

    def histogram(self, by: Sequence[str], rows: Frame | None = None) -> pl.DataFrame:
        """Count rows into log buckets by `metric` and some dimensions; one that the table lacks is null."""
        wanted = list(dict.fromkeys(["metric", *by]))
        rows = self.last if rows is None else rows
        lacking = [pl.lit(None, pl.String).alias(name) for name in wanted if not self.has(name)]
        counted = vitals_histogram(rows, [name for name in wanted if self.has(name)]).with_columns(lacking)
        self.rows_home += counted.height
        return counted

    def roll_up(self, choice: Choice, every: str) -> pl.DataFrame:
        """Histograms of a choice by time ("1h" or "1d"), metric, device class and kind of navigation."""
        key = choice, every
        if key not in self._histograms:
            rows = self._of(self.last, choice).with_columns(nw.col("at").dt.truncate(every))
            counted = self.histogram(["at", "metric", "device_class", "navigation_type"], rows)
            kind = navigation_kind().cast(pl.String)
            merged = merge_histograms([counted.with_columns(kind).drop("navigation_type")], by=BY)
            self._histograms[key] = merged.cast({"at": VITALS.schema["at"]})
        return self._histograms[key]

    def loads(
        self,
        by: Sequence[str],
        choice: Choice = EVERYTHING,
        *,
        window: Window | None = None,
        only: Mapping[str, Sequence[str]] | None = None,
        told: str | None = None,
    ) -> pl.DataFrame:
        """Histograms of page loads.

        Parameters
        ----------
        by
            Dimensions beside the metric.
        choice, window
            Which rows.
        only
            Dimensions that are held to some values.
        told
            The dimension whose values of fewest rows are put together as `OTHERS` where there are too many, see
            `most_told`.
        """
        held = {name: tuple(values) for name, values in (only or {}).items()}
        key = tuple(by), choice, window, tuple(held.items()), told
        if key not in self._histograms:
            rows = self._of(self.last, choice, window)
            for name, values in {**held, "navigation_type": self._loads}.items():
                if self.has(name):
                    kept = nw.col(name).cast(nw.String).is_in(list(values)) if values else nw.lit(False)
                    rows = rows.filter(kept | nw.col(name).is_null() if name == "navigation_type" else kept)
            most = None if told is None else self.most_told(told, by, choice, held)
            if told is not None and most is not None:
                value = nw.col(told).cast(nw.String)
                is_told = value.is_in(self.values(told)[:most]) | value.is_null()
                rows = rows.with_columns(nw.when(is_told).then(value).otherwise(nw.lit(OTHERS)).alias(told))
            self._histograms[key] = self.histogram(by, rows)
        return self._histograms[key]

    def most_told(
        self, name: str, by: Sequence[str], choice: Choice, only: Mapping[str, Sequence[str]] | None = None
    ) -> int | None:
        """Say how many values of a dimension are told apart, those of most rows; None where all are."""
        fixed = {**choice.dimensions(), name: ""}
        among = [len((only or {}).get(other) or self.values(other)) for other in ("metric", *by) if other not in fixed]
        most = max(FEWEST, MOST_GROUPS // prod(max(1, n) for n in among))
        return most if len(self.values(name)) > most else None

    def sample(self, choice: Choice) -> Taken:
        """Rows of a choice that count, at home: all of few, of many those of one session in k, whole page views."""
        if choice not in self._samples:
            n = int(self.roll_up(replace(choice, device=None), "1d").filter(_of_device(choice))["n"].sum())
            one_in = max(1, -(-n // MOST_TAKEN))
            home = self.case.store.home("vitals", of_sessions(self._of(self.people, choice), one_in))
            taken = Taken(treat(home).vitals, Sample(one_in, home.height, n))
            if self.largest_sample is None or home.height > self.largest_sample.taken:
                self.largest_sample = taken.sample
            # the newest ones stay: a choice is looked at from several sides before the next one is made
            self._samples = dict([*self._samples.items(), (choice, taken)][-2:])
        return self._samples[choice]

    @cached_property
    def _loads(self) -> list[str]:
        types = pl.DataFrame({"navigation_type": self.values("navigation_type")}, {"navigation_type": pl.String})
        return ["navigate", *types.filter(navigation_kind() == "load")["navigation_type"]]

    def _of(self, rows: Frame, choice: Choice, window: Window | None = None) -> Frame:
        for name, value in choice.dimensions().items():
            kept = nw.col(name).cast(nw.String) == value if self.has(name) else nw.lit(False)
            rows = rows.filter(kept)
        return rows if window is None else in_window(rows, VITALS, window)


def _of_device(choice: Choice) -> pl.Expr:
    device = choice.dimensions().get("device_class")
    return pl.lit(True) if device is None else pl.col("device_class") == pl.lit(device)
