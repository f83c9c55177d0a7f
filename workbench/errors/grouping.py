"""The whole way in one call: events, frames and requests in; noise, shapes, issues and bugs out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from workbench.errors.asked import by_request
from workbench.errors.bugs import EVIDENCE, evidence_table
from workbench.errors.catalogue import bug_table, issue_facts, issue_table, shape_table
from workbench.errors.describe import describe_errors, distinct_messages
from workbench.errors.distinct import Distinct, distinct_errors
from workbench.errors.domains import first_party_domains
from workbench.errors.fingerprints import apply_fingerprints
from workbench.errors.given import Given, as_events, as_frames, as_releases, as_requests, collected, ids_of, once
from workbench.errors.impact import bug_impact
from workbench.errors.issues import CURRENT, issue_ids, mechanism_of
from workbench.errors.known import KnownNoise, apply_known
from workbench.errors.linking import bugs_of, weigh_issues
from workbench.errors.network import requests_before
from workbench.errors.noise import classify_noise
from workbench.errors.rule_syntax import Rules, parse_rules
from workbench.errors.stack_rules import apply_stack_rules


@dataclass(frozen=True)
class Grouping:
    """Every table that the way from raw events to bugs leaves behind.

    Attributes
    ----------
    events
        One row an event, in the order given: `event_id`, `noise_class`, `noise_reason`, `noise_rule`, `shape_id`,
        `issue_id`, `bug_id`.
    shapes
        One row a shape that is not noise: `shape_id`, `issue_id`, `bug_id`, `type`, `message` (a sample), `canonical`,
        `n_events`.
    issues
        One row an issue: `issue_id`, `bug_id`, `title`, `type`, `message`, `canonical`, `kind`, `top_source`,
        `top_function`, `mapped`, `rule`, `mechanism`, `missing_field`, `property`, `endpoint`, `n_events`,
        `n_sessions`, `first`, `last`, `releases`.
    bugs
        One row a bug, the most urgent first: `bug_id`, `title`, `summary`, `endpoint`, `missing_field`,
        `failing_span`, `components`, `issues`, `n_issues`, `n_events`, `n_sessions`, `first`, `last`, `releases`.
    evidence
        `bug_id`, `issue_a`, `issue_b` (null: of one issue alone), `kind`, `weight`, `text`.
    """

    events: pl.DataFrame
    shapes: pl.DataFrame
    issues: pl.DataFrame
    bugs: pl.DataFrame
    evidence: pl.DataFrame


def group_events(
    events: pl.DataFrame | pl.LazyFrame,
    frames: Given,
    requests: Given,
    *,
    releases: Given = None,
    first_party: Sequence[str] | None = None,
    rules: Rules | str | None = None,
) -> pl.DataFrame:
    """Say of each event whether it is noise, and its shape, issue and bug: `group(...)` without the tables about them.

    Parameters
    ----------
    events, frames, requests, releases, first_party, rules
        As for `group`; each table may be lazy.

    Returns
    -------
    `event_id`, `noise_class`, `noise_reason`, `shape_id`, `issue_id`, `bug_id`, one row for each one given, in that order, with
    the id as given. An event that is noise has no issue and no bug.

    Examples
    --------
    >>> events = pl.DataFrame({"event_id": ["a", "b"], "type": ["TypeError", "Error"], "message": ["x.f is not a function", "Script error."]})
    >>> group_events(events, None, None, first_party=["shop.example"]).select("noise_class", "bug_id").rows()
    [(None, 'B1'), ('opaque', None)]
    """  # noqa: E501
    events = collected(events)
    grouping = group(events, frames, requests, releases=releases, first_party=first_party, rules=rules)
    told = grouping.events.drop("noise_rule")
    if not events.width:
        return told
    if len(told) < len(events):
        told = pl.DataFrame({"event_id": ids_of(events)}).join(told, on="event_id", how="left", maintain_order="left")
    return told.with_columns(events["event_id"])


def group(
    events: pl.DataFrame | pl.LazyFrame,
    frames: Given,
    requests: Given,
    *,
    releases: Given = None,
    first_party: Sequence[str] | None = None,
    rules: Rules | str | None = None,
    known_noise: Sequence[KnownNoise] = (),
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
        Fingerprint and stack-trace rules that stand before the default, in Sentry's syntax (`rule_syntax`).
    known_noise
        The team's own list of known noise, from `known.parse_known`.
    spans
        Canonical `spans`, or a frame of `trace_id`, `signature`: the backend span that failed in each trace.
    sessions, page_views, blank_sessions
        For the order of bugs, see `impact.bug_impact`.
    mechanism
        The version of the default fingerprint, from `issues.MECHANISMS`: an older one gives the ids of its time.

    Raises
    ------
    RuleError
        The rules cannot be understood; names line and column.
    ParameterError
        There is no such mechanism.
    """
    events, releases = once(as_events(events)), as_releases(releases)
    prepared = prepare(events, frames, requests, releases=releases, first_party=first_party, mechanism=mechanism)
    rows, errors = fingerprint(prepared, rules, known_noise)
    issues = issue_facts(rows, errors)
    profiles = weigh_issues(rows, issues, events, prepared.before, spans=spans, releases=releases)
    bug_of = bugs_of(profiles, len(issues))
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
    issues = issue_table(issues, numbered, profiles, events, rows)
    return Grouping(
        events=grouped.select(
            "event_id", "noise_class", "noise_reason", "noise_rule", "shape_id", "issue_id", "bug_id"
        ),
        shapes=shape_table(grouped, errors),
        issues=issues,
        bugs=bug_table(issues, grouped, events, names, profiles, bug_of),
        evidence=evidence.select("bug_id", *list(EVIDENCE)[1:]).sort(
            ["bug_id", "issue_a", "issue_b", "weight"], descending=[False, False, False, True], nulls_last=False
        ),
    )


