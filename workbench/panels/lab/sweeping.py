"""Thresholds swept: precision against recall, the value in force, the best, and what it gives on days held out."""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets
import polars as pl
from markupsafe import Markup

from workbench.charts.labels import plural
from workbench.charts.tradeoff import tradeoff_chart
from workbench.errors.sweep import JOIN_AT, Sweep, numbers, sweep
from workbench.panels import embed
from workbench.panels.base import Panel
from workbench.panels.lab.bench import Bench
from workbench.panels.markup import prose, tag
from workbench.panels.replay import View
from workbench.panels.turns import in_turn

STEPS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0)
_FEW = 3


@dataclass(frozen=True)
class SweepView:
    """A sweep, and what judged it."""

    swept: Sweep
    judge: str
    n_bugs: int


def sweep_view(bench: Bench, parameter: str = JOIN_AT) -> SweepView:
    """Sweep a threshold from nothing to three times what is in force."""
    judge, truth = bench.truth
    prepared = bench.trial.prepared
    of_event = prepared.distinct.of_event.join(
        prepared.errors.select("error_id", "shape_id"), on="error_id", how="left", maintain_order="left"
    ).join(truth, on="shape_id", how="left", maintain_order="left")
    current = numbers()[parameter]
    swept = sweep(
        prepared,
        of_event["truth"],
        [round(step * current, 3) for step in STEPS],
        parameter=parameter,
        rules=bench.good[0],
        spans=bench.case.spans,
        releases=bench.case.releases,
    )
    return SweepView(swept, judge, truth["truth"].n_unique())


class Sweeping(Panel[SweepView]):
    """The curve of a threshold; in the lab it is drawn when asked for."""

    name = "sweep"

    def __init__(self, bench: Bench) -> None:
        super().__init__(lambda: sweep_view(bench))
        self.bench = bench

    def static_html(self, result: SweepView) -> Markup:
        """Return the sentence and the curve."""
        swept = result.swept
        curve = (
            swept.table.group_by("value").agg(pl.col("pair_precision", "pair_recall", "pair_f1").mean()).sort("value")
        )
        drawn = tradeoff_chart(
            curve, name=swept.parameter, current=swept.current, chosen=swept.chosen, folds=swept.table
        )
        if curve.is_empty():
            return embed.chart(drawn)
        if curve.select("pair_precision", "pair_recall").unique().height == 1:
            low, high = curve["value"][0], curve["value"][-1]
            drawn = f"Every value from {low:g} to {high:g} gives the same bugs on these {swept.folds.split(' of ')[0]}."
        judged = f"Bugs against {result.judge} ({plural(result.n_bugs, 'group')}), over {swept.folds}, each by itself."
        drawn_how = f"Blue: the mean; grey: each of the {swept.folds.split(' of ')[0]}."
        how = " ".join(filter(None, (judged, _caution(result), drawn_how)))
        return tag("p", prose(_finding(result))) + embed.chart(drawn) + tag("p", prose(how), cls="bs-cap")

    def widget(self) -> ipywidgets.Widget:
        """Return a picker of the threshold, a button, and the curve."""
        which = ipywidgets.Dropdown(options=list(numbers()), value=JOIN_AT, description="Threshold")
        draw, view = ipywidgets.Button(description="Sweep"), View()

        def swept() -> Markup:
            return tag("section", self.static_html(sweep_view(self.bench, which.value)), cls="bs bs-sweep")

        @in_turn
        def on_click(_: object) -> None:
            draw.disabled = True
            view.draw(swept)
            draw.disabled = False

        draw.on_click(on_click)
        return ipywidgets.VBox([ipywidgets.HBox([which, draw]), view])


def _finding(result: SweepView) -> str:
    swept = result.swept
    if swept.table.select("pair_precision", "pair_recall", "fold").unique().height == swept.table["fold"].n_unique():
        return f"`{swept.parameter}` makes no difference to what is known of these events; it is {swept.current:g}."
    if swept.held_out is None:
        little = "too little is known to choose a value and to judge it on other days"
        return f"`{swept.parameter}` is {swept.current:g}; {little}."
    best = (
        f"`{swept.parameter}` = {swept.current:g}, as it is in force, is the best value"
        if swept.chosen == swept.current
        else f"`{swept.parameter}` = {swept.chosen:g} would be better than {swept.current:g}, which is in force"
    )
    held = f"{swept.held_out:.2f} ({swept.low:.2f} to {swept.high:.2f})"
    return f"{best}; chosen without the days that it is judged on, pair F1 is {held}."


def _caution(result: SweepView) -> str:
    said = []
    if result.judge != "labels":
        said.append(
            "A tracker's issues know nothing of bugs that show in several places: joining such counts as wrong here."
        )
    folds = result.swept.table["fold"].n_unique()
    if folds < _FEW or result.n_bugs < 2 * _FEW:
        said.append(f"{plural(result.n_bugs, 'group')} on {plural(folds, 'fold')} are few; take it as a hint.")
    return " ".join(said)
