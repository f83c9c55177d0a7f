"""Vitals of one release against another."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.vitals import vitals_chart
from workbench.panels import embed
from workbench.panels.base import Panel
from workbench.panels.markup import prose, tag


@dataclass(frozen=True)
class VitalsView:
    """What changed in the vitals.

    Attributes
    ----------
    finding
        One sentence: what changed, from which release to which; `back-ticked` words are code.
    changes
        Rows of `workbench.vitals.cohorts.compare_releases` to draw, the worst first.
    method
        What was compared and how, one line.
    nothing
        What stands in the place of all that when there is nothing to compare.
    """

    finding: str
    changes: pl.DataFrame
    method: str = ""
    nothing: str = ""


class Vitals(Panel[VitalsView]):
    """The sentence, the bands, the method."""

    name = "vitals"

    def static_html(self, result: VitalsView) -> Markup:
        """Return the vitals as HTML."""
        if result.nothing:
            return tag("p", prose(result.nothing), cls="bs-empty")
        said = tag("p", prose(result.finding)) if result.finding else Markup("")
        how = tag("p", prose(result.method), cls="bs-cap") if result.method else Markup("")
        return said + embed.chart(vitals_chart(result.changes)) + how
