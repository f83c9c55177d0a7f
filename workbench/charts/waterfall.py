"""A trace as a waterfall: who called whom, how long it took, and the span that failed behind the 200 OK."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from workbench.charts.labels import milliseconds, shorten, text_width
from workbench.charts.rows import BAR_HEIGHT, bars, finish, text_rows, texts
from workbench.charts.theme import LIGHT

_STEP, _LABEL, _NOTE, _INDENT = 24, 290, 230, 12


def waterfall_chart(tree: pl.DataFrame, *, rows: int = 14, width: int = 888) -> alt.LayerChart | str:
    """Draw a trace, depth first; the span that failed first is red, those it failed through pale red.

    Parameters
    ----------
    tree
        As `workbench.traces.tree.trace_tree` gives it: span_id, parent_span_id, service, name, side, duration_us,
        offset_us, depth, status, status_message, http_status, on_error_path, is_root_cause,
        swallowed_error.
    rows
        At most so many spans: those on the way to the failing one, then the longest; how many are left out is said.
    width
        Of the whole chart, px.

    Returns
    -------
    A chart, or one sentence when there are no spans.

    Examples
    --------
    >>> waterfall_chart(pl.DataFrame())
    'The trace backend has no span of this trace.'
    """
    if tree.is_empty():
        return "The trace backend has no span of this trace."
    shown = _most_telling(tree, rows)
    shown = shown.with_columns(pl.col("duration_us").fill_null(0))
    left_out = tree.height - shown.height
    height = _STEP * shown.height + (20 if left_out else 0)
    start = float(shown["offset_us"].min())
    span = max(1.0, float((shown["offset_us"] + shown["duration_us"]).max()) - start)
    room = width - _LABEL - _NOTE
    drawn, labels, strong, notes = [], [], [], []
    for i, row in enumerate(shown.iter_rows(named=True)):
        x = _LABEL + room * (row["offset_us"] - start) / span
        x2 = max(x + 2, x + room * row["duration_us"] / span)
        y = i * _STEP + 4
        drawn.append((x, x2, y, y + BAR_HEIGHT, _fill(row), row["service"], row["name"],
                      milliseconds(row["duration_us"] / 1000), milliseconds((row["offset_us"] - start) / 1000),
                      _status(row) or row["status"], row.get("db_statement")))  # fmt: skip
        indent = min(row["depth"], 8) * _INDENT
        said = f"{row['service']} · {row['name']}" if row["service"] else str(row["name"])
        name = shorten(said, int((_LABEL - indent - 8) / text_width("x")))
        (strong if row["is_root_cause"] else labels).append((float(indent), y + BAR_HEIGHT / 2, name, LIGHT.ink))
        said = shorten(_status(row), int((width - x2 - 8) / text_width("x", 11)))
        notes.append((x2 + 8, y + BAR_HEIGHT / 2, said, LIGHT.hit if row["is_root_cause"] else LIGHT.soft))
    if left_out:
        notes.append((0.0, height - 8.0, f"… and {left_out} more spans of this trace", LIGHT.soft))
    columns = ["x", "x2", "y", "y2", "fill", "service", "name", "took", "started_after", "status", "statement"]
    frame = pl.DataFrame(drawn, schema=columns, orient="row", infer_schema_length=None)
    tell = [name for name in columns[5:] if frame[name].null_count() < frame.height]
    layers = [
        bars(frame, width, height, tell, cornerRadius=2),
        texts(text_rows(labels), width, height),
        texts(text_rows(strong), width, height, fontWeight=600),
        texts(text_rows(notes), width, height, fontSize=11),
    ]
    failing = shown.filter(pl.col("is_root_cause"))
    said = f"; {failing['service'][0]} {failing['name'][0]} failed first" if failing.height else ""
    return finish(layers, width, height, f"Trace of {tree.height} spans over {milliseconds(span / 1000)}{said}.")


def _fill(row: dict[str, Any]) -> str:
    if row["is_root_cause"]:
        return LIGHT.hit
    if row["on_error_path"] and not row["swallowed_error"] and row["side"] != "browser":
        return LIGHT.hit_pale
    return LIGHT.before if row["side"] == "browser" else LIGHT.normal


def _status(row: dict[str, Any]) -> str:
    """Say what a span answered: its status code, its message, and whether the error stayed inside."""
    said = [str(row["http_status"])] if row["http_status"] else []
    if row["status_message"] and row["status"] == "error":
        said.append(str(row["status_message"]))
    elif row["status"] == "error" and not said:
        said.append("failed")
    if row["swallowed_error"]:
        said.append("swallowed the error")
    return ", ".join(said)


def _most_telling(tree: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Keep the spans on the way to the failure, then the longest, each with its ancestors, in the tree's order."""
    if tree.height <= rows:
        return tree
    parents = dict(tree.select("span_id", "parent_span_id").iter_rows())
    order = tree.sort("is_root_cause", "on_error_path", "duration_us", descending=True)["span_id"]
    kept: set[str] = set()
    for span_id in order:
        line, seen = [], span_id
        while seen in parents and seen not in kept and seen not in line:
            line.append(seen)
            seen = parents[seen]
        if len(kept) + len(line) <= rows:
            kept.update(line)
    return tree.filter(pl.col("span_id").is_in(sorted(kept)))
