"""Distinct first: the errors that differ, and which event is which. Everything after this works on distinct things.

An error is a type, a message and a stack (the raw text, or the frames that a tracker sent). A day has millions of
events, some thousand errors, fewer stacks, and a few thousand places in the code that all of their frames point to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from connectors.tables import FRAMES
from workbench.errors.domains import host_of, is_first_party
from workbench.errors.stacks import is_foreign, parse_distinct_stacks
from workbench.rules.loader import load

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
_PLACE = {name: FRAMES.schema[name] for name in ("function", "url", "line", "column", "in_app")} | SYMBOLS
_POSITION = {"exception_index": pl.Int64, "frame_index": pl.Int64, "place_id": pl.UInt64}


@dataclass(frozen=True)
class Distinct:
    """Distinct errors of a set of events.

    Attributes
    ----------
    errors
        `error_id`, `type`, `message`, `stack_id` (null: no stack), `request` (null; see `asked.by_request`).
    of_event
        `event_id`, `error_id`, in the order of the events given.
    frames
        The frames of each stack, newest first: `stack_id`, `exception_index`, `frame_index`, `place_id`.
    places
        What frames point to, by `place_id`: `function`, `url`, `line`, `column`, `in_app`, the columns of `symbolicate`
        (null where there are none), `host`, and `first_party` (null where the address has no host).
    """

    errors: pl.DataFrame
    of_event: pl.DataFrame
    frames: pl.DataFrame
    places: pl.DataFrame

    def frames_at(self, *columns: str) -> pl.DataFrame:
        """Return the frames of all stacks with columns of their places beside them."""
        places = self.places.select("place_id", *columns)
        return self.frames.join(places, on="place_id", how="left", maintain_order="left")


def distinct_errors(
    events: pl.DataFrame, frames: pl.DataFrame | None, first_party: Sequence[str], *, as_of: date | None = None
) -> Distinct:
    """Find the distinct errors of events.

    Parameters
    ----------
    events
        Canonical `events`: `event_id`, `type`, `message`, `stack` where frames are not given.
    frames
        Canonical `frames`, symbolicated or not. An event that has frames is told by them, another by its `stack`.
    first_party
        Domains that are ours.
    as_of
        By the rules (`rules/in_app`) of that day; the newest when not given.

    Notes
    -----
    Rows are told apart by sums of 64-bit hashes: among a million distinct errors two collide once in 37 million runs.

    Examples
    --------
    >>> stack = "f@https://x.example/a.js:1:2"
    >>> events = pl.DataFrame({"event_id": ["a", "b"], "type": "E", "message": "m", "stack": stack})
    >>> found = distinct_errors(events, None, ["x.example"])
    >>> len(found.errors), found.frames_at("function", "host", "first_party").row(0)[-3:]
    (1, ('f', 'x.example', True))
    """
    columns = set(events.columns)
    facts = events.select(
        "event_id",
        *(
            pl.col(name).cast(pl.String) if name in columns else pl.lit(None, pl.String).alias(name)
            for name in ("type", "message", "stack")
        ),
    )
    given = FRAMES.empty() if frames is None else frames
    if given.is_empty():
        facts = facts.with_columns(frame_key=pl.lit(None, pl.UInt64))
    else:
        given = given.with_columns(place_id=pl.struct(name for name in _PLACE if name in given.columns).hash())
        facts = facts.join(_stack_keys(given), on="event_id", how="left", maintain_order="left").with_columns(
            stack=pl.when(pl.col("frame_key").is_null()).then("stack")
        )
    key = pl.sum_horizontal(
        pl.col(name).hash(seed=seed) * factor
        for seed, (name, factor) in enumerate(zip(("type", "message", "stack", "frame_key"), (1, 3, 5, 7), strict=True))
    )
    facts = facts.with_columns(__key=key)
    errors = facts.unique("__key", keep="first", maintain_order=True).with_row_index("error_id")
    of_event = facts.select("event_id", "__key").join(
        errors.select("__key", "error_id"), on="__key", how="left", maintain_order="left"
    )
    errors, stacks, places = _stacks_of(errors, given, as_of)
    return Distinct(
        errors=errors.select("error_id", "type", "message", "stack_id", request=pl.lit(None, pl.String)),
        of_event=of_event.select("event_id", "error_id"),
        frames=stacks,
        places=_judge(places, first_party, as_of),
    )


def _stack_keys(frames: pl.DataFrame) -> pl.DataFrame:
    # A sum does not know its order, so each frame's own hash contains its position in the stack.
    position = (pl.col("exception_index") * 4096 + pl.col("frame_index") + 1).hash()
    return (
        frames.select("event_id", __h=pl.col("place_id") * (position | 1))
        .group_by("event_id")
        .agg(frame_key=pl.col("__h").sum())
    )


def _stacks_of(
    errors: pl.DataFrame, given: pl.DataFrame, as_of: date | None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Errors with `stack_id`, the frames of each stack, and the places that they point to."""
    frames, places = (
        [pl.DataFrame(schema={"stack_id": pl.UInt64, **_POSITION})],
        [pl.DataFrame(schema={"place_id": pl.UInt64, **_PLACE})],
    )
    # V8 repeats type and message above the frames: an order's number in the message must not make a new stack.
    header = pl.concat_str(pl.col("type").fill_null(""), pl.lit(": "), pl.col("message").fill_null(""))
    body = pl.col("stack").str.strip_prefix(header)
    errors = _without_message(errors.with_columns(body=body))
    errors = errors.with_columns(stack_id=pl.coalesce("frame_key", pl.col("body").hash()))
    raw = errors.filter(pl.col("body").is_not_null()).unique("stack_id", keep="first", maintain_order=True)
    if len(raw):
        parsed, vocabulary = parse_distinct_stacks(raw.select("stack_id", stack="body"), as_of=as_of)
        frames.append(parsed)
        places.append(_with_all(vocabulary))
    if len(given):
        told = errors.filter(pl.col("frame_key").is_not_null()).unique("stack_id", keep="first", maintain_order=True)
        mine = given.join(told.select("event_id", "stack_id"), on="event_id")
        frames.append(mine.select("stack_id", *(pl.col(name).cast(dtype) for name, dtype in _POSITION.items())))
        places.append(_with_all(mine.unique("place_id", keep="first", maintain_order=True)))
    return (
        errors,
        pl.concat(frames).sort("stack_id", "exception_index", "frame_index"),
        pl.concat(places).unique("place_id", keep="first", maintain_order=True),
    )


