"""A trace as a waterfall: who called whom, how long it took, and the span that failed behind the 200 OK."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import polars as pl

from workbench.charts.labels import milliseconds, plural, room_for, shorten
from workbench.charts.rows import BAR_HEIGHT, bars, finish, text_rows, texts
from workbench.charts.theme import LIGHT

_STEP, _LABEL, _NOTE, _INDENT = 24, 336, 220, 12
_WIDEST = 20  # times the failing request: a caller that lasts longer is a page, not a request
_ORIGIN = re.compile(r"https?://[^/\s]+")


def waterfall_chart(tree: pl.DataFrame, *, rows: int = 14, width: int = 888) -> alt.LayerChart | str:
    """Draw a trace, depth first; the span that failed first is red, those it failed through pale red.

    Parameters
    ----------
    tree
        As `workbench.traces.tree.trace_tree` gives it: span_id, parent_span_id, service, name, side, duration_us,
        offset_us, depth, status, status_message, http_status, on_error_path, is_root_cause,
        swallowed_error.
    rows
        At most so many spans: those on the way to the failing one, then the longest around it; how many are left out
        is said.
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
    whole = tree.with_columns(pl.col("duration_us").fill_null(0).cast(pl.Float64), pl.col("offset_us").cast(pl.Float64))
    whole = whole.with_columns(pl.col("swallowed_error") & pl.col("is_root_cause").any())
    focus = _focus(whole)
    shown = _most_telling(whole, focus, rows)
    left_out = tree.height - shown.height
    height = _STEP * shown.height + (20 if left_out else 0)
    spot = _Spot(focus, width)
    drawn, labels, strong, notes = [], [], [], []
    for i, row in enumerate(shown.iter_rows(named=True)):
        x, x2 = spot.bar(row)
        y = i * _STEP + 4
        drawn.append((x, x2, y, y + BAR_HEIGHT, _fill(row), row["service"], row["name"],
                      milliseconds(row["duration_us"] / 1000), milliseconds((row["offset_us"] - spot.start) / 1000),
                      _status(row) or row["status"], row.get("db_statement")))  # fmt: skip
        indent = min(row["depth"], 8) * _INDENT
        name = shorten(_name(row), room_for(_LABEL - indent - 8))
        (strong if row["is_root_cause"] else labels).append((float(indent), y + BAR_HEIGHT / 2, name, LIGHT.ink))
        said = shorten(_status(row), room_for(width - x2 - 8, 11))
        notes.append((x2 + 8, y + BAR_HEIGHT / 2, said, LIGHT.hit if row["is_root_cause"] else LIGHT.soft))
    if left_out:
        notes.append((0.0, height - 8.0, f"… and {plural(left_out, 'more span')} of this trace", LIGHT.soft))
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
    return finish(layers, width, height, f"Trace of {tree.height} spans{said}.")


class _Spot:
    """The stretch of time that is drawn, and where a span lies on it; what reaches beyond it is cut at its edges."""

    def __init__(self, focus: pl.DataFrame, width: int) -> None:
        self.start = focus["offset_us"].min()
        self.span = max(1.0, (focus["offset_us"] + focus["duration_us"]).max() - self.start)
        self.room = width - _LABEL - _NOTE

    def bar(self, row: dict[str, Any]) -> tuple[float, float]:
        begin, end = row["offset_us"] - self.start, row["offset_us"] + row["duration_us"] - self.start
        x, x2 = (self.room * min(max(at / self.span, 0.0), 1.0) for at in (begin, end))
        return _LABEL + min(x, self.room - 3), _LABEL + max(x2, x + 3 if x + 3 <= self.room else self.room)


def _focus(tree: pl.DataFrame) -> pl.DataFrame:
    """Keep the request in which it failed, from the caller that was told all is well; without a failure, everything.

    A page load lasts seconds, the call that failed in it milliseconds: on the scale of the page nothing of it is seen.
    """
    path = tree.filter(pl.col("on_error_path"))
    if path.is_empty():
        return tree
    top = path.sort("depth").row(0, named=True)
    caller = tree.filter((pl.col("span_id") == top["parent_span_id"]) & (pl.col("depth") > 0))
    is_request = caller.height and caller["duration_us"][0] <= _WIDEST * max(top["duration_us"], 1.0)
    root = caller.row(0, named=True) if is_request else top
    inside = {root["span_id"]}
    for span_id, parent in tree.select("span_id", "parent_span_id").iter_rows():  # depth first: parents come before
        if parent in inside:
            inside.add(span_id)
    return tree.filter(pl.col("span_id").is_in(sorted(inside)))


def _most_telling(tree: pl.DataFrame, focus: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Keep the way to the failure, then the longest spans around it, each with its ancestors, in the tree's order."""
    parents = dict(tree.select("span_id", "parent_span_id").iter_rows())
    kept: set[str] = set()
    for span_id in focus.sort("is_root_cause", "on_error_path", "duration_us", descending=True)["span_id"]:
        line, seen = [], span_id
        while seen in parents and seen not in kept and seen not in line:
            line.append(seen)
            seen = parents[seen]
        if len(kept) + len(line) <= rows or not kept:
            kept.update(line)
    return tree.filter(pl.col("span_id").is_in(sorted(kept)))


def _name(row: dict[str, Any]) -> str:
    """Name a span by its service and what it did; of an address only the path."""
    did = _ORIGIN.sub("", str(row["name"])) or "/"
    return f"{row['service']} · {did}" if row["service"] else did


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
