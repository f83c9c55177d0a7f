"""The pickers of the vitals report: metric, device, page, region, browser, connection, release; what against what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ipywidgets
from markupsafe import Markup

from workbench.charts.labels import release_name, shorten
from workbench.panels.base import Panel
from workbench.panels.markup import join, tag
from workbench.panels.turns import in_turn

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


class Pickers(Panel[PickersView]):
    """A row of pickers that drives every panel which is given it as its header; in a report, one line."""

    name = "pickers"

    def __init__(self, view: PickersView) -> None:
        super().__init__(view)
        self.shown = view
        self._selection: dict[str, str | None] = {name: view.chosen.get(name) for name in LABELS}
        self._listeners: list[Callable[[], None]] = []

    @property
    def selection(self) -> Mapping[str, Any]:
        """What is chosen now, by name; None is all."""
        return dict(self._selection)

    @in_turn
    def select(self, **chosen: str | None) -> None:
        """Choose something; panels follow. A name that is no picker is an error."""
        if unknown := set(chosen) - set(self._selection):
            raise TypeError(f"there is no picker {', '.join(sorted(unknown))}; there are: {', '.join(LABELS)}")
        if any(self._selection[name] != value for name, value in chosen.items()):
            self._selection.update(chosen)
            for listener in self._listeners:
                listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever another thing is chosen."""
        self._listeners.append(listener)

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
        # a dropdown takes None for "nothing is chosen" and shows no label: "" stands for all
        options = [(shorten(label, 40), value or "") for label, value in self.shown.options[name]]
        picker = ipywidgets.Dropdown(options=options, value=self._selection[name] or "", description=LABELS[name])
        picker.style.description_width = "initial"
        # what stands in the picker, not what the message said: two messages may come in another order
        picker.observe(in_turn(lambda _: self.select(**{name: picker.value or None})), "value")
        return picker
