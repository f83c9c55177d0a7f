"""Who a bug hits: users, sessions, routes, support contacts; and its priority, a sum of points that shows its terms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from workbench.rules.loader import load
from workbench.statistics import wilson_interval

TERMS = pl.List(pl.Struct({"term": pl.String, "value": pl.Float64, "points": pl.Float64, "text": pl.String}))


def bug_impact(
    grouping_events: pl.DataFrame,
    events: pl.DataFrame,
    sessions: pl.DataFrame | None = None,
    page_views: pl.DataFrame | None = None,
    *,
    blank_sessions: Iterable[str] = (),
) -> pl.DataFrame:
    """Measure each bug's impact, the most urgent first.

    Parameters
    ----------
    grouping_events
        `event_id`, `bug_id`; null bug: not counted.
    events
        Canonical `events`; or counts of them, `stands_for` events each, from `at` to `last_at`.
    sessions
        Canonical `sessions`: all of them, hit or not; without them shares are unknown. A row with a number in
        `stands_for` stands for so many that were counted where they lie.
    page_views
        Canonical `page_views`, to count page views of the hit routes, likewise; optional.
    blank_sessions
        Sessions known to have ended on a blank page.

    Returns
    -------
    One row a bug: `bug_id`, `events`, `sessions`, `users`, `routes` (most hit first), `support_contacts`,
    `share_of_sessions` among the sessions under way while the bug lived, with its 95 % interval `low`, `high` (Wilson),
    `first_seen`, `last_seen`, `release` (of the first event), `blank_sessions`, `page_views` of the hit routes in its
    time, `priority` (0 to 100), `priority_terms`.

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> at = [datetime(2026, 3, 9, tzinfo=UTC)] * 2
    >>> events = pl.DataFrame({"event_id": ["a", "b"], "at": at, "session_id": ["s", "t"], "user_id": ["u", "u"]})
    >>> groups = pl.DataFrame({"event_id": ["a", "b"], "bug_id": "B1"})
    >>> bug_impact(groups, events).select("bug_id", "events", "sessions", "users").row(0)
    ('B1', 2, 2, 1)
    """
    rules = load("impact", "priority").data
    hits = _hits(grouping_events, events)
    blank, n = list(blank_sessions), pl.col("stands_for")
    found = (
        hits.lazy()
        .sort("at")
        .group_by("bug_id")
        .agg(
            events=n.sum().cast(pl.UInt32),
            sessions=pl.col("session_id").drop_nulls().n_unique(),
            users=pl.col("user_id").drop_nulls().n_unique(),
            first_seen=pl.col("at").min(),
            last_seen=pl.col("last_at").max(),
            release=pl.col("release").drop_nulls().first(),
            unhandled=_share(~pl.col("handled"), n),
            blank_sessions=pl.col("session_id").filter(pl.col("session_id").is_in(blank)).n_unique(),
            critical=_share(pl.col("route").str.contains(rules["critical_route"]["pattern"]), n),
        )
        .collect()
    )
    routes = (
        hits.filter(pl.col("route").is_not_null())
        .group_by("bug_id", "route")
        .agg(len=n.sum())
        .sort(["bug_id", "len", "route"], descending=[False, True, False])
        .group_by("bug_id", maintain_order=True)
        .agg(routes="route")
    )
    known = pl.col("sessions_then") > 0
    low, high = wilson_interval(pl.col("sessions_hit"), pl.col("sessions_then"))
    return (
        found.join(routes, on="bug_id", how="left")
        .join(_exposed(found, hits, sessions), on="bug_id", how="left")
        .join(_page_views(hits, found, page_views), on="bug_id", how="left")
        .with_columns(
            share_of_sessions=pl.when(known).then(pl.col("sessions_hit") / pl.col("sessions_then")),
            low=pl.when(known).then(low),
            high=pl.when(known).then(high),
        )
        .with_columns(priority_terms=_terms(rules["term"]))
        .with_columns(priority=pl.col("priority_terms").list.eval(pl.element().struct["points"]).list.sum().round(1))
        .select(
            "bug_id", "events", "sessions", "users", pl.col("routes").fill_null([]), "support_contacts",
            "share_of_sessions", "low", "high", "first_seen", "last_seen", "release", "blank_sessions", "page_views",
            "priority", "priority_terms",
        )
        .sort(["priority", "sessions", "events", "bug_id"], descending=[True, True, True, False])
    )  # fmt: skip


def _hits(grouping_events: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    wanted = {
        "at": None,
        "session_id": pl.String,
        "user_id": pl.String,
        "route": pl.String,
        "release": pl.String,
        "handled": pl.Boolean,
    }
    facts = events.select(
        "event_id",
        *(
            (pl.col(name) if dtype is None else pl.col(name).cast(dtype))
            if name in events.columns
            else pl.lit(None, dtype).alias(name)
            for name, dtype in wanted.items()
        ),
        stands_for(events),
        last_at=next((pl.col(name) for name in ("last_at", "at") if name in events.columns), pl.lit(None)),
    )
    return grouping_events.select("event_id", "bug_id").drop_nulls().join(facts, on="event_id")


def _exposed(found: pl.DataFrame, hits: pl.DataFrame, sessions: pl.DataFrame | None) -> pl.DataFrame:
    """Sessions that were under way while each bug lived, how many of them it hit, how many of those called support."""
    if sessions is None or sessions.is_empty():
        return found.select(
            "bug_id",
            sessions_then=pl.lit(None, pl.Int64),
            sessions_hit=pl.lit(None, pl.Int64),
            support_contacts=pl.lit(None, pl.Int64),
        )
    ended = pl.coalesce("ended_at", "started_at") if "ended_at" in sessions.columns else pl.col("started_at")
    support = pl.col("contacted_support") if "contacted_support" in sessions.columns else pl.lit(None, pl.Boolean)
    spans = sessions.select(
        "session_id", "started_at", ended_at=ended, contacted_support=support, stands_for=stands_for(sessions)
    )
    hit = hits.select("bug_id", "session_id").drop_nulls().unique().with_columns(hit=pl.lit(True))
    then = spans.join(found.select("bug_id", "first_seen", "last_seen"), how="cross").join(
        hit, on=["bug_id", "session_id"], how="left"
    )
    during = (pl.col("ended_at") >= pl.col("first_seen")) & (pl.col("started_at") <= pl.col("last_seen"))
    knows = spans["contacted_support"].is_not_null().any()
    return (
        then.filter(during | pl.col("hit"))
        .group_by("bug_id")
        .agg(
            sessions_then=pl.col("stands_for").sum(),
            sessions_hit=pl.col("hit").sum().cast(pl.Int64),
            support_contacts=(pl.col("contacted_support") & pl.col("hit")).sum().cast(pl.Int64)
            if knows
            else pl.lit(None, pl.Int64),
        )
    )


def _page_views(hits: pl.DataFrame, found: pl.DataFrame, page_views: pl.DataFrame | None) -> pl.DataFrame:
    if page_views is None or page_views.is_empty():
        return found.select("bug_id", page_views=pl.lit(None, pl.Int64))
    views = page_views.select(pl.col("route").cast(pl.String), "at", stands_for(page_views)).drop_nulls()
    routes = (
        hits.select("bug_id", "route")
        .drop_nulls()
        .unique()
        .join(found.select("bug_id", "first_seen", "last_seen"), on="bug_id")
    )
    return (
        routes.join(views, on="route")
        .filter(pl.col("at").is_between("first_seen", "last_seen"))
        .group_by("bug_id")
        .agg(page_views=pl.col("stands_for").sum())
    )


def _share(holds: pl.Expr, n: pl.Expr) -> pl.Expr:
    return (holds * n).sum() / n.filter(holds.is_not_null()).sum()


def stands_for(rows: pl.DataFrame) -> pl.Expr:
    """Give how many rows each row stands for: one, unless they were counted before they came.

    Examples
    --------
    >>> rows = pl.DataFrame({"route": ["/", "/cart"], "stands_for": [None, 40]})
    >>> rows.select(stands_for(rows))["stands_for"].to_list()
    [1, 40]
    """
    told = pl.col("stands_for").fill_null(1) if "stands_for" in rows.columns else pl.repeat(1, pl.len())
    return told.cast(pl.Int64).alias("stands_for")


def _terms(terms: list[dict[str, Any]]) -> pl.Expr:
    hit = pl.max_horizontal("sessions", 1)
    value = {
        "sessions": pl.col("share_of_sessions"),
        "users": pl.col("users").cast(pl.Float64),
        "blank": pl.col("blank_sessions") / hit,
        "unhandled": pl.col("unhandled"),
        "support": pl.col("support_contacts").cast(pl.Float64),
        "critical_route": pl.col("critical"),
    }
    scale = {
        "sessions": lambda x, full: (x / full).sqrt(),
        "users": lambda x, full: (x + 1).log() / pl.lit(full + 1.0).log(),
    }
    each = []
    for term in terms:
        x = value[term["id"]]
        reached = scale.get(term["id"], lambda x, full: x / full)(x, term["full_at"])
        points = (reached.clip(0, 1) * term["points"]).round(1).fill_null(0.0).fill_nan(0.0)
        shown = pl.when(x.is_null()).then(pl.lit("unknown")).otherwise(_shown(x, term["id"] in ("users", "support")))
        each.append(
            pl.struct(
                term=pl.lit(term["id"]),
                value=x.cast(pl.Float64),
                points=points,
                text=pl.concat_str(pl.lit(term["what"] + ": "), shown),
            )
        )
    return pl.concat_list(each)


def _shown(x: pl.Expr, count: bool) -> pl.Expr:
    return (
        x.cast(pl.Int64).cast(pl.String) if count else pl.concat_str((x * 100).round(1).cast(pl.String), pl.lit(" %"))
    )
