"""The noise, by class: what was set aside, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.labels import count, share
from workbench.panels.base import Panel
from workbench.panels.markup import Column, prose, table, tag


@dataclass(frozen=True)
class NoiseView:
    """The noise.

    Attributes
    ----------
    noise
        noise_class, reason (why it is noise, a sentence), events, sessions, optionally rule and example (one message).
    raw
        How many raw errors there are in all.
    method
        One line.
    """

    noise: pl.DataFrame
    raw: int
    method: str = ""


class NoiseTable(Panel[NoiseView]):
    """One row a class of noise."""

    name = "noise"

    def static_html(self, result: NoiseView) -> Markup:
        """Return the table as HTML."""
        if result.noise.is_empty():
            return tag("p", "No error was noise.", cls="bs-empty")
        rows = [
            [
                tag("b", str(row["noise_class"]).replace("_", " "), cls="bs-nowrap"),
                prose(str(row["reason"])) + _example(row.get("example")),
                count(row["events"]),
                share(row["events"] / result.raw if result.raw else None),
                count(row["sessions"]),
            ]
            for row in result.noise.sort("events", descending=True).iter_rows(named=True)
        ]
        numbers = [Column(name, number=True) for name in ("Events", "Of all", "Sessions")]
        how = tag("p", prose(result.method), cls="bs-cap") if result.method else Markup("")
        return table(["Class", Column("Why it is noise", wide=True), *numbers], rows) + how


def _example(text: str | None) -> Markup:
    return tag("div", tag("code", text), cls="bs-cap bs-wrap") if text else Markup("")
