"""From raw errors to the bugs behind them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.funnel import funnel_chart
from workbench.panels import embed
from workbench.panels.base import Panel
from workbench.panels.markup import prose, tag


@dataclass(frozen=True)
class FunnelView:
    """The funnel.

    Attributes
    ----------
    stages
        `stage`, `n`: raw errors, after noise, shapes, issues, bugs, in order, in words.
    noise
        `noise_class`, `n`: what was set aside.
    method
        How it was done, one line.
    """

    stages: pl.DataFrame
    noise: pl.DataFrame
    method: str = "Bars are as long as the square root of their counts, so that the few stay visible beside the many."


class Funnel(Panel[FunnelView]):
    """The funnel chart with its method."""

    name = "funnel"

    def static_html(self, result: FunnelView) -> Markup:
        """Return the funnel as HTML."""
        drawn = funnel_chart(result.stages, result.noise)
        how = Markup("") if isinstance(drawn, str) else tag("p", prose(result.method), cls="bs-cap")
        return embed.chart(drawn) + how
