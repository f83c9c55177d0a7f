"""The pickers of the vitals report: metric, device, page, region, browser, connection, release; what against what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import ipywidgets
from markupsafe import Markup

from workbench.charts.labels import release_name, shorten
from workbench.panels.choosing import Choosing
from workbench.panels.markup import join, tag

Options = tuple[tuple[str, str | None], ...]
LABELS = {
    "metric": "Metric", "device": "Device", "route": "Page", "region": "Region", "browser": "Browser",
    "connection": "Connection", "release": "Release", "compare": "Compare",
}  # fmt: skip


@dataclass(frozen=True)
class PickersView:
    """What there is to choose from, and what is chosen at first.

    Attributes
    ----------
    said
        The source and the window, in words; already redacted.
    options
        (what is shown, what is chosen) by name of the picker; names as in `LABELS`.
    chosen
        What is chosen at first.
    """

    said: tuple[str, ...]
    options: Mapping[str, Options]
    chosen: Mapping[str, str | None] = field(default_factory=dict)


class Pickers(Choosing[PickersView]):
    """A row of pickers that drives every panel which is given it as its header; in a report, one line."""

    name = "pickers"

    def __init__(self, view: PickersView) -> None:
        super().__init__(view, {name: view.chosen.get(name) for name in LABELS})

    def static_html(self, result: PickersView) -> Markup:
        """Say in one line what was looked at."""
        held = [
            f"{LABELS[name].lower()} {release_name(value) if name == 'release' else value}"
            for name, value in self._selection.items()
            if value is not None and name not in ("metric", "compare")
        ]
        return tag("p", join(["Blindspot vitals report", *result.said, *held], " · "), cls="bs-meta")

    def widget(self) -> ipywidgets.Widget:
        """Return the row of pickers."""
        row = ipywidgets.HBox([self._picker(name) for name in LABELS if len(self.shown.options.get(name, ())) > 1])
        row.add_class("bs-pickers")
        return row

    def _picker(self, name: str) -> ipywidgets.Dropdown:
        options = [(shorten(label, 40), value or "") for label, value in self.shown.options[name]]
        return self.picker(name, LABELS[name], options)
