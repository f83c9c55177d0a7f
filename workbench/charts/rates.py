"""Errors over time, with what happened meanwhile: deploys, the first word from support."""

from __future__ import annotations

from datetime import datetime

import altair as alt
import polars as pl

from workbench.charts.labels import count, moment, plural
from workbench.charts.marks import lanes
from workbench.charts.rows import finish, text_rows, texts, y_px
from workbench.charts.theme import LIGHT, WIDTH

_PLOT, _LANE, _AXIS = 120, 17, 24
_STROKE = {"deploy": LIGHT.ink, "support": LIGHT.partial, "alert": LIGHT.normal}


def rates_chart(rates: pl.DataFrame, marks: pl.DataFrame | None = None, *, width: int = WIDTH) -> alt.LayerChart | str:
    """Draw the errors of each stretch of time in red, noise in grey behind them, and mark what happened.

    Parameters
    ----------
    rates
        `at` (start of a stretch, UTC; equal stretches), `errors` (not noise), optionally `noise`; one row a stretch.
    marks
        `at`, `label`, `kind` (deploy, support or alert). Optional.
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
    start, end = rates["at"][0], rates["at"][-1]
    step = (end - start) / max(1, rates.height - 1)
    end = end + step
    has_noise = "noise" in rates.columns
    most = max(1, *(rates[name].max() or 0 for name in ("errors", "noise") if name in rates.columns))

    def x_of(at: datetime) -> float:
        return width * ((at - start) / (end - start) if end > start else 0.0)

    shown = (
        marks.filter(pl.col("at").is_between(start, end)).sort("at")
        if marks is not None
        else pl.DataFrame(schema={"at": pl.Datetime, "label": pl.String, "kind": pl.String})
    )
    told = [(x_of(at), f"{label} {moment(at)}") for at, label in shown.select("at", "label").iter_rows()]
    placed = lanes([(x, text) for x, text in told], width)
    head = _LANE * (1 + max((lane for lane, _ in placed), default=-1)) + 6
    height = head + _PLOT + _AXIS
    floor = head + _PLOT
    times = alt.X("at:T", scale=alt.Scale(type="utc", domain=[_ms(start), _ms(end)]), title=None,
                  axis=alt.Axis(format="%-d %b %H:%M", tickCount=6, labelBound=True, labelFlush=True, offset=-_AXIS))  # fmt: skip
    points = rates.select(
        pl.col("at").dt.epoch("ms"),
        *(pl.col(name).alias(name) for name in ("errors", "noise") if name in rates.columns),
        *(
            (floor - _PLOT * pl.col(name) / most).alias(f"y_{name}")
            for name in ("errors", "noise")
            if name in rates.columns
        ),
        pl.lit(float(floor)).alias("floor"),
    )
    layers = []
    for name, fill in (("noise", LIGHT.noise_pale), ("errors", LIGHT.hit)):
        if name in rates.columns:
            layers.append(
                alt.Chart(points).mark_area(interpolate="step-after", fill=fill)
                .encode(x=times, y=y_px(f"y_{name}", height), y2="floor:Q")
            )  # fmt: skip
    layers.append(_hover(points, times, height, has_noise))
    rules = pl.DataFrame(
        [
            (_ms(at), lane * _LANE + 2.0, float(floor), _STROKE.get(kind, LIGHT.soft))
            for (at, kind), (lane, _) in zip(shown.select("at", "kind").iter_rows(), placed, strict=True)
        ],
        schema=["at", "y", "y2", "stroke"],
        orient="row",
    )
    if rules.height:
        layers.append(
            alt.Chart(rules).mark_rule(strokeWidth=1, strokeDash=[2, 2])
            .encode(x=times, y=y_px("y", height), y2="y2:Q", stroke=alt.Stroke("stroke:N", scale=None))
        )  # fmt: skip
    for side in ("left", "right"):
        rows = [
            (x + (5 if side == "left" else -5), lane * _LANE + 8.0, text, LIGHT.ink)
            for (x, text), (lane, at_side) in zip(told, placed, strict=True)
            if at_side == side
        ]
        if rows:
            layers.append(texts(text_rows(rows), width, height, fontSize=11, align=side))
    layers.extend(_names(points, x_of, width, height, floor, has_noise))
    said = f"{plural(int(rates['errors'].sum()), 'error')} from {moment(start)} to {moment(end)} UTC"
    chart = alt.layer(*layers).resolve_scale(x="independent")
    return finish([chart], width, height, f"Errors over time: {said}.")


def _hover(points: pl.DataFrame, times: alt.X, height: int, has_noise: bool) -> alt.Chart:
    """Lay an invisible bar over each stretch, so that hovering anywhere tells its counts."""
    tell = [alt.Tooltip("at:T", title="from (UTC)", format="%-d %b %H:%M"), alt.Tooltip("errors:Q", title="errors")]
    if has_noise:
        tell.append(alt.Tooltip("noise:Q", title="noise"))
    over = alt.selection_point(on="pointerover", clear="pointerout", fields=["at"], empty=False)
    return (
        alt.Chart(points)
        .mark_rule(strokeWidth=6, stroke=LIGHT.noise)
        .encode(x=times, y=alt.value(0), y2=alt.value(height - _AXIS), tooltip=tell,
                opacity=alt.when(over).then(alt.value(0.35)).otherwise(alt.value(0)))
        .add_params(over)
    )  # fmt: skip


def _names(points: pl.DataFrame, x_of: object, width: int, height: int, floor: int, has_noise: bool) -> list[alt.Chart]:
    """Write the peak's count at the peak: the one number a reader looks for."""
    peak = points.sort("errors", descending=True).row(0, named=True)
    share = (peak["at"] - points["at"][0]) / max(1, points["at"][-1] - points["at"][0])
    side = "left" if share < 0.7 else "right"
    x = share * width + (14 if side == "left" else -14)
    layer = texts(
        text_rows([(x, peak["y_errors"] + 6.0, f"at most {count(peak['errors'])} errors", LIGHT.hit)]),
        width, height, fontSize=11, align=side, fontWeight=600,
    )  # fmt: skip
    return [layer]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
