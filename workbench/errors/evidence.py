"""Evidence that two issues have one root cause: a matrix of weights for each kind, all of them to be added up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from workbench.errors.clock import lives, onset_evidence
from workbench.errors.likeness import equal_names, incidence, places_alike, words_alike
from workbench.errors.network import leading
from workbench.errors.setting import alike_routes, last_before, met_by_chance


@dataclass(frozen=True)
class Profiles:
    """What is known of each issue; row i of every array is issue i.

    Attributes
    ----------
    issues
        One row an issue in order of `issue`: `canonical`, `canonical_type`, `kind`, `property`, `receiver`, `top_file`,
        `top_function`, `top_mapped`, `n_events`.
    endpoints, spans
        Leads from `network.leading`, with `group` the issue's number.
    """

    issues: pl.DataFrame
    events: pl.DataFrame
    endpoints: pl.DataFrame
    spans: pl.DataFrame
    weights: dict[str, np.ndarray] = field(default_factory=dict)


def weigh(
    issues: pl.DataFrame,
    events: pl.DataFrame,
    traffic: pl.DataFrame,
    before: pl.DataFrame,
    signatures: pl.DataFrame,
    deployed_at: np.ndarray,
    rules: dict[str, Any],
) -> Profiles:
    """Weigh all evidence between all pairs of issues.

    Parameters
    ----------
    issues
        One row an issue, `issue` its number from 0.
    events
        Events that are not noise: `event_id`, `issue`, `at`, `session_id`, `trace_id`, `release`, `browser`.
    traffic
        All events, noise too, with `group`: the issue's number or a class of noise below 0.
    before
        From `network.requests_before`.
    signatures
        From `network.failing_signatures`.
    deployed_at
        Times of deploys, epoch microseconds.
    rules
        The data of `rules/grouping/bugs`.
    """
    n = len(issues)
    groups = traffic.select("event_id", "group")
    endpoints = _leads(before.rename({"endpoint": "mark"}), groups, rules["network"])
    in_trace = traffic.select("event_id", "trace_id").drop_nulls().join(signatures, on="trace_id")
    marks = in_trace.select("event_id", mark="signature", recency=pl.lit(1.0), failed=pl.lit(True)).unique()
    spans = _span_leads(marks, traffic, rules["network"])
    last = last_before(before, traffic, rules["network"])
    weights = _network(endpoints, spans, n, rules["network"], last, alike_routes(events, n))
    # Whose request it was that failed is known where a wrapper's errors were told apart by it.
    same_request, both_known = equal_names(issues["request"])
    failing = rules["network"]["same_endpoint"] + rules["network"]["failing_endpoint"]
    weights["endpoint"] = np.where(same_request, failing, weights["endpoint"])
    weights["other endpoint"] = np.select(
        [same_request, both_known], [0.0, rules["network"]["other_endpoint"]], weights["other endpoint"]
    )
    weights |= words_alike(issues, rules["field"])
    weights |= places_alike(issues, events, weights["other endpoint"] < 0, rules["place"])
    releases = incidence(events, "release", n)
    mapped = issues["top_mapped"].fill_null(False).to_numpy()
    alive = lives(traffic, events, n)
    weights |= onset_evidence(alive, np.sort(deployed_at), releases.toarray() > 0, mapped, rules["time"])
    together, follows = _together(events, traffic, n, rules["together"])
    weights |= together
    # One field that goes missing behind two endpoints at once is one backend's doing; a name met twice may be chance.
    same_field = (weights["receiver"] >= rules["field"]["same_receiver"]) & (weights["onset"] > 0)
    # In a release without maps nobody can say which field it was; the property and the succession speak for the same.
    same_field |= (weights["property"] >= rules["field"]["same_property"]) & (weights["no map"] > 0)
    unexplained = weights["failing span"] == 0
    weights["other endpoint"][same_field & unexplained] *= rules["network"]["other_endpoint_same_field"]
    # One endpoint that answers 503 breaks everybody alike; of two endpoints the same number says little.
    status = issues["kind"].is_in(rules["field"]["status_kinds"]).fill_null(False).to_numpy()
    of_one = (weights["property"] > 0) & (weights["endpoint"] > 0.5) & np.logical_and.outer(status, status)
    weights["property"] = np.where(of_one, rules["field"]["same_property"], weights["property"])
    # What follows another error in nearly every trace is its consequence, whatever it says.
    follows *= rules["together"]["cascade"]
    for kind in ("receiver", "property", "own fault"):
        weights[kind] = np.where(weights[kind] < 0, weights[kind] * (1.0 - follows), weights[kind])
    for matrix in weights.values():
        np.fill_diagonal(matrix, 0.0)
    own = pl.col("leads") & (pl.col("group") >= 0)
    return Profiles(issues, events, endpoints.filter(own), spans.filter(own), weights)


def _leads(marks: pl.DataFrame, groups: pl.DataFrame, rules: dict[str, Any]) -> pl.DataFrame:
    seen = groups.join(marks.select("event_id").unique(), on="event_id", how="semi")
    return leading(marks, groups, seen.group_by("group").agg(n=pl.len()), rules)


def _span_leads(marks: pl.DataFrame, traffic: pl.DataFrame, rules: dict[str, Any]) -> pl.DataFrame:
    traced = traffic.filter(pl.col("trace_id").is_not_null())
    leads = leading(marks, traced.select("event_id", "group"), traced.group_by("group").agg(n=pl.len()), rules)
    # Spans that fail are few, so the part of all that fail says nothing: the base rate itself is the chance.
    return leads.with_columns(chance="base")


def _network(
    endpoints: pl.DataFrame,
    spans: pl.DataFrame,
    n: int,
    rules: dict[str, Any],
    last: pl.DataFrame,
    alike: np.ndarray,
) -> dict[str, np.ndarray]:
    lead, top, sure = _lead_matrix(endpoints, n, rules)
    span_lead, span_top, span_sure = _lead_matrix(spans, n, rules)
    same_span = np.where(_overlap(span_lead, span_top) > 0, np.minimum.outer(span_sure, span_sure), 0.0)
    overlap = _overlap(lead, top)
    has = lead.any(axis=1)
    certainty = np.minimum.outer(sure, sure)
    # Issues of one page share its requests anyway: there only what comes last more often than the page has it counts.
    last_lead, last_top, last_sure = _lead_matrix(last, n, rules)
    last_certainty = np.minimum.outer(last_sure, last_sure)
    shared = (1 - alike) * overlap * certainty + alike * _overlap(last_lead, last_top) * last_certainty
    # What both pages ask for anyway, such as the visitor's profile, does not reconcile two different best leads.
    conflict = np.logical_and.outer(has, has) & ~_reconciled(lead, top)
    softened = np.where(same_span > 0, rules["other_endpoint_same_span"], 1.0)
    failed = np.zeros(n)
    if len(endpoints):
        own = endpoints.filter((pl.col("group") >= 0) & (pl.col("failed") > 0.5)).unique("group")
        failed[own["group"].to_numpy()] = 1.0
    return {
        "endpoint": shared * (rules["same_endpoint"] + rules["failing_endpoint"] * np.minimum.outer(failed, failed)),
        "other endpoint": np.where(conflict, rules["other_endpoint"] * certainty * softened, 0.0),
        "failing span": rules["same_span"] * same_span,
    }


def _lead_matrix(leads: pl.DataFrame, n: int, rules: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rarity of each lead by issue and mark (0: no lead), the number of the best lead (-1: none), how sure it is."""
    own = leads.filter(pl.col("group") >= 0)
    marks = {mark: at for at, mark in enumerate(sorted(own["mark"].unique().to_list()))}
    matrix, top, sure = np.zeros((n, max(len(marks), 1))), np.full(n, -1), np.zeros(n)
    rarest = np.log(1 / rules["rarest"])
    for row in own.iter_rows(named=True):
        at = marks[row["mark"]]
        matrix[row["group"], at] = np.clip(np.log(1 / row["chance"]) / rarest, 0.0, 1.0)
        if top[row["group"]] < 0:
            top[row["group"]] = at
            seen = min(1.0, (row["share"] / 0.6) ** 0.5) * row["n"] / (row["n"] + 0.5)
            sure[row["group"]] = seen * min(1.0, row["z"] / rules["min_z"])
    return matrix, top, sure


