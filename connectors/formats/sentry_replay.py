r"""Sentry's session replay: the two envelope items that bring a segment, and the REST lists of recordings and segments.

`replay_event` says whose segment it is (JSON); `replay_recording` is `{"segment_id":n}\n` and rrweb events, packed by
zlib or plain. Times of rrweb are milliseconds, those of Sentry's own events among them seconds; `rrweb` tells them by
size.
Sources: getsentry.github.io/relay (protocol/replay), docs.sentry.io/api/replays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from connectors.exceptions import FormatError
from connectors.formats.inflate import inflated
from connectors.formats.rows import Rows
from connectors.formats.rrweb import Whose, read_segment
from connectors.formats.sentry_event import SESSION_TAGS
from connectors.formats.values import BAD_JSON, as_hex_id, as_int, as_micros, as_text, shown
from connectors.tables import REPLAYS

# how a recording came to be kept: sampled from the start, or kept because an error came
KEPT_BECAUSE = {"session": "sample", "buffer": "error"}
_object = msgspec.json.Decoder(dict[str, Any])


def replay_rows() -> Rows:
    """Make an empty collection of what was said about recordings."""
    return Rows(REPLAYS)


def read_replay_event(payload: bytes, place: str, rows: Rows) -> None:
    """Read a `replay_event` item: whose segment it is, from when to when.

    Examples
    --------
    >>> rows = replay_rows()
    >>> read_replay_event(
    ...     b'{"replay_id":"d2132d31b39445f1938d7e21b6bf0ec4","replay_type":"buffer","segment_id":0,"timestamp":'
    ...     b'1597976392.5,"replay_start_timestamp":1597976390,"tags":{"session_id":"s1"}}',
    ...     "1.envelope item 1",
    ...     rows,
    ... )
    >>> rows.frame().select("session_id", "kept_because").rows()
    [('s1', 'error')]
    """
    try:
        about = _object.decode(payload)
    except BAD_JSON as error:
        return rows.refuse(place, f"the replay event cannot be read ({error})")
    replay_id = as_hex_id(about.get("replay_id"), 32)
    if replay_id is None:
        return rows.refuse(place, f"replay_id is {shown(about.get('replay_id'))}, not 32 hex digits")
    times = as_micros(about.get("replay_start_timestamp")), as_micros(about.get("timestamp"))
    kept = KEPT_BECAUSE.get(as_text(about.get("replay_type")) or "")
    return rows.add((replay_id, _session(about.get("tags")), *times, None, None, None, kept))


def read_recording(payload: bytes, place: str, rows: Rows, replay_id: str | None) -> None:
    r"""Read a `replay_recording` item into rows of replay events; what cannot be read is refused there.

    Examples
    --------
    >>> import zlib
    >>> from connectors.formats.rrweb import replay_event_rows
    >>> rows = replay_event_rows()
    >>> events = zlib.compress(b'[{"type":4,"timestamp":1741530000500,"data":{}}]')
    >>> read_recording(b'{"segment_id":3}\n' + events, "1.envelope item 2", rows, "d2132d31b39445f1938d7e21b6bf0ec4")
    >>> rows.frame().select("segment", "type").rows()
    [(3, 4)]
    """
    if (whose := as_hex_id(replay_id, 32)) is None:
        return rows.refuse(place, f"the envelope names no recording ({shown(replay_id)})")
    head, _, body = payload.partition(b"\n")
    try:
        segment = as_int(_object.decode(head).get("segment_id"))
    except BAD_JSON as error:
        return rows.refuse(place, f"the recording does not begin with its segment_id ({error})")
    if not body.lstrip().startswith(b"["):
        try:
            body = inflated(body, "the recording")
        except FormatError as error:
            return rows.refuse(place, str(error))
    return read_segment(body, place, rows, Whose(whose, None, segment))


def read_listed_replay(raw: bytes | msgspec.Raw, place: str, rows: Rows) -> None:
    """Read one recording of `GET /organizations/{org}/replays/`; an archived one has no segments any more.

    Examples
    --------
    >>> rows = replay_rows()
    >>> read_listed_replay(
    ...     b'{"id":"7e07485f-12f9-416b-8b14-26260799b51f","started_at":"2022-07-07T14:05:57.909921","finished_at":'
    ...     b'"2022-07-07T14:15:33.201019","count_segments":4,"tags":{"session_id":["s1"]},"is_archived":null}',
    ...     "page 1 replay 1",
    ...     rows,
    ... )
    >>> rows.frame().select("replay_id", "session_id", "segment_count").rows()
    [('7e07485f12f9416b8b1426260799b51f', 's1', 4)]
    """
    try:
        listed = _object.decode(raw)
    except BAD_JSON as error:
        return rows.refuse(place, f"the recording cannot be read ({error})")
    replay_id = as_hex_id(listed.get("id"), 32)
    if replay_id is None:
        return rows.refuse(place, f"id is {shown(listed.get('id'))}, not 32 hex digits")
    if listed.get("is_archived"):
        return rows.skip("recordings that are archived")
    times = as_micros(listed.get("started_at")), as_micros(listed.get("finished_at"))
    kept = KEPT_BECAUSE.get(as_text(listed.get("replay_type")) or "")
    segments = as_int(listed.get("count_segments"))
    return rows.add((replay_id, _session(listed.get("tags")), *times, segments, None, None, kept))


def replays_of(events: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Sum replay events up by recording, with what `replay_event` items said of it.

    Parameters
    ----------
    events
        Canonical `replay_events`.
    said
        Canonical `replays`, any number of rows a recording.

    Examples
    --------
    >>> from connectors.formats.rrweb import replay_event_rows
    >>> rows = replay_event_rows()
    >>> for n in (0, 1):
    ...     raw = b'{"segment_id":%d}\\n[{"type":4,"timestamp":1741530000500,"data":{}}]' % n
    ...     read_recording(raw, "e", rows, "d2132d31b39445f1938d7e21b6bf0ec4")
    >>> replays_of(rows.frame(), replay_rows().frame()).select("segment_count", "event_count", "bytes").rows()
    [(2, 2, 4)]
    """
    about = said.group_by("replay_id", maintain_order=True).agg(
        pl.col("session_id").drop_nulls().first(),
        pl.col("started_at").min(),
        pl.col("ended_at").max(),
        pl.col("kept_because").drop_nulls().first(),
    )
    counted = events.group_by("replay_id", maintain_order=True).agg(
        pl.col("at").min().alias("first"),
        pl.col("at").max().alias("last"),
        pl.col("segment").n_unique().cast(pl.Int64).alias("segment_count"),
        pl.len().cast(pl.Int64).alias("event_count"),
        pl.col("data").str.len_bytes().sum().cast(pl.Int64).alias("bytes"),
    )
    both = counted.join(about, on="replay_id", how="left", maintain_order="left").with_columns(
        pl.min_horizontal("started_at", "first").alias("started_at"),
        pl.max_horizontal("ended_at", "last").alias("ended_at"),
    )
    return both.select(list(REPLAYS.schema))


def _session(tags: Any) -> str | None:
    """Give the session among the tags, which are a mapping to a value, or to a list of values."""
    if not isinstance(tags, Mapping):
        return None
    for name in SESSION_TAGS:
        value = tags.get(name)
        value = next(iter(value), None) if isinstance(value, list) else value
        if (text := as_text(value)) is not None:
            return text
    return None
