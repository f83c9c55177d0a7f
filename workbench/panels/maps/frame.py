"""One frame under the glass: its verdict, the source around it with the column marked, every step of the look-up."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ipywidgets
import polars as pl
from markupsafe import Markup

from connectors.exceptions import FetchError, SourceError
from workbench.case import Case
from workbench.charts.labels import plural, release_name, shorten
from workbench.panels.base import Panel
from workbench.panels.markup import join, prose, table, tag
from workbench.symbolicate.cache import MapCache
from workbench.symbolicate.explain import explain_frame
from workbench.symbolicate.frames import source_lines

EACH = 12
NO_LINES = pl.DataFrame(schema={"line": pl.Int64, "text": pl.String, "is_hit": pl.Boolean})
DOUBTFUL = ("release_mismatch", "outside_map")
_WORD = re.compile(r"[A-Za-z_$][\w$]*|.")


@dataclass(frozen=True)
class FrameView:
    """A frame and its look-up.

    Attributes
    ----------
    position, place
        Where the browser says it is, and where that is in the team's source (None when nobody knows).
    status, detail
        The verdict and its reason.
    release, function, function_from
        As in `symbolicate`.
    frames, events
        How many frames stand at this position, of how many events.
    lines, column
        The source around it (line, text, is_hit), and the column that is marked, 1-based, in UTF-16 units.
    no_lines
        Why there are no lines.
    steps
        As `workbench.symbolicate.explain.explain_frame` gives them.
    """

    position: str
    status: str
    release: str | None
    frames: int
    events: int
    steps: pl.DataFrame
    place: str | None = None
    detail: str | None = None
    function: str | None = None
    function_from: str | None = None
    lines: pl.DataFrame = field(default_factory=lambda: NO_LINES)
    column: int | None = None
    no_lines: str = ""


class Frames(Panel[Sequence[FrameView]]):
    """Cards of frames: the one that is picked; in a report the worst that has no source and the most frequent that has.

    Parameters
    ----------
    view
        Gives the views for the key of a frame (None: those of the report).
    choices
        (label, key) of the frames to pick from.
    """

    name = "frames"

    def __init__(
        self, view: Sequence[FrameView] | Callable[..., Sequence[FrameView]], choices: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(view)
        self.choices = choices

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the picker of frames."""
        options = [("the worst without source, the most frequent with it", None), *self.choices]
        picker = ipywidgets.Dropdown(options=options, description="Frame", layout={"width": "min(100%, 860px)"})
        picker.style.description_width = "initial"
        picker.add_class("bs-frame-picker")
        return {"frame": picker} if self.choices else {}

    def static_html(self, result: Sequence[FrameView]) -> Markup:
        """Return the cards as HTML."""
        if not result:
            return tag("p", "No frame stands in a script of ours.", cls="bs-empty")
        return join([_card(view) for view in result])


def frame_choices(case: Case) -> pl.DataFrame:
    """Give the positions worth a look: those without a source that most events have, then the most frequent with one.

    Returns
    -------
    `key`, `row` (of `case.frames`), `frames`, `events`, `found`, `label`.
    """
    place = ["release", "url", "line", "column"]
    counted = (
        case.frames.with_row_index("row")
        .filter((pl.col("map_status") != "not_javascript") & pl.col("url").is_not_null())
        .with_columns(pl.col(*place, "map_status").cast(pl.String), found=pl.col("source").is_not_null())
        .filter(~pl.col("found") | pl.col("in_app").fill_null(False))
        .group_by(*place, "map_status", "found")
        .agg(
            pl.col("row").first(), pl.len().cast(pl.Int64).alias("frames"),
            pl.col("event_id").n_unique().cast(pl.Int64).alias("events"),
            (pl.col("frame_index") == 0).any().alias("throws"),
            pl.concat_str(pl.col("source").str.replace("^.*/", ""), pl.lit(":"), "source_line").first().alias("place"),
        )
        .sort("throws", "events", "frames", "row", descending=[True, True, True, False])
    )  # fmt: skip
    chosen = pl.concat([counted.filter(~pl.col("found")).head(EACH), counted.filter("found").head(EACH)])
    labels = [
        f"{plural(row['events'], 'event')} · {row['map_status'].replace('_', ' ')} · "
        f"{row['place'] or shorten(_position(row), 44)} · {release_name(row['release'])}"
        for row in chosen.iter_rows(named=True)
    ]
    key = pl.concat_str(*place, separator=" ", ignore_nulls=True).alias("key")
    return chosen.with_columns(key, pl.Series("label", labels, dtype=pl.String)).select(
        "key", "row", "frames", "events", "found", "label"
    )


