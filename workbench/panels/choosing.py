"""A panel of pickers: what is chosen in it, others show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import ipywidgets

from workbench.panels.base import Panel
from workbench.panels.turns import in_turn

V = TypeVar("V")


class Choosing(Panel[V], Generic[V]):
    """A panel that drives every other one which is given it as its header.

    Parameters
    ----------
    view
        What there is to choose from.
    chosen
        What is chosen at first, by name; None is all.
    """

    def __init__(self, view: V, chosen: Mapping[str, Any]) -> None:
        super().__init__(view)
        self.shown = view
        self._selection = dict(chosen)
        self._listeners: list[Callable[[], None]] = []

    @property
    def selection(self) -> Mapping[str, Any]:
        """What is chosen now, by name; None is all."""
        return dict(self._selection)

    @in_turn
    def select(self, **chosen: Any) -> None:
        """Choose something; panels follow. A name that is no parameter is an error."""
        unknown = set(chosen) - set(self._selection)
        if unknown:
            raise TypeError(f"there is no picker {', '.join(sorted(unknown))}; there are: {', '.join(self._selection)}")
        if any(self._selection[name] != value for name, value in chosen.items()):
            self._selection.update(chosen)
            for listener in self._listeners:
                listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever another thing is chosen."""
        self._listeners.append(listener)

    def picker(self, name: str, label: str, options: list[tuple[str, str]]) -> ipywidgets.Dropdown:
        """Return a picker of (what is shown, what is chosen); what is chosen and not offered stands as the first.

        A dropdown takes None for "nothing is chosen" and shows no label: "" stands for all.
        """
        chosen = self._selection[name]
        known = chosen if chosen in [option for _, option in options] else ""
        picker = ipywidgets.Dropdown(options=options, value=known, description=label)
        picker.style.description_width = "initial"
        # What stands in the picker, not what the message said: two messages may come in another order.
        picker.observe(in_turn(lambda _: self.select(**{name: picker.value or None})), "value")
        return picker
