"""Pages by device: the p75 of each with its page views, on the colour of its band and with a mark for who sees none."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from workbench.charts.bands import FILL
from workbench.charts.labels import count, plural, shorten, text_width, vital
from workbench.charts.rows import bars, finish, text_rows, texts
from workbench.charts.theme import LIGHT, WIDTH

_CELL, _GAP, _HEAD = 30, 3, 24
_LABEL, _LONGEST, _WIDEST = 150, 46, 230  # px, characters, px
_SURE = {"good": "●", "needs-improvement": "◆", "poor": "▲"}
_UNSURE = {"good": "○", "needs-improvement": "◇", "poor": "△"}
MARKS = "● good, ◆ needs improvement, ▲ poor; a hollow mark where the interval reaches into another band"


def heatmap_chart(
    routes: pl.DataFrame, *, rows: str = "route", columns: str = "device_class", top: int = 30, width: int = WIDTH
) -> alt.LayerChart | str:
    """Draw a cell for each route and device: p75 and page views; grey, with the count only, where there are too few.

    Parameters
    ----------
    routes
        As `workbench.vitals.vitals_percentiles` gives it for one metric: `rows`, `columns`, metric, n, p75, p75_low,
        p75_high, rating, rating_sure.
    rows, columns
        The two dimensions.
    top
        At most so many rows, those of most page views; how many were left out is said.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when nothing was measured.

    Examples
    --------
    >>> heatmap_chart(pl.DataFrame())
    'No page view of this choice sent this vital.'
    """
    if routes.is_empty():
        return "No page view of this choice sent this vital."
    known = routes.with_columns(pl.col(name).cast(pl.String).fill_null("unknown") for name in (rows, columns))
    names = known.group_by(rows).agg(pl.col("n").sum()).sort("n", rows, descending=[True, False])[rows].to_list()
    heads = (
        known.group_by(columns).agg(pl.col("n").sum()).sort("n", columns, descending=[True, False])[columns].to_list()
    )
    left_out, names = len(names) - len(names[:top]), names[:top]
    left = max(_LABEL, 12 + max(text_width(shorten(name, _LONGEST), 12) for name in names))
    room = min(_WIDEST, (width - left) / len(heads))
    height = _HEAD + _CELL * len(names) + (22 if left_out else 0)
    cells, labels, values, fews, counts = [], [], [], [], []
    place = {(row[rows], row[columns]): row for row in known.iter_rows(named=True)}
    for i, name in enumerate(names):
        top_px = float(_HEAD + i * _CELL)
        labels.append((0.0, top_px + _CELL / 2, shorten(name, _LONGEST), LIGHT.ink))
        for j, head in enumerate(heads):
            x, row = left + j * room, place.get((name, head))
            if row is None:
                continue
            fill = LIGHT.noise_pale if row["p75"] is None else FILL.get(row["rating"], LIGHT.noise_pale)
            cells.append((x, x + room - _GAP, top_px, top_px + _CELL - _GAP, fill, name, head, *_told(row)))
            said, fill, few = _value(row)
            (fews if few else values).append((x + 10, top_px + (_CELL - _GAP) / 2, said, fill))
            if not few:
                counts.append((x + room - _GAP - 10, top_px + (_CELL - _GAP) / 2, count(row["n"]), LIGHT.soft))
    if left_out:
        more = f"and {plural(left_out, 'page')} with fewer page views"
        labels.append((0.0, float(height - 10), more, LIGHT.soft))
    frame = pl.DataFrame(cells, schema=_CELLS, orient="row", infer_schema_length=None)
    layers = [
        bars(frame, width, height, cornerRadius=3),
        texts(text_rows(labels), width, height),
        texts(text_rows(values), width, height, fontWeight=600),
        texts(text_rows(fews), width, height, fontSize=11),
        texts(text_rows(counts), width, height, fontSize=11, align="right"),
        texts(
            text_rows([(left + j * room + 10, 8.0, shorten(head, 14), LIGHT.soft) for j, head in enumerate(heads)]),
            width, height, fontSize=11,
        ),
        texts(
            text_rows(
                [(left + (j + 1) * room - _GAP - 10, 8.0, "page views", LIGHT.soft) for j in range(len(heads))]
            ),
            width, height, fontSize=11, align="right",
        ) if room > 130 else texts(text_rows([]), width, height),
        bars(frame, width, height, _CELLS[5:], opacity=0),  # over the texts, which would take the pointer
    ]  # fmt: skip
    metric = known["metric"][0]
    return finish(layers, width, height, f"p75 of {metric} of {plural(len(names), 'page')} by device.")


_CELLS = ["x", "x2", "y", "y2", "fill", "page", "device", "p75", "interval", "page_views", "rating"]


def _value(row: dict[str, Any]) -> tuple[str, str, bool]:
    """Say a cell's p75 with its mark, or that there are too few page views: text, colour, whether few."""
    if row["p75"] is None:
        return f"too few: {count(row['n'])}", LIGHT.soft, True
    mark = (_SURE if row["rating_sure"] else _UNSURE).get(row["rating"], "")
    return f"{mark} {vital(row['metric'], row['p75'])}".strip(), LIGHT.ink, False


def _told(row: dict[str, Any]) -> tuple[str, str, str, str]:
    low, high = (vital(row["metric"], row[f"p75_{end}"]) for end in ("low", "high"))
    rating = (row["rating"] or "too few page views").replace("-", " ")
    return vital(row["metric"], row["p75"]), f"{low} – {high}", count(row["n"]), rating
