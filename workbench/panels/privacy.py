"""What leaked into recordings: personal data in clear, by place, never by value."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from workbench.charts.labels import count, moment
from workbench.panels.base import Panel
from workbench.panels.markup import Column, prose, table, tag


@dataclass(frozen=True)
class LeaksView:
    """Personal data found in recordings.

    Attributes
    ----------
    leaks
        As `workbench.replay.privacy.leaks` gives it: title, page, path, times, replays, first_at.
    recordings
        How many recordings were looked at.
    """

    leaks: pl.DataFrame
    recordings: int


class Leaks(Panel[LeaksView]):
    """One row a place at which personal data stands in clear."""

    name = "leaks"

    def static_html(self, result: LeaksView) -> Markup:
        """Return the table as HTML."""
        if not result.recordings:
            return tag("p", "There is no recording in which anything could have leaked.", cls="bs-empty")
        looked = (
            f"{count(result.recordings)} recordings were searched for e-mail addresses, IBANs and card numbers in clear"
        )
        if result.leaks.is_empty():
            return tag("p", f"{looked}; none was found.", cls="bs-empty")
        rows = [
            [
                tag("b", str(row["title"])),
                tag("div", tag("code", str(row["path"])), cls="bs-wrap")
                + tag("div", f"on {row['page'] or 'an unnamed page'}", cls="bs-cap bs-wrap"),
                count(row["times"]),
                count(row["replays"]),
                tag("span", moment(row["first_at"]), cls="bs-nowrap"),
            ]
            for row in result.leaks.iter_rows(named=True)
        ]
        numbers = [Column(name, number=True) for name in ("Times", "Recordings")]
        said = (
            f"{looked}. What was typed is not shown here; mask the field in the recorder, and delete these recordings."
        )
        columns = ["What", Column("Where", wide=True), *numbers, "First"]
        return table(columns, rows) + tag("p", prose(said), cls="bs-cap")
