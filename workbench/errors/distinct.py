"""Distinct first: the errors that differ, and which event is which. Everything after this works on distinct errors.

An error is a type, a message and a stack (the raw text, or the frames that a tracker sent). A day may have millions of
events and some thousand errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from connectors.tables import FRAMES
from workbench.errors.domains import host_of, is_first_party
from workbench.errors.stacks import is_foreign, parse_distinct_stacks

# What `symbolicate` adds to frames; absent when nothing was symbolicated.
SYMBOLS = {
    "source": pl.String,
    "source_line": pl.Int64,
    "source_column": pl.Int64,
    "source_function": pl.String,
    "map_status": pl.String,
    "receiver": pl.String,
    "property": pl.String,
}
_PLACE = ("exception_index", "frame_index", "function", "url", "line", "column", "in_app")


@dataclass(frozen=True)
class Distinct:
    """Distinct errors of a set of events.

    Attributes
    ----------
    errors
        `error_id`, `type`, `message`.
    of_event
        `event_id`, `error_id`, in the order of the events given.
    frames
        Frames of each error by `error_id`: canonical columns, those of `symbolicate` (null where there are none),
        `host`, and `first_party` (null where the address has no host).
    """

    errors: pl.DataFrame
    of_event: pl.DataFrame
    frames: pl.DataFrame


def distinct_errors(events: pl.DataFrame, frames: pl.DataFrame | None, first_party: Sequence[str]) -> Distinct:
    """Find the distinct errors of events.

    Parameters
    ----------
    events
        Canonical `events`: `event_id`, `type`, `message`, `stack` where frames are not given.
    frames
        Canonical `frames`, symbolicated or not. An event that has frames is told by them, another by its `stack`.
    first_party
        Domains that are ours.

    Examples
    --------
    >>> events = pl.DataFrame({"event_id": ["a", "b"], "type": "E", "message": "m", "stack": "f@https://x.example/a.js:1:2"})
    >>> found = distinct_errors(events, None, ["x.example"])
    >>> len(found.errors), found.frames.select("function", "host", "first_party").rows()
    (1, [('f', 'x.example', True)])
    """
    given = FRAMES.empty() if frames is None else frames
    columns = set(events.columns)
    facts = events.select(
        "event_id",
        *(
            pl.col(name).cast(pl.String) if name in columns else pl.lit(None, pl.String).alias(name)
            for name in ("type", "message", "stack")
        ),
    )
    if given.is_empty():
        facts = facts.with_columns(frame_key=pl.lit(None, pl.UInt64))
    else:
        facts = facts.join(_frame_keys(given), on="event_id", how="left", maintain_order="left").with_columns(
            stack=pl.when(pl.col("frame_key").is_null()).then("stack")
        )
    # 64 bits over type, message and stack: two of a million distinct errors collide once in 37 million runs.
    facts = facts.with_columns(__key=pl.struct("type", "message", "stack", "frame_key").hash())
    errors = facts.unique("__key", keep="first", maintain_order=True).with_row_index("error_id")
    of_event = facts.select("event_id", "__key").join(
        errors.select("__key", "error_id"), on="__key", how="left", maintain_order="left"
    )
    return Distinct(
        errors=errors.select("error_id", "type", "message"),
        of_event=of_event.select("event_id", "error_id"),
        frames=_with_hosts(_frames_of(errors, given), first_party),
    )


def _frame_keys(frames: pl.DataFrame) -> pl.DataFrame:
    told_by = [name for name in (*_PLACE, *SYMBOLS) if name in frames.columns]
    # A sum does not know its order, so each frame's own hash contains its place in the stack.
    return (
        frames.select("event_id", __h=pl.struct(told_by).hash()).group_by("event_id").agg(frame_key=pl.col("__h").sum())
    )


def _frames_of(errors: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    empty = {"error_id": pl.UInt32} | {name: FRAMES.schema[name] for name in _PLACE} | SYMBOLS
    parts = [pl.DataFrame(schema=empty)]
    raw = errors.filter(pl.col("stack").is_not_null())
    if len(raw):
        stacks = raw.select(stack=pl.col("stack").unique(maintain_order=True)).with_row_index("stack_id")
        parsed = parse_distinct_stacks(stacks)
        parts.append(raw.select("error_id", "stack").join(stacks, on="stack").join(parsed, on="stack_id"))
    if len(given):
        parts.append(
            given.join(errors.filter(pl.col("frame_key").is_not_null()).select("event_id", "error_id"), on="event_id")
        )
    return pl.concat(
        [
            part.select(
                pl.col(name).cast(dtype) if name in part.columns else pl.lit(None, dtype).alias(name)
                for name, dtype in empty.items()
            )
            for part in parts
        ]
    ).sort("error_id", "exception_index", "frame_index")


def _with_hosts(frames: pl.DataFrame, first_party: Sequence[str]) -> pl.DataFrame:
    urls = frames.select(pl.col("url").unique()).drop_nulls()
    urls = urls.with_columns(host=host_of(pl.col("url")), foreign=is_foreign(pl.col("url")))
    # Where nothing is known to be ours, nothing can be said to be another's.
    ours = is_first_party(urls["host"].drop_nulls().unique().to_list(), first_party) if first_party else {}
    known = urls.with_columns(first_party=pl.col("host").replace_strict(ours, default=None, return_dtype=pl.Boolean))
    # Trackers call every frame in-app that they do not know; a source map's word stands above an address.
    in_app = pl.col("in_app").fill_null(True) & (pl.col("source").is_not_null() | ~pl.col("foreign").fill_null(False))
    return frames.join(known, on="url", how="left", maintain_order="left").with_columns(in_app=in_app).drop("foreign")