def _without_message(errors: pl.DataFrame) -> pl.DataFrame:
    """Take a message of several lines from the head of its stack, whatever type stands before it there.

    The stack of an error that calls itself PaymentError begins with `Error: `; a line of its message that reads like a
    frame must not become one.
    """
    several = errors.filter(pl.col("message").str.contains("\n", literal=True) & (pl.col("body") == pl.col("stack")))
    if several.is_empty():
        return errors
    parts = pl.col("stack").str.splitn(pl.col("message"), 2).struct
    at_head = parts["field_1"].is_not_null() & ~parts["field_0"].str.contains("\n", literal=True)
    cut = several.select("error_id", cut=pl.when(at_head).then(parts["field_1"]))
    return (
        errors.join(cut, on="error_id", how="left", maintain_order="left")
        .with_columns(body=pl.coalesce("cut", "body"))
        .drop("cut")
    )


def _with_all(places: pl.DataFrame) -> pl.DataFrame:
    return places.select(
        "place_id",
        *(
            pl.col(name).cast(dtype) if name in places.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in _PLACE.items()
        ),
    )


def _judge(places: pl.DataFrame, first_party: Sequence[str], as_of: date | None) -> pl.DataFrame:
    """Say of each place whose host it is and whether it is ours."""
    places = places.with_columns(host=host_of(pl.col("url")))
    # Where nothing is known to be ours, nothing can be said to be another's.
    ours = is_first_party(places["host"].drop_nulls().unique().to_list(), first_party) if first_party else {}
    # Trackers call every frame in-app that they do not know; a source map's word stands above an address.
    in_app = pl.col("in_app").fill_null(True) & (
        pl.col("source").is_not_null() | ~is_foreign(pl.col("url"), as_of=as_of)
    )
    # Trackers that map stacks themselves send the source's path where a browser says a script's address.
    source = pl.coalesce(
        "source", pl.when(pl.col("url").str.contains(load("in_app", "sources", as_of=as_of).data["path"])).then("url")
    )
    told = pl.col("source").is_null() & source.is_not_null()
    return places.with_columns(
        source=source,
        source_line=pl.when(told).then("line").otherwise("source_line"),
        source_column=pl.when(told).then("column").otherwise("source_column"),
        source_function=pl.when(told).then("function").otherwise("source_function"),
        in_app=in_app,
        first_party=pl.col("host").replace_strict(ours, default=None, return_dtype=pl.Boolean),
    )
