"""A time axis in px, and what happened along it: deploys, the first word from support, alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import altair as alt
import polars as pl

from workbench.charts.labels import moment, text_width
from workbench.charts.marks import Placed, lanes
from workbench.charts.rows import text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT

LANE, AXIS = 30, 22  # a label has two lines: what, and when
NO_MARKS = pl.DataFrame(schema={"at": pl.Datetime("us", "UTC"), "label": pl.String, "kind": pl.String})
_STROKE = {"deploy": LIGHT.ink, "support": LIGHT.partial, "alert": LIGHT.normal}
_TICKS = [timedelta(minutes=m) for m in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 20160, 43200)]


class Times(NamedTuple):
    """Where moments stand, px: from `left` to `width`, the floor `floor` px from the top."""

    start: datetime
    end: datetime
    width: int
    floor: float
    left: float = 0.0

    @property
    def height(self) -> int:
        """Of the whole chart, with the axis below the floor."""
        return int(self.floor) + AXIS

    def x(self, at: datetime) -> float:
        """Give the place of a moment."""
        return self.left + (self.width - self.left) * ((at - self.start) / (self.end - self.start))


class Marks(NamedTuple):
    """Moments with their labels, placed where there is room; `head` is what the labels take above the plot, px."""

    shown: pl.DataFrame
    told: list[str]
    placed: list[Placed | None]
    head: int

    @classmethod
    def of(cls, marks: pl.DataFrame | None, times: Times) -> Marks:
        """Place those moments that lie within the times."""
        shown = (
            (NO_MARKS if marks is None else marks).filter(pl.col("at").is_between(times.start, times.end)).sort("at")
        )
        told = [f"{label}\n{moment(at)}" for at, label in shown.select("at", "label").iter_rows()]
        chief = [
            i
            for i, (kind, weighs) in enumerate(zip(shown["kind"], _weights(shown), strict=True))
            if weighs or kind != "deploy"
        ]
        at = [(times.x(at), text) for at, text in zip(shown["at"], told, strict=True)]
        placed = lanes(at, times.width, first=chief)
        named = [place.lane for place in placed if place is not None]
        return cls(shown, told, placed, LANE * (1 + max(named)) + 6 if named else 4)


def _weights(marks: pl.DataFrame) -> list[bool]:
    """Say which moments matter most, where that is told (`chief`): they are named before the others."""
    return marks["chief"].fill_null(False).to_list() if "chief" in marks.columns else [False] * marks.height


def axis(times: Times) -> list[alt.Chart]:
    """Draw the floor and write times on it: whole hours, the day at midnight."""
    every = next((tick for tick in _TICKS if (times.end - times.start) / tick <= 9), _TICKS[-1])
    midnight = times.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    rows, ticks = [], []
    for time in (midnight + i * every for i in range(int((times.end - midnight) / every) + 1)):
        if time < times.start:
            continue
        text = f"{time.day} {time:%b}" if (time.hour, time.minute) == (0, 0) else f"{time:%H:%M}"
        half, x = text_width(text, 11) / 2, times.x(time)
        ticks.append((x, times.floor, times.floor + 4))
        rows.append((min(max(x, half), times.width - half), times.floor + 14, text, LIGHT.soft))
    floor = pl.DataFrame({"x": [times.left], "x2": [float(times.width)], "y": [times.floor]})
    lines = pl.DataFrame(ticks, schema={"x": pl.Float64, "y": pl.Float64, "y2": pl.Float64}, orient="row")
    rule = alt.Chart(floor).mark_rule(stroke=LIGHT.noise)
    return [
        rule.encode(x=x_px("x", times.width), x2="x2:Q", y=y_px("y", times.height)),
        alt.Chart(lines)
        .mark_rule(stroke=LIGHT.noise)
        .encode(x=x_px("x", times.width), y=y_px("y", times.height), y2="y2:Q"),
        texts(text_rows(rows), times.width, times.height, fontSize=11, align="center"),
    ]


def draw_marks(marks: Marks, times: Times) -> list[alt.Chart]:
    """Draw a dashed line at each moment, from its label down to the floor; hovering over it names it, too."""
    if marks.shown.is_empty():
        return []
    rules: list[tuple[float, float, float, str, str]] = []
    rows: dict[str, list[tuple[float, float, str, str]]] = {"left": [], "right": []}
    moments = zip(marks.shown.select("at", "kind").iter_rows(), marks.told, marks.placed, strict=True)
    for (at, kind), text, place in moments:
        x = min(max(times.x(at), 0.5), times.width - 0.5)
        top = marks.head - 4.0 if place is None else place.lane * LANE + 2.0
        rules.append((x, top, times.floor, _STROKE.get(kind, LIGHT.soft), text.replace("\n", ", ")))
        if place is not None:
            side = 5 if place.side == "left" else -5
            rows[place.side].append((x + side, top + 6.0, text, LIGHT.ink))
    lines = pl.DataFrame(rules, schema=["x", "y", "y2", "stroke", "what"], orient="row")
    drawn = (
        alt.Chart(lines)
        .mark_rule(aria=False, strokeWidth=1.2, strokeDash=[3, 2])
        .encode(
            x=x_px("x", times.width),
            y=y_px("y", times.height),
            y2="y2:Q",
            stroke=alt.Stroke("stroke:N", scale=None),
            tooltip=[alt.Tooltip("what:N")],
        )
    )
    return [drawn, *(layer for side, on in rows.items() if on for layer in haloed(on, times, align=side))]


def haloed(rows: Sequence[tuple[float, float, str, str]], times: Times, **style: object) -> list[alt.Chart]:
    """Write texts that may stand over a line: first in the colour of the paper, and wider."""
    frame = text_rows(list(rows))
    style = {"fontSize": 11, "lineBreak": "\n", "lineHeight": 13, **style}
    halo = texts(frame, times.width, times.height, stroke=LIGHT.paper, strokeWidth=4, **style)
    return [halo, texts(frame, times.width, times.height, **style)]
