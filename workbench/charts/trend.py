"""A vital over time: p75 with the band of its interval, one strip a device, deploys marked."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import altair as alt
import polars as pl

from workbench.charts.bands import BANDS, Scale
from workbench.charts.labels import count, moment, text_width, vital
from workbench.charts.rows import bars, finish, text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT, WIDTH
from workbench.charts.times import Marks, Times, axis, draw_marks, haloed

_STRIP, _GAP, _LEFT = 112, 26, 46


class _Strip(NamedTuple):
    """One device's plot: from `top` px, `most` being its highest value."""

    device: str
    top: float
    most: float

    def y(self, value: float) -> float:
        return self.top + _STRIP * (1 - min(value, self.most) / self.most)


def trend_chart(
    points: pl.DataFrame, every: timedelta, marks: pl.DataFrame | None = None, *, width: int = WIDTH
) -> alt.LayerChart | str:
    """Draw the p75 of each stretch of time with its interval; a stretch with too few page views is a gap.

    Parameters
    ----------
    points
        One metric: `at` (start of a stretch, UTC), `device_class`, `metric`, n, p75, p75_low, p75_high; p75 is null
        where there are too few.
    every
        How long a stretch is.
    marks
        `at`, `label`, `kind`, as `rates_chart` takes them. Optional.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when no stretch has enough page views.

    Examples
    --------
    >>> trend_chart(pl.DataFrame(), timedelta(days=1))
    'Too few page views in every stretch of time to draw a p75.'
    """
    if points.is_empty() or points["p75"].is_null().all():
        return "Too few page views in every stretch of time to draw a p75."
    points = points.with_columns(pl.col("device_class").cast(pl.String).fill_null("unknown device"))
    metric, start, end = points["metric"][0], points["at"].min(), points["at"].max() + every
    known = points.filter(pl.col("p75").is_not_null())
    devices = known.group_by("device_class").agg(pl.col("n").sum()).sort("n", descending=True)["device_class"].to_list()
    times = Times(start, end, width, 0, _LEFT)
    placed = Marks.of(marks, times)
    strips = [
        _Strip(device, placed.head + 18.0 + i * (_STRIP + _GAP), _most(known.filter(device_class=device)))
        for i, device in enumerate(devices)
    ]
    times = times._replace(floor=strips[-1].top + _STRIP)
    drawn = [row for strip in strips for row in _drawn(points.filter(device_class=strip.device), strip, times, every)]
    frame = pl.DataFrame(drawn, schema=_DRAWN, orient="row", infer_schema_length=None)
    area = frame.filter(pl.col("y_low").is_not_null())
    bands = [band for strip in strips for band in _bands(metric, strip, width)]
    heads = [(float(_LEFT), strip.top - 9, f"{metric}, {strip.device}", LIGHT.ink) for strip in strips]
    sides = [tick for strip in strips for tick in _ticks(metric, strip)]
    layers = [
        bars(pl.DataFrame(bands, schema=["x", "x2", "y", "y2", "fill", "band"], orient="row"), width, times.height),
        _area(area, times),
        _alone(area.filter(pl.len().over("run") == 1), times),
        _line(frame, times),
        *axis(times),
        *draw_marks(placed, times),
        _dots(frame, times),
        *haloed(heads, times, fontWeight=600),
        texts(text_rows(sides), width, times.height, fontSize=10.5, align="right"),
        *haloed(_last(frame, strips, width), times, align="right", fontWeight=600),
    ]
    said = f"p75 of {metric} from {moment(start)} to {moment(end)} UTC by {', '.join(devices)}"
    return finish(layers, width, times.height, f"{said}.")


_DRAWN = {
    "x": pl.Float64, "y": pl.Float64, "y_low": pl.Float64, "y_high": pl.Float64, "run": pl.String,
    "device": pl.String, "from_utc": pl.String, "p75": pl.String, "interval": pl.String, "page_views": pl.String,
}  # fmt: skip


def _most(points: pl.DataFrame) -> float:
    """The top of a strip: above every interval, but no outlier's interval makes the others flat."""
    highest = float(points["p75"].max())
    return max(min(float(points["p75_high"].max() or highest), 1.8 * highest) * 1.06, 1e-9)


