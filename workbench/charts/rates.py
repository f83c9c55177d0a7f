"""Errors over time, with what happened meanwhile: deploys, the first word from support."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import altair as alt
import polars as pl

from workbench.charts.labels import milliseconds, moment, plural, text_width
from workbench.charts.marks import lanes
from workbench.charts.rows import finish, text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT, WIDTH

_PLOT, _LANE, _AXIS, _PEAK = 120, 17, 22, 16
_STROKE = {"deploy": LIGHT.ink, "support": LIGHT.partial, "alert": LIGHT.normal}
_TICKS = [timedelta(minutes=m) for m in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)]
NO_MARKS = pl.DataFrame(schema={"at": pl.Datetime("us", "UTC"), "label": pl.String, "kind": pl.String})


class _Frame(NamedTuple):
    """Where things are, px, and when."""

    start: datetime
    end: datetime
    width: int
    head: int

    @property
    def floor(self) -> float:
        return float(self.head + _PEAK + _PLOT)

    @property
    def height(self) -> int:
        return int(self.floor) + _AXIS

    def x(self, at: datetime) -> float:
        return self.width * ((at - self.start) / (self.end - self.start))


def rates_chart(rates: pl.DataFrame, marks: pl.DataFrame | None = None, *, width: int = WIDTH) -> alt.LayerChart | str:
    """Draw the errors of each stretch of time in red, noise in grey behind them, and mark what happened.

    Parameters
    ----------
    rates
        `at` (start of a stretch, UTC; equal stretches), `errors` (not noise), optionally `noise`; one row a stretch.
    marks
        `at`, `label`, `kind` (deploy, support or alert); those outside of the stretches are left out. Optional.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when there are no errors.

    Examples
    --------
    >>> rates_chart(pl.DataFrame())
    'No errors were reported in this window.'
    """
    if rates.is_empty():
        return "No errors were reported in this window."
    rates = rates.sort("at")
    first, last = rates["at"][0], rates["at"][-1]
    step = (last - first) / (rates.height - 1) if rates.height > 1 else timedelta(hours=1)
    end = last + step
    shown = (NO_MARKS if marks is None else marks).filter(pl.col("at").is_between(first, end)).sort("at")
    told = [f"{label} {moment(at)}" for at, label in shown.select("at", "label").iter_rows()]
    spot = _Frame(first, end, width, 0)
    placed = lanes([(spot.x(at), text) for at, text in zip(shown["at"], told, strict=True)], width)
    spot = spot._replace(head=_LANE * (1 + max((lane for lane, _ in placed), default=-1)) + (4 if placed else 0))
    names = [name for name in ("noise", "errors") if name in rates.columns]
    most = max(1, *(rates[name].max() or 0 for name in names))
    points = _points(rates, names, most, spot)
    layers = [
        alt.Chart(points)
        .mark_area(interpolate="step-after", fill=LIGHT.hit if name == "errors" else LIGHT.noise_pale)
        .encode(x=x_px("x", width), y=y_px(f"y_{name}", spot.height), y2="floor:Q")
        for name in names
    ]
    layers += [
        _hover(points.head(-1), names, step, spot),
        *_axis(spot),
        *_marks(shown, told, placed, spot),
        *_peak(points, step, spot),
    ]
    said = f"{plural(int(rates['errors'].sum()), 'error')} from {moment(first)} to {moment(end)} UTC"
    return finish(layers, width, spot.height, f"Errors over time: {said}.")


def _points(rates: pl.DataFrame, names: list[str], most: int, spot: _Frame) -> pl.DataFrame:
    """Put stretches into px; the last is repeated at the end of time, so that its step has a width."""
    whole = pl.concat([rates, rates.tail(1).with_columns(pl.lit(spot.end).cast(rates.schema["at"]).alias("at"))])
    return whole.select(
        pl.Series("x", [spot.x(at) for at in whole["at"]]),
        pl.col("at").dt.strftime("%-d %b %H:%M").alias("from_utc"),
        *names,
        *((spot.floor - _PLOT * pl.col(name) / most).alias(f"y_{name}") for name in names),
        pl.lit(spot.floor).alias("floor"),
    )


def _hover(points: pl.DataFrame, names: list[str], step: timedelta, spot: _Frame) -> alt.Chart:
    """Lay an invisible column over each stretch, so that hovering anywhere tells its counts."""
    over = alt.selection_point(on="pointerover", clear="pointerout", fields=["x"], empty=False)
    columns = points.with_columns((pl.col("x") + spot.x(spot.start + step)).alias("x2"))
    return (
        alt.Chart(columns)
        .mark_rect(fill=LIGHT.noise)
        .encode(
            x=x_px("x", spot.width),
            x2="x2:Q",
            y=alt.value(spot.head),
            y2=alt.value(spot.floor),
            tooltip=[alt.Tooltip("from_utc:N", title="from (UTC)"), *(alt.Tooltip(f"{name}:Q") for name in names)],
            opacity=alt.when(over).then(alt.value(0.3)).otherwise(alt.value(0)),
        )
        .add_params(over)
    )


def _axis(spot: _Frame) -> list[alt.Chart]:
    """Draw the floor and write times on it: whole hours, the day at midnight."""
    every = next((tick for tick in _TICKS if (spot.end - spot.start) / tick <= 9), _TICKS[-1])
    midnight = spot.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    times = [midnight + i * every for i in range(int((spot.end - midnight) / every) + 1)]
    rows, ticks = [], []
    for time in times:
        if time < spot.start:
            continue
        text = f"{time.day} {time:%b}" if (time.hour, time.minute) == (0, 0) else f"{time:%H:%M}"
        half, x = text_width(text, 11) / 2, spot.x(time)
        ticks.append((x, spot.floor, spot.floor + 4))
        rows.append((min(max(x, half), spot.width - half), spot.floor + 14, text, LIGHT.soft))
    floor = pl.DataFrame({"x": [0.0], "x2": [float(spot.width)], "y": [spot.floor]})
    lines = pl.DataFrame(ticks, schema={"x": pl.Float64, "y": pl.Float64, "y2": pl.Float64}, orient="row")
    rule = alt.Chart(floor).mark_rule(stroke=LIGHT.noise)
    return [
        rule.encode(x=x_px("x", spot.width), x2="x2:Q", y=y_px("y", spot.height)),
        alt.Chart(lines)
        .mark_rule(stroke=LIGHT.noise)
        .encode(x=x_px("x", spot.width), y=y_px("y", spot.height), y2="y2:Q"),
        texts(text_rows(rows), spot.width, spot.height, fontSize=11, align="center"),
    ]


def _marks(shown: pl.DataFrame, told: list[str], placed: list[tuple[int, str]], spot: _Frame) -> list[alt.Chart]:
    """Draw a dashed line at each moment, from its label down to the floor."""
    if shown.is_empty():
        return []
    rules, rows = [], {"left": [], "right": []}
    for (at, kind), text, (lane, side) in zip(shown.select("at", "kind").iter_rows(), told, placed, strict=True):
        x = min(max(spot.x(at), 0.5), spot.width - 0.5)
        rules.append((x, lane * _LANE + 2.0, spot.floor, _STROKE.get(kind, LIGHT.soft)))
        rows[side].append((x + (5 if side == "left" else -5), lane * _LANE + 8.0, text, LIGHT.ink))
    lines = pl.DataFrame(rules, schema=["x", "y", "y2", "stroke"], orient="row")
    drawn = (
        alt.Chart(lines)
        .mark_rule(strokeWidth=1.2, strokeDash=[3, 2])
        .encode(
            x=x_px("x", spot.width),
            y=y_px("y", spot.height),
            y2="y2:Q",
            stroke=alt.Stroke("stroke:N", scale=None),
        )
    )
    labels = [
        layer for side, on_side in rows.items() if on_side for layer in _haloed(text_rows(on_side), spot, align=side)
    ]
    return [drawn, *labels]


def _haloed(rows: pl.DataFrame, spot: _Frame, **style: object) -> list[alt.Chart]:
    """Write texts that may stand over a line: first in the colour of the paper, and wider."""
    halo = texts(rows, spot.width, spot.height, fontSize=11, stroke=LIGHT.paper, strokeWidth=4, **style)
    return [halo, texts(rows, spot.width, spot.height, fontSize=11, **style)]


def _peak(points: pl.DataFrame, step: timedelta, spot: _Frame) -> list[alt.Chart]:
    """Write the highest count above its peak: the one number a reader looks for."""
    peak = points.sort("errors", descending=True).row(0, named=True)
    text = f"at most {plural(int(peak['errors']), 'error')} in {milliseconds(step.total_seconds() * 1000)}"
    half = text_width(text, 11) / 2
    x = min(max(peak["x"], half), spot.width - half)
    row = text_rows([(x, peak["y_errors"] - 8, text, LIGHT.hit)])
    return _haloed(row, spot, align="center", fontWeight=600)
