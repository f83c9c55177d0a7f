"""What a panel is: parameters, a pure `compute`, a `static_html`, and controls; live in the lab, still in a report.

The same cell of a notebook is therefore both the interactive page and the mailed report. Which of the two a panel shows
is decided by the environment variable `BLINDSPOT_STATIC`, which the report's runner sets to 1.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import ipywidgets
from markupsafe import Markup

from workbench.panels.markup import tag
from workbench.panels.mode import is_static
from workbench.panels.replay import View
from workbench.panels.turns import in_turn

if TYPE_CHECKING:
    from workbench.panels.choosing import Choosing

V = TypeVar("V")


class Panel(Generic[V]):
    """A thin view over a view model.

    Parameters
    ----------
    view
        The view model to show, or a function that computes it. A function's parameters are filled by name from the
        header's selection and this panel's own controls, so it is called again when one of them changes.
    header
        The header that drives this panel. Optional.
    """

    name: ClassVar[str] = "panel"

    def __init__(self, view: V | Callable[..., V], *, header: Choosing[Any] | None = None) -> None:
        self.view = view
        self.header = header
        self.own: dict[str, Any] = {}

    @property
    def params(self) -> Mapping[str, Any]:
        """What `compute` is called with just now."""
        chosen = {**(self.header.selection if self.header is not None else {}), **self.own}
        if not callable(self.view):
            return {}
        wanted = inspect.signature(self.view).parameters
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in wanted.values())
        return chosen if takes_all else {name: value for name, value in chosen.items() if name in wanted}

    def compute(self, **params: Any) -> V:
        """Return the view model for these parameters; pure."""
        return self.view(**params) if callable(self.view) else self.view

    def static_html(self, result: V) -> Markup:
        """Return the panel as HTML."""
        raise TypeError(f"{type(self).__name__} does not say how it looks: give it a static_html")

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return this panel's own controls by parameter name; none by default."""
        return {}

    def html(self) -> Markup:
        """Return the panel as it is now: computed, as HTML."""
        return tag("section", self.static_html(self.compute(**self.params)), cls=f"bs bs-{self.name}")

    def widget(self) -> ipywidgets.Widget:
        """Return the live panel: its controls above, its view below, drawn again when a parameter changes."""
        view, controls = View(), self.controls()

        @in_turn
        def redraw(*_: object) -> None:
            self.own = {name: control.value for name, control in controls.items()}
            view.draw(self.html)

        for control in controls.values():
            control.observe(redraw, "value")
        if self.header is not None:
            self.header.on_change(redraw)
        redraw()
        if not controls:
            return view
        return ipywidgets.VBox([ipywidgets.HBox(list(controls.values())), view])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.params.items())})"

    @in_turn
    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        if is_static():
            return {"text/html": str(self.html()), "text/plain": repr(self)}
        return self.widget()._repr_mimebundle_(include=include, exclude=exclude)
