"""Rules for the worst merges and splits, tried before they are made; one click puts one into the editor."""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets
import polars as pl
from markupsafe import Markup

from workbench.charts.labels import count
from workbench.errors.suggest import suggest
from workbench.panels.base import Panel
from workbench.panels.lab.bench import Bench
from workbench.panels.markup import Column, prose, table, tag
from workbench.panels.replay import View
from workbench.panels.turns import in_turn


@dataclass(frozen=True)
class SuggestionsView:
    """What `suggest` found, and what judged it."""

    found: pl.DataFrame
    judge: str


def suggestions_view(bench: Bench) -> SuggestionsView:
    """Look for rules that mend the worst merges and splits under the rules at work."""
    judge, truth = bench.truth
    return SuggestionsView(suggest(bench.trial, bench.good[0], truth), judge)


class Suggestions(Panel[SuggestionsView]):
    """One row a suggested rule."""

    name = "suggestions"

    def __init__(self, bench: Bench) -> None:
        super().__init__(lambda: suggestions_view(bench))
        self.bench = bench

    def static_html(self, result: SuggestionsView) -> Markup:
        """Return the table of rules."""
        if result.found.is_empty():
            return tag("p", f"No rule was found that would bring the issues nearer to {result.judge}.", cls="bs-empty")
        rows = [
            [
                prose(row["what"]) + tag("div", tag("code", row["rule"]), cls="bs-wrap"),
                tag("span", f"+{row['gain']:.3f}", cls="bs-nowrap"),
                f"{row['pair_precision']:.3f}",
                f"{row['pair_recall']:.3f}",
                count(row["splits"]),
                count(row["merges"]),
                count(row["n_events"]),
            ]
            for row in result.found.iter_rows(named=True)
        ]
        heads = ("F1", "Precision then", "Recall then", "Splits", "Merges", "Events")
        return table([Column("Rule", wide=True), *(Column(head, number=True) for head in heads)], rows) + tag(
            "p", f"Judged by {result.judge}, each rule tried alone before the rules at work.", cls="bs-cap"
        )

    def widget(self) -> ipywidgets.Widget:
        """Return a button that looks for rules, and a button a rule."""
        look, view, picks = ipywidgets.Button(description="Suggest rules"), View(), ipywidgets.VBox([])

        def suggested() -> Markup:
            result = self.compute()
            picks.children = [self._pick(rule) for rule in result.found["rule"].to_list()]
            return tag("section", self.static_html(result), cls="bs bs-suggestions")

        @in_turn
        def on_click(_: object) -> None:
            look.disabled = True
            view.draw(suggested)
            look.disabled = False

        look.on_click(on_click)
        box = ipywidgets.VBox([look, view, picks])
        box.add_class("bs-lab-suggestions")
        return box

    def _pick(self, rule: str) -> ipywidgets.Widget:
        button = ipywidgets.Button(description="Put into the editor", tooltip=rule)
        button.layout.width = "150px"
        button.on_click(in_turn(lambda _: self.bench.edit(text=f"{rule}\n{self.bench.text}")))
        said = ipywidgets.Label(rule if len(rule) < 110 else f"{rule[:109]}…")
        return ipywidgets.HBox([button, said])
