"""Vitals before and after: the p75 with its interval over the good, needs-improvement and poor bands."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from workbench.charts.labels import shorten, vital
from workbench.charts.rows import bars, finish, text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT, WIDTH
from workbench.vitals.thresholds import thresholds

_STEP, _BAND, _LABEL, _NOTE = 54, 32, 262, 150
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
    if changes.is_empty():
        return "No vital changed beyond what chance explains."
    height = _STEP * changes.height
    room = width - _LABEL - _NOTE
    bands, lines, points, labels, notes, ticks, named = [], [], [], [], [], [], []
    for i, row in enumerate(changes.iter_rows(named=True)):
        limits = thresholds()[row["metric"]]
        top = i * _STEP
        most = max(
            1.35 * limits.poor, *(1.06 * (row.get(f"p75_{side}_high") or row[f"p75_{side}"]) for side, *_ in _SIDES)
        )
        edges = (0.0, limits.good, limits.poor, most)
        for (low, high), fill, band in zip(
            zip(edges, edges[1:], strict=False),
            (LIGHT.band_good, LIGHT.band_needs, LIGHT.band_poor),
            ("good", "needs improvement", "poor"),
            strict=True,
        ):
            bands.append((_LABEL + room * low / most, _LABEL + room * high / most, top, top + _BAND, fill, band))
        for limit in (limits.good, limits.poor):
            ticks.append((_LABEL + room * limit / most, top + _BAND + 9.0, vital(row["metric"], limit), LIGHT.soft))
        for side, fill, y in _SIDES:
            value = row[f"p75_{side}"]
            low, high = (row.get(f"p75_{side}_{end}") for end in ("low", "high"))
            points.append((_LABEL + room * value / most, top + y, fill, side, vital(row["metric"], value),
                           f"{vital(row['metric'], low)} – {vital(row['metric'], high)}", row.get(f"n_{side}")))  # fmt: skip
            ends = (low if low is not None else value, high if high is not None else value)
            lines.append((*(_LABEL + room * end / most for end in ends), top + y, fill))
            if i == 0:
                named.append((_LABEL + room * ends[1] / most + 7, float(top + y), side, fill))
        labels.append((0.0, top + _BAND / 2, shorten(_cohort(row), 35), LIGHT.ink))
        said = f"{vital(row['metric'], row['p75_before'])} → {vital(row['metric'], row['p75_after'])}"
        notes.append((_LABEL + room + 12.0, top + _BAND / 2, said, LIGHT.ink))
    frame = pl.DataFrame(bands, schema=["x", "x2", "y", "y2", "fill", "band"], orient="row")
    layers = [
        bars(frame, width, height, ["band"]),
        _lines(pl.DataFrame(lines, schema=["x", "x2", "y", "fill"], orient="row"), width, height),
        _points(
            pl.DataFrame(points, schema=["x", "y", "fill", "release", "p75", "interval", "page_views"], orient="row"),
            width,
            height,
        ),
        texts(text_rows(labels), width, height),
        texts(text_rows(notes), width, height, fontWeight=600),
        texts(text_rows(ticks), width, height, fontSize=10, align="center"),
        texts(text_rows(named), width, height, fontSize=10.5, fontWeight=600),
    ]
    said = "; ".join(
        f"{_cohort(row)} {vital(row['metric'], row['p75_before'])} before, {vital(row['metric'], row['p75_after'])} after"
        for row in changes.iter_rows(named=True)
    )
    return finish(layers, width, height, f"p75 before and after: {said}.")


def _cohort(row: dict[str, Any]) -> str:
    """Name a cohort: the metric, then whatever it was split by."""
    split = [str(row[name]) for name in ("device_class", "region", "browser", "route") if row.get(name) is not None]
    return ", ".join([str(row["metric"]), *split])


def _lines(frame: pl.DataFrame, width: int, height: int) -> alt.Chart:
    return (
        alt.Chart(frame)
        .mark_rule(strokeWidth=3)
        .encode(x=x_px("x", width), x2="x2:Q", y=y_px("y", height), stroke=alt.Stroke("fill:N", scale=None))
    )


def _points(frame: pl.DataFrame, width: int, height: int) -> alt.Chart:
    return (
        alt.Chart(frame)
        .mark_circle(size=70, opacity=1)
        .encode(
            x=x_px("x", width),
            y=y_px("y", height),
            fill=alt.Fill("fill:N", scale=None),
            tooltip=[alt.Tooltip(f"{name}:N", title=name.replace("_", " ")) for name in frame.columns[3:]],
        )
    )
