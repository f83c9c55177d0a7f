"""Two usual ways of grouping, to stand beside ours: type and top frame, and the in-app stack as trackers do it."""

from __future__ import annotations

import polars as pl

from workbench.errors.distinct import Distinct
from workbench.errors.shapes import file_of, short_function

TOP_FRAME = "type and top frame"
IN_APP_STACK = "type and in-app stack"


def baseline_groups(distinct: Distinct) -> pl.DataFrame:
    """Group the distinct errors in the two usual ways.

    Returns
    -------
    `error_id`, and a column a way: `type and top frame` (the function and address on top), `type and in-app stack`
    (file and function of each in-app frame, the message where there is none: as Sentry's default does).

    Examples
    --------
    >>> from workbench.errors.distinct import distinct_errors
    >>> stack = "f@https://s.example/a-1f2e3d4c.js:1:2"
    >>> events = pl.DataFrame({"event_id": ["e"], "type": "E", "message": "m", "stack": stack})
    >>> baseline_groups(distinct_errors(events, None, ["s.example"])).row(0)
    (0, 'E f https://s.example/a-1f2e3d4c.js', 'E /a.js f')
    """
    shown = distinct.frames.filter(pl.col("exception_index") == 0)
    places = distinct.places.select(
        "place_id",
        "in_app",
        top=pl.concat_str(pl.col("function").fill_null(""), pl.col("url").fill_null(""), separator=" "),
        step=pl.concat_str(
            pl.coalesce("source", file_of(pl.col("url"))).fill_null(""),
            short_function(pl.coalesce("source_function", "function")).fill_null(""),
            separator=" ",
        ),
    )
    frames = shown.join(places, on="place_id", how="left", maintain_order="left")
    tops = frames.filter(pl.col("frame_index") == 0).unique("stack_id", keep="first").select("stack_id", "top")
    stacks = frames.filter("in_app").group_by("stack_id", maintain_order=True).agg(pl.col("step").str.join(" | "))
    type_ = pl.col("type").fill_null("")
    return (
        distinct.errors.join(tops, on="stack_id", how="left", maintain_order="left")
        .join(stacks, on="stack_id", how="left", maintain_order="left")
        .select(
            "error_id",
            pl.concat_str(type_, pl.col("top").fill_null(""), separator=" ").alias(TOP_FRAME),
            pl.concat_str(type_, pl.coalesce("step", "message", pl.lit("")), separator=" ").alias(IN_APP_STACK),
        )
    )
