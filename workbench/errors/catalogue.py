"""What there is to know of each shape, issue and bug: the small tables that people read."""

from __future__ import annotations

import numpy as np
import polars as pl

from workbench.errors.evidence import Profiles
from workbench.errors.issues import neighbourhood
from workbench.errors.names import name_bug

_FACTS = ("at", "session_id", "trace_id", "release", "browser", "route")


def issue_facts(rows: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """One row an issue, the largest first: what most of its events say."""
    known = rows.select("error_id", "issue_id", "rule", "title").filter(pl.col("issue_id").is_not_null())
    counts = known.group_by("issue_id", "error_id").agg(
        n=pl.len(), made_by=pl.col("rule").first(), title=pl.col("title").first()
    )
    named = errors.select(pl.exclude("issue_id", "shape_id", "top_spot"), top_area=neighbourhood())
    return (
        counts.join(named, on="error_id")
        .sort(["n", "error_id"], descending=[True, False])
        .group_by("issue_id")
        .agg(
            pl.col("n").sum().alias("n_events"),
            *(pl.col(name).drop_nulls().first() for name in (*named.columns[1:], "made_by", "title")),
        )
        .with_columns(rule=pl.coalesce("made_by", "rule"))
        .sort(["n_events", "issue_id"], descending=[True, False])
    )


def event_facts(events: pl.DataFrame) -> pl.DataFrame:
    """Take from events what evidence looks at; what a tracker does not send is null."""
    return events.select(
        "event_id",
        *(
            (pl.col(name) if name == "at" else pl.col(name).cast(pl.String))
            if name in events.columns
            else pl.lit(None, pl.Datetime("us", "UTC") if name == "at" else pl.String).alias(name)
            for name in _FACTS
        ),
    )


def issue_table(
    issues: pl.DataFrame, numbered: pl.DataFrame, profiles: Profiles, events: pl.DataFrame, rows: pl.DataFrame
) -> pl.DataFrame:
    """List the issues with their title, place, lead endpoint, times and releases; see `grouping.Grouping.issues`."""
    facts = event_facts(events).with_columns(rows["issue_id"]).filter(pl.col("issue_id").is_not_null())
    times = (
        facts.sort("at")
        .group_by("issue_id")
        .agg(
            first=pl.col("at").min(),
            last=pl.col("at").max(),
            n_sessions=pl.col("session_id").drop_nulls().n_unique(),
            releases=pl.col("release").drop_nulls().unique(maintain_order=True),
        )
    )
    leads = profiles.endpoints.unique("group", keep="first", maintain_order=True).select(
        issue=pl.col("group").cast(pl.Int64), endpoint="mark"
    )
    message = pl.col("message").fill_null("(no message)")
    endpoint = profiles.issues.select("issue_id", "issue").join(leads, on="issue").select("issue_id", "endpoint")
    return (
        issues.join(times, on="issue_id", how="left", maintain_order="left")
        .join(endpoint, on="issue_id", how="left", maintain_order="left")
        .join(numbered.select("issue_id", "bug_id"), on="issue_id", how="left", maintain_order="left")
        .select(
            "issue_id", "bug_id",
            title=pl.coalesce(
                "title", pl.concat_str("canonical_type", message.str.slice(0, 200), separator=": ")
            ),
            type="canonical_type", message="message", canonical="canonical", kind="kind",
            top_source="top_file", top_function="top_function", mapped="top_mapped", rule="rule", mechanism="mechanism",
            missing_field="receiver", property="property", endpoint="endpoint", n_events="n_events",
            n_sessions="n_sessions", first="first", last="last", releases="releases",
        )
    )  # fmt: skip


def shape_table(grouped: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """List the shapes that are not noise, the most frequent first."""
    return (
        grouped.filter(pl.col("issue_id").is_not_null())
        .group_by("shape_id", "issue_id", "bug_id")
        .agg(n_events=pl.len(), error_id=pl.col("error_id").min())
        .join(errors.select("error_id", "type", "message", "canonical"), on="error_id")
        .select("shape_id", "issue_id", "bug_id", "type", "message", "canonical", "n_events")
        .sort(["n_events", "shape_id"], descending=[True, False])
    )


def bug_table(
    issues: pl.DataFrame,
    grouped: pl.DataFrame,
    events: pl.DataFrame,
    names: pl.DataFrame,
    profiles: Profiles,
    bug_of: np.ndarray,
) -> pl.DataFrame:
    """List the bugs with a title and a summary that a person reads; see `grouping.Grouping.bugs`."""
    facts = event_facts(events).with_columns(grouped["bug_id"]).filter(pl.col("bug_id").is_not_null())
    counted = facts.group_by("bug_id").agg(
        n_events=pl.len(),
        n_sessions=pl.col("session_id").drop_nulls().n_unique(),
        first=pl.col("at").min(),
        last=pl.col("at").max(),
    )
    spans = profiles.spans.unique("group", keep="first", maintain_order=True).select(
        issue=pl.col("group").cast(pl.Int64), failing_span="mark"
    )
    issue_spans = profiles.issues.select("issue_id", "issue").join(spans, on="issue").select("issue_id", "failing_span")
    routes = (
        facts.filter(pl.col("route").is_not_null())
        .group_by("bug_id", "route")
        .len()
        .sort(["len", "route"], descending=[True, False])
    )
    routes = routes.group_by("bug_id", maintain_order=True).agg(pl.col("route").first())
    by_size = issues.sort(["n_events", "issue_id"], descending=[True, False]).join(
        issue_spans, on="issue_id", how="left", maintain_order="left"
    )
    said = by_size.group_by("bug_id", maintain_order=True).agg(
        pl.col("endpoint", "missing_field", "failing_span").drop_nulls().mode().sort().first(),
        pl.col("property", "kind", "message").first(),
        components=pl.col("top_function").filter(pl.col("mapped")).drop_nulls().unique(maintain_order=True),
        issues=pl.col("issue_id"),
        n_issues=pl.len(),
        releases=pl.col("releases").list.explode().unique(maintain_order=True),
    )
    # The endpoint of most events, not of most issues.
    said = (
        said.drop("endpoint", "missing_field")
        .join(_weighted(by_size, "endpoint"), on="bug_id", how="left")
        .join(_weighted(by_size, "missing_field"), on="bug_id", how="left")
    )
    table = (
        names.select("bug_id")
        .join(said, on="bug_id", how="left")
        .join(counted, on="bug_id", how="left")
        .join(routes, on="bug_id", how="left")
    )
    named = [name_bug({**row, "receiver": row["missing_field"]}) for row in table.iter_rows(named=True)]
    return table.with_columns(
        title=pl.Series([name.title for name in named], dtype=pl.String),
        summary=pl.Series([name.summary for name in named], dtype=pl.String),
    ).select(
        "bug_id", "title", "summary", "endpoint", "missing_field", "failing_span", "components", "issues",
        "n_issues", "n_events", "n_sessions", "first", "last", "releases",
    ).sort(pl.col("bug_id").str.slice(1).cast(pl.Int64))  # fmt: skip


def _weighted(issues: pl.DataFrame, column: str) -> pl.DataFrame:
    return (
        issues.filter(pl.col(column).is_not_null())
        .group_by("bug_id", column)
        .agg(pl.col("n_events").sum())
        .sort(["bug_id", "n_events", column], descending=[False, True, False])
        .unique("bug_id", keep="first", maintain_order=True)
        .select("bug_id", column)
    )
