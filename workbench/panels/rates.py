"""Errors over time, with deploys and the first word from support."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.rates import rates_chart
from workbench.panels import embed
from workbench.panels.base import Panel
from workbench.panels.markup import prose, tag


@dataclass(frozen=True)
class RatesView:
    """Errors over time.

    Attributes
    ----------
    rates
        `at` (start of a stretch, UTC), `errors` (not noise), optionally `noise`; one row a stretch, empty ones too.
    marks
        `at`, `label`, `kind` (deploy, support, alert).
    method
        What a stretch is and what is counted, one line.
    """

    rates: pl.DataFrame
    marks: pl.DataFrame
    method: str = ""


class Rates(Panel[RatesView]):
    """The chart of errors over time."""

    name = "rates"

    def static_html(self, result: RatesView) -> Markup:
        """Return the chart as HTML."""
        drawn = rates_chart(result.rates, result.marks)
        if isinstance(drawn, str):
            return embed.chart(drawn)
        said = tag("p", prose(result.method), cls="bs-cap") if result.method else Markup("")
        return embed.chart(drawn) + said
