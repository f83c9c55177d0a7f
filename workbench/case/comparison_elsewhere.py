"""Before and after over vitals that stay where they are: both sides are histograms of all page loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from connectors.stores import Window
from workbench.case.comparison import Comparison, Side
from workbench.case.slices import WHOLE, Sample
from workbench.case.slices_elsewhere import BY_ROUTE, SliceElsewhere
from workbench.case.vitals_elsewhere import OTHERS
from workbench.vitals.mix import STRATA

if TYPE_CHECKING:
    from workbench.case.measured_elsewhere import MeasuredElsewhere


class ComparisonElsewhere(Comparison):
    """As `Comparison`; mixes too are told from all page loads, regions too many to be told apart as one."""

    measured: MeasuredElsewhere
    slice: SliceElsewhere

    def _all(self, by: Sequence[str]) -> pl.LazyFrame:
        counted = self.slice.loads().lazy()
        return counted.filter(pl.col("route").ne_missing(pl.lit(OTHERS))) if "route" in by else counted

    def _rows(self, side: Side, by: Sequence[str] = ()) -> pl.LazyFrame:
        if not isinstance(side, Window):
            return self._all(by).filter(pl.col("release") == side)
        counted = self._loads(BY_ROUTE, "route", side).lazy()
        return counted.filter(pl.col("route").ne_missing(pl.lit(OTHERS))) if "route" in by else counted

    def _visitors(self, side: Side) -> tuple[pl.DataFrame, Sample]:
        by = ("release", "metric", *STRATA)
        if isinstance(side, Window):
            return self._loads(by, "region", side), WHOLE
        return self._loads(by, "region").filter(pl.col("release") == side), WHOLE

    def _loads(self, by: Sequence[str], told: str, window: Window | None = None) -> pl.DataFrame:
        choice = replace(self.slice.choice, device=None)
        return self.slice.of_device(self.measured.there.loads(tuple(by), choice, window=window, told=told))
