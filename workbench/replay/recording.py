"""A frame of rrweb events as streams that can be played: one stream a page view, in the order it was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import msgspec
import polars as pl

from connectors.tables import REPLAY_EVENTS, require
from workbench.replay.mirror import Mirror
from workbench.replay.rrweb import (
    CLICK,
    FULL_SNAPSHOT,
    INCREMENTAL,
    INPUT,
    INPUT_DATA,
    META,
    META_DATA,
    MOUSE_INTERACTION,
    MUTATION,
    MUTATION_DATA,
    POINTER_DATA,
    SNAPSHOT_DATA,
    Input,
    Meta,
    Mutation,
    Pointer,
    Snapshot,
)

Change = Snapshot | Mutation | Input | Meta | Pointer
DECODERS: dict[tuple[int, int | None], msgspec.json.Decoder] = {
    (FULL_SNAPSHOT, None): SNAPSHOT_DATA,
    (META, None): META_DATA,
    (INCREMENTAL, MUTATION): MUTATION_DATA,
    (INCREMENTAL, INPUT): INPUT_DATA,
    (INCREMENTAL, MOUSE_INTERACTION): POINTER_DATA,
}


class Recorded(NamedTuple):
    """One rrweb event as it lies in the table, not yet decoded."""

    at: datetime
    type: int
    source: int | None
    data: str | None
    segment: int | None


class Step(NamedTuple):
    """One decoded event that was played, and the page after it."""

    at: datetime
    change: Change
    new_load: bool


@dataclass
class Stream:
    """The events of one page view of one recording, in the order they were recorded.

    Attributes
    ----------
    replay_id, session_id, page_view_id
        Whose it is; `page_view_id` is null where a store does not know page views, and then a stream may hold
        several page loads one after the other.
    events
        What was recorded.
    ends_at
        When the last event of any kind was recorded, mouse moves included.
    mirror
        The page, as of the last step played.
    href
        The address of the page, as of the last step played.
    damaged
        How many events could not be decoded; they are left out.
    """

    replay_id: str
    session_id: str | None
    page_view_id: str | None
    events: list[Recorded]
    ends_at: datetime
    mirror: Mirror = field(default_factory=Mirror)
    href: str | None = None
    width: int = 0
    height: int = 0
    damaged: int = 0

    @property
    def starts_at(self) -> datetime:
        """When the first event was recorded."""
        return self.events[0].at

    def play(self) -> Iterator[Step]:
        """Decode event after event into `mirror` and give each; what does not decode is counted and left out."""
        for event in self.events:
            try:
                change = _decoded(event)
            except (msgspec.MsgspecError, RecursionError):
                self.damaged += 1
                continue
            if change is None:
                continue
            new_load = False
            match change:
                case Snapshot(node=document):
                    new_load = self.mirror.is_other_load(document)
                    if new_load:
                        self.mirror.newest_id = 0
                    self.mirror.load(document)
                case Mutation():
                    self.mirror.apply(change)
                case Input():
                    self.mirror.write(change)
                case Meta():
                    self.href, self.width, self.height = change.href, change.width, change.height
            yield Step(event.at, change, new_load)


def _decoded(event: Recorded) -> Change | None:
    decoder = DECODERS.get((event.type, event.source if event.type == INCREMENTAL else None))
    if decoder is None or not event.data:
        return None
    change = decoder.decode(event.data)
    return None if isinstance(change, Pointer) and change.type != CLICK else change


def streams(replay_events: pl.DataFrame, *, sources: Sequence[int] | None = (MUTATION,)) -> Iterator[Stream]:
    """Give the recordings in a frame, stream by stream: replay after replay, page view after page view.

    A page view without a full snapshot of its own (a soft navigation that the store counts as a page view) goes on
    with the page that the stream before it left.

    Parameters
    ----------
    replay_events
        Canonical `replay_events` of any number of recordings.
    sources
        Which incremental sources to keep (0 mutation, 2 pointer, 5 input); full snapshots and addresses always stay.
        Fewer is faster: mouse moves are most of a recording. None keeps every event of every type.
    """
    require(replay_events, REPLAY_EVENTS, ["replay_id", "at", "type", "data"])
    frame = _complete(replay_events).with_columns(
        pl.col("at").max().over("replay_id", "page_view_id").alias("ends_at"),
        pl.col("at").min().over("replay_id", "page_view_id").alias("page_starts_at"),
    )
    if sources is not None:
        incremental = (pl.col("type") == INCREMENTAL) & pl.col("source").is_in(list(sources))
        frame = frame.filter(pl.col("type").is_in([FULL_SNAPSHOT, META]) | incremental)
    rows = (
        frame.sort("replay_id", "page_starts_at", "page_view_id", "at", "segment", maintain_order=True)
        .select("replay_id", "page_view_id", "session_id", "ends_at", "at", "type", "source", "data", "segment")
        .iter_rows()
    )
    before: Stream | None = None
    for (replay_id, page_view_id), group in groupby(rows, key=lambda row: row[:2]):
        taken = list(group)
        events = [Recorded(*row[4:]) for row in taken]
        stream = Stream(replay_id, taken[0][2], page_view_id, events, taken[0][3])
        if before is not None and before.replay_id == replay_id and _goes_on(events):
            stream.mirror, stream.href = before.mirror, before.href
        yield stream
        before = stream


def _complete(frame: pl.DataFrame) -> pl.DataFrame:
    absent = [name for name in ("page_view_id", "session_id", "segment", "source") if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, dtype=REPLAY_EVENTS.schema[name]).alias(name) for name in absent)
    unsaid = (pl.col("type") == INCREMENTAL) & pl.col("source").is_null()
    if frame.select(unsaid.any()).item():
        said = pl.col("data").str.json_path_match("$.source").cast(pl.Int64, strict=False)
        frame = frame.with_columns(pl.when(unsaid).then(said).otherwise("source").alias("source"))
    return frame


def _goes_on(events: Sequence[Recorded]) -> bool:
    first = next((event for event in events if event.type in (FULL_SNAPSHOT, INCREMENTAL)), None)
    return first is not None and first.type == INCREMENTAL
