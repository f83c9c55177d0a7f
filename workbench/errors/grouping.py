"""The whole way in one call: events, frames and requests in; noise, shapes, issues and bugs out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from workbench.errors.bugs import EVIDENCE, evidence_table, link_issues
from workbench.errors.distinct import Distinct, distinct_errors
from workbench.errors.domains import first_party_domains
from workbench.errors.evidence import Profiles, weigh
from workbench.errors.impact import bug_impact
from workbench.errors.issues import CURRENT, issue_ids, neighbourhood
from workbench.errors.messages import canonical_messages
from workbench.errors.names import name_bug
from workbench.errors.network import failing_signatures, requests_before
from workbench.errors.noise import classify_noise
from workbench.errors.shapes import frame_places, shape_ids, top_places
from workbench.errors.usual import deploys
from workbench.rules.loader import load

# Pairs grow with the square: smaller issues than the 2,000 largest stay bugs of their own, and say so.
MOST_ISSUES = 2000
_FACTS = ("at", "session_id", "trace_id", "release", "browser", "route")


@dataclass(frozen=True)
class Grouping:
    """Every table that the way from raw events to bugs leaves behind.

    Attributes
    ----------
    events
        One row an event, in the order given: `event_id`, `noise_class`, `noise_reason`, `noise_rule`, `shape_id`, `issue_id`, `bug_id`.
    shapes
        One row a shape that is not noise: `shape_id`, `issue_id`, `bug_id`, `type`, `message` (a sample), `canonical`, `n_events`.
    issues
        One row an issue: `issue_id`, `bug_id`, `title`, `type`, `canonical`, `top_source`, `top_function`, `rule`, `mechanism`, `missing_field`,
        `property`, `endpoint`, `n_events`, `n_sessions`, `first`, `last`, `releases`.
    bugs
        One row a bug, the most urgent first: `bug_id`, `title`, `summary`, `endpoint`, `missing_field`, `failing_span`, `components`, `issues`,
        `n_issues`, `n_events`, `n_sessions`, `first`, `last`, `releases`.
    evidence
        `bug_id`, `issue_a`, `issue_b` (null: of one issue alone), `kind`, `weight`, `text`.
    """

    events: pl.DataFrame
    shapes: pl.DataFrame
    issues: pl.DataFrame
    bugs: pl.DataFrame
    evidence: pl.DataFrame


def group_events(
    events: pl.DataFrame,
    frames: pl.DataFrame | None,
    requests: pl.DataFrame | None,
    *,
    releases: pl.DataFrame | None = None,
    first_party: Sequence[str] | None = None,
    rules: Any = None,
    spans: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Say of each event whether it is noise, and its shape, issue and bug: `group(...)` without the tables about them.

    Returns
    -------
    `event_id`, `noise_class`, `noise_reason`, `shape_id`, `issue_id`, `bug_id`, one row an event in the order given. An event
    that is noise has no issue and no bug.

    Examples
    --------
    >>> events = pl.DataFrame({"event_id": ["a", "b"], "type": ["TypeError", "Error"], "message": ["x.f is not a function", "Script error."]})
    >>> group_events(events, None, None, first_party=["shop.example"]).select("noise_class", "bug_id").rows()
    [(None, 'B1'), ('opaque', None)]
    """  # noqa: E501
    grouping = group(events, frames, requests, releases=releases, first_party=first_party, rules=rules, spans=spans)
    return grouping.events.drop("noise_rule")


