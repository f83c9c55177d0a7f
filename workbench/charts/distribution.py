"""How a vital's values lie, on a logarithmic scale, one strip a device; p75 and p95 marked over the bands."""

from __future__ import annotations

import math
from typing import NamedTuple

import altair as alt
import polars as pl

from workbench.charts.bands import BANDS
from workbench.charts.labels import count, share, text_width, vital
from workbench.charts.rows import bars, finish, text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT, WIDTH
from workbench.vitals.histogram import GAMMA, ZERO
from workbench.vitals.thresholds import thresholds

_STRIP, _GAP, _HEAD, _AXIS, _NONE = 96, 40, 32, 20, 40
_BIN = 10  # log buckets of 1 % in one bar
_TAIL = 0.002
_STEPS = (1, 2, 5)


class _Axis(NamedTuple):
    """A logarithmic scale between `low` and `high`, from `left` to `width` px."""

    low: float
    high: float
    left: float
    width: float

    def x(self, value: float) -> float:
        part = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.left + (self.width - self.left) * min(part, 1.0)


def distribution_chart(histogram: pl.DataFrame, state: pl.DataFrame, *, width: int = WIDTH) -> alt.LayerChart | str:
    """Draw the share of page views by value, on a logarithmic axis; zeros stand in a bar of their own.

    Parameters
    ----------
    histogram
        One metric, as `workbench.reduce.vitals_histogram` gives it: metric, device_class, bucket, n.
    state
        The same metric's percentiles: device_class, n, p75, p75_low, p75_high, p95; null where there are too few.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when nothing was measured.

    Examples
    --------
    >>> distribution_chart(pl.DataFrame(), pl.DataFrame())
    'No page view of this choice sent this vital.'
    """
    counted = histogram.filter(pl.col("bucket") >= ZERO) if histogram.width else histogram
    if counted.is_empty():
        return "No page view of this choice sent this vital."
    device = pl.col("device_class").cast(pl.String).fill_null("unknown device")
    counted, state = counted.with_columns(device), state.with_columns(device)
    metric, zeros = counted["metric"][0], (counted["bucket"] == ZERO).any()
    axis = _axis(counted, state, metric, _NONE if zeros else 0, width)
    devices = (
        counted.group_by("device_class").agg(pl.col("n").sum()).sort("n", descending=True)["device_class"].to_list()
    )
    height = _HEAD + len(devices) * (_STRIP + _GAP) - _GAP + _AXIS
    bands, drawn, lines, labels, heads = [], [], [], [], []
    for i, name in enumerate(devices):
        top = float(_HEAD + i * (_STRIP + _GAP))
        told = state.filter(device_class=name)
        row = told.row(0, named=True) if told.height else {}
        bands += _bands(metric, axis, top)
        drawn += _bars(counted.filter(device_class=name), axis, top, name, metric)
        marks, beside = _percentiles(row, metric, axis, top, width)
        lines, labels = lines + marks, labels + beside
        heads.append((0.0, top - 22, f"{metric}, {name}", LIGHT.ink))
        heads.append(
            (text_width(f"{metric}, {name}", 12) + 14, top - 22, f"{count(row.get('n'))} page views", LIGHT.soft)
        )
    frame = pl.DataFrame(
        drawn, schema=["x", "x2", "y", "y2", "fill", "device", "value", "share", "page_views"], orient="row"
    )
    ticks = [(axis.x(value), height - _AXIS + 9.0, _said(metric, value), LIGHT.soft) for value in _ticks(axis, metric)]
    if zeros:
        ticks.append((_NONE / 2 - 4, height - _AXIS + 9.0, "0", LIGHT.soft))
    layers = [
        bars(pl.DataFrame(bands, schema=["x", "x2", "y", "y2", "fill", "band"], orient="row"), width, height),
        bars(frame, width, height, ["device", "value", "share", "page_views"]),
        _rules(lines, width, height),
        texts(text_rows(heads), width, height, fontSize=12),
        *(
            texts(text_rows([row for side, row in labels if side == align]), width, height, fontSize=11, align=align,
                  fontWeight=600)
            for align in ("left", "right")
        ),
        texts(text_rows(ticks), width, height, fontSize=10.5, align="center"),
    ]  # fmt: skip
    return finish(layers, width, height, f"Distribution of {metric} by {', '.join(devices)}, p75 and p95 marked.")


