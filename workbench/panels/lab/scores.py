"""How good each grouping is, side by side, against what is known."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.labels import count, plural
from workbench.errors.score_table import LABELS, VENDOR
from workbench.panels.base import Panel
from workbench.panels.lab.bench import Bench
from workbench.panels.markup import Column, join, table, tag

_COLUMNS = (
    ("pair_precision", "Pair precision"),
    ("pair_recall", "recall"),
    ("pair_f1", "F1"),
    ("bcubed_precision", "B³ precision"),
    ("bcubed_recall", "recall"),
    ("bcubed_f1", "F1"),
    ("v_measure", "V-measure"),
)
_FEW = 10


@dataclass(frozen=True)
class ScoresView:
    """Scores.

    Attributes
    ----------
    scores
        From `score_table`.
    ours
        Names of the two groupings of ours.
    n_labels, torn
        Labelled shapes; lines and records of the journal that could not be read.
    kept
        Where labels are kept, or why nowhere.
    """

    scores: pl.DataFrame
    ours: tuple[str, str]
    n_labels: int
    torn: int


def scores_view(bench: Bench) -> ScoresView:
    """Score the edited rules, those in force, and two usual ways."""
    return ScoresView(bench.scores, bench.names, len(bench.labels.bug_of), bench.torn + bench.labels.refused)


class ScoresPanel(Panel[ScoresView]):
    """A table for each truth that there is, by events; by shapes below."""

    name = "scores"

    def static_html(self, result: ScoresView) -> Markup:
        """Return the tables."""
        parts = [_against(result, name) for name in result.scores["against"].unique(maintain_order=True)]
        if not result.n_labels:
            parts.insert(
                0, tag("p", "No shape is labelled yet: what is scored here is agreement, not truth.", cls="bs-cap")
            )
        if result.torn:
            lines = f"{plural(result.torn, 'line')} of the file of labels could not be read"
            parts.insert(0, tag("p", f"{lines}; the rest counts.", cls="bs-partial"))
        return join(parts)


def _against(result: ScoresView, name: str) -> Markup:
    rows = result.scores.filter(pl.col("against") == name)
    first = rows.row(0, named=True)
    head = {
        LABELS: f"Against labels: {plural(result.n_labels, 'shape')}, {plural(first['truths'], 'bug')} beside noise",
        VENDOR: f"Against the tracker's own {plural(first['truths'], 'issue')}",
    }.get(name, f"Against {name}")
    notes = []
    if name == LABELS and first["truths"] < _FEW:
        notes.append("So few bugs tell little: read the interval, not the figure.")
    if noise := max(rows["noise"].to_list()):
        notes.append(f"Up to {plural(noise, 'event')} whose group is known are noise here and not scored.")
    heads = [said for _, said in _COLUMNS] + ["F1, 95 %", "Groups"]
    tables = [
        table(
            [Column(f"By {weight}"), *(Column(head, number=True) for head in heads)],
            [_row(row, result.ours) for row in rows.filter(pl.col("weight") == weight).iter_rows(named=True)],
        )
        for weight in ("events", "shapes")
    ]
    folded = tag("details", tag("summary", "the same, each shape counted once"), tables[1])
    said = tag("p", " ".join(notes), cls="bs-cap") if notes else Markup("")
    return tag("h4", head) + tables[0] + said + folded


def _row(row: dict, ours: tuple[str, str]) -> list[object]:
    name = (
        tag("b", row["way"], cls="bs-nowrap") if row["way"] in ours else tag("span", row["way"], cls="bs-nowrap bs-dim")
    )
    between = "–" if row["f1_low"] is None else f"{row['f1_low']:.2f}–{row['f1_high']:.2f}"
    scored = bool(row["n"])
    return [
        name,
        *(f"{abs(row[key]):.3f}" if scored else "–" for key, _ in _COLUMNS),
        tag("span", between, cls="bs-nowrap"),
        tag("span", count(row["groups"]), title=f"{count(row['n'])} {row['weight']} scored"),
    ]
