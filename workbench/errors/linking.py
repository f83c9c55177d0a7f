"""Issues of one set of events to bugs: what is known of each, weighed, and joined."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from connectors.formats.routes import route_of
from workbench.errors.bugs import link_issues
from workbench.errors.catalogue import event_facts
from workbench.errors.evidence import Profiles, weigh
from workbench.errors.network import failing_signatures
from workbench.errors.usual import deploys
from workbench.rules.loader import load

# Pairs grow with the square: smaller issues than the 2,000 largest stay bugs of their own, and say so.
MOST_ISSUES = 2000


def weigh_issues(
    rows: pl.DataFrame,
    issues: pl.DataFrame,
    events: pl.DataFrame,
    before: pl.DataFrame,
    *,
    spans: pl.DataFrame | None = None,
    releases: pl.DataFrame | None = None,
    rules: dict[str, Any] | None = None,
) -> Profiles:
    """Weigh the evidence between all pairs of issues, the largest 2,000 of them.

    Parameters
    ----------
    rows
        One row an event, in the order of `events`: `issue_id`, `noise_class`.
    issues
        From `catalogue.issue_facts`, the largest first.
    events, before, spans, releases
        As for `grouping.group`; `before` from `network.requests_before`.
    rules
        The data of `rules/grouping/bugs`, when not those of the newest file.
    """
    rules = load("grouping", "bugs").data if rules is None else rules
    compared = issues.head(MOST_ISSUES).with_row_index("issue").with_columns(pl.col("issue").cast(pl.Int64))
    facts = _with_setting(event_facts(events), events).with_columns(rows["issue_id"], rows["noise_class"])
    facts = facts.join(compared.select("issue_id", "issue"), on="issue_id", how="left", maintain_order="left")
    noise_number = -1 - pl.col("noise_class").rank("dense").cast(pl.Int64)
    traffic = facts.with_columns(group=pl.coalesce("issue", noise_number, pl.lit(-1)))
    own = facts.filter(pl.col("issue").is_not_null())
    when = deploys(events, releases)["deployed_at"].to_physical().to_numpy().astype(float)
    return weigh(compared, own, traffic, before, failing_signatures(spans), when, rules)


def _with_setting(facts: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Add the page view; tell the page by its address and the browser by its agent where they are not known."""
    views = events["page_view_id"].cast(pl.String) if "page_view_id" in events.columns else None
    facts = facts.with_columns(page_view_id=pl.lit(None, pl.String) if views is None else views)
    for name, known_by, told in (("route", "page_url", route_of), ("browser", "user_agent", _engine_of)):
        if known_by in events.columns and facts[name].null_count():
            given = pl.DataFrame({known_by: events[known_by].cast(pl.String)})
            distinct = given.unique().drop_nulls().with_columns(told=told(pl.col(known_by)))
            found = given.join(distinct, on=known_by, how="left", maintain_order="left")["told"]
            facts = facts.with_columns(pl.coalesce(name, found).alias(name))
    return facts


def _engine_of(agents: pl.Expr) -> pl.Expr:
    return (
        pl.when(agents.str.contains(r"Firefox/|FxiOS/"))
        .then(pl.when(agents.str.contains("FxiOS/")).then(pl.lit("Safari")).otherwise(pl.lit("Firefox")))
        .when(agents.str.contains(r"Chrom(e|ium)/|Edge?/"))
        .then(pl.lit("Chrome"))
        .when(agents.str.contains("AppleWebKit/"))
        .then(pl.lit("Safari"))
    )


def bugs_of(profiles: Profiles, n_issues: int, rules: dict[str, Any] | None = None) -> np.ndarray:
    """Number the bug of each issue; issues that were not compared are bugs of their own."""
    joined = link_issues(profiles, load("grouping", "bugs").data if rules is None else rules)
    alone = np.arange(n_issues - len(profiles.issues)) + (joined.max() + 1 if len(joined) else 0)
    return np.concatenate([joined, alone]).astype(np.int64)
