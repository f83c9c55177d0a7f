"""The funnel: how many raw errors, and how few bugs behind them."""

from __future__ import annotations

import altair as alt
import polars as pl

from workbench.charts.labels import count, singular, text_width
from workbench.charts.rows import bars, finish, text_rows, texts
from workbench.charts.theme import LIGHT, WIDTH

_STEP, _BAR, _LONGEST = 28, 22, 640
_FILLS = (LIGHT.noise_pale, LIGHT.before, LIGHT.before, LIGHT.normal)


def funnel_chart(
    stages: pl.DataFrame, noise: pl.DataFrame | None = None, *, width: int = WIDTH
) -> alt.LayerChart | str:
    """Draw the way from raw errors to bugs, one bar a stage; the last stage is what hit people, and red.

    A bar's length is the square root of its count: three bugs stay visible beside ten thousand errors. The counts stand
    beside the bars.

    Parameters
    ----------
    stages
        `stage` (what is counted, in words), `n`; in order, raw errors first, what is left of them after noise second.
    noise
        `noise_class`, `n`: what lies between the first and the second stage. Optional.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when there are no errors at all.

    Examples
    --------
    >>> funnel_chart(pl.DataFrame({"stage": ["raw errors"], "n": [0]}))
    'No errors were reported in this window.'
    """
    if stages.is_empty() or not stages["n"][0]:
        return "No errors were reported in this window."
    height = _STEP * stages.height
    most = stages["n"].max()
    last = stages.height - 1
    drawn = stages.with_row_index("i").with_columns(
        pl.lit(0.0).alias("x"),
        pl.max_horizontal(pl.lit(3.0), _LONGEST * (pl.col("n") / most).sqrt()).alias("x2"),
        (pl.col("i") * _STEP).cast(pl.Float64).alias("y"),
        (pl.col("i") * _STEP + _BAR).cast(pl.Float64).alias("y2"),
        pl.Series("fill", [LIGHT.hit if i == last else _FILLS[min(i, 3)] for i in range(stages.height)]),
    )
    rows = [
        (row["x2"] + 10, row["y"] + _BAR / 2, f"{count(row['n'])} {singular(row['stage'], row['n'])}", LIGHT.ink)
        for row in drawn.filter(pl.col("i") != 1).iter_rows(named=True)
    ]
    layers = [
        bars(drawn.select("x", "x2", "y", "y2", "fill", "stage", "n"), width, height, ["stage", "n"], cornerRadius=3)
    ]
    if stages.height > 1:
        kept, raw = drawn.row(1, named=True), drawn.row(0, named=True)
        ghost = pl.DataFrame(
            {"x": [kept["x2"]], "x2": [raw["x2"]], "y": [kept["y"]], "y2": [kept["y2"]], "fill": ["none"]}
        )
        layers.append(
            bars(ghost, width, height, stroke=LIGHT.noise, strokeDash=[3, 3], strokeWidth=1).encode(
                fill=alt.value("transparent")
            )
        )
        rows.append((raw["x2"] + 10, kept["y"] + _BAR / 2, f"{count(kept['n'])} {kept['stage']}", LIGHT.ink))
        said = _what_noise(noise, raw["x2"] - kept["x2"] - 16)
        if said:
            soft = text_rows([(kept["x2"] + 8, kept["y"] + _BAR / 2, said, LIGHT.soft)])
            layers.append(texts(soft, width, height, fontSize=11))
    last_row = max(rows, key=lambda row: row[1])
    layers.append(texts(text_rows([row for row in rows if row != last_row]), width, height))
    layers.append(texts(text_rows([last_row]), width, height, fontWeight=600))
    said = "; ".join(f"{count(n)} {singular(stage, n)}" for stage, n in stages.select("stage", "n").iter_rows())
    return finish(layers, width, height, f"Funnel: {said}.")


def _what_noise(noise: pl.DataFrame | None, room: float) -> str:
    """Name as many noise classes as there is room for, the others as a sum."""
    if noise is None or noise.is_empty():
        return ""
    rows = noise.sort("n", descending=True).select("noise_class", "n").rows()
    for shown in range(len(rows), -1, -1):
        rest = sum(n for _, n in rows[shown:])
        parts = [f"{name.replace('_', ' ')} {count(n)}" for name, n in rows[:shown]]
        text = " · ".join([*parts, *([f"other {count(rest)}"] if rest and shown else [])]) or f"noise {count(rest)}"
        if text_width(text, 11) <= room:
            return text
    return ""