def group(
    events: pl.DataFrame,
    frames: pl.DataFrame | None,
    requests: pl.DataFrame | None,
    *,
    releases: pl.DataFrame | None = None,
    first_party: Sequence[str] | None = None,
    rules: Any = None,
    spans: pl.DataFrame | None = None,
    sessions: pl.DataFrame | None = None,
    page_views: pl.DataFrame | None = None,
    blank_sessions: Iterable[str] = (),
    mechanism: str = CURRENT,
) -> Grouping:
    """Group events into shapes, issues and bugs.

    Parameters
    ----------
    events
        Canonical `events`; `event_id` is needed, the more of the rest the better.
    frames
        Canonical `frames`, symbolicated or not; events without frames are told by their `stack`.
    requests
        Canonical `requests`; empty or None: bugs are found without network evidence, fewer issues are joined.
    releases
        Canonical `releases`: times of deploys; first sightings when not given.
    first_party
        Domains that are ours; the pages' own registrable domains when not given.
    rules
        Fingerprint rules that stand before the default.
    spans
        Canonical `spans`, or a frame of `trace_id`, `signature`: the backend span that failed in each trace.
    sessions, page_views, blank_sessions
        For the order of bugs, see `impact.bug_impact`.
    mechanism
        The version of the default fingerprint.
    """
    ours = first_party_domains(events, first_party)
    distinct = distinct_errors(events, frames, ours)
    noise = classify_noise(
        events, frames, first_party=first_party, requests=requests, releases=releases, distinct=distinct
    )
    errors = describe_errors(distinct)
    errors = errors.join(issue_ids(errors, mechanism=mechanism), on="error_id", maintain_order="left")
    rows = pl.concat([noise, distinct.of_event.select("error_id")], how="horizontal").join(
        errors.select("error_id", "shape_id", "issue_id"), on="error_id", how="left", maintain_order="left"
    )
    rows = rows.with_columns(issue_id=pl.when(pl.col("noise_class").is_null()).then("issue_id"))
    issues = _issues(rows, errors, events)
    profiles, bug_of = _bugs(rows, issues, events, requests, spans, releases)
    numbered = issues.select("issue_id", bug=pl.Series(bug_of, dtype=pl.Int64))
    hits = (
        rows.select("event_id", "issue_id")
        .join(numbered, on="issue_id")
        .select("event_id", bug_id=pl.col("bug").cast(pl.String))
    )
    order = bug_impact(hits, events, sessions, page_views, blank_sessions=blank_sessions)
    names = order.select(bug=pl.col("bug_id").cast(pl.Int64), bug_id="B" + (pl.int_range(pl.len()) + 1).cast(pl.String))
    numbered = numbered.join(names, on="bug", how="left", maintain_order="left")
    grouped = rows.join(numbered.select("issue_id", "bug_id"), on="issue_id", how="left", maintain_order="left")
    evidence = evidence_table(profiles, bug_of[: len(profiles.issues)]).join(names, on="bug", how="left")
    issues = _issue_table(issues, numbered, profiles, events, rows)
    return Grouping(
        events=grouped.select(
            "event_id", "noise_class", "noise_reason", "noise_rule", "shape_id", "issue_id", "bug_id"
        ),
        shapes=_shape_table(grouped, errors),
        issues=issues,
        bugs=_bug_table(issues, grouped, events, names, profiles, bug_of),
        evidence=evidence.select("bug_id", *list(EVIDENCE)[1:]).sort(
            ["bug_id", "issue_a", "issue_b", "weight"], descending=[False, False, False, True], nulls_last=False
        ),
    )


def describe_errors(distinct: Distinct) -> pl.DataFrame:
    """Put beside each distinct error all that fingerprints look at.

    Returns
    -------
    `error_id`, `type`, `message`, `canonical`, `canonical_type`, `kind`, `property`, `receiver`, `shape_id`, `top_file`, `top_function`,
    `top_spot`, `top_mapped`, in order of `error_id`.
    """
    pairs = distinct.errors.select("type", "message").unique(maintain_order=True)
    messages = canonical_messages(pairs)
    throwing = (
        distinct.frames.filter((pl.col("exception_index") == 0) & (pl.col("frame_index") == 0))
        .select("error_id", read_from="receiver", read="property")
        .unique("error_id", keep="first")
    )
    errors = (
        distinct.errors.join(messages, on=["type", "message"], how="left", nulls_equal=True, maintain_order="left")
        .join(throwing, on="error_id", how="left", maintain_order="left")
        # Firefox's short form does not say what was read; the source at the throwing position does.
        .with_columns(
            canonical=pl.when(
                (pl.col("kind") == "nullish-read") & pl.col("property").is_null() & pl.col("read").is_not_null()
            )
            .then("nullish-read:" + pl.col("read"))
            .otherwise("canonical"),
            property=pl.when(pl.col("kind") == "nullish-read")
            .then(pl.coalesce("property", "read"))
            .otherwise("property"),
            receiver=pl.when(pl.col("kind").str.starts_with("nullish")).then(pl.coalesce("read_from", "receiver")),
        )
        .drop("read_from", "read")
    )
    places = frame_places(distinct.frames)
    return errors.join(shape_ids(errors, places), on="error_id", how="left", maintain_order="left").join(
        top_places(places), on="error_id", how="left", maintain_order="left"
    )


