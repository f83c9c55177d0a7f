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

LANE, AXIS = 17, 22
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
    """Moments with their labels, placed; `head` is the room above the plot that the labels take."""

    shown: pl.DataFrame
    told: list[str]
    placed: list[Placed]
    head: int

    @classmethod
    def of(cls, marks: pl.DataFrame | None, times: Times) -> Marks:
        """Place those moments that lie within the times."""
        shown = (
            (NO_MARKS if marks is None else marks).filter(pl.col("at").is_between(times.start, times.end)).sort("at")
        )
        told = [f"{label} {moment(at)}" for at, label in shown.select("at", "label").iter_rows()]
        placed = lanes([(times.x(at), text) for at, text in zip(shown["at"], told, strict=True)], times.width)
        head = LANE * (1 + max((lane for lane, _ in placed), default=-1)) + (4 if placed else 0)
        return cls(shown, told, placed, head)


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
    """Draw a dashed line at each moment, from its label down to the floor."""
    if marks.shown.is_empty():
        return []
    rules: list[tuple[float, float, float, str]] = []
    rows: dict[str, list[tuple[float, float, str, str]]] = {"left": [], "right": []}
    moments = zip(marks.shown.select("at", "kind").iter_rows(), marks.told, marks.placed, strict=True)
    for (at, kind), text, (lane, side) in moments:
        x = min(max(times.x(at), 0.5), times.width - 0.5)
        rules.append((x, lane * LANE + 2.0, times.floor, _STROKE.get(kind, LIGHT.soft)))
        rows[side].append((x + (5 if side == "left" else -5), lane * LANE + 8.0, text, LIGHT.ink))
    lines = pl.DataFrame(rules, schema=["x", "y", "y2", "stroke"], orient="row")
    drawn = (
        alt.Chart(lines)
        .mark_rule(strokeWidth=1.2, strokeDash=[3, 2])
        .encode(
            x=x_px("x", times.width),
            y=y_px("y", times.height),
            y2="y2:Q",
            stroke=alt.Stroke("stroke:N", scale=None),
        )
    )
    return [drawn, *(layer for side, on in rows.items() if on for layer in haloed(on, times, align=side))]


def haloed(rows: Sequence[tuple[float, float, str, str]], times: Times, **style: object) -> list[alt.Chart]:
    """Write texts that may stand over a line: first in the colour of the paper, and wider."""
    frame = text_rows(list(rows))
    halo = texts(frame, times.width, times.height, fontSize=11, stroke=LIGHT.paper, strokeWidth=4, **style)
    return [halo, texts(frame, times.width, times.height, fontSize=11, **style)]