def _axis(counted: pl.DataFrame, state: pl.DataFrame, metric: str, left: float, width: int) -> _Axis:
    """From where the values begin to where all but a few have ended; thresholds and percentiles always show."""
    above = counted.filter(pl.col("bucket") > ZERO).group_by("bucket").agg(pl.col("n").sum()).sort("bucket")
    told = [
        value for name in ("p75", "p95") if name in state.columns for value in state[name].drop_nulls() if value > 0
    ]
    rule = thresholds().get(metric)
    told += [rule.good * 0.8, rule.poor * 1.3] if rule else []
    if above.height:
        reached = above["n"].cum_sum() / above["n"].sum()
        ends = above.filter((reached >= _TAIL) & (reached <= 1 - _TAIL))["bucket"]
        ends = ends if len(ends) else above["bucket"]
        told += [GAMMA ** int(ends.min()), GAMMA ** (int(ends.max()) + 1)]
    low, high = min(told, default=1.0), max(told, default=10.0)
    if metric == "CLS":
        low = max(low, 0.001)
    return _Axis(low / 1.05, high * 1.1, left, float(width))


def _bands(metric: str, axis: _Axis, top: float) -> list[tuple[object, ...]]:
    rule = thresholds().get(metric)
    edges = [axis.low, *((rule.good, rule.poor) if rule else ()), axis.high]
    fills = BANDS if rule else (("no thresholds", LIGHT.noise_pale),)
    return [
        (axis.x(low), axis.x(high), top, top + _STRIP, fill, name)
        for low, high, (name, fill) in zip(edges, edges[1:], fills, strict=False)
    ]


def _bars(counted: pl.DataFrame, axis: _Axis, top: float, device: str, metric: str) -> list[tuple[object, ...]]:
    """Bars of ten buckets each; what lies beyond the ends of the axis is counted in the first and the last bar."""
    whole = int(counted["n"].sum())
    first, last = (math.floor(math.log(end) / math.log(GAMMA)) for end in (axis.low, axis.high))
    binned = (
        counted.filter(pl.col("bucket") > ZERO)
        .with_columns(((pl.col("bucket").clip(first, last) - first) // _BIN).alias("bin"))
        .group_by("bin")
        .agg(pl.col("n").sum())
        .sort("bin")
    )
    none = int(counted.filter(pl.col("bucket") == ZERO)["n"].sum())
    most = max(int(binned["n"].max() or 0), 1)
    rows: list[tuple[object, ...]] = []
    for bin_, n in binned.iter_rows():
        low, high = (GAMMA ** (first + _BIN * (bin_ + step)) for step in (0, 1))
        value = f"{vital(metric, low)} – {vital(metric, high)}"
        y = top + _STRIP * (1 - 0.94 * n / most)
        rows.append((axis.x(low) + 0.5, max(axis.x(high) - 0.5, axis.x(low) + 1), y, top + _STRIP, LIGHT.normal, device,
                     value, share(n / whole), count(n)))  # fmt: skip
    if none:
        y = top + _STRIP * (1 - 0.94 * min(1.0, none / most))
        rows.append(
            (4.0, _NONE - 12.0, y, top + _STRIP, LIGHT.normal, device, "exactly 0", share(none / whole), count(none))
        )
    return rows


def _percentiles(
    row: dict[str, object], metric: str, axis: _Axis, top: float, width: int
) -> tuple[list[tuple[float, float, float]], list[tuple[str, tuple[float, float, str, str]]]]:
    """A line at the p75 and one at the p95, their labels above the strip, left of their line where there is no room."""
    lines, labels, taken = [], [], -1e9
    for q in ("p75", "p95"):
        value = row.get(q)
        if not isinstance(value, float):
            continue
        x = axis.x(value) if value > 0 else 14.0
        text = f"{q} {vital(metric, value)}"
        right = x + text_width(text, 11) + 6 > width
        y = top - 8.0 if right or x > taken + 6 else top - 22.0
        taken = x + (0 if right else text_width(text, 11))
        lines.append((x, top - 14.0, top + _STRIP))
        labels.append(("right" if right else "left", (x + (-5 if right else 5), y, text, LIGHT.ink)))
    return lines, labels


def _rules(lines: list[tuple[float, float, float]], width: int, height: int) -> alt.Chart:
    frame = pl.DataFrame(lines, schema={"x": pl.Float64, "y": pl.Float64, "y2": pl.Float64}, orient="row")
    return (
        alt.Chart(frame)
        .mark_rule(stroke=LIGHT.ink, strokeWidth=1.4)
        .encode(x=x_px("x", width), y=y_px("y", height), y2="y2:Q")
    )


def _said(metric: str, value: float) -> str:
    return f"{value:g}" if metric == "CLS" else vital(metric, value).replace(".0 s", " s")


def _ticks(axis: _Axis, metric: str) -> list[float]:
    """Give the 1, 2 and 5 of each decade, fewer where they would touch."""
    powers = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    values = [step * 10.0**power for power in powers for step in _STEPS]
    shown: list[float] = []
    for value in (value for value in values if axis.low <= value <= axis.high):
        half = text_width(_said(metric, value), 10.5) / 2
        if axis.x(value) - half < axis.left or axis.x(value) + half > axis.width:
            continue
        if not shown or axis.x(value) - axis.x(shown[-1]) > 2 * half + 14:
            shown.append(value)
    return shown