def _issues(rows: pl.DataFrame, errors: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """One row an issue, the largest first: what most of its events say."""
    known = rows.select("error_id", "issue_id").filter(pl.col("issue_id").is_not_null())
    counts = known.group_by("issue_id", "error_id").len("n")
    named = errors.select(pl.exclude("issue_id", "shape_id", "top_spot"), top_area=neighbourhood())
    return (
        counts.join(named, on="error_id")
        .sort(["n", "error_id"], descending=[True, False])
        .group_by("issue_id")
        .agg(
            pl.col("n").sum().alias("n_events"),
            *(pl.col(name).drop_nulls().first() for name in named.columns if name not in ("error_id",)),
        )
        .sort(["n_events", "issue_id"], descending=[True, False])
    )


def _bugs(
    rows: pl.DataFrame,
    issues: pl.DataFrame,
    events: pl.DataFrame,
    requests: pl.DataFrame | None,
    spans: pl.DataFrame | None,
    releases: pl.DataFrame | None,
) -> tuple[Profiles, np.ndarray]:
    rules = load("grouping", "bugs").data
    compared = issues.head(MOST_ISSUES).with_row_index("issue").with_columns(pl.col("issue").cast(pl.Int64))
    facts = _facts(events).with_columns(rows["issue_id"], rows["noise_class"])
    facts = facts.join(compared.select("issue_id", "issue"), on="issue_id", how="left", maintain_order="left")
    noise_number = -1 - pl.col("noise_class").rank("dense").cast(pl.Int64)
    traffic = facts.with_columns(group=pl.coalesce("issue", noise_number, pl.lit(-1)))
    own = facts.filter(pl.col("issue").is_not_null())
    when = deploys(events, releases)["deployed_at"].to_physical().to_numpy() if "at" in events.columns else np.array([])
    profiles = weigh(
        compared, own, traffic, requests_before(traffic, requests), failing_signatures(spans), when.astype(float), rules
    )
    joined = link_issues(profiles, rules)
    alone = np.arange(len(issues) - len(compared)) + (joined.max() + 1 if len(joined) else 0)
    return profiles, np.concatenate([joined, alone]).astype(np.int64)


def _facts(events: pl.DataFrame) -> pl.DataFrame:
    return events.select(
        "event_id",
        *(
            (pl.col(name) if name == "at" else pl.col(name).cast(pl.String))
            if name in events.columns
            else pl.lit(None, pl.Datetime("us", "UTC") if name == "at" else pl.String).alias(name)
            for name in _FACTS
        ),
    )


def _issue_table(
    issues: pl.DataFrame, numbered: pl.DataFrame, profiles: Profiles, events: pl.DataFrame, rows: pl.DataFrame
) -> pl.DataFrame:
    facts = _facts(events).with_columns(rows["issue_id"]).filter(pl.col("issue_id").is_not_null())
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
    endpoint = profiles.issues.select("issue_id", "issue").join(leads, on="issue").select("issue_id", "endpoint")
    return (
        issues.join(times, on="issue_id", how="left", maintain_order="left")
        .join(endpoint, on="issue_id", how="left", maintain_order="left")
        .join(numbered.select("issue_id", "bug_id"), on="issue_id", how="left", maintain_order="left")
        .select(
            "issue_id", "bug_id",
            title=pl.concat_str(pl.col("canonical_type"), pl.col("message").fill_null("(no message)").str.slice(0, 200), separator=": "),
            type="canonical_type", message="message", canonical="canonical", kind="kind",
            top_source="top_file", top_function="top_function", mapped="top_mapped", rule="rule", mechanism="mechanism",
            missing_field="receiver", property="property", endpoint="endpoint", n_events="n_events",
            n_sessions="n_sessions", first="first", last="last", releases="releases",
        )
    )  # fmt: skip


def _shape_table(grouped: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    return (
        grouped.filter(pl.col("issue_id").is_not_null())
        .group_by("shape_id", "issue_id", "bug_id")
        .agg(n_events=pl.len(), error_id=pl.col("error_id").min())
        .join(errors.select("error_id", "type", "message", "canonical"), on="error_id")
        .select("shape_id", "issue_id", "bug_id", "type", "message", "canonical", "n_events")
        .sort(["n_events", "shape_id"], descending=[True, False])
    )


def _bug_table(
    issues: pl.DataFrame,
    grouped: pl.DataFrame,
    events: pl.DataFrame,
    names: pl.DataFrame,
    profiles: Profiles,
    bug_of: np.ndarray,
) -> pl.DataFrame:
    facts = _facts(events).with_columns(grouped["bug_id"]).filter(pl.col("bug_id").is_not_null())
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
