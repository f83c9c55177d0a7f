"""Field beside lab: the users' p75 with its interval, and the lab's runs of the same page, over the bands."""

from __future__ import annotations

import altair as alt
import polars as pl

from workbench.charts.bands import Scale
from workbench.charts.labels import count, shorten, vital
from workbench.charts.rows import bars, finish, text_rows, texts, x_px, y_px
from workbench.charts.theme import LIGHT, WIDTH

_STEP, _BAND, _LABEL, _ROOM, _HEAD = 50, 30, 250, 420, 22
_FINDING = 684


def field_vs_lab_chart(beside: pl.DataFrame, *, top: int = 12, width: int = WIDTH) -> alt.LayerChart | str:
    """Draw the field in blue, red where the lab does not see how bad it is, and the lab's median as a grey diamond.

    Parameters
    ----------
    beside
        As `workbench.vitals.field_vs_lab.field_vs_lab` gives it for one metric; rows without a lab run or with too few
        page views are left out.
    top
        At most so many rows, in the table's order.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when no page has both.

    Examples
    --------
    >>> field_vs_lab_chart(pl.DataFrame())
    'No page has both a lab run and enough page views of this vital.'
    """
    both = beside.filter(pl.col("field").is_not_null(), pl.col("lab").is_not_null()) if beside.width else beside
    if both.is_empty():
        return "No page has both a lab run and enough page views of this vital."
    rows = both.head(top).to_dicts()
    height, metric = _HEAD + _STEP * len(rows), rows[0]["metric"]
    ends = [row[name] for row in rows for name in ("field", "field_high", "lab", "lab_high")]
    scale = Scale.of(metric, ends, left=_LABEL, room=_ROOM)
    bands, field, lab, labels, soft, ticks = [], [], [], [], [], []
    for i, row in enumerate(rows):
        top_px = float(_HEAD + i * _STEP)
        name = ", ".join(str(row[key]) for key in ("route", "device_class", "region") if row.get(key) is not None)
        blind = row["finding"] == "lab is blind"
        low, high = (row["field"] if row[f"field_{end}"] is None else row[f"field_{end}"] for end in ("low", "high"))
        said = f"{vital(metric, row['field_low'])} – {vital(metric, row['field_high'])}"
        bands += [(*rect[:5], name, rect[5]) for rect in scale.rects(top_px, _BAND)]
        fill = LIGHT.hit if blind else LIGHT.normal
        told = (name, "field, p75", vital(metric, row["field"]), said, count(row["n"]))
        field.append((scale.x(low), scale.x(high), scale.x(row["field"]), top_px + 10, fill, *told))
        said = f"{vital(metric, row['lab_low'])} – {vital(metric, row['lab_high'])}"
        told = (name, "lab, median", vital(metric, row["lab"]), said, count(row["runs"]))
        ends = [scale.x(row[key]) for key in ("lab_low", "lab_high", "lab")]
        lab.append((*ends, top_px + 21, LIGHT.soft, *told))
        labels.append((0.0, top_px + _BAND / 2, shorten(name, 33), LIGHT.ink))
        labels.append((float(_FINDING), top_px + 8, row["finding"], LIGHT.hit if blind else LIGHT.ink))
        soft.append(
            (
                float(_FINDING),
                top_px + 23,
                f"{vital(metric, row['field'])}, lab {vital(metric, row['lab'])}",
                LIGHT.soft,
            )
        )
        ticks += scale.ticks(top_px + _BAND + 9)
    columns = ["x", "x2", "at", "y", "fill", "page", "measured", "value", "interval", "count"]
    points = [pl.DataFrame(side, schema=columns, orient="row") for side in (field, lab)]
    legend = [
        (_LABEL + 0.0, 8.0, "● field: p75 with its 95 % interval", LIGHT.normal),
        (_LABEL + 262.0, 8.0, "◆ lab: median of its runs", LIGHT.soft),
    ]
    layers = [
        bars(
            pl.DataFrame(bands, schema=["x", "x2", "y", "y2", "fill", "page", "band"], orient="row"),
            width,
            height,
            ["page", "band"],
        ),
        *(_marks(side, shape, width, height) for side, shape in zip(points, ("circle", "diamond"), strict=True)),
        texts(text_rows(labels), width, height),
        texts(text_rows(soft), width, height, fontSize=11),
        texts(text_rows(ticks), width, height, fontSize=10, align="center"),
        texts(text_rows(legend), width, height, fontSize=11),
    ]
    said = "; ".join(f"{row[5]} {row[7]}, lab {other[7]}" for row, other in zip(field, lab, strict=True))
    return finish(_flat(layers), width, height, f"{metric} in the field and in the lab: {said}.")


def _marks(side: pl.DataFrame, shape: str, width: int, height: int) -> list[alt.Chart]:
    tooltip = [alt.Tooltip(f"{name}:N") for name in side.columns[5:]]
    colour = alt.Stroke("fill:N", scale=None)
    base = alt.Chart(side)
    return [
        base.mark_rule(strokeWidth=3).encode(x=x_px("x", width), x2="x2:Q", y=y_px("y", height), stroke=colour),
        base.mark_point(aria=False, shape=shape, size=70, opacity=1, filled=True).encode(
            x=x_px("at", width), y=y_px("y", height), fill=alt.Fill("fill:N", scale=None), tooltip=tooltip
        ),
    ]


def _flat(layers: list[alt.Chart | list[alt.Chart]]) -> list[alt.Chart]:
    return [one for layer in layers for one in (layer if isinstance(layer, list) else [layer])]
