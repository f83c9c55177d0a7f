"""Errors over time, with what happened meanwhile: deploys, the first word from support."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import altair as alt
import polars as pl

from workbench.charts.labels import milliseconds, moment, plural, text_width
from workbench.charts.rows import finish, x_px, y_px
from workbench.charts.theme import LIGHT, WIDTH
from workbench.charts.times import Marks, Times, axis, draw_marks, haloed

_PLOT, _PEAK = 120, 16


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
    spot = Times(first, end, width, 0)
    placed = Marks.of(marks, spot)
    spot = spot._replace(floor=float(placed.head + _PEAK + _PLOT))
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
        _hover(points.head(-1), names, step, spot, placed.head),
        *axis(spot),
        *draw_marks(placed, spot),
        *_peak(points, step, spot, [spot.x(at) for at in placed.shown["at"]]),
    ]
    said = f"{plural(int(rates['errors'].sum()), 'error')} from {moment(first)} to {moment(end)} UTC"
    return finish(layers, width, spot.height, f"Errors over time: {said}.")


def _points(rates: pl.DataFrame, names: list[str], most: int, spot: Times) -> pl.DataFrame:
    """Put stretches into px; the last is repeated at the end of time, so that its step has a width."""
    whole = pl.concat([rates, rates.tail(1).with_columns(pl.lit(spot.end).cast(rates.schema["at"]).alias("at"))])
    return whole.select(
        pl.Series("x", [spot.x(at) for at in whole["at"]]),
        pl.col("at").dt.strftime("%-d %b %H:%M").alias("from_utc"),
        *names,
        *((spot.floor - _PLOT * pl.col(name) / most).alias(f"y_{name}") for name in names),
        pl.lit(spot.floor).alias("floor"),
    )


def _hover(points: pl.DataFrame, names: list[str], step: timedelta, spot: Times, head: int) -> alt.Chart:
    """Lay an invisible column over each stretch, so that hovering anywhere tells its counts."""
    over = alt.selection_point(on="pointerover", clear="pointerout", fields=["x"], empty=False)
    columns = points.with_columns((pl.col("x") + spot.x(spot.start + step)).alias("x2"))
    return (
        alt.Chart(columns)
        .mark_rect(aria=False, fill=LIGHT.noise)
        .encode(
            x=x_px("x", spot.width),
            x2="x2:Q",
            y=alt.value(head),
            y2=alt.value(spot.floor),
            tooltip=[alt.Tooltip("from_utc:N", title="from (UTC)"), *(alt.Tooltip(f"{name}:Q") for name in names)],
            opacity=alt.when(over).then(alt.value(0.3)).otherwise(alt.value(0)),
        )
        .add_params(over)
    )


def _peak(points: pl.DataFrame, step: timedelta, spot: Times, lines: Sequence[float]) -> list[alt.Chart]:
    """Write the highest count above its peak, or beside it where a line would run through it."""
    peak = points.sort("errors", descending=True).row(0, named=True)
    text = f"at most {plural(int(peak['errors']), 'error')} in {milliseconds(step.total_seconds() * 1000)}"
    half = text_width(text, 11) / 2
    middle = peak["x"] + spot.x(spot.start + step) / 2
    beside = [line + side * (half + 5) for line in lines for side in (1, -1)]
    near = sorted((min(max(x, half), spot.width - half) for x in (middle, *beside)), key=lambda x: abs(x - middle))
    x = next((x for x in near if all(abs(x - line) >= half + 3 for line in lines)), near[0])
    return haloed([(x, peak["y_errors"] - 8, text, LIGHT.hit)], spot, align="center", fontWeight=600)
