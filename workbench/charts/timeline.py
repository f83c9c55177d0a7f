"""One session or trace on a line of time: what happened in which order, around the moment of the error."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import polars as pl

from workbench.charts.labels import milliseconds, shorten
from workbench.charts.rows import finish, text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT

_LANE, _LABEL, _AXIS, _EDGE = 24, 110, 26, 14
_NEAR = 110  # px: closer to an end than this, two labels would meet
KINDS = ("page", "click", "input", "request", "span", "vital", "breadcrumb", "replay", "error", "support")
_SHAPES = {"error": "triangle-up", "request": "square", "span": "square", "support": "diamond"}


def timeline_chart(timeline: pl.DataFrame, *, width: int = 888) -> alt.LayerChart | str:
    """Draw what happened, one lane a kind; failing things red, the rest blue, with the time from the first error.

    Parameters
    ----------
    timeline
        As `workbench.traces.timeline.timeline` gives it: offset_ms (from the error, or from the start), kind, title,
        detail, severity (error, warning, info).
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when nothing is known.

    Examples
    --------
    >>> timeline_chart(pl.DataFrame())
    'Nothing else is known of this session.'
    """
    if timeline.is_empty():
        return "Nothing else is known of this session."
    there = timeline["kind"].unique().to_list()
    kinds = [kind for kind in KINDS if kind in there] + sorted(set(there) - set(KINDS))
    height = _LANE * len(kinds) + _AXIS
    low, high = float(timeline["offset_ms"].min()), float(timeline["offset_ms"].max())
    room = width - _LABEL - 2 * _EDGE

    def x_of(offset: float) -> float:
        return _LABEL + _EDGE + room * ((offset - low) / (high - low) if high > low else 0.5)

    lane_of = {kind: i * _LANE + _LANE / 2 for i, kind in enumerate(kinds)}
    points = pl.DataFrame(
        [
            (x_of(row["offset_ms"]), lane_of[row["kind"]], _fill(row), _SHAPES.get(row["kind"], "circle"),
             f"{'+' if row['offset_ms'] >= 0 else '−'}{milliseconds(abs(row['offset_ms']))}", row["kind"],
             shorten(str(row["title"]), 90), shorten(str(row["detail"] or "–"), 120))
            for row in timeline.iter_rows(named=True)
        ],
        schema=["x", "y", "fill", "shape", "when", "kind", "what", "detail"],
        orient="row",
    )  # fmt: skip
    lines = pl.DataFrame({"y": list(lane_of.values()), "x": float(_LABEL), "x2": float(width)})
    layers = [
        alt.Chart(lines).mark_rule(stroke=LIGHT.line).encode(x=x_px("x", width), x2="x2:Q", y=y_px("y", height)),
        alt.Chart(points)
        .mark_point(aria=False, size=60, filled=True, opacity=0.9)
        .encode(
            x=x_px("x", width),
            y=y_px("y", height),
            shape=alt.Shape("shape:N", scale=None),
            fill=alt.Fill("fill:N", scale=None),
            tooltip=["when:N", "kind:N", "what:N", "detail:N"],
        ),
        texts(text_rows([(0.0, y, kind, LIGHT.ink) for kind, y in lane_of.items()]), width, height),
    ]
    if low <= 0 <= high:
        zero = pl.DataFrame({"x": [x_of(0)], "y": [0.0], "y2": [float(height - _AXIS + 4)]})
        layers.insert(
            1,
            alt.Chart(zero).mark_rule(stroke=LIGHT.hit, strokeDash=[2, 2])
            .encode(x=x_px("x", width), y=y_px("y", height), y2="y2:Q"),
        )  # fmt: skip
    layers.extend(_axis(low, high, x_of, width, height))
    return finish(layers, width, height, f"Timeline of {timeline.height} records.")


def _fill(row: dict[str, object]) -> str:
    if row["severity"] == "error" or row["kind"] == "error":
        return LIGHT.hit
    return LIGHT.partial if row["severity"] == "warning" else LIGHT.normal


def _axis(low: float, high: float, x_of: Callable[[float], float], width: int, height: int) -> list[alt.Chart]:
    """Write the first and the last offset, and that of the error, which takes the place of an end that it lies at."""
    zero = x_of(0.0) if low <= 0 <= high else None
    written = []
    for offset, align in ((low, "left"), (high, "right")):
        if zero is not None and abs(x_of(offset) - zero) < _NEAR:
            written.append((zero, align, "the error", LIGHT.hit))
            zero = None
        elif offset == low or high > low:
            said = f"{milliseconds(abs(offset))} {'before' if offset < 0 else 'after'}"
            written.append((x_of(offset), align, said, LIGHT.soft))
    if zero is not None:
        written.append((zero, "center", "the error", LIGHT.hit))
    return [
        texts(text_rows([(x, height - 8.0, said, fill)]), width, height, fontSize=11, align=align)
        for x, align, said, fill in written
    ]
