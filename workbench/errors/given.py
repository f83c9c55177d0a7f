"""What callers give, as the room reads it: ids are text, and a column that may be missing is there, empty."""

from __future__ import annotations

import polars as pl

from connectors.tables import EVENTS, FRAMES, REQUESTS

_ASKED_OF_REQUESTS = ("at", "endpoint", "url", "status")


def as_events(events: pl.DataFrame) -> pl.DataFrame:
    """Read events as canonical ones: `event_id` as text, a column `at` of nothing but nulls as times.

    Examples
    --------
    >>> as_events(pl.DataFrame({"event_id": [7], "at": [None]})).schema
    Schema([('event_id', String), ('at', Datetime(time_unit='us', time_zone='UTC'))])
    """
    events = events.with_columns(pl.col("event_id").cast(pl.String))
    if events.schema.get("at") == pl.Null:
        return events.with_columns(pl.col("at").cast(EVENTS.schema["at"]))
    return events


def as_frames(frames: pl.DataFrame | None) -> pl.DataFrame:
    """Read frames as canonical ones: without indices all are of the error shown, in the order of their rows.

    Examples
    --------
    >>> as_frames(pl.DataFrame({"event_id": ["b", "a", "b"], "function": ["f", "g", "h"]}))["frame_index"].to_list()
    [0, 0, 1]
    """
    if frames is None or frames.is_empty():
        return FRAMES.empty()
    frames = frames.with_columns(pl.col("event_id").cast(pl.String))
    if "exception_index" not in frames.columns:
        frames = frames.with_columns(exception_index=pl.lit(0, pl.Int64))
    if "frame_index" not in frames.columns:
        frames = frames.with_columns(frame_index=pl.int_range(pl.len()).over("event_id", "exception_index"))
    return frames


def as_requests(requests: pl.DataFrame | None) -> pl.DataFrame:
    """Read requests as canonical ones: what was not recorded is null.

    Examples
    --------
    >>> as_requests(pl.DataFrame({"event_id": ["a"], "endpoint": ["GET /api"]}))["status"].to_list()
    [None]
    """
    if requests is None or requests.is_empty():
        return REQUESTS.empty()
    missing = [name for name in _ASKED_OF_REQUESTS if name not in requests.columns]
    return requests.with_columns(pl.lit(None, REQUESTS.schema[name]).alias(name) for name in missing)
