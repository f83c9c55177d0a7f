"""Precision against recall as a threshold moves: one curve, the point that is in force, the point that was chosen."""

from __future__ import annotations

import altair as alt
import polars as pl

from workbench.charts.labels import text_width
from workbench.charts.rows import finish
from workbench.charts.theme import LIGHT

_WIDTH, _HEIGHT = 560, 320
_TOP = 1.01  # room for a point at 1
_NOTHING = "No precision and recall to draw: nothing is known of the bugs behind these events. Label some shapes first."


def tradeoff_chart(
    curve: pl.DataFrame, *, name: str, current: float, chosen: float | None, folds: pl.DataFrame | None = None
) -> alt.LayerChart | str:
    """Draw the curve.

    Parameters
    ----------
    curve
        `value`, `pair_precision`, `pair_recall`, `pair_f1`: means over all folds.
    name
        Of the threshold.
    current, chosen
        Values to mark: in force, and best.
    folds
        The same columns and `fold`: each fold's own curve, drawn in grey behind.

    Returns
    -------
    A chart, or one sentence when there is nothing to draw.

    Examples
    --------
    >>> tradeoff_chart(pl.DataFrame({"value": []}), name="linkage.join_at", current=2.6, chosen=None)
    'No precision and recall to draw: nothing is known of the bugs behind these events. Label some shapes first.'
    """
    if curve.is_empty():
        return _NOTHING
    low = min(float(curve["pair_precision"].min()), float(curve["pair_recall"].min()))  # type: ignore[arg-type]
    low = max(0.0, round(low - 0.05, 1) - 0.05)
    axis = alt.Axis(format=".2~f", tickCount=6)
    x = alt.X("pair_recall:Q", title="Recall of pairs", axis=axis, scale=alt.Scale(domain=[low, _TOP], nice=False))
    y = alt.Y("pair_precision:Q", title="Precision", axis=axis, scale=alt.Scale(domain=[low, _TOP], nice=False))
    tips = [
        alt.Tooltip("value:Q", title=name),
        *(alt.Tooltip(f"{c}:Q", format=".3f") for c in ("pair_precision", "pair_recall", "pair_f1")),
    ]
    layers = []
    if folds is not None and len(folds):
        inside = folds.filter((pl.col("pair_precision") >= low) & (pl.col("pair_recall") >= low))
        layers.append(
            alt.Chart(inside).mark_line(stroke=LIGHT.noise_pale, strokeWidth=1).encode(
                x=x, y=y, detail="fold:N", order=alt.Order("value:Q")
            )
        )  # fmt: skip
    layers.append(alt.Chart(curve).mark_line(stroke=LIGHT.normal).encode(x=x, y=y, order=alt.Order("value:Q")))
    layers.append(
        alt.Chart(curve).mark_point(aria=False, size=26, fill=LIGHT.normal, opacity=1).encode(x=x, y=y, tooltip=tips)
    )
    marks = _marked(curve, current, chosen)
    layers.append(
        alt.Chart(marks).mark_point(size=120, filled=False, fill=None, stroke=LIGHT.ink, strokeWidth=2).encode(x=x, y=y)
    )
    for row in marks.iter_rows(named=True):
        share = (row["pair_recall"] - low) / (_TOP - low)
        left = share * _WIDTH + text_width(row["label"]) + 20 > _WIDTH
        layers.append(
            alt.Chart(pl.DataFrame([row]))
            .mark_text(align="right" if left else "left", dx=-12 if left else 12, dy=row["dy"], fontWeight=600)
            .encode(x=x, y=y, text="label:N")
        )
    return finish(layers, _WIDTH, _HEIGHT, f"Precision against recall over {name}")


def _marked(curve: pl.DataFrame, current: float, chosen: float | None) -> pl.DataFrame:
    same = chosen is not None and chosen == current
    said = {current: f"{current:g} in force{', and best' if same else ''}"}
    if chosen is not None and not same:
        said[chosen] = f"{chosen:g} best"
    marks = curve.filter(pl.col("value").is_in(list(said)))
    rows = [(value, said[value]) for value in marks["value"].to_list()]
    # Two marks at nearly one place: one label above, one below.
    dys = [14 if at % 2 == 0 else -14 for at in range(len(rows))]
    return marks.with_columns(
        label=pl.Series([text for _, text in rows], dtype=pl.String), dy=pl.Series(dys, dtype=pl.Int64)
    )
