"""Vitals before and after: the p75 with its interval over the good, needs-improvement and poor bands."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from workbench.charts.bands import Scale
from workbench.charts.labels import shorten, text_width, vital
from workbench.charts.rows import bars, finish, text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT, WIDTH

_STEP, _BAND, _LABEL, _NOTE = 54, 32, 262, 150
_ESTIMATE = ["x", "x2", "at", "y", "fill", "release", "p75", "interval", "page_views"]
_SIDES = (("before", LIGHT.normal, 10), ("after", LIGHT.hit, 22))


def vitals_chart(changes: pl.DataFrame, *, width: int = WIDTH) -> alt.LayerChart | str:
    """Draw each cohort's p75 before (blue) and after (red) a release, one row a cohort, each on its own scale.

    Parameters
    ----------
    changes
        As `workbench.vitals.cohorts.compare_releases` gives it, only the rows to draw: metric, any of device_class,
        route, region, browser, and p75_before, p75_before_low, p75_before_high, n_before, the same with `after`.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when there is nothing to draw.

    Examples
    --------
    >>> vitals_chart(pl.DataFrame())
    'No vital changed beyond what chance explains.'
    """
    changes = (
        changes.filter(pl.col("p75_before").is_not_null() | pl.col("p75_after").is_not_null())
        if changes.width
        else changes
    )
    if changes.is_empty():
        return "No vital changed beyond what chance explains."
    height, rows = _STEP * changes.height, list(changes.iter_rows(named=True))
    cohorts = [_Cohort(row, i * _STEP, width - _LABEL - _NOTE) for i, row in enumerate(rows)]
    bands = [band for cohort in cohorts for band in cohort.bands()]
    estimates = [estimate for cohort in cohorts for estimate in cohort.estimates()]
    frame = pl.DataFrame(bands, schema=["x", "x2", "y", "y2", "fill", "band"], orient="row")
    points = pl.DataFrame(estimates, schema=_ESTIMATE, orient="row", infer_schema_length=None)
    named = [_side_name(row, width - _NOTE) for row in points.head(2).iter_rows(named=True)]
    layers = [
        bars(frame, width, height, ["band"]),
        _lines(points, width, height),
        _points(points, width, height),
        texts(text_rows([cohort.label() for cohort in cohorts]), width, height),
        texts(text_rows([cohort.note() for cohort in cohorts]), width, height, fontWeight=600),
        texts(
            text_rows([tick for cohort in cohorts for tick in cohort.ticks()]),
            width,
            height,
            fontSize=10,
            align="center",
        ),
        texts(text_rows(named), width, height, fontSize=10.5, fontWeight=600),
    ]
    said = "; ".join(f"{cohort.name} {cohort.change}" for cohort in cohorts)
    return finish(layers, width, height, f"p75 before and after: {said}.")


class _Cohort:
    """One row of the chart: a cohort's values on a scale of its own, in px."""

    def __init__(self, row: dict[str, Any], top: float, room: float) -> None:
        self.row, self.top = row, float(top)
        self.metric = row["metric"]
        ends = [row.get(f"p75_{side}{end}") for side, *_ in _SIDES for end in ("", "_high")]
        self.scale = Scale.of(self.metric, ends, left=_LABEL, room=room)
        self.room = room
        split = [str(row[key]) for key in ("device_class", "region", "browser", "route") if row.get(key) is not None]
        self.name = ", ".join([self.metric, *split])
        self.change = f"{vital(self.metric, row['p75_before'])} → {vital(self.metric, row['p75_after'])}"

    def bands(self) -> list[tuple[object, ...]]:
        return self.scale.rects(self.top, _BAND)

    def estimates(self) -> list[tuple[object, ...]]:
        found = []
        for side, fill, y in _SIDES:
            value = self.row[f"p75_{side}"]
            if value is None:
                continue
            low, high = (self.row.get(f"p75_{side}_{end}") for end in ("low", "high"))
            interval = f"{vital(self.metric, low)} – {vital(self.metric, high)}"
            ends = (self.scale.x(value if low is None else low), self.scale.x(value if high is None else high))
            found.append(
                (*ends, self.scale.x(value), self.top + y, fill, side, vital(self.metric, value), interval,
                 self.row.get(f"n_{side}"))
            )  # fmt: skip
        return found

    def label(self) -> tuple[float, float, str, str]:
        return 0.0, self.top + _BAND / 2, shorten(self.name, 35), LIGHT.ink

    def note(self) -> tuple[float, float, str, str]:
        return _LABEL + self.room + 12, self.top + _BAND / 2, self.change, LIGHT.ink

    def ticks(self) -> list[tuple[float, float, str, str]]:
        return self.scale.ticks(self.top + _BAND + 9)


def _side_name(estimate: dict[str, Any], edge: float) -> tuple[float, float, str, str]:
    """Name a side beside its interval: right of it, left where there is no room."""
    text = str(estimate["release"])
    wide = text_width(text, 10.5) + 7
    x = estimate["x2"] + 7 if estimate["x2"] + wide <= edge else estimate["x"] - wide
    return x, estimate["y"], text, estimate["fill"]


def _lines(frame: pl.DataFrame, width: int, height: int) -> alt.Chart:
    return (
        alt.Chart(frame)
        .mark_rule(strokeWidth=3)
        .encode(x=x_px("x", width), x2="x2:Q", y=y_px("y", height), stroke=alt.Stroke("fill:N", scale=None))
    )


def _points(frame: pl.DataFrame, width: int, height: int) -> alt.Chart:
    return (
        alt.Chart(frame)
        .mark_circle(aria=False, size=70, opacity=1)
        .encode(
            x=x_px("at", width),
            y=y_px("y", height),
            fill=alt.Fill("fill:N", scale=None),
            tooltip=[alt.Tooltip(f"{name}:N", title=name.replace("_", " ")) for name in frame.columns[5:]],
        )
    )
