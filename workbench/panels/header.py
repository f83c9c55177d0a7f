"""The header of a case: which window, release, environment and bug the other panels show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import ipywidgets
from markupsafe import Markup

from workbench.charts.labels import moment, release_name, shorten
from workbench.panels.choosing import Choosing
from workbench.panels.markup import join, tag
from workbench.panels.turns import in_turn

ALL = "all"


@dataclass(frozen=True)
class HeaderView:
    """What there is to choose from, and what is chosen at first.

    Attributes
    ----------
    source, project
        What was opened, in words; already redacted.
    start, end
        The window of all that was fetched, UTC.
    releases, environments
        What the events name; releases in order of deploy.
    bugs
        (bug_id, title), most urgent first.
    release, environment, bug
        What is chosen at first; None is all.
    """

    source: str
    start: datetime
    end: datetime
    releases: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    bugs: tuple[tuple[str, str], ...] = ()
    project: str | None = None
    release: str | None = None
    environment: str | None = None
    bug: str | None = field(default=None)


class Header(Choosing[HeaderView]):
    """Pickers that drive every panel which is given this header; in a report, one line that says what was looked at."""

    name = "header"

    def __init__(self, view: HeaderView) -> None:
        names = ("start", "end", "release", "environment", "bug")
        super().__init__(view, {name: getattr(view, name) for name in names})

    def static_html(self, result: HeaderView) -> Markup:
        """Say in one line what was looked at."""
        chosen = self._selection
        said = [
            "Blindspot incident report",
            join([result.project or result.source, chosen["environment"]], ", "),
            f"{moment(chosen['start'])} to {moment(chosen['end'])} UTC",
            f"release {release_name(chosen['release'])}" if chosen["release"] else None,
        ]
        return tag("p", join(said, " · "), cls="bs-meta")

    def widget(self) -> ipywidgets.Widget:
        """Return the row of pickers."""
        shown = self.shown
        window = _window(shown.start, shown.end)
        window.observe(in_turn(lambda _: self.select(start=window.value[0], end=window.value[1])), "value")
        offered = {
            "release": [(release_name(name), name) for name in shown.releases],
            "environment": [(name, name) for name in shown.environments],
            "bug": [(f"{name} · {shorten(title, 48)}", name) for name, title in shown.bugs],
        }
        pickers = [self.picker(name, name.capitalize(), [(ALL, ""), *rows]) for name, rows in offered.items()]
        row = ipywidgets.HBox([window, *pickers])
        row.add_class("bs-pickers")
        return row


def _window(start: datetime, end: datetime) -> ipywidgets.SelectionRangeSlider:
    """Offer the window in at most about a hundred steps, on whole hours or days, the very ends included."""
    step = next((hours for hours in (1, 2, 3, 6, 12) if (end - start) / timedelta(hours=hours) <= 100), 24)
    first = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    times = [start]
    while first < end:
        times.append(first)
        first += timedelta(hours=step)
    times.append(max(end, start + timedelta(seconds=1)))
    slider = ipywidgets.SelectionRangeSlider(
        options=[(moment(time), time) for time in times],
        index=(0, len(times) - 1),
        description="Window (UTC)",
        continuous_update=False,
    )
    slider.style.description_width = "initial"
    return slider
