"""What the page and the hour explain by themselves: issues of one page share its requests and its visitors anyway."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

# A route's own rate counts for as much as so many events at the rate of all routes.
_PRIOR = 5.0


def alike_routes(events: pl.DataFrame, n: int) -> np.ndarray:
    """Say for each pair of issues how far they show on the same routes: 1 always, 0 never or not known.

    Parameters
    ----------
    events
        `issue`, `route`.
    """
    cells = events.select("issue", "route").drop_nulls().group_by("issue", "route").agg(k=pl.len())
    if cells.is_empty():
        return np.zeros((n, n))
    table = np.zeros((n, cells["route"].n_unique()))
    table[cells["issue"].to_numpy(), cells["route"].rank("dense").to_numpy() - 1] = cells["k"].to_numpy()
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    both = np.zeros((n, n))
    for of_route in share.T:
        here = np.flatnonzero(of_route)
        both[np.ix_(here, here)] += np.minimum.outer(of_route[here], of_route[here])
    return both


def expected_on_routes(marks: pl.DataFrame, traffic: pl.DataFrame) -> pl.DataFrame:
    """Say how often a mark would stand before an issue's events if it came with their pages alone.

    Parameters
    ----------
    marks
        `event_id`, `mark`.
    traffic
        `event_id`, `group` (issues from 0, noise below), `route`. Noise is the control: no code of ours caused it, so
        that what stands before it comes with the page.

    Returns
    -------
    `group`, `mark`, `expected`; nothing for issues without routes.
    """
    empty = pl.DataFrame(schema={"group": pl.Int64, "mark": pl.String, "expected": pl.Float64})
    seen = traffic.select("event_id", "group", "route").join(
        marks.select("event_id").unique(), on="event_id", how="semi"
    )
    seen = seen.filter(pl.col("route").is_not_null())
    control = seen.filter(pl.col("group") < 0)
    if seen.is_empty() or control.is_empty():
        return empty
    n_control = control.group_by("route").agg(n=pl.len())
    hits = control.join(marks.select("event_id", "mark").unique(), on="event_id")
    overall = hits.group_by("mark").agg(rate=pl.len() / len(control))
    on_route = hits.group_by("route", "mark").agg(k=pl.len())
    issues = seen.filter(pl.col("group") >= 0)
    mine = issues.group_by("group", "route").agg(w=pl.len())
    mine = mine.with_columns(w=pl.col("w") / pl.col("w").sum().over("group"))
    return (
        mine.join(overall, how="cross")
        .join(n_control, on="route", how="left")
        .join(on_route, on=["route", "mark"], how="left")
        .with_columns(
            rate_here=(pl.col("k").fill_null(0) + _PRIOR * pl.col("rate")) / (pl.col("n").fill_null(0) + _PRIOR)
        )
        .group_by("group", "mark")
        .agg(expected=(pl.col("w") * pl.col("rate_here")).sum())
        .select(*empty.columns)
    )


def last_before(before: pl.DataFrame, traffic: pl.DataFrame, rules: dict[str, Any]) -> pl.DataFrame:
    """Find what comes last before an issue's events more often than before other events of the same pages.

    A page asks for everything at once, so that everything stands before whatever breaks on it; but the answer that
    broke it was the last to come more often than chance has it.

    Parameters
    ----------
    before
        From `network.requests_before`.
    traffic
        `event_id`, `group`, `route`.
    rules
        `rules/grouping/bugs`, the table `network`.

    Returns
    -------
    As `network.leading`: `group`, `mark`, `share`, `chance` (expected of the page), `z`, `n`, `failed`; best first.
    """
    last = before.filter(pl.col("recency") == 1.0).select("event_id", "failed", mark="endpoint")
    usual = expected_on_routes(last, traffic)
    own = traffic.filter(pl.col("group") >= 0).select("event_id", "group")
    n = own.join(last.select("event_id").unique(), on="event_id", how="semi").group_by("group").agg(n=pl.len())
    counts = last.join(own, on="event_id").group_by("group", "mark").agg(k=pl.len(), failed=pl.col("failed").mean())
    # What never stands before noise is not to be expected of any page.
    expected = pl.col("expected").fill_null(0.0).clip(rules["base_floor"], 1 - rules["base_floor"])
    return (
        counts.join(n, on="group")
        .join(usual.select("group").unique(), on="group", how="semi")
        .join(usual, on=["group", "mark"], how="left")
        .with_columns(share=pl.col("k") / pl.col("n"), chance=expected)
        .with_columns(
            z=(pl.col("share") - pl.col("chance")) / (pl.col("chance") * (1 - pl.col("chance")) / pl.col("n")).sqrt()
        )
        .filter((pl.col("z") > rules["hint_z"]) & (pl.col("share") > rules["min_share"]))
        .sort(["group", "z", "mark"], descending=[False, True, False])
    )


def met_by_chance(events: pl.DataFrame, traffic: pl.DataFrame, unit: str, n: int) -> np.ndarray:
    """Expect how many sessions (or traces) two issues would share if neither had to do with the other.

    Parameters
    ----------
    events
        `issue`, `at`, `route` and the unit.
    traffic
        All events there are, noise too, with the same columns.
    unit
        `session_id` or `trace_id`.

    Returns
    -------
    Issue by issue: the largest of three expectations, by the hour (issues of one hour meet more often than of different
    days), by the route (so do those of one page), and by the route in four hours (so do those of one deploy).
    """
    hour = pl.col("at").dt.truncate("1h").dt.to_string("%FT%H")
    both = pl.concat_str("route", pl.col("at").dt.truncate("4h").dt.to_string("%FT%H"), separator=" ")
    strata = (hour, pl.col("route"), both)
    return np.maximum.reduce([_expected(events, traffic, unit, stratum, n) for stratum in strata])


def _expected(events: pl.DataFrame, traffic: pl.DataFrame, unit: str, stratum: pl.Expr, n: int) -> np.ndarray:
    own, every = (
        frame.select(unit=pl.col(unit).cast(pl.String), stratum=stratum.cast(pl.String), **more).drop_nulls()
        for frame, more in ((events, {"issue": pl.col("issue")}), (traffic, {}))
    )
    if own.is_empty():
        return np.zeros((n, n))
    totals = every.group_by("stratum").agg(total=pl.col("unit").n_unique()).with_row_index("column")
    cells = own.group_by("issue", "stratum").agg(k=pl.col("unit").n_unique()).join(totals, on="stratum")
    counts = np.zeros((n, len(totals)))
    counts[cells["issue"].to_numpy(), cells["column"].to_numpy()] = cells["k"].to_numpy()
    return (counts / totals["total"].to_numpy()) @ counts.T
