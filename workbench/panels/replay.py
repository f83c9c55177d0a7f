"""The widgets of the lab: the replay of a session, and the HTML of a panel.

A recording is a stranger's HTML. It runs in a `data:` iframe, an origin of its own, under a policy that lets it fetch
nothing; of five arrangements tried it was the only one in which a hostile recording reached neither the network nor
the page around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets
from markupsafe import Markup

from connectors.exceptions import BlindspotError
from workbench.panels.assets import built, packed, style_sheet
from workbench.panels.markup import tag
from workbench.panels.recording import Mark, pack

__all__ = ["Mark", "Replay", "Shared", "View", "pack"]


class Shared(anywidget.AnyWidget):
    """A widget that hands its page the shared parts when the page asks: each is sent once a browser page."""

    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._hear)

    @traitlets.default("_css")
    def _style(self) -> str:
        return style_sheet()

    def _hear(self, _: object, message: dict[str, Any], buffers: object) -> None:
        name = message.get("need")
        if name in ("vega", "player"):
            self.send({"give": name}, [packed(name)])


class Replay(Shared):
    """One recording in the lab.

    Attributes
    ----------
    events_gz
        The recording, as `pack` makes it.
    marks
        Moments to jump to, each {t, kind, label}.
    at
        Where it stands when opened, ms after its first event; set it to jump there.
    current_ms
        Where it is now; read it or observe it.
    state
        "" until the player answered, then ready or error.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    events_gz = traitlets.Bytes(b"").tag(sync=True)
    marks = traitlets.List([]).tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    current_ms = traitlets.Int(0).tag(sync=True)
    state = traitlets.Unicode("").tag(sync=True)

    @traitlets.default("_esm")
    def _script(self) -> str:
        return built("replay.js")

    @classmethod
    def of(cls, events: Sequence[dict[str, Any]], *, at: int = 0, marks: Sequence[Mark] = ()) -> Replay:
        """Make one from rrweb events and marks."""
        return cls(events_gz=pack(events), at=at, marks=[mark.as_dict() for mark in marks])


class View(Shared):
    """The HTML of a panel in the lab, drawn again whenever `html` changes; charts in it react, replays play."""

    _esm = traitlets.Unicode().tag(sync=True)
    html = traitlets.Unicode("").tag(sync=True)

    @traitlets.default("_esm")
    def _script(self) -> str:
        return built("view.js")

    def draw(self, make: Callable[[], Markup]) -> None:
        """Show what `make` returns; where it cannot be made, the sentence that says why."""
        try:
            self.html = str(make())
        except BlindspotError as error:
            self.html = str(tag("p", str(error), cls="bs bs-fault", role="alert"))
