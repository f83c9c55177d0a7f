"""What stood behind an event on the network: the requests before it, and the backend span that failed in its trace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from workbench.rules.loader import load

BEFORE = {
    "event_id": pl.String,
    "endpoint": pl.String,
    "status": pl.Int64,
    "failed": pl.Boolean,
    "recency": pl.Float64,
}


def requests_before(events: pl.DataFrame, requests: pl.DataFrame | None) -> pl.DataFrame:
    """Find the requests that went before each event, by the event's own breadcrumbs, its session or its trace.

    Parameters
    ----------
    events
        `event_id`, `at`, and `session_id`, `trace_id` where known.
    requests
        Canonical `requests`; those with an `event_id` belong to that event alone.

    Returns
    -------
    One row an event and endpoint: `status` of its last request, `failed` (any answered 4xx or 5xx), `recency` (1 for
    the last before the event, 1/2 for the one before ...).

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> at = datetime(2026, 3, 9, tzinfo=UTC)
    >>> events = pl.DataFrame({"event_id": ["e"], "at": [at], "session_id": ["s"]})
    >>> requests = pl.DataFrame({"session_id": ["s"], "at": [at], "endpoint": ["GET /api/cart"], "status": [200]})
    >>> requests_before(events, requests).rows()
    [('e', 'GET /api/cart', 200, False, 1.0)]
    """
    if requests is None or requests.is_empty() or "endpoint" not in requests.columns or "at" not in events.columns:
        return pl.DataFrame(schema=BEFORE)
    rules = load("grouping", "bugs").data["network"]
    known = (
        requests.lazy()
        .select(
            pl.col("endpoint").cast(pl.String),
            pl.col("at").alias("request_at"),
            status=pl.col("status").cast(pl.Int64) if "status" in requests.columns else pl.lit(None, pl.Int64),
            **{
                f"by_{name}": pl.col(name).cast(pl.String) if name in requests.columns else pl.lit(None, pl.String)
                for name in ("event_id", "session_id", "trace_id")
            },
        )
        .filter(pl.col("endpoint").is_not_null())
    )
    facts = events.lazy().select(
        "event_id",
        "at",
        *(
            pl.col(name).cast(pl.String) if name in events.columns else pl.lit(None, pl.String).alias(name)
            for name in ("session_id", "trace_id")
        ),
    )
    own = facts.join(known, left_on="event_id", right_on="by_event_id")
    loose = known.filter(pl.col("by_event_id").is_null())
    by_session = facts.join(loose, left_on="session_id", right_on="by_session_id")
    by_trace = facts.join(loose.filter(pl.col("by_session_id").is_null()), left_on="trace_id", right_on="by_trace_id")
    age = pl.col("at") - pl.col("request_at")
    return (
        pl.concat(
            [part.select("event_id", "at", "endpoint", "status", "request_at") for part in (own, by_session, by_trace)]
        )
        .filter(
            (age >= -timedelta(seconds=rules["after_seconds"])) & (age <= timedelta(seconds=rules["before_seconds"]))
        )
        .group_by("event_id", "endpoint")
        .agg(
            status=pl.col("status").sort_by("request_at").last(),
            failed=(pl.col("status") >= 400).any(),
            request_at=pl.col("request_at").max(),
        )
        .with_columns(recency=1.0 / pl.col("request_at").rank("min", descending=True).over("event_id"))
        .select(*BEFORE)
        .sort("event_id", "endpoint")
        .collect()
    )


def failing_signatures(spans: pl.DataFrame | None) -> pl.DataFrame:
    """Name the backend span that failed in each trace: the deepest one with an error.

    Parameters
    ----------
    spans
        Canonical `spans`; or the failing spans themselves, with a column `signature`.

    Returns
    -------
    `trace_id`, `signature` (service and name).
    """
    schema = {"trace_id": pl.String, "signature": pl.String}
    if spans is None or spans.is_empty():
        return pl.DataFrame(schema=schema)
    if "signature" in spans.columns:
        return spans.select("trace_id", "signature").drop_nulls().unique().sort("trace_id", "signature")
    failed = spans.filter((pl.col("side").cast(pl.String) == "backend") & (pl.col("status").cast(pl.String) == "error"))
    # A failed span that calls another failed one only passes the error on.
    passed_on = failed.select(trace_id="trace_id", span_id="parent_span_id").drop_nulls().unique()
    return (
        failed.join(passed_on, on=["trace_id", "span_id"], how="anti")
        .select(
            "trace_id",
            signature=pl.concat_str(pl.col("service").cast(pl.String), pl.col("name").cast(pl.String), separator=" · "),
        )
        .unique()
        .sort("trace_id", "signature")
    )


def leading(
    marks: pl.DataFrame, groups: pl.DataFrame, n_events: pl.DataFrame, rules: dict[str, Any] | None = None
) -> pl.DataFrame:
    """Find what leads each group of events: what stands before many of them and rarely before others.

    Parameters
    ----------
    marks
        `event_id`, `mark` (an endpoint, a failing span), `recency`, `failed`.
    groups
        `event_id`, `group`: issues from 0, classes of noise below 0.
    n_events
        `group`, `n`: how many events of a group have any network evidence.
    rules
        The table `network` of `rules/grouping/bugs`, when not that of the newest file.

    Returns
    -------
    `group`, `mark`, `share`, `base` (the share elsewhere), `chance`, `z`, `score`, `failed`, `leads`; best first.
    Rows that do not lead are hints: too few events to be sure.

    Notes
    -----
    z is the one-proportion test of the share against the base rate. Noise is the control group: what stands before
    events that no code of ours caused says how common an endpoint is. With little noise the median over all issues
    counts, which neither one loud issue nor a few issues of the same bug move.
    """
    rules = load("grouping", "bugs").data["network"] if rules is None else rules
    counts = (
        marks.lazy()
        .join(groups.lazy(), on="event_id")
        .group_by("group", "mark")
        .agg(k=pl.col("event_id").n_unique(), recency=pl.col("recency").mean(), failed=pl.col("failed").mean())
        .join(n_events.lazy(), on="group")
        .with_columns(share=pl.col("k") / pl.col("n"))
        .collect()
    )
    if counts.is_empty():
        return counts.with_columns(
            base=pl.lit(0.0), chance=pl.lit(1.0), z=pl.lit(0.0), score=pl.lit(0.0), leads=pl.lit(False)
        )
    # How likely an unrelated issue follows the same mark: the mark's part of all that is called.
    base = _base_rates(counts, n_events, rules)
    base = base.with_columns(chance=pl.col("base") / pl.max_horizontal(pl.col("base").sum(), 1.0))
    z = (pl.col("share") - pl.col("base")) / (pl.col("base") * (1 - pl.col("base")) / pl.col("n")).sqrt()
    return (
        counts.join(base, on="mark")
        .with_columns(z=z, score=pl.col("share") * (pl.col("share") / pl.col("base")).log() * pl.col("recency"))
        .filter((pl.col("z") > rules["hint_z"]) & (pl.col("share") > rules["min_share"]))
        .with_columns(leads=pl.col("z") > rules["min_z"])
        .sort(["group", "leads", "score", "mark"], descending=[False, True, True, False])
        .select("group", "mark", "share", "base", "chance", "z", "score", "failed", "n", "leads")
    )


def _base_rates(counts: pl.DataFrame, n_events: pl.DataFrame, rules: dict[str, Any]) -> pl.DataFrame:
    n_issues = n_events.filter(pl.col("group") >= 0).height
    n_noise = n_events.filter(pl.col("group") < 0)["n"].sum()
    own = pl.col("group") >= 0
    # Issues without the mark have a share of 0, so the median is the share at this place from the top.
    middle = n_issues // 2
    weight = rules["control_prior"]
    return (
        counts.group_by("mark")
        .agg(
            noise=pl.col("k").filter(~own).sum(),
            median=pl.col("share").filter(own).sort(descending=True).get(middle, null_on_oob=True),
        )
        .select(
            "mark",
            base=((pl.col("noise") + weight * pl.col("median").fill_null(0.0)) / (n_noise + weight)).clip(
                rules["base_floor"], 1 - rules["base_floor"]
            ),
        )
    )