def _reconciled(lead: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Whether the best lead of one is some lead of the other."""
    of_other = (lead[:, np.maximum(top, 0)].T > 0) & (top >= 0)[:, None]
    return of_other | of_other.T


def _overlap(lead: np.ndarray, top: np.ndarray) -> np.ndarray:
    """1 x rarity where both have the same best lead, less where the best of one is a lead of the other."""
    n = len(top)
    known = top >= 0
    same_top = np.equal.outer(top, top) & np.logical_and.outer(known, known)
    rarity = np.where(known, lead[np.arange(n), np.maximum(top, 0)], 0.0)
    of_other = np.where(known[:, None], lead[:, np.maximum(top, 0)].T > 0, False)
    half = (of_other | of_other.T) & np.logical_and.outer(known, known) & ~same_top
    both = np.minimum.outer(rarity, rarity)
    weak = (lead > 0).astype(float) @ (lead > 0).T.astype(float) > 0
    return np.where(same_top, both, np.where(half, 0.6 * both, np.where(weak, 0.2 * both, 0.0)))


def _with_moments(events: pl.DataFrame) -> pl.DataFrame:
    """What happened together: by trace, else by page view, else by session and ten seconds."""
    known = [pl.col(name) for name in ("trace_id", "page_view_id") if name in events.columns]
    moment = pl.concat_str("session_id", pl.col("at").dt.truncate("10s").cast(pl.Int64), separator=" ")
    return events.with_columns(moment=pl.coalesce(*known, moment))


def _together(
    events: pl.DataFrame, traffic: pl.DataFrame, n: int, rules: dict[str, Any]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Weights of what happened together, and how far the rarer of two issues never comes without the other."""
    events, traffic = _with_moments(events), _with_moments(traffic)
    traces, sessions = (incidence(events, name, n) > 0 for name in ("moment", "session_id"))
    in_traces, in_sessions = (np.asarray((m.astype(float) @ m.astype(float).T).todense()) for m in (traces, sessions))
    lift, lift_traces = (
        np.clip(np.log((met + 0.5) / (met_by_chance(events, traffic, unit, n) + 0.5)) / np.log(4.0), 0.0, 1.0)
        for unit, met in (("session_id", in_sessions), ("moment", in_traces))
    )
    fewer = np.maximum(np.minimum.outer(np.diag(in_traces), np.diag(in_traces)), 1.0)
    enough = in_traces >= rules["min_shared"]
    share = in_traces / fewer
    together = {
        "trace": np.where(enough, rules["same_trace"] * np.clip(2 * share, 0.0, 1.0) * lift_traces, 0.0),
        "session": np.where(in_sessions >= rules["min_shared"], rules["same_session"] * lift, 0.0),
    }
    return together, np.where(enough, np.clip(2 * share - 1, 0.0, 1.0) * lift_traces, 0.0)
