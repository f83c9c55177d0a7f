"""The bugs in order of priority, one row each."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.labels import count, moment, release_name, shorten
from workbench.charts.sparkline import sparkline
from workbench.charts.theme import LIGHT
from workbench.panels.base import Panel
from workbench.panels.markup import Column, prose, table, tag


@dataclass(frozen=True)
class BugsView:
    """The table of bugs.

    Attributes
    ----------
    bugs
        bug_id, title, where (components or files, one text), priority (0 to 100), sessions, users, first_seen, release,
        over_time (list of counts, oldest first), optionally priority_terms (text: what the priority is made of).
    span
        What stretch the small lines cover, "24 h" or "3 days".
    cards
        The first so many have a card that their ids lead to.
    """

    bugs: pl.DataFrame
    span: str = "over time"
    cards: int = 20


class BugsTable(Panel[BugsView]):
    """One row a bug; its id leads to its section."""

    name = "bugs"

    def static_html(self, result: BugsView) -> Markup:
        """Return the table as HTML."""
        if result.bugs.is_empty():
            return tag(
                "p", "No bug hit anybody in this window: all errors are noise, or there are none.", cls="bs-empty"
            )
        number = [Column(name, number=True) for name in ("Priority", "Sessions", "Users")]
        n, more = result.bugs.height, Markup("")
        if n > result.cards:
            other = f'`case.bug("B{result.cards + 1}")` and the live page show any other'
            more = tag("p", prose(f"The first {count(result.cards)} have a card below; {other}."), cls="bs-cap")
        return more + table(
            ["Bug", Column("What", wide=True), *number, "First seen", "Release", result.span],
            [_row(row, linked=i < result.cards) for i, row in enumerate(result.bugs.iter_rows(named=True))],
        )


def _row(row: dict[str, object], *, linked: bool) -> list[object]:
    where = tag("span", row["where"], cls="bs-cap") if row.get("where") else None
    terms = row.get("priority_terms")
    priority = tag("abbr", count(row["priority"]), title=terms) if terms else count(row["priority"])  # type: ignore[arg-type]
    stroke = LIGHT.hit if row["sessions"] else LIGHT.noise
    return [
        tag("a", row["bug_id"], href=f"#{row['bug_id']}", cls="bs-id") if linked else tag("b", row["bug_id"]),
        tag("div", prose(str(row["title"]))) + (where or ""),
        priority,
        count(row["sessions"]),  # type: ignore[arg-type]
        count(row["users"]),  # type: ignore[arg-type]
        tag("span", moment(row["first_seen"]), cls="bs-nowrap"),  # type: ignore[arg-type]
        tag("span", shorten(release_name(row["release"]), 20), cls="bs-nowrap", title=row["release"]),  # type: ignore[arg-type]
        Markup(sparkline(row["over_time"] or [0], stroke=stroke)),  # type: ignore[arg-type]
    ]
