"""Charts that are rows: a label, a bar, what is to be said about it. Laid out in px, so that nothing is cut off."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from workbench.charts.theme import LIGHT, config

BAR_HEIGHT = 16


def x_px(field: str, width: int) -> alt.X:
    """Encode a column of px as it is, without an axis."""
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, width], range=[0, width], nice=False), axis=None)


def y_px(field: str, height: int) -> alt.Y:
    """Encode a column of px from the top as it is, without an axis."""
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, height], range=[0, height], nice=False), axis=None)


def bars(frame: pl.DataFrame, width: int, height: int, tooltip: Sequence[str] = (), **mark: object) -> alt.Chart:
    """Draw rectangles from the columns x, x2, y, y2 (px) and fill (a colour); `tooltip` names the columns to tell."""
    return (
        alt.Chart(frame)
        .mark_rect(**{"aria": False, **mark})  # type: ignore[arg-type]
        .encode(
            x=x_px("x", width),
            x2="x2:Q",
            y=y_px("y", height),
            y2="y2:Q",
            fill=alt.Fill("fill:N", scale=None),
            tooltip=[alt.Tooltip(f"{name}:N", title=name.replace("_", " ")) for name in tooltip],
        )
    )


def texts(frame: pl.DataFrame, width: int, height: int, **mark: object) -> alt.Chart:
    """Draw the column text at the columns x, y (px) in the column fill; further properties are the mark's."""
    style: dict[str, object] = {"align": "left", "baseline": "middle", **mark}
    return (
        alt.Chart(frame)
        .mark_text(**style)  # type: ignore[arg-type]
        .encode(x=x_px("x", width), y=y_px("y", height), text=alt.Text("text:N"), fill=alt.Fill("fill:N", scale=None))
    )


def finish(layers: Sequence[alt.Chart], width: int, height: int, description: str) -> alt.LayerChart:
    """Put layers into one chart of that size, with the theme; `description` is what a screen reader says."""
    return (
        alt.layer(*layers).properties(width=width, height=height, description=description).configure(**config(LIGHT))  # type: ignore[arg-type]
    )


def text_rows(rows: Sequence[tuple[float, float, str, str]]) -> pl.DataFrame:
    """Make the frame that `texts` takes of (x, y, text, fill)."""
    return pl.DataFrame(
        list(rows), schema={"x": pl.Float64, "y": pl.Float64, "text": pl.String, "fill": pl.String}, orient="row"
    )
