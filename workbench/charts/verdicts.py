"""What became of every frame, release by release: one bar a release, one part a verdict, the counts below it."""

from __future__ import annotations

import altair as alt
import polars as pl

from workbench.charts.labels import count, moment, release_name, text_width
from workbench.charts.rows import bars, finish, text_rows, texts
from workbench.charts.theme import LIGHT, WIDTH

_LEFT, _BAR, _LINE, _GAP, _MARK = 150, 18, 17, 10, 8
FILLS = {
    "mapped": LIGHT.normal,
    "no_source_content": LIGHT.before,
    "release_mismatch": LIGHT.partial,
    "outside_map": LIGHT.partial,
    "not_javascript": LIGHT.noise_pale,
}
WORDS = {
    "mapped": "mapped",
    "no_source_content": "mapped, without source text",
    "release_mismatch": "release under another name",
    "outside_map": "outside of the map",
    "no_artifact": "no map",
    "dist_mismatch": "another dist",
    "debug_id_mismatch": "another debug ID",
    "expired": "map expired",
    "invalid_map": "map breaks a rule",
    "not_javascript": "no script of ours",
}


def verdicts_chart(verdicts: pl.DataFrame, *, width: int = WIDTH) -> alt.LayerChart | str:
    """Draw the verdicts on frames by release: blue is mapped, red is not, amber is doubtful, grey is nobody's fault.

    Parameters
    ----------
    verdicts
        `release`, `map_status`, `frames`, optionally `deployed_at`; releases in the order in which they are shown.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when there are no frames.

    Examples
    --------
    >>> verdicts_chart(pl.DataFrame(schema={"release": pl.String, "map_status": pl.String, "frames": pl.Int64}))
    'No event of this window has a stack.'
    """
    if verdicts.is_empty():
        return "No event of this window has a stack."
    order = {status: number for number, status in enumerate([*WORDS])}
    most = int(verdicts.group_by("release").agg(pl.col("frames").sum())["frames"].max() or 1)  # type: ignore[arg-type]
    parts: list[tuple[float, float, float, float, str, str, str, str]] = []
    said: list[tuple[float, float, str, str]] = []
    names: list[tuple[float, float, str, str]] = []
    top = 0.0
    for (release,), rows in verdicts.partition_by("release", as_dict=True, maintain_order=True).items():
        name, x, key, y = release_name(release), float(_LEFT), float(_LEFT), top + _BAR + 12
        names.append((0, top + _BAR / 2, name, LIGHT.ink))
        if "deployed_at" in rows.columns and rows["deployed_at"][0] is not None:
            names.append((0, y, moment(rows["deployed_at"][0]), LIGHT.soft))
        for row in sorted(rows.iter_rows(named=True), key=lambda row: order[row["map_status"]]):
            status, n = row["map_status"], row["frames"]
            fill, long = FILLS.get(status, LIGHT.hit), max(2.0, (width - _LEFT) * n / most)
            parts.append((x, min(x + long, width), top, top + _BAR, fill, name, WORDS[status], count(n)))
            x += long
            text = f"{count(n)} {WORDS[status]}"
            if key > _LEFT and key + _MARK + 6 + text_width(text, 11) > width:
                key, y = float(_LEFT), y + _LINE
            parts.append((key, key + _MARK, y - _MARK / 2, y + _MARK / 2, fill, name, WORDS[status], count(n)))
            said.append((key + _MARK + 6, y, text, LIGHT.ink))
            key += _MARK + 6 + text_width(text, 11) + _GAP
        top = y + _LINE / 2 + _BAR
    columns = ["x", "x2", "y", "y2", "fill", "release", "verdict", "frames"]
    drawn = pl.DataFrame(parts, schema=columns, orient="row")
    height = int(top - _BAR)
    layers = [
        bars(drawn, width, height, ["release", "verdict", "frames"]),
        texts(text_rows(said), width, height, fontSize=11),
        texts(text_rows(names), width, height, fontSize=12),
    ]
    told = verdicts.group_by("map_status").agg(pl.col("frames").sum()).sort("frames", descending=True).rows()
    return finish(layers, width, height, f"Frames by verdict: {', '.join(f'{count(n)} {WORDS[s]}' for s, n in told)}.")