@dataclass(frozen=True)
class Prepared:
    """All that does not depend on fingerprint rules, so that rules can be changed and tried again at once.

    Attributes
    ----------
    events
        As given, ids as text.
    distinct
        The distinct errors and their frames.
    noise
        From `noise.classify_noise`.
    errors
        From `describe_errors`, with the default's `issue_id`, `rule` and `mechanism`.
    before
        From `network.requests_before`.
    mechanism
        The version of the default.
    messages
        From `describe.distinct_messages`.
    """

    events: pl.DataFrame
    distinct: Distinct
    noise: pl.DataFrame
    errors: pl.DataFrame
    before: pl.DataFrame
    mechanism: str
    messages: pl.DataFrame


def prepare(
    events: pl.DataFrame | pl.LazyFrame,
    frames: Given,
    requests: Given,
    *,
    releases: Given = None,
    first_party: Sequence[str] | None = None,
    mechanism: str = CURRENT,
) -> Prepared:
    """Do all of the way that does not depend on fingerprint rules; parameters as for `group`."""
    events, frames, requests = as_events(events), as_frames(frames), as_requests(requests)
    releases = as_releases(releases)
    rules_of = mechanism_of(mechanism).rules_of
    distinct = distinct_errors(events, frames, first_party_domains(events, first_party), as_of=rules_of)
    noise = classify_noise(
        events, frames, first_party=first_party, requests=requests, releases=releases, distinct=distinct
    )
    messages = distinct_messages(distinct, as_of=rules_of)
    errors = describe_errors(distinct, messages, as_of=rules_of)
    before = requests_before(events, requests)
    distinct, errors = by_request(distinct, errors, before, as_of=rules_of)
    errors = errors.join(issue_ids(errors, mechanism=mechanism), on="error_id", maintain_order="left")
    return Prepared(events, distinct, noise, errors, before, mechanism, messages)


def fingerprint(
    prepared: Prepared, rules: Rules | str | None = None, known_noise: Sequence[KnownNoise] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give each event its shape and its issue, by rules and by the default.

    Parameters
    ----------
    prepared
        From `prepare`.
    rules
        Rules in Sentry's syntax (see `rule_syntax`), as text or parsed; None: the default alone.
    known_noise
        The team's own list, from `known.parse_known`.

    Returns
    -------
    One row an event: `event_id`, `noise_class`, `noise_reason`, `noise_rule`, `error_id`, `shape_id`, `issue_id` (null:
    noise), `rule` and `title` (null: the default's). And the distinct errors as the stack-trace rules left them.

    Raises
    ------
    RuleError
        The rules cannot be understood; names line and column.
    """
    rules = parse_rules(rules) if isinstance(rules, str) else rules or Rules()
    errors = prepared.errors
    if rules.stacks:
        rules_of = mechanism_of(prepared.mechanism).rules_of
        errors = describe_errors(apply_stack_rules(rules.stacks, prepared.distinct), prepared.messages, as_of=rules_of)
        errors = errors.join(issue_ids(errors, mechanism=prepared.mechanism), on="error_id", maintain_order="left")
    rows = pl.concat([prepared.noise, prepared.distinct.of_event.select("error_id")], how="horizontal").join(
        errors.select("error_id", "shape_id", "issue_id"), on="error_id", how="left", maintain_order="left"
    )
    if rules.fingerprints:
        made = apply_fingerprints(rules.fingerprints, rows, errors, prepared.distinct, prepared.events, prepared.before)
        rows = rows.join(made, on="event_id", how="left", suffix="_made", maintain_order="left").with_columns(
            issue_id=pl.coalesce("issue_id_made", "issue_id")
        )
    else:
        rows = rows.with_columns(rule=pl.lit(None, pl.String), title=pl.lit(None, pl.String))
    rows = apply_known(known_noise, rows, errors, prepared.events)
    is_noise = pl.col("noise_class").is_not_null()
    return rows.select(
        *prepared.noise.columns,
        "error_id",
        "shape_id",
        *(pl.when(~is_noise).then(name).alias(name) for name in ("issue_id", "rule", "title")),
    ), errors
