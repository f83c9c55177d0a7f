"""The header of a case: which window, release, environment and bug the other panels show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import ipywidgets
from markupsafe import Markup

from workbench.charts.labels import moment, release_name, shorten
from workbench.panels.base import Panel
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


class Header(Panel[HeaderView]):
    """Pickers that drive every panel which is given this header; in a report, one line that says what was looked at."""

    name = "header"

    def __init__(self, view: HeaderView) -> None:
        super().__init__(view)
        self.shown = view
        self._selection = {
            "start": view.start,
            "end": view.end,
            "release": view.release,
            "environment": view.environment,
            "bug": view.bug,
        }
        self._listeners: list[Callable[[], None]] = []

    @property
    def selection(self) -> Mapping[str, Any]:
        """What is chosen now: start, end, release, environment, bug; None is all."""
        return dict(self._selection)

    @in_turn
    def select(self, **chosen: Any) -> None:
        """Choose something; panels follow. A name that is no parameter is an error."""
        unknown = set(chosen) - set(self._selection)
        if unknown:
            raise TypeError(f"a header has no {', '.join(sorted(unknown))}; it has: {', '.join(self._selection)}")
        if any(self._selection[name] != value for name, value in chosen.items()):
            self._selection.update(chosen)
            for listener in self._listeners:
                listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever another thing is chosen."""
        self._listeners.append(listener)

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
        shown, chosen = self.shown, self._selection
        window = _window(shown.start, shown.end)
        release = _picker("Release", [(release_name(name), name) for name in shown.releases], chosen["release"])
        environment = _picker("Environment", [(name, name) for name in shown.environments], chosen["environment"])
        bug = _picker("Bug", [(f"{name} · {shorten(title, 48)}", name) for name, title in shown.bugs], chosen["bug"])
        window.observe(in_turn(lambda _: self.select(start=window.value[0], end=window.value[1])), "value")
        for name, picker in (("release", release), ("environment", environment), ("bug", bug)):
            self._follow(picker, name)
        row = ipywidgets.HBox([window, release, environment, bug])
        row.add_class("bs-pickers")
        return row

    def _follow(self, picker: ipywidgets.Dropdown, name: str) -> None:
        # what stands in the picker, not what the message said: two messages may come in another order
        picker.observe(in_turn(lambda _: self.select(**{name: picker.value or None})), "value")


def _picker(label: str, options: list[tuple[str, str]], value: str | None) -> ipywidgets.Dropdown:
    # a dropdown takes None for "nothing is chosen" and shows no label: "" stands for all
    known = value if value in [option for _, option in options] else ""
    picker = ipywidgets.Dropdown(options=[(ALL, ""), *options], value=known, description=label)
    picker.style.description_width = "initial"
    return picker


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
