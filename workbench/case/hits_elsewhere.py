"""Which bug met whom, counted where the errors lie: representatives came home, and the numbers are exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl

from connectors.bringing_home import bring_home
from connectors.tables import EVENTS
from connectors.warehouse_slices import SHAPE
from workbench import reduce
from workbench.crawlers import crawlers
from workbench.statistics import rate_weight

if TYPE_CHECKING:
    from workbench.case.elsewhere import CaseElsewhere

MOST_BUGS = 100
"""So many bugs are counted exactly; of more, the smaller ones by what their representatives stand for."""

FACTS = ("session_id", "user_id", "route", "release", "handled")


def count_hits(case: CaseElsewhere) -> pl.DataFrame:
    """Count each bug's events by session, user, route and release over all errors of the window.

    Parameters
    ----------
    case
        A case of whose errors representatives came home. Every shape takes the bug of most of its representatives;
        events of crawlers are left out, as they are noise.

    Returns
    -------
    `event_id` (of the row, made up), `bug_id`, `at`, `last_at`, `stands_for`, and `FACTS`.
    """
    rows, counted_there = events_of_bugs(case)
    have = rows.collect_schema().names()
    keys = [name for name in FACTS if name in have]
    counted = bring_home(
        rows.group_by("bug_id", *keys).agg(
            nw.len().cast(nw.Int64).alias("stands_for"), nw.col("at").min(), last_at=nw.col("at").max()
        )
    )
    lacking = [pl.lit(None, EVENTS.schema[name]).alias(name) for name in FACTS if name not in have]
    ordered = counted.sort("bug_id", "at", *keys, nulls_last=True).with_columns(lacking)
    rest = _by_representatives(case, counted_there)
    return pl.concat([ordered, rest], how="diagonal_relaxed").with_row_index("event_id").cast({"event_id": pl.String})


def events_of_bugs(case: CaseElsewhere) -> tuple[nw.LazyFrame[Any], list[str]]:
    """Give the events of the largest bugs where they lie, with `bug_id`; and which bugs these are."""
    of_shape = bugs_of_shapes(case.events, case.grouping.events)
    largest = of_shape.group_by("bug_id").agg(pl.col("weight").sum()).sort("weight", "bug_id", descending=[True, False])
    names: list[str] = largest["bug_id"].head(MOST_BUGS).to_list()
    rows = _of_people(case)
    have = rows.collect_schema().names()
    rows = rows.with_columns(_shape=nw.col("event_id").min().over(*(name for name in SHAPE if name in have)))
    if not names:
        return rows.with_columns(bug_id=nw.lit(None, dtype=nw.String)).head(0), names
    shapes = {name: of_shape.filter(pl.col("bug_id") == name)["event_id"].to_list() for name in names}
    label = nw.lit(None, dtype=nw.String)
    for name, ids in shapes.items():
        label = nw.when(nw.col("_shape").is_in(ids)).then(nw.lit(name)).otherwise(label)
    return rows.with_columns(bug_id=label).filter(~nw.col("bug_id").is_null()), names


def bugs_of_shapes(events: pl.DataFrame, grouped: pl.DataFrame) -> pl.DataFrame:
    """Give each shape the bug of most of its representatives: event_id (the shape's smallest), bug_id, weight.

    Examples
    --------
    >>> events = pl.DataFrame({"event_id": ["a", "b", "c"], "type": "E", "message": "m", "stack": None,
    ...                        "sample_rate": 0.5})
    >>> grouped = pl.DataFrame({"event_id": ["a", "b", "c"], "bug_id": [None, "B1", "B1"]})
    >>> bugs_of_shapes(events, grouped).rows()
    [('a', 'B1', 6.0)]
    """
    known = [name for name in SHAPE if name in events.columns]
    weight = rate_weight().alias("weight")
    return (
        events.select("event_id", *known, weight)
        .join(grouped.select("event_id", "bug_id"), on="event_id")
        .group_by(known)
        .agg(pl.col("event_id").min(), pl.col("bug_id").mode().sort(nulls_last=True).first(), pl.col("weight").sum())
        .filter(pl.col("bug_id").is_not_null())
        .select("event_id", "bug_id", "weight")
        .sort("bug_id", "event_id")
    )


def _of_people(case: CaseElsewhere) -> nw.LazyFrame[Any]:
    rows = case.people("events")
    if "user_agent" not in rows.collect_schema().names():
        return rows
    agents = reduce.dimension_counts(rows, ["user_agent"])["value"].drop_nulls()
    bots = sorted(agent for agent, is_crawler in crawlers(agents).items() if is_crawler)
    agent = nw.col("user_agent").cast(nw.String)
    return rows.filter(~agent.is_in(bots) | agent.is_null()) if bots else rows


def _by_representatives(case: CaseElsewhere, but: list[str]) -> pl.DataFrame:
    small = case.grouping.events.filter(pl.col("bug_id").is_not_null() & ~pl.col("bug_id").is_in(but))
    weight = rate_weight().round().cast(pl.Int64).alias("stands_for")
    return case.events.join(small.select("event_id", "bug_id"), on="event_id").select(
        "bug_id", *FACTS, weight, "at", pl.col("at").alias("last_at")
    )
