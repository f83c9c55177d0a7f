"""Noise: events that no code of ours caused or can fix, each with a class, a reason and the rule that said so.

The rules are data (`workbench/rules/noise`). A rule's conditions on the error (text, frames) are tried once a distinct
error, those on the event (agent, page, release, time) where they can still matter. Nothing is dropped here: noise is a
verdict, and `contextual` rules take theirs back when the class spikes or an endpoint of ours fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from workbench.errors.agents import crawlers
from workbench.errors.distinct import Distinct, distinct_errors
from workbench.errors.domains import first_party_domains, host_of, is_first_party
from workbench.errors.usual import stale_releases, unusual_times
from workbench.rules.loader import load_all

NOISE = {"event_id": pl.String, "noise_class": pl.String, "noise_reason": pl.String, "noise_rule": pl.String}
_EVENT_CONDITIONS = {"crawler", "user_agent", "page_host", "browser_below", "stale_release", "contextual"}
_ERROR_CONDITIONS = {"text", "throwing_url", "throwing_function", "any_url", "frames"}
_PLAIN_SOURCE = r"\.(?:tsx?|jsx|vue|svelte|mts|cts)$"


class NoiseRule(NamedTuple):
    """One rule of one class; `rank` orders all rules of all classes, the lowest that fires wins."""

    rank: int
    noise_class: str
    id: str
    reason: str
    conditions: Mapping[str, Any]

    @property
    def name(self) -> str:
        """How a verdict names the rule."""
        return f"{self.noise_class}/{self.id}"


def noise_rules() -> tuple[NoiseRule, ...]:
    """Read the rules of all classes in the order in which they are tried.

    Examples
    --------
    >>> noise_rules()[0].name
    'bot/crawler'
    """
    files = sorted((file for file in load_all("noise") if "class" in file.data), key=lambda file: file.data["order"])
    rules = [(file.data["class"], rule) for file in files for rule in file.data["rule"]]
    return tuple(
        NoiseRule(
            rank, noise_class, rule["id"], rule["reason"], {k: v for k, v in rule.items() if k not in ("id", "reason")}
        )
        for rank, (noise_class, rule) in enumerate(rules)
    )


def classify_noise(
    events: pl.DataFrame,
    frames: pl.DataFrame | None,
    *,
    first_party: Sequence[str] | None = None,
    requests: pl.DataFrame | None = None,
    releases: pl.DataFrame | None = None,
    rules: Sequence[NoiseRule] | None = None,
    distinct: Distinct | None = None,
) -> pl.DataFrame:
    """Say of each event whether it is noise, of which class, and why.

    Parameters
    ----------
    events
        Canonical `events`; columns that are missing leave the rules that need them unused.
    frames
        Canonical `frames`, symbolicated or not; None: the events' `stack` is parsed.
    first_party
        Domains that are ours; the pages' own registrable domains when not given.
    requests
        Canonical `requests`: 5xx answers of our endpoints bring contextual classes back.
    releases
        Canonical `releases` for the times of deploys; the first sightings in `events` when not given.
    rules
        Instead of the rules in `workbench/rules/noise`.
    distinct
        The distinct errors, where the caller has them.

    Returns
    -------
    One row an event, in the order given: `event_id`, `noise_class`, `noise_reason`, `noise_rule`; null: not noise.

    Examples
    --------
    >>> said = ["Script error.", "No rate for EUR"]
    >>> events = pl.DataFrame({"event_id": ["a", "b"], "type": "Error", "message": said})
    >>> classify_noise(events, None, first_party=["shop.example"]).select("noise_class", "noise_rule").rows()
    [('opaque', 'opaque/script-error'), (None, None)]
    """
    rules = noise_rules() if rules is None else tuple(rules)
    ours = first_party_domains(events, first_party)
    distinct = distinct_errors(events, frames, ours) if distinct is None else distinct
    facts = _error_facts(distinct)
    plain = [rule for rule in rules if not _EVENT_CONDITIONS & rule.conditions.keys()]
    eventful = [rule for rule in rules if _EVENT_CONDITIONS & rule.conditions.keys()]
    verdicts = (
        facts.lazy()
        .select("error_id", plain=_first_rank(plain), **{str(r.rank): _on_error(r) for r in eventful})
        .collect()
    )
    rows = (
        events.lazy()
        .select(pl.exclude("stack", "type", "message"))
        .collect()
        .with_columns(distinct.of_event["error_id"])
    )
    rows = rows.join(verdicts, on="error_id", how="left", maintain_order="left")
    rank = rows["plain"]
    for rule in eventful:
        candidates = rows[str(rule.rank)].fill_null(False) & (rank.is_null() | (rank > rule.rank))
        if not candidates.any():
            continue
        holds = _on_event(rule, rows.with_columns(__candidate=candidates), ours, first_party, requests, releases)
        rank = pl.select(pl.when(candidates & holds).then(pl.lit(rule.rank, pl.Int32)).otherwise(rank)).to_series()
    names = pl.DataFrame(
        [(rule.rank, rule.noise_class, rule.reason, rule.name) for rule in rules],
        schema={"rank": pl.Int32, **dict(list(NOISE.items())[1:])},
        orient="row",
    )
    return (
        pl.DataFrame({"event_id": events["event_id"], "rank": rank.cast(pl.Int32)})
        .join(names, on="rank", how="left", maintain_order="left")
        .select(*NOISE)
    )


def _error_facts(distinct: Distinct) -> pl.DataFrame:
    frames = distinct.frames
    # A frame without a line is the page's address and no place in a script: browsers give it for muted errors.
    has_address = pl.col("url").is_not_null() & pl.col("line").is_not_null()
    shown = frames.filter(pl.col("exception_index") == 0)
    known_ours = (pl.col("source").is_not_null() & pl.col("in_app")) | (
        pl.col("source").is_null() & pl.col("in_app") & pl.col("url").fill_null("").str.contains(_PLAIN_SOURCE)
    )
    by_error = shown.group_by("error_id").agg(
        has_frames=has_address.any(),
        any_in_app=pl.col("in_app").any(),
        any_in_app_known=known_ours.any(),
        # An address without a host (a bundle's bare name) can only be ours.
        any_first_party=(has_address & pl.col("first_party").fill_null(pl.col("in_app"))).any(),
    )
    urls = frames.group_by("error_id").agg(
        any_url=pl.col("url").drop_nulls().unique(maintain_order=True).str.join("\n")
    )
    throwing = shown.unique("error_id", keep="first", maintain_order=True).select(
        "error_id", throwing_url="url", throwing_function="function"
    )
    return (
        distinct.errors.join(by_error, on="error_id", how="left")
        .join(throwing, on="error_id", how="left")
        .join(urls, on="error_id", how="left")
        .with_columns(
            text=pl.concat_str(pl.col("type").fill_null("Error"), pl.col("message").fill_null(""), separator=": "),
            **{
                name: pl.col(name).fill_null(False)
                for name in ("has_frames", "any_in_app", "any_in_app_known", "any_first_party")
            },
        )
    )


_FRAMES = {
    "none": ~pl.col("has_frames"),
    "no_in_app": ~pl.col("any_in_app"),
    "no_in_app_known": ~pl.col("any_in_app_known"),
    "no_first_party": ~pl.col("any_first_party"),
}


def _on_error(rule: NoiseRule) -> pl.Expr:
    """The part of a rule that only the error decides."""
    parts = [
        _FRAMES[value] if name == "frames" else pl.col(name).fill_null("").str.contains(value)
        for name, value in rule.conditions.items()
        if name in _ERROR_CONDITIONS
    ]
    return pl.all_horizontal(parts) if parts else pl.lit(True)


def _first_rank(rules: Sequence[NoiseRule]) -> pl.Expr:
    found = (
        pl.coalesce(pl.when(_on_error(rule)).then(pl.lit(rule.rank, pl.Int32)) for rule in rules)
        if rules
        else pl.lit(None, pl.Int32)
    )
    return found


def _on_event(
    rule: NoiseRule,
    rows: pl.DataFrame,
    ours: Sequence[str],
    given: Sequence[str] | None,
    requests: pl.DataFrame | None,
    releases: pl.DataFrame | None,
) -> pl.Series:
    """The part of a rule that the event decides, for all rows; meant to be read where `__candidate` is true."""
    holds = pl.repeat(True, len(rows), eager=True)
    for name, value in rule.conditions.items():
        if name in _ERROR_CONDITIONS:
            continue
        holds &= _EVENT_TESTS[name](value, rows, ours, given, requests, releases)
    return holds


def _crawler(_value, rows, *_):
    if "user_agent" not in rows.columns:
        return pl.repeat(False, len(rows), eager=True)
    agents = rows["user_agent"].cast(pl.String)
    known = crawlers(agents.unique().drop_nulls().to_list())
    return agents.replace_strict(known, default=False, return_dtype=pl.Boolean)


def _user_agent(value, rows, *_):
    return _column(rows, "user_agent").str.contains(value).fill_null(False)


def _page_host(value, rows, _ours, given, *_):
    hosts = pl.DataFrame({"u": _column(rows, "page_url")}).select(h=host_of(pl.col("u")))["h"]
    declared = is_first_party(hosts.drop_nulls().unique().to_list(), given or ())
    is_ours = hosts.replace_strict(declared, default=False, return_dtype=pl.Boolean)
    return hosts.str.contains(value).fill_null(False) & ~is_ours


def _browser_below(value, rows, *_):
    lowest = _column(rows, "browser").replace_strict(value, default=None, return_dtype=pl.Float64)
    version = _column(rows, "browser_version").str.extract(r"^(\d+(?:\.\d+)?)").cast(pl.Float64, strict=False)
    return (version < lowest).fill_null(False)


def _stale_release(_value, rows, _ours, _given, _requests, releases):
    return stale_releases(rows, releases)


def _contextual(_value, rows, ours, _given, requests, _releases):
    return ~unusual_times(rows, requests, ours)


_EVENT_TESTS = {
    "crawler": _crawler,
    "user_agent": _user_agent,
    "page_host": _page_host,
    "browser_below": _browser_below,
    "stale_release": _stale_release,
    "contextual": _contextual,
}


def _column(rows: pl.DataFrame, name: str) -> pl.Series:
    return (
        rows[name].cast(pl.String) if name in rows.columns else pl.repeat(None, len(rows), dtype=pl.String, eager=True)
    )
