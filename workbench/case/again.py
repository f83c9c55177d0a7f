"""Maps that turn up later: old events looked up and grouped anew, and what that changes."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.exceptions import SourceError
from connectors.registry import open_store
from connectors.stores import Fetched

if TYPE_CHECKING:
    from workbench.case.case import Case

# what does not depend on source maps, and is not computed again
KEPT = ("events", "raw_frames", "sessions", "page_views", "recordings", "blank", "leaks", "trace_joins", "replay_joins")
MOVE = {
    "before": pl.String(), "before_title": pl.String(), "after": pl.String(), "after_title": pl.String(),
    "after_source": pl.String(), "events": pl.Int64(), "outcome": pl.String(),
}  # fmt: skip
WITHOUT = ("no_artifact", "expired", "invalid_map", "dist_mismatch", "debug_id_mismatch")


class WithMaps:
    """A store, with the source maps of another one added to its own."""

    def __init__(self, store: Any, maps: Any) -> None:
        self._store = store
        self._maps = maps
        self._before = f"{getattr(maps, 'name', 'maps')}: "

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def artifacts(self, release: str | None = None) -> Fetched:
        """Bundles and their maps, of both stores."""
        added = self._maps.artifacts(release)
        named = added.frame.with_columns(pl.concat_str(pl.lit(self._before), "map_location").alias("map_location"))
        if not hasattr(self._store, "artifacts"):
            return Fetched(named, added.report)
        own = self._store.artifacts(release)
        report = replace(
            own.report,
            source=f"{own.report.source}, {added.report.source}",
            rows=own.report.rows + added.report.rows,
            refused=(*own.report.refused, *added.report.refused),
            failed="; ".join(text for text in (own.report.failed, added.report.failed) if text) or None,
        )
        return Fetched(pl.concat([own.frame, named], how="vertical_relaxed"), report)

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one map, from the store that has it."""
        if map_location.startswith(self._before):
            return self._maps.open_map(map_location.removeprefix(self._before))
        return self._store.open_map(map_location)


@dataclass(frozen=True)
class Again:
    """A case before and after its source maps were looked up anew.

    Attributes
    ----------
    before, case
        The case as it was, and as it is with the maps that there are now.
    """

    before: Case
    case: Case

    @cached_property
    def issues(self) -> pl.DataFrame:
        """Where events went: one row for each pair of issues, before and after.

        `before`, `before_title`, `after`, `after_title`, `after_source` (the file of the new issue's top frame),
        `events`, `outcome`: `same`, `collapsed` (several issues are one now), `renamed` (one is one, under another id),
        `split`; null ids stand for events that are noise.
        """
        moved = self._moved
        if moved.is_empty():
            return pl.DataFrame(schema=MOVE)
        n_before = pl.col("before").n_unique().over("after")
        n_after = pl.col("after").n_unique().over("before")
        outcome = (
            pl.when(pl.col("after").is_null() | pl.col("before").is_null()).then(pl.lit("noise"))
            .when(n_before > 1).then(pl.lit("collapsed"))
            .when(n_after > 1).then(pl.lit("split"))
            .when(pl.col("before") == pl.col("after")).then(pl.lit("same"))
            .otherwise(pl.lit("renamed"))
        )  # fmt: skip
        titles = self.before.grouping.issues.select(before="issue_id", before_title="title")
        now = self.case.grouping.issues.select(after="issue_id", after_title="title", after_source="top_source")
        return (
            moved.with_columns(outcome.alias("outcome"))
            .join(titles, on="before", how="left")
            .join(now, on="after", how="left")
            .sort("after_title", "events", "before", descending=[False, True, False], nulls_last=True)
            .select(pl.col(name).cast(dtype) for name, dtype in MOVE.items())
        )

    @cached_property
    def statuses(self) -> pl.DataFrame:
        """What became of frames whose verdict changed: `release`, `before`, `after`, `frames`, `events`."""
        status = self.before.frames.select("release", "event_id", pl.col("map_status").cast(pl.String).alias("before"))
        after = self.case.frames["map_status"].cast(pl.String).alias("after")
        return (
            status.with_columns(after)
            .filter(pl.col("before") != pl.col("after"))
            .group_by("release", "before", "after")
            .agg(pl.len().cast(pl.Int64).alias("frames"), pl.col("event_id").n_unique().cast(pl.Int64).alias("events"))
            .sort("frames", "release", "before", "after", descending=[True, False, False, False], nulls_last=True)
        )

    @property
    def summary(self) -> str:
        """Say in one or two sentences what changed."""
        was, now = self.before.grouping.issues.height, self.case.grouping.issues.height
        waiting = self.case.frames.filter(pl.col("map_status").cast(pl.String).is_in(WITHOUT))
        left = f"{waiting.height:,} frames still wait for their map" if waiting.height else "No frame waits for its map"
        if self.statuses.is_empty():
            return f"Nothing changed: no map has turned up since. {left}."
        joined = self.issues.filter(pl.col("outcome") == "collapsed")["after"].n_unique()
        found = self.before.frames["source"].is_null() & self.case.frames["source"].is_not_null()
        events = self.before.frames["event_id"].filter(found).n_unique()
        said = f"{found.sum():,} frames of {events:,} old events have their source now"
        if joined:
            said += f"; {was} issues became {now}, {joined} of them hold what stood under several before"
        elif was != now:
            said += f"; {was} issues became {now}"
        return f"{said}. {left}."

    @property
    def _moved(self) -> pl.DataFrame:
        old = self.before.grouping.events.select("event_id", before="issue_id")
        new = self.case.grouping.events.select("event_id", after="issue_id")
        both = old.join(new, on="event_id").filter(pl.col("before").is_not_null() | pl.col("after").is_not_null())
        return both.group_by("before", "after").agg(pl.len().cast(pl.Int64).alias("events"))

    def __repr__(self) -> str:
        return f"Again({self.summary!r})"


def symbolicate_again(case: Case, maps: Any = None) -> Again:
    """Look a case's source maps up anew and group anew; nothing else is fetched again.

    Parameters
    ----------
    case
        As it stands; it is left as it is.
    maps
        A store whose maps are to be used as well, or its address; without one the case's own source is listed again.

    Raises
    ------
    SourceError
        `maps` holds no source maps.
    """
    for name in ("frames", "grouping"):
        getattr(case, name)  # computed with the maps of then, before anything is listed anew
    store = case.store.with_maps_again() if hasattr(case.store, "with_maps_again") else case.store
    if maps is not None:
        added = open_store(maps) if isinstance(maps, str | os.PathLike) else maps
        if not hasattr(added, "open_map"):
            raise SourceError(f"{maps} holds no source maps: give a folder of maps or an artifact bundle")
        store = WithMaps(store, added)
    again = type(case)(store, case.window, case.release)
    again.evidence = case.evidence.renewed(store, "artifacts")
    again.__dict__.update({name: case.__dict__[name] for name in KEPT if name in case.__dict__})
    return Again(case, again)
