"""What callers give: tables read lazily or not, without some columns, with rows twice, with times said otherwise."""

from __future__ import annotations

import polars as pl

from connectors.exceptions import TableError
from connectors.formats.routes import endpoint_of
from connectors.tables import EVENTS, FRAMES, RELEASES, REQUESTS, TIME, Table, conform
from workbench.errors.distinct import SYMBOLS

Given = pl.DataFrame | pl.LazyFrame | None
_ASKED_OF_REQUESTS = ("at", "method", "url", "status")
_OF_FRAMES = [*FRAMES.schema, *SYMBOLS]
_OF_A_STACK = ["event_id", "exception_index", "frame_index"]


def as_events(events: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Read events as canonical ones: `event_id` as text, `at` as times.

    Raises
    ------
    TableError
        There is no column `event_id`, or `at` holds what is no time.

    Examples
    --------
    >>> as_events(pl.DataFrame({"event_id": [7, None], "at": [None, None]})).rows()
    [('7', None), ('row 1', None)]
    """
    events = collected(events)
    if not events.width:
        return EVENTS.empty()
    if "event_id" not in events.columns:
        raise TableError(f"events has no column event_id; there are: {', '.join(events.columns)}")
    return _with_times(events, EVENTS, "at").with_columns(event_id=ids_of(events))


def once(events: pl.DataFrame) -> pl.DataFrame:
    """Keep the first row of each event: what two pages of a tracker both held counts once.

    Examples
    --------
    >>> once(pl.DataFrame({"event_id": ["b", "a", "b"]}))["event_id"].to_list()
    ['b', 'a']
    """
    if events["event_id"].n_unique() == len(events):
        return events
    return events.unique("event_id", keep="first", maintain_order=True)


def ids_of(events: pl.DataFrame) -> pl.Series:
    """Return the events' ids as text; an event that has none is named after its row.

    Examples
    --------
    >>> ids_of(pl.DataFrame({"event_id": ["a", None]})).to_list()
    ['a', 'row 1']
    """
    ids = events["event_id"].cast(pl.String)
    if not ids.null_count():
        return ids
    named = pl.format("row {}", pl.int_range(pl.len()))
    return pl.DataFrame({"event_id": ids}).select(pl.col("event_id").fill_null(named))["event_id"]


def as_frames(frames: Given) -> pl.DataFrame:
    """Read frames as canonical ones: without indices all are of the error shown, in the order of their rows.

    Examples
    --------
    >>> as_frames(pl.DataFrame({"event_id": ["b", "a", "b"], "function": ["f", "g", "h"]}))["frame_index"].to_list()
    [0, 0, 1]
    """
    frames = collected(frames)
    if frames.is_empty() or "event_id" not in frames.columns:
        return FRAMES.empty()
    frames = frames.select(name for name in _OF_FRAMES if name in frames.columns)
    frames = frames.with_columns(pl.col("event_id").cast(pl.String))
    if "exception_index" not in frames.columns:
        frames = frames.with_columns(exception_index=pl.lit(0, pl.Int64))
    if "frame_index" not in frames.columns:
        return frames.with_columns(frame_index=pl.int_range(pl.len()).over("event_id", "exception_index"))
    # The same page fetched twice.
    if frames.select(pl.struct(_OF_A_STACK).hash().n_unique()).item() < len(frames):
        frames = frames.unique(
            [*_OF_A_STACK, *(n for n in ("url", "line", "column") if n in frames.columns)], maintain_order=True
        )
    return frames


def as_requests(requests: Given) -> pl.DataFrame:
    """Read requests as canonical ones: what was not recorded is null, an endpoint is told by the address.

    Examples
    --------
    >>> as_requests(pl.DataFrame({"event_id": ["a"], "url": ["/api/cart/7"]})).select("endpoint", "status").rows()
    [('/api/cart/:id', None)]
    """
    requests = collected(requests)
    if requests.is_empty():
        return REQUESTS.empty()
    missing = [name for name in (*_ASKED_OF_REQUESTS, "endpoint") if name not in requests.columns]
    requests = requests.with_columns(pl.lit(None, REQUESTS.schema[name]).alias(name) for name in missing)
    requests = _with_times(requests, REQUESTS, "at")
    if requests["endpoint"].null_count():
        told = endpoint_of(pl.col("method").cast(pl.String), pl.col("url").cast(pl.String))
        requests = requests.with_columns(endpoint=pl.coalesce(pl.col("endpoint").cast(pl.String), told))
    return requests


def as_releases(releases: Given) -> pl.DataFrame | None:
    """Read releases as canonical ones; None where no deploy has both its name and its time.

    Examples
    --------
    >>> as_releases(pl.DataFrame({"release": ["1"]})) is None
    True
    """
    releases = collected(releases)
    if releases.is_empty() or not {"release", "deployed_at"} <= set(releases.columns):
        return None
    return _with_times(releases, RELEASES, "deployed_at")


def collected(table: Given) -> pl.DataFrame:
    """Read a lazy frame, and None as a frame without columns.

    Examples
    --------
    >>> collected(None).shape, collected(pl.LazyFrame({"a": [1]})).shape
    ((0, 0), (1, 1))
    """
    if table is None:
        return pl.DataFrame()
    return table.collect() if isinstance(table, pl.LazyFrame) else table


def _with_times(frame: pl.DataFrame, table: Table, column: str) -> pl.DataFrame:
    if column not in frame.columns or frame.schema[column] == TIME:
        return frame
    if frame.schema[column] == pl.Null:
        return frame.with_columns(pl.col(column).cast(TIME))
    times = conform(frame.select(column), Table(table.name, {column: TIME}, key=(), required=()))
    return frame.with_columns(times[column])