def frame_views(case: Case, choices: pl.DataFrame, frame: str | None = None) -> list[FrameView]:
    """Look at one frame of `frame_choices`; at the first without and the first with a source when none is named."""
    if frame is not None:
        chosen = choices.filter(pl.col("key") == frame)
    else:
        chosen = pl.concat([choices.filter(~pl.col("found")).head(1), choices.filter("found").head(1)])
    return [_view(case, row) for row in chosen.iter_rows(named=True)]


def _view(case: Case, chosen: dict[str, Any]) -> FrameView:
    row = case.frames.row(chosen["row"], named=True)
    steps = explain_frame(case.raw_frames.slice(chosen["row"], 1), case.store, cache=MapCache.of_user())
    lines, why = _lines(case, row)
    place = f"{row['source']}:{row['source_line']}:{row['source_column']}" if row["source"] else None
    return FrameView(
        position=_position(row), status=str(row["map_status"]), release=row["release"], frames=chosen["frames"],
        events=chosen["events"], steps=steps, place=place, detail=row["map_detail"], function=row["source_function"],
        function_from=row["function_from"], lines=lines, column=row["source_column"], no_lines=why,
    )  # fmt: skip


def _lines(case: Case, row: dict[str, Any]) -> tuple[pl.DataFrame, str]:
    if row["source"] is None:
        return NO_LINES, "No source is known here."
    if row["map_status"] == "no_source_content":
        return NO_LINES, "The map names the place, but does not carry the source's text."
    try:
        lines = source_lines(case.store, row["map_location"], row["source"], row["source_line"], context=4)
    except (SourceError, FetchError) as error:
        return NO_LINES, f"The source's text could not be read: {error}."
    return lines, "" if lines.height else "The source's text does not reach this line."


def _position(row: dict[str, Any]) -> str:
    path = str(row["url"]).split("?")[0].rpartition("/")[2] or str(row["url"])
    return ":".join(str(part) for part in (path, row["line"], row["column"]) if part is not None)


def _card(view: FrameView) -> Markup:
    mapped = view.place is not None
    kind = "bs-tag-warn" if view.status in DOUBTFUL else "" if mapped else "bs-tag-bad"
    head = tag(
        "header",
        tag("h3", tag("b", view.place or view.position)),
        tag("span", view.status.replace("_", " "), cls=f"bs-tag {kind}".strip()),
        tag("span", f"{plural(view.frames, 'frame')} of {plural(view.events, 'event')}", cls="bs-tag"),
        tag("span", f"release {release_name(view.release)}", cls="bs-tag", title=view.release),
    )
    said = [
        f"the browser says {view.position}",
        join(["in ", tag("code", view.function), f" (by {view.function_from})"]) if view.function else None,
    ]
    reason = tag("p", prose(view.detail), cls="bs-partial bs-wrap") if view.detail else None
    source = tag("p", view.no_lines, cls="bs-empty") if view.lines.is_empty() else _source(view)
    inside = [tag("p", join(said, " · "), cls="bs-cap bs-wrap"), reason, source, tag("h4", "How it was looked up"),
              _steps(view.steps)]  # fmt: skip
    return tag("article", head, tag("div", *inside, cls="bs-in"), cls="bs-card")


def _source(view: FrameView) -> Markup:
    texts = [text for text in view.lines["text"] if text.strip()]
    indent = min((len(text) - len(text.lstrip()) for text in texts), default=0)
    rows = []
    for line, text, is_hit in view.lines.select("line", "text", "is_hit").iter_rows():
        shown = _marked(text, view.column, indent) if is_hit and view.column else text[indent:]
        rows.append(tag("span", tag("i", line), shown, "\n", cls="hit" if is_hit else None))
    return tag("pre", *rows, cls="bs-source", tabindex="0")


def _marked(text: str, column: int, indent: int) -> Markup:
    """Mark what stands at a column, which counts UTF-16 units from 1."""
    units, at = 0, 0
    while at < len(text) and units < column - 1:
        units += 2 if ord(text[at]) > 0xFFFF else 1
        at += 1
    word = _WORD.match(text, at)
    if word is None or at < indent:
        return join([text[indent:]])
    return join([text[indent:at], tag("b", word[0], cls="bs-column"), text[word.end() :]])


def _steps(steps: pl.DataFrame) -> Markup:
    signs = {True: ("✓", None), False: ("✗", "bs-bad"), None: ("·", "bs-dim")}
    rows = [
        [tag("span", signs[fine][0], cls=signs[fine][1]), step, tag("span", said, cls="bs-wrap")]
        for step, said, fine in steps.iter_rows()
    ]
    return table(["", "Step", "What was found"], rows)
