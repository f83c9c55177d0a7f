"""What splits, merges and moves, with examples and counts."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.labels import count, plural
from workbench.panels.base import Panel
from workbench.panels.lab.bench import Bench
from workbench.panels.markup import Column, join, table, tag

_SHOWN = 25
_SAID = {
    "split": "split",
    "merged": "merged",
    "moved": "mixed anew",
    "to noise": "to noise",
    "from noise": "no noise any more",
    "renamed": "a new name, the same events",
}


@dataclass(frozen=True)
class ChangesView:
    """What became of the grouping in force.

    Attributes
    ----------
    changes
        From `Regrouping.compare`.
    names
        What is compared with what.
    n_events, n_before, n_after
        Events that are looked at; issues before and after.
    seconds
        How long it took.
    """

    changes: pl.DataFrame
    names: tuple[str, str]
    n_events: int
    n_before: int
    n_after: int
    seconds: float


def changes_view(bench: Bench) -> ChangesView:
    """Compare the edited rules with those in force."""
    tried = bench.tried
    issues = [side["issue_id"].drop_nulls().n_unique() for side in (tried.before, tried.after)]
    return ChangesView(tried.changes, bench.names, int(tried.before["n"].sum()), *issues, tried.seconds)


class Changes(Panel[ChangesView]):
    """One row a change, the largest first."""

    name = "changes"

    def static_html(self, result: ChangesView) -> Markup:
        """Return the sentence and the table."""
        one, other = result.names
        n = len(result.changes)
        issues = f"{plural(result.n_before, 'issue')} before, {count(result.n_after)} after"
        if not n:
            held = f"{plural(result.n_events, 'event')} in {plural(result.n_after, 'issue')}, as before"
            said = f"No change from {one} to {other}: {held}."
            return tag("p", said, cls="bs-empty")
        kinds = [f"{k} {_SAID[change]}" for change, k in result.changes["change"].value_counts(sort=True).iter_rows()]
        lead = tag("p", tag("b", ", ".join(kinds)), f" from {one} to {other}: {issues}.")
        rows = [_row(row) for row in result.changes.head(_SHOWN).iter_rows(named=True)]
        numbers = [Column(name, number=True) for name in ("Issues", "Events", "Moved", "Shapes")]
        more = f" The {_SHOWN} largest of {count(n)} are shown." if n > _SHOWN else ""
        cap = tag(
            "p",
            f"Moved: events outside the largest part that stays together. {plural(result.n_events, 'event')} grouped "
            f"twice in {result.seconds:.2f} s.{more}",
            cls="bs-cap",
        )
        return lead + table(["Change", Column("Examples", wide=True), *numbers], rows) + cap


def _row(row: dict) -> list[object]:
    kind = "bs-tag-bad" if row["change"] in ("split", "moved") else "bs-tag-warn" if row["change"] == "merged" else ""
    noise = [f"{count(row[k])} {k.replace('_', ' ')}" for k in ("to_noise", "from_noise") if row[k]]
    examples = row["examples"] or [row["title"]]
    said = join(tag("div", tag("code", text), cls="bs-clip", title=text) for text in examples)
    by = [tag("div", "by ", tag("code", rule), cls="bs-cap", title=rule) for rule in row["rules"] or []]
    return [
        tag("span", _SAID[row["change"]], cls=f"bs-tag {kind}".strip())
        + join(tag("div", text, cls="bs-cap bs-nowrap") for text in noise),
        said + join(by),
        tag("span", f"{count(row['n_old'])} → {count(row['n_new'])}", title=_ids(row)),
        count(row["n_events"]),
        count(row["n_moved"]),
        count(row["n_shapes"]),
    ]


def _ids(row: dict) -> str:
    return " → ".join(", ".join(one[:8] for one in row[side] or []) or "noise" for side in ("old", "new"))
