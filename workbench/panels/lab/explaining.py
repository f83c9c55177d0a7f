"""One event's whole way, step by step: what was done to it, and every rule that was tried on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets
import polars as pl
from markupsafe import Markup

from workbench.charts.labels import count, plural, shorten
from workbench.errors.explain import Explanation, explain_event
from workbench.errors.explain_noise import Tried
from workbench.panels.base import Panel
from workbench.panels.lab.bench import Bench
from workbench.panels.markup import Column, join, prose, table, tag
from workbench.panels.replay import View
from workbench.panels.turns import in_turn

_OFFERED = 200


@dataclass(frozen=True)
class ExplainView:
    """An explanation, and what joins its issue to a bug: (weight or None, sentence)."""

    told: Explanation
    bug: str | None
    evidence: Sequence[tuple[float | None, str]]


def explain_view(bench: Bench, event_id: str | None = None) -> ExplainView:
    """Explain an event; without an id one of the largest issue."""
    rules, known = bench.good
    event_id = event_id or _examples(bench)[0][1]
    told = explain_event(bench.trial.prepared, event_id, rules, known)
    grouping = bench.case.grouping
    bug = grouping.events.filter(pl.col("event_id") == event_id)["bug_id"].first()
    of_issue = (pl.col("issue_a") == told.issue_id) | (pl.col("issue_b") == told.issue_id)
    rows = grouping.evidence.filter(of_issue).select("weight", "text").unique(maintain_order=True)
    return ExplainView(told, bug, rows.sort("weight", descending=True, nulls_last=True).rows())


def _examples(bench: Bench) -> list[tuple[str, str]]:
    """One event a shape, the largest first, noise last."""
    facts = bench.trial.prepared.errors.select("error_id", "type", "message")
    rows = (
        bench.tried.after.join(facts, on="error_id", how="left")
        .sort(pl.col("noise_class").is_not_null(), "n", descending=[False, True])
        .unique("shape_id", keep="first", maintain_order=True)
        .head(_OFFERED)
    )
    return [
        (f"{count(row['n'])}×  {_short(row)}{'  (noise)' if row['noise_class'] else ''}", row["event_id"])
        for row in rows.iter_rows(named=True)
    ]


def _short(row: dict) -> str:
    return shorten(" ".join(f"{row['type'] or 'Error'}: {row['message'] or '(no message)'}".split()), 90)


class Explaining(Panel[ExplainView]):
    """Message, frames, noise, rules, fingerprint, bug: one section each."""

    name = "explain"

    def __init__(self, bench: Bench) -> None:
        super().__init__(lambda event_id=None: explain_view(bench, event_id), header=bench)  # type: ignore[arg-type]
        self.bench = bench

    def static_html(self, result: ExplainView) -> Markup:
        """Return the way as HTML."""
        told = result.told
        bug = f" of bug {result.bug}" if result.bug else ""
        steps = [[prose(what), tag("code", text)] for what, text in told.message]
        hashed = [[part.what, tag("code", part.text)] for part in told.fingerprint]
        verdict = (
            f"noise of class `{told.noise_class}`"
            if told.noise_class
            else f"issue `{(told.issue_id or '')[:8]}`{bug}, made by {told.rule}"
        )
        parts = [tag("p", prose(f"Event `{told.event_id[:12]}` is {verdict}."))]
        parts.append(_section("Message", table(["What was done", "The text after it"], steps)))
        parts.append(_section("Frames", _frames(told)))
        parts.append(_section("Noise", _rules(told.noise + told.known, "rule of noise", "rules of noise")))
        parts.append(_section("Rules", _rules(told.rules, "rule of the team", "rules of the team")))
        if told.fingerprint:
            parts.append(_section("Fingerprint", table(["Part", Column("Text", wide=True)], hashed)))
        if result.evidence:
            items = [tag("li", tag("b", "" if w is None else f"{w:+.1f}"), prose(text)) for w, text in result.evidence]
            parts.append(_section("What ties its issue to the bug", tag("ul", *items, cls="bs-evidence")))
        return join(parts)

    def widget(self) -> ipywidgets.Widget:
        """Return a picker of an example, a field for an id, and the explanation."""
        pick = ipywidgets.Dropdown(options=_examples(self.bench), description="Example")
        pick.layout.width = "70%"
        by_id = ipywidgets.Text(placeholder="or an event id", continuous_update=False)
        view = View()

        def explained() -> Markup:
            result = self.compute(event_id=by_id.value.strip() or pick.value)
            return tag("section", self.static_html(result), cls="bs bs-explain")

        @in_turn
        def redraw(*_: object) -> None:
            view.draw(explained)

        pick.observe(redraw, "value")
        by_id.observe(redraw, "value")
        self.bench.on_change(redraw)
        redraw()
        return ipywidgets.VBox([ipywidgets.HBox([pick, by_id]), view])


def _section(head: str, body: Markup) -> Markup:
    return tag("h4", head) + body


def _frames(told: Explanation) -> Markup:
    if told.frames.is_empty():
        return tag("p", "The event has no stack.", cls="bs-cap")
    thrown = told.frames.partition_by("exception_index", maintain_order=True)
    if len(thrown) == 1:
        return _of_one(thrown[0])
    heads = ["The error shown", *(f"Cause {at}, or the next of an aggregate" for at in range(1, len(thrown)))]
    return join(tag("p", head, cls="bs-cap") + _of_one(one) for head, one in zip(heads, thrown, strict=True))


def _of_one(frames: pl.DataFrame) -> Markup:
    rows = [
        [
            tag("code", shorten(row["reported"], 76), title=row["reported"])
            + (tag("div", "→ ", tag("code", row["mapped_to"]), cls="bs-cap") if row["mapped_to"] else Markup("")),
            _counts(row),
            tag("span", row["why"], cls="bs-cap bs-nowrap"),
        ]
        for row in frames.iter_rows(named=True)
    ]
    heads = [Column("Frame, and what a source map made of it", wide=True), "Counts", "Why"]
    shown = 6
    if len(rows) <= shown:
        return table(heads, rows)
    rest = tag("details", tag("summary", f"{len(rows) - shown} more frames"), table(heads, rows[shown:]))
    return table(heads, rows[:shown]) + rest


def _counts(row: dict) -> Markup:
    if row["top"]:
        return tag("b", "top of ours", cls="bs-nowrap")
    return tag(
        "span", "ours" if row["counts"] else "left out", cls="bs-nowrap" if row["counts"] else "bs-nowrap bs-dim"
    )


def _rules(tried: Sequence[Tried], one: str, many: str) -> Markup:
    if not tried:
        return tag("p", f"There are no {many}.", cls="bs-cap")
    fitting = [rule for rule in tried if rule.fits]
    others = [rule for rule in tried if not rule.fits]
    lead = join(tag("p", tag("b", rule.rule), " fits: ", prose(rule.why)) for rule in fitting)
    listed = table(["Rule", Column("Why it does not fit", wide=True)], [[tag("code", r.rule), r.why] for r in others])
    return (lead or tag("p", f"None of {plural(len(tried), one, many)} fits.")) + (
        tag("details", tag("summary", f"{plural(len(others), one, many)} that did not fit"), listed)
        if others
        else Markup("")
    )
