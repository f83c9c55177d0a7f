"""What the sessions that were hit have in common, as paired bars."""

from __future__ import annotations

import altair as alt
import polars as pl

from workbench.charts.labels import count, ratio, release_name, share, shorten
from workbench.charts.rows import bars, finish, text_rows, texts
from workbench.charts.theme import LIGHT
from workbench.statistics import wilson_interval

_STEP, _LABEL, _BAR = 36, 210, 330
_WORDS = {"device_class": "device", "os": "system", "browser_version": "browser version"}


def contrast_chart(
    table: pl.DataFrame, *, top: int = 5, hit: str = "hit", what: str = "sessions", width: int = 888
) -> alt.LayerChart | str:
    """Draw the shares of the hit and of the other sessions that have each trait, with 95 % intervals.

    Parameters
    ----------
    table
        As `workbench.contrast.contrast` gives it: dimension, value, n_hit, n_other, share_hit, share_other, ratio, low,
        high (of the ratio), differs.
    top
        At most so many traits, in the table's order: those that the hit have more often; those that they have less
        often only where there are no others.
    hit, what
        What those of `n_hit` are called ("slow"), and what was counted ("page views").
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when there is nothing to compare.

    Examples
    --------
    >>> contrast_chart(pl.DataFrame())
    'Nothing to compare: no session was hit, or every session was.'
    """
    if table.is_empty():
        return "Nothing to compare: no session was hit, or every session was."
    differing = table.filter(pl.col("differs"))
    shared = differing.filter(pl.col("share_hit") > pl.col("share_other"))
    traits = (differing if shared.is_empty() else shared).head(top)
    same = [d for d in table["dimension"].unique(maintain_order=True) if d not in set(differing["dimension"])]
    if traits.is_empty():
        return f"No difference in {_listed(same)}: every interval of the ratio contains 1."
    height = _STEP * traits.height + (22 if same else 0)
    drawn, labels, notes, whiskers = [], [], [], []
    for i, row in enumerate(traits.iter_rows(named=True)):
        top_px = i * _STEP
        labels.append((0.0, top_px + 13, shorten(_trait(row), 33), LIGHT.ink))
        for side, y, thick, fill in (("hit", top_px + 2, 11, LIGHT.hit), ("other", top_px + 15, 8, LIGHT.before)):
            value, who = row[f"share_{side}"] or 0.0, hit if side == "hit" else side
            low, high = _interval(row[f"n_{side}"], value)
            drawn.append(
                (_LABEL, _LABEL + _BAR * value, y, y + thick, fill, f"{who} {what}", _trait(row), share(value),
                 f"{share(low)} – {share(high)}", count(row[f"n_{side}"]))
            )  # fmt: skip
            whiskers.append((_LABEL + _BAR * low, _LABEL + _BAR * high, y + thick / 2))
        said = f"{share(row['share_hit'])} of {hit}, {share(row['share_other'])} of others"
        if row["ratio"] is not None:
            said += f" · {ratio(row['ratio'])}"
            if row["low"] is not None and row["high"] is not None:
                said += f" ({ratio(row['low'])[:-1]}–{ratio(row['high'])[:-1]})"
        notes.append((_LABEL + _BAR + 14.0, top_px + 13, said, LIGHT.soft))
    if same:
        y = _STEP * traits.height + 8.0
        labels.append((0.0, y, shorten(_listed(same), 33), LIGHT.ink))
        notes.append((float(_LABEL), y, "no difference (every interval of the ratio contains 1)", LIGHT.soft))
    columns = ["x", "x2", "y", "y2", "fill", "who", "trait", "share", "interval", what.replace(" ", "_")]
    frame = pl.DataFrame(drawn, schema=columns, orient="row")
    lines = pl.DataFrame(whiskers, schema=["x", "x2", "y"], orient="row")
    layers = [
        bars(frame, width, height, ["who", "trait", "share", "interval", what.replace(" ", "_")]),
        _whisker_layer(lines, width, height),
        texts(text_rows(labels), width, height),
        texts(text_rows(notes), width, height, fontSize=11),
    ]
    said = "; ".join(
        f"{_trait(row)} {share(row['share_hit'])} against {share(row['share_other'])}"
        for row in traits.iter_rows(named=True)
    )
    return finish(layers, width, height, f"Shares of {hit} {what} against the others: {said}.")


def _whisker_layer(lines: pl.DataFrame, width: int, height: int) -> alt.Chart:
    from workbench.charts.rows import x_px, y_px

    return (
        alt.Chart(lines)
        .mark_rule(stroke=LIGHT.ink, strokeWidth=1.2)
        .encode(x=x_px("x", width), x2="x2:Q", y=y_px("y", height))
    )


def _interval(n: int, value: float) -> tuple[float, float]:
    """Wilson's interval of a share whose total is not given but follows from the count."""
    if not n or not value:
        return 0.0, 0.0
    low, high = wilson_interval(n, round(n / value))
    return float(low), float(high)


def _trait(row: dict[str, object]) -> str:
    name = _WORDS.get(str(row["dimension"]), str(row["dimension"]))
    value = str(row["value"])
    return f"{name} {release_name(value) if row['dimension'] == 'release' else value}".replace("_", " ")


def _listed(dimensions: list[str]) -> str:
    return ", ".join(_WORDS.get(name, name).replace("_", " ") for name in dimensions)
