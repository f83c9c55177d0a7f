"""Maps that turned up since, and maps that anybody can have."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import polars as pl
from markupsafe import Markup

from connectors.exceptions import BlindspotError
from workbench.artifacts import served_bundles
from workbench.case import Case
from workbench.charts.labels import count, plural, release_name, shorten
from workbench.panels.markup import Column, tag
from workbench.panels.section import Rows, Section, SectionView

NUMBERS = (Column("Frames", number=True), Column("Events", number=True))


class Again(Section):
    """What a case becomes with the maps of another store; where they lie is typed in the lab."""

    def __init__(self, view: Callable[..., SectionView], maps: str | None = None) -> None:
        super().__init__("again", view)
        self.maps = maps

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the field for the address of a store of maps."""
        field = ipywidgets.Text(
            value=self.maps or "", description="Maps at", continuous_update=False,
            placeholder="a folder, a zip, s3://bucket/prefix; empty: the source's own, listed anew",
            layout={"width": "min(100%, 620px)"},
        )  # fmt: skip
        field.style.description_width = "initial"
        return {"maps": field}


def again_view(case: Case, maps: str | None = None) -> SectionView:
    """Look the maps up anew, in the source or in another store, and say which issues are one now."""
    again = case.symbolicate_again(maps or None)
    statuses = Rows(
        ["Release", "Verdict before", "Verdict now", *NUMBERS],
        [
            [_release(release), _words(before), _words(after), count(frames), count(events)]
            for release, before, after, frames, events in again.statuses.iter_rows()
        ],
        "Frames whose verdict changed",
    )
    moved = again.issues.filter(pl.col("outcome") != "same")
    joined = (
        moved.with_columns(
            pl.format("{} ({})", pl.col("before").str.head(7).fill_null("noise"), "events").alias("part")
        )
        .group_by("after", maintain_order=True)
        .agg("after_title", "after_source", "part", "outcome", total=pl.col("events").sum())
        .sort("total", descending=True)
    )
    issues = Rows(
        ["Issue now", "Where", Column("Events", number=True), "What it was made of: issue (events)"],
        [
            [_issue(row["after_title"][0], row["after"]), (row["after_source"][0] or "–").rpartition("/")[2],
             count(row["total"]), f"{row['outcome'][0]}: {', '.join(row['part'])}"]
            for row in joined.iter_rows(named=True)
        ],
        "Issues that moved",
    )  # fmt: skip
    method = "Events are those of the case: nothing but the list of maps is fetched again. `case.symbolicate_again()`."
    return SectionView(again.summary, (statuses, issues), method)


def given_away_view(case: Case, site: str | None) -> SectionView:
    """Say which deployed bundles lead anybody to the team's source."""
    method = (
        "Each bundle that stacks name is asked for at the site: its last comment, its `SourceMap` header, a map "
        "inside, and whether its address with `.map` answers with a map."
    )
    if not site:
        said = "No site was asked whether it gives maps away: give this report the parameter `site`, its address."
        return SectionView(said, (), method)
    try:
        bundles = served_bundles(case.frames, site, first_party=case.first_party)
    except BlindspotError as error:
        return SectionView("Whether the site gives maps away is not known.", (), method, (str(error),))
    lost = bundles.filter(pl.col("problem").is_not_null())
    open_ = bundles.filter(pl.col("ways").list.len() > 0)
    rows = [
        [
            _release(row["release"]),
            tag("span", shorten(row["url"].rpartition("/")[2], 48), title=row["url"], cls="bs-nowrap"),
            "; ".join(row["ways"]),
        ]
        for row in open_.iter_rows(named=True)
    ]
    asked = bundles.height - lost.height
    said = (
        f"{open_.height} of {plural(asked, 'bundle')} that the site serves lead everybody to their map."
        if asked
        else "The site serves none of the bundles that stacks name: they are of releases that are gone."
    )
    why = f"as those of releases that are gone ({lost['problem'][0]})" if lost.height else ""
    doubts = [f"{plural(lost.height, 'bundle')} could not be had, {why}."] if lost.height else []
    return SectionView(said, (Rows(["Release", "Bundle", "How"], rows),), method, doubts)


def _release(release: str | None) -> Markup:
    return tag("span", release_name(release), title=release, cls="bs-nowrap")


def _issue(title: str | None, issue_id: str | None) -> Markup:
    if issue_id is None:
        return tag("span", "noise", cls="bs-dim")
    return tag("div", shorten(title or "unknown", 90), cls="bs-wrap") + tag("span", issue_id[:7], cls="bs-cap")


def _words(status: str) -> str:
    return status.replace("_", " ")
