"""The state of the vitals: p75 with its interval over the bands, page views, and the shares of each band."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from workbench.charts.bands import BANDS, Scale
from workbench.charts.labels import count, share, shorten, vital
from workbench.charts.rows import bars, finish, text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT, WIDTH

ORDER = ("LCP", "INP", "CLS", "FCP", "TTFB")
_STEP, _BAND, _LABEL, _ROOM, _HEAD = 46, 24, 132, 392, 26
_P75, _INTERVAL, _VIEWS, _SHARES, _SHARE = 536, 604, 708, 780, 148
_DRAWN = ["x", "x2", "at", "y", "cohort", "p75", "interval", "page_views"]


def percentiles_chart(state: pl.DataFrame, *, min_samples: int = 30, width: int = WIDTH) -> alt.LayerChart | str:
    """Draw each group's p75 with its interval over its metric's bands, one row a group.

    Parameters
    ----------
    state
        As `workbench.vitals.vitals_percentiles` gives it: metric, any of device_class, route, region, browser; n, p75,
        p75_low, p75_high, share_good, share_needs, share_poor.
    min_samples
        What a null p75 lacks.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when nothing was measured.

    Examples
    --------
    >>> percentiles_chart(pl.DataFrame())
    'No page view of this choice sent a vital.'
    """
    if state.is_empty():
        return "No page view of this choice sent a vital."
    rows = state.sort(_order(), *[name for name in state.columns if name in _KEYS]).to_dicts()
    height = _HEAD + _STEP * len(rows)
    scales = {
        metric: Scale.of(
            metric,
            [row[name] for row in rows if row["metric"] == metric for name in ("p75", "p75_high")],
            left=_LABEL,
            room=_ROOM,
        )
        for metric in {row["metric"] for row in rows}
    }
    bands, estimates, strong, soft, small = [], [], [], [], []
    for i, row in enumerate(rows):
        top, scale = float(_HEAD + i * _STEP), scales[row["metric"]]
        middle, name = top + _BAND / 2, cohort(row)
        strong.append((0.0, middle, shorten(name, 20), LIGHT.ink))
        soft.append((float(_VIEWS + 54), middle, count(row["n"]), LIGHT.ink))
        bands += [(*rect[:5], name, rect[5]) for rect in scale.rects(top, _BAND)]
        bands += _shares(row, top, name)
        small += scale.ticks(top + _BAND + 9)
        small += _said_shares(row, top + _BAND + 9)
        if row["p75"] is None:
            few = f"too few for a p75 ({min_samples} are needed)" if row["n"] < min_samples else "no p75"
            small.append((_LABEL + _ROOM / 2, middle, few, LIGHT.soft))
            continue
        low, high = row["p75_low"], row["p75_high"]
        interval = f"{vital(row['metric'], low)} – {vital(row['metric'], high)}"
        ends = (scale.x(row["p75"] if low is None else low), scale.x(row["p75"] if high is None else high))
        estimates.append(
            (*ends, scale.x(row["p75"]), middle, name, vital(row["metric"], row["p75"]), interval, row["n"])
        )
        strong.append((float(_P75), middle, vital(row["metric"], row["p75"]), LIGHT.ink))
        small.append((float(_INTERVAL + 44), middle, interval, LIGHT.soft))
    heads = [
        (_LABEL, "left", "p75 with its 95 % interval"), (_P75, "left", "p75"), (_INTERVAL + 44, "center", "interval"),
        (_VIEWS + 54, "right", "page views"), (_SHARES, "left", "good, middling, poor"),
    ]  # fmt: skip
    frame = pl.DataFrame(bands, schema=["x", "x2", "y", "y2", "fill", "cohort", "band"], orient="row")
    points = pl.DataFrame(estimates, schema=_DRAWN, orient="row", infer_schema_length=None)
    layers = [
        bars(frame, width, height, ["cohort", "band"]),
        *_intervals(points, width, height),
        texts(text_rows(strong), width, height, fontWeight=600),
        texts(text_rows(soft), width, height, align="right"),
        texts(text_rows(small), width, height, fontSize=10.5, align="center"),
        *(
            texts(text_rows([(float(x), 8.0, text, LIGHT.soft)]), width, height, fontSize=11, align=side)
            for x, side, text in heads
        ),
    ]
    said = "; ".join(f"{row[4]} {row[5]} ({row[6]})" for row in estimates)
    return finish(layers, width, height, f"p75 with 95 % interval: {said or 'too few page views'}.")


_KEYS = ("device_class", "route", "region", "browser", "connection", "release")


def cohort(row: dict[str, Any]) -> str:
    """Name a group: its metric, then whatever it is split by.

    Examples
    --------
    >>> cohort({"metric": "INP", "device_class": "mobile", "n": 7})
    'INP, mobile'
    """
    return ", ".join([str(row["metric"]), *(str(row[key]) for key in _KEYS if row.get(key) is not None)])


def _order() -> pl.Expr:
    known = {metric: i for i, metric in enumerate(ORDER)}
    return pl.col("metric").cast(pl.String).replace_strict(known, default=len(ORDER), return_dtype=pl.Int64)


def _parts(row: dict[str, Any]) -> list[tuple[str, str, float]]:
    values = (row.get("share_good"), row.get("share_needs"), row.get("share_poor"))
    return [
        (name, fill, max(value, 0.0)) for (name, fill), value in zip(BANDS, values, strict=True) if value is not None
    ]


def _shares(row: dict[str, Any], top: float, name: str) -> list[tuple[object, ...]]:
    drawn, x = [], float(_SHARES)
    for band, fill, value in _parts(row):
        drawn.append((x, x + _SHARE * value, top, top + _BAND, fill, name, f"{share(value)} {band}"))
        x += _SHARE * value
    return drawn


def _said_shares(row: dict[str, Any], y: float) -> list[tuple[float, float, str, str]]:
    """Write the three shares below the bar, each a third of it wide, so that a narrow one is read as well."""
    return [
        (_SHARES + _SHARE * (i + 0.5) / 3, y, share(value), LIGHT.soft) for i, (_, _, value) in enumerate(_parts(row))
    ]


def _intervals(points: pl.DataFrame, width: int, height: int) -> list[alt.Chart]:
    if points.is_empty():
        return []
    tooltip = [alt.Tooltip(f"{name}:N", title=name.replace("_", " ")) for name in _DRAWN[4:]]
    base = alt.Chart(points)
    return [
        base.mark_rule(strokeWidth=3, stroke=LIGHT.normal).encode(
            x=x_px("x", width), x2="x2:Q", y=y_px("y", height), tooltip=tooltip
        ),
        base.mark_circle(aria=False, size=70, opacity=1, fill=LIGHT.normal).encode(
            x=x_px("at", width), y=y_px("y", height), tooltip=tooltip
        ),
    ]
