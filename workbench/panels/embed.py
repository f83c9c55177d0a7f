"""Charts and replays as still HTML that a page script brings to life: a picture first, then the thing itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import vl_convert
from markupsafe import Markup

from workbench.panels.assets import VEGA_LITE
from workbench.panels.markup import data_island, prose, tag
from workbench.panels.recording import Mark, pack

if TYPE_CHECKING:
    import altair as alt


def chart(drawn: alt.TopLevelMixin | str) -> Markup:
    """Show a chart as SVG, with its specification beside it; a sentence as a sentence.

    Examples
    --------
    >>> chart("No errors were reported in this window.")
    Markup('<p class="bs-empty">No errors were reported in this window.</p>')
    """
    if isinstance(drawn, str):
        return tag("p", prose(drawn), cls="bs-empty")
    return spec_html(drawn.to_dict(context={"pre_transform": False}))


def spec_html(spec: dict[str, Any]) -> Markup:
    """Show a Vega-Lite specification: its SVG, and itself for the page script."""
    still = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    return tag(
        "div",
        tag("div", Markup(still), cls="bs-chart-still"),
        data_island(spec),
        cls="bs-chart",
        role="img",
        aria_label=spec.get("description", "Chart"),
    )


def replay(events: Sequence[dict[str, Any]] | bytes, *, at: int = 0, marks: Sequence[Mark] = ()) -> Markup:
    """Show a recording, opened at `at` ms after its first event; `events` as rrweb wrote them, or packed already."""
    packed_events = events if isinstance(events, bytes) else pack(events)
    told = {
        "at": max(0, int(at)),
        "marks": [mark.as_dict() for mark in marks],
        "events": base64.b64encode(packed_events).decode(),
    }
    still = tag("p", "The recording plays here when scripts may run.", cls="bs-replay-still")
    return tag("div", still, data_island(told), cls="bs-replay")