def _drawn(points: pl.DataFrame, strip: _Strip, times: Times, every: timedelta) -> list[tuple[object, ...]]:
    """Put the stretches of one device into px; each run without a gap is a line of its own."""
    rows, run, before = [], 0, None
    for row in points.sort("at").iter_rows(named=True):
        if row["p75"] is None:
            continue
        run += before is not None and row["at"] - before > every * 1.5
        before = row["at"]
        low = row["p75"] if row["p75_low"] is None else row["p75_low"]
        high = row["p75"] if row["p75_high"] is None else row["p75_high"]
        value = vital(row["metric"], row["p75"])
        interval = f"{vital(row['metric'], row['p75_low'])} – {vital(row['metric'], row['p75_high'])}"
        middle = min(row["at"] + every / 2, times.end)
        rows.append(
            (times.x(middle), strip.y(row["p75"]), strip.y(low), strip.y(high), f"{strip.device} {run}", strip.device,
             moment(row["at"]), value, interval, count(row["n"]))
        )  # fmt: skip
    return rows


def _bands(metric: str, strip: _Strip, width: int) -> list[tuple[object, ...]]:
    edges = [0.0, *Scale(metric, 0, 1, strip.most).limits(), float("inf")]
    fills = BANDS if len(edges) == 4 else (("no thresholds", LIGHT.noise_pale),)
    return [
        (float(_LEFT), float(width), strip.y(high), strip.y(low), fill, name)
        for low, high, (name, fill) in zip(edges, edges[1:], fills, strict=False)
        if low < strip.most
    ]


def _ticks(metric: str, strip: _Strip) -> list[tuple[float, float, str, str]]:
    """Write zero, the thresholds that show, and the top where nothing else stands near it."""
    shown = [limit for limit in Scale(metric, 0, 1, strip.most).limits() if limit <= 0.93 * strip.most]
    values = [0.0, *shown] + ([strip.most] if not shown or shown[-1] < 0.8 * strip.most else [])
    told = ["0" if value == 0 else vital(metric, value) for value in values]
    return [(_LEFT - 6.0, strip.y(value), text, LIGHT.soft) for value, text in zip(values, told, strict=True)]


def _last(frame: pl.DataFrame, strips: list[_Strip], width: int) -> list[tuple[float, float, str, str]]:
    """Say each device's last p75 and its interval, right above its strip."""
    rows = []
    for strip in strips:
        last = frame.filter(device=strip.device).row(-1, named=True)
        text = f"last: {last['p75']} ({last['interval']}), {last['page_views']} page views"
        assert text_width(text, 11) < width
        rows.append((float(width), strip.top - 9, text, LIGHT.normal))
    return rows


def _area(frame: pl.DataFrame, times: Times) -> alt.Chart:
    return (
        alt.Chart(frame)
        .mark_area(fill=LIGHT.before, opacity=0.45)
        .encode(x=x_px("x", times.width), y=y_px("y_low", times.height), y2="y_high:Q", detail="run:N")
    )


def _alone(frame: pl.DataFrame, times: Times) -> alt.Chart:
    """A stretch between two gaps has no width: its interval is a line."""
    return (
        alt.Chart(frame)
        .mark_rule(stroke=LIGHT.before, strokeWidth=3, opacity=0.45)
        .encode(x=x_px("x", times.width), y=y_px("y_low", times.height), y2="y_high:Q")
    )


def _line(frame: pl.DataFrame, times: Times) -> alt.Chart:
    return (
        alt.Chart(frame)
        .mark_line(stroke=LIGHT.normal, strokeWidth=1.8)
        .encode(x=x_px("x", times.width), y=y_px("y", times.height), detail="run:N")
    )


def _dots(frame: pl.DataFrame, times: Times) -> alt.Chart:
    tooltip = [alt.Tooltip(f"{name}:N", title=name.replace("_", " ")) for name in list(_DRAWN)[5:]]
    return (
        alt.Chart(frame)
        .mark_circle(aria=False, size=34 if frame.height <= 80 else 18, opacity=1, fill=LIGHT.normal)
        .encode(x=x_px("x", times.width), y=y_px("y", times.height), tooltip=tooltip)
    )
