"""Shapes to label, by hand or many at a time; what was said of them is on the disk at once."""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets
import polars as pl
from markupsafe import Markup

from connectors.exceptions import BlindspotError
from workbench.charts.labels import count, plural, shorten
from workbench.panels.base import Panel
from workbench.panels.lab.bench import Bench
from workbench.panels.markup import Column, prose, table, tag
from workbench.panels.replay import View
from workbench.panels.turns import in_turn

_OFFERED = 400
_SHOWN = 30


@dataclass(frozen=True)
class LabelsView:
    """What is labelled.

    Attributes
    ----------
    shapes
        `shape_id`, `n`, `said` (type and message), `issue_id` (in force), `bug` (null: not labelled), largest first.
    kept
        Where labels are kept; None: nowhere.
    """

    shapes: pl.DataFrame
    kept: str | None


def labels_view(bench: Bench) -> LabelsView:
    """List the shapes that are not noise, and what was said of them."""
    facts = bench.trial.prepared.errors.select("error_id", "type", "message", "top_file", "top_function")
    said = pl.concat_str(pl.col("type").fill_null("Error"), pl.col("message").fill_null("(no message)"), separator=": ")
    place = pl.concat_str("top_file", "top_function", separator=" ", ignore_nulls=True)
    shapes = (
        bench.tried.before.filter(pl.col("issue_id").is_not_null())
        .join(facts, on="error_id", how="left")
        .sort("n", descending=True)
        .group_by("shape_id", maintain_order=True)
        .agg(pl.col("n").sum(), said=said.first(), place=place.first(), issue_id=pl.col("issue_id").first())
        .sort(["n", "shape_id"], descending=[True, False])
    )
    bug = pl.col("shape_id").replace_strict(bench.labels.bug_of, default=None, return_dtype=pl.String)
    kept = None if bench.journal is None else str(bench.journal.path)
    return LabelsView(shapes.with_columns(bug=bug), kept)


class Labelling(Panel[LabelsView]):
    """A list to pick shapes from, four things to say of them, and the table of what was said."""

    name = "labels"

    def __init__(self, bench: Bench) -> None:
        super().__init__(lambda: labels_view(bench), header=bench)  # type: ignore[arg-type]
        self.bench = bench

    def static_html(self, result: LabelsView) -> Markup:
        """Return the labelled shapes by bug."""
        labelled = result.shapes.filter(pl.col("bug").is_not_null())
        n = len(result.shapes)
        if labelled.is_empty():
            where = f" Labels are kept in `{_name(result.kept)}`." if result.kept else ""
            return tag("p", prose(f"None of {plural(n, 'shape')} is labelled.{where}"), cls="bs-empty")
        bugs = (
            labelled.group_by("bug", maintain_order=True)
            .agg(pl.len().alias("shapes"), pl.col("n").sum(), pl.col("said").first(), pl.col("issue_id").n_unique())
            .sort("n", descending=True)
        )
        rows = [
            [
                tag("b", shorten(row["bug"], 32), cls="bs-nowrap", title=row["bug"]),
                tag("code", shorten(row["said"], 90)),
                *(count(row[name]) for name in ("shapes", "issue_id", "n")),
            ]
            for row in bugs.head(_SHOWN).iter_rows(named=True)
        ]
        numbers = [Column(name, number=True) for name in ("Shapes", "Issues", "Events")]
        share = f"{count(len(labelled))} of {plural(n, 'shape')} labelled, as {plural(len(bugs), 'bug')}."
        kept = f" Kept in `{_name(result.kept)}`." if result.kept else ""
        return (
            tag("p", prose(share + kept))
            + table(["Bug", Column("Its largest shape", wide=True), *numbers], rows)
            + tag("p", "Two shapes with different names count as two bugs.", cls="bs-cap")
        )

    def widget(self) -> ipywidgets.Widget:
        """Return the picker, the buttons and the table."""
        said, table_view = View(), View()
        find = ipywidgets.Text(placeholder="words of a message, a file, an issue or a bug", description="Find")
        shapes = ipywidgets.SelectMultiple(rows=9)
        shapes.layout.width = "100%"
        name = ipywidgets.Text(placeholder="discount missing", description="Bug")
        acts = {
            "bug": ("Name the bug", lambda: name.value),
            "same": ("Same bug", lambda: None),
            "different": ("Not the same", lambda: None),
            "clear": ("Clear", lambda: None),
        }
        whole = ipywidgets.Button(description="Pick all listed")
        buttons = []

        @in_turn
        def refresh(*_: object) -> None:
            result = self.compute()
            listed = _found(result.shapes, find.value).head(_OFFERED)
            picked = set(shapes.value)
            shapes.options = [(_line(row), row["shape_id"]) for row in listed.iter_rows(named=True)]
            shapes.value = tuple(one for one in listed["shape_id"].to_list() if one in picked)
            table_view.html = str(tag("section", self.static_html(result), cls=f"bs bs-{self.name}"))

        def act(kind: str) -> None:
            try:
                self.bench.label(kind, shapes.value, acts[kind][1]())
                said.html = str(tag("p", f"{plural(len(shapes.value), 'shape')} labelled.", cls="bs bs-cap"))
            except BlindspotError as error:
                said.html = str(tag("p", str(error), cls="bs bs-fault", role="alert"))

        for kind, (label, _) in acts.items():
            button = ipywidgets.Button(description=label)
            button.on_click(in_turn(lambda _, kind=kind: act(kind)))
            buttons.append(button)
        whole.on_click(in_turn(lambda _: setattr(shapes, "value", tuple(value for _, value in shapes.options))))
        find.observe(refresh, "value")
        self.bench.on_change(refresh)
        refresh()
        box = ipywidgets.VBox(
            [ipywidgets.HBox([find, whole]), shapes, ipywidgets.HBox([name, *buttons]), said, table_view]
        )
        box.add_class("bs-lab-labels")
        return box


def _found(shapes: pl.DataFrame, words: str) -> pl.DataFrame:
    """Shapes in which every word occurs."""
    text = pl.concat_str(pl.col("said", "place", "issue_id", "bug").fill_null(""), separator=" ").str.to_lowercase()
    return shapes.filter(
        pl.all_horizontal(pl.lit(True), *(text.str.contains(word, literal=True) for word in words.lower().split()))
    )


def _line(row: dict) -> str:
    bug = f"[{row['bug']}]  " if row["bug"] else ""
    place = f"  ·  {shorten(row['place'], 44)}" if row["place"] else ""
    return f"{bug}{count(row['n'])}×  {shorten(' '.join(row['said'].split()), 90)}{place}  ·  {row['issue_id'][:8]}"


def _name(path: str | None) -> str:
    """The file's own name: a report does not tell where on whose machine it lies."""
    return (path or "").replace("\\", "/").rsplit("/", 1)[-1]
