"""Noise: events that no code of ours caused or can fix, each with a class, a reason and the rule that said so.

The rules are data (`workbench/rules/noise`). A rule's conditions on the error (text, frames) are tried once a distinct
error, those on the event (agent, page, release, time) where they can still matter. Nothing is dropped here: noise is a
verdict, and `contextual` rules take theirs back when the class spikes or an endpoint of ours fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from workbench.crawlers import crawlers
from workbench.errors.distinct import Distinct, distinct_errors
from workbench.errors.domains import first_party_domains, host_of, is_first_party
from workbench.errors.usual import stale_releases, unusual_times
from workbench.rules.loader import load_all

NOISE = {"event_id": pl.String, "noise_class": pl.String, "noise_reason": pl.String, "noise_rule": pl.String}
_EVENT_CONDITIONS = {"crawler", "user_agent", "page_host", "browser_below", "stale_release", "contextual"}
ERROR_CONDITIONS = {"text", "throwing_url", "throwing_function", "any_url", "frames"}
_EVENT_COLUMNS = ("at", "release", "user_agent", "page_url", "browser", "browser_version")
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
    context = _Context(ours, tuple(first_party or ()), requests, releases, _span(events))
    fits = fitting_errors(distinct, rules)
    plain = [rule for rule in rules if not _EVENT_CONDITIONS & rule.conditions.keys()]
    verdicts = fits.select(
        "error_id",
        plain=pl.coalesce(
            pl.lit(None, pl.Int32), *(pl.when(str(rule.rank)).then(pl.lit(rule.rank, pl.Int32)) for rule in plain)
        ),
        **{str(rule.rank): str(rule.rank) for rule in rules if rule not in plain},
    )
    rows = distinct.of_event.select("error_id").with_columns(
        events[name] for name in _EVENT_COLUMNS if name in events.columns
    )
    rows = rows.join(verdicts, on="error_id", how="left", maintain_order="left")
    rank = rows["plain"].fill_null(len(rules))
    for rule in rules:
        if rule in plain:
            continue
        at = (rows[str(rule.rank)] & (rank > rule.rank)).arg_true()
        if len(at):
            some = rows if len(at) == len(rows) else rows[at]
            rank = rank.scatter(at.filter(_on_event(rule, some, context)), rule.rank)
    names = pl.DataFrame(
        [(rule.rank, rule.noise_class, rule.reason, rule.name) for rule in rules],
        schema={"rank": pl.Int32, **dict(list(NOISE.items())[1:])},
        orient="row",
    )
    return (
        pl.DataFrame({"event_id": events["event_id"], "rank": rank})
        .join(names, on="rank", how="left", maintain_order="left")
        .select(*NOISE)
    )


class _Context(NamedTuple):
    """What event conditions look at beside the events themselves."""

    ours: Sequence[str]
    given: Sequence[str]
    requests: pl.DataFrame | None
    releases: pl.DataFrame | None
    span: tuple[datetime, datetime] | None


def _span(events: pl.DataFrame) -> tuple[datetime, datetime] | None:
    if "at" not in events.columns or events["at"].null_count() == len(events):
        return None
    return events["at"].min(), events["at"].max()


def fitting_errors(distinct: Distinct, rules: Sequence[NoiseRule]) -> pl.DataFrame:
    """Try each rule on each distinct error, as far as the error decides: `error_id`, and a column a rule (its rank)."""
    facts = distinct.errors.join(_stack_facts(distinct, rules), on="stack_id", how="left", maintain_order="left")
    text = pl.concat_str(pl.col("type").fill_null("Error"), pl.col("message").fill_null(""), separator=": ")
    patterns = [f"(?:{rule.conditions['text']})" for rule in rules if "text" in rule.conditions]
    # One pass finds the few texts that any rule can want.
    worth = pl.when(text.str.contains("|".join(patterns))).then(text) if patterns else text
    facts = facts.with_columns(text=worth)
    tests = {rule.rank: [*_error_tests(rule)] for rule in rules}
    return (
        facts.lazy()
        .select("error_id", **{str(rank): pl.all_horizontal(pl.lit(True), *parts) for rank, parts in tests.items()})
        .collect()
        .sort("error_id")
    )


def _error_tests(rule: NoiseRule) -> Iterator[pl.Expr]:
    for name, value in rule.conditions.items():
        if name == "text":
            yield pl.col("text").str.contains(value).fill_null(False)
        elif name == "frames":
            yield ~pl.col(_FRAMES[value]).fill_null(False)
            if value == "others_only":
                # Without any place in a script nothing is known to be another's.
                yield pl.col("has_frames").fill_null(False)
        elif name in ERROR_CONDITIONS:
            yield pl.col(f"{name} {rule.rank}").fill_null(False)


def _stack_facts(distinct: Distinct, rules: Sequence[NoiseRule]) -> pl.DataFrame:
    """What rules ask of stacks: flags over all frames of the error shown, and each rule's patterns on addresses."""
    url, function = pl.col("url").fill_null(""), pl.col("function").fill_null("")
    # A frame without a line is the page's address and no place in a script: browsers give it for muted errors.
    has_address = pl.col("url").is_not_null() & pl.col("line").is_not_null()
    of_throwing, of_any = {}, {}
    for rule in rules:
        for name, column in (("throwing_url", url), ("throwing_function", function), ("any_url", url)):
            if name in rule.conditions:
                into = of_any if name == "any_url" else of_throwing
                into[f"{name} {rule.rank}"] = column.str.contains(rule.conditions[name])
    places = distinct.places.select(
        "place_id",
        has_frames=has_address,
        any_in_app=pl.col("in_app"),
        any_in_app_known=pl.col("in_app") & (pl.col("source").is_not_null() | url.str.contains(_PLAIN_SOURCE)),
        # An address without a host (a bundle's bare name) can only be ours.
        any_first_party=has_address & pl.col("first_party").fill_null(pl.col("in_app")),
        **of_throwing,
        **of_any,
    )
    shown = distinct.frames.filter(pl.col("exception_index") == 0)
    flags = [name for name in places.columns if name.startswith("any_") and name not in of_any] + ["has_frames"]
    by_stack = (
        shown.join(places.select("place_id", *flags), on="place_id").group_by("stack_id").agg(pl.col(flags).any())
    )
    throwing = shown.filter(pl.col("frame_index") == 0).join(places.select("place_id", *of_throwing), on="place_id")
    told = by_stack.join(throwing.select("stack_id", *of_throwing), on="stack_id", how="left")
    for name in of_any:
        hit = distinct.frames.join(places.filter(name).select("place_id"), on="place_id", how="semi")[
            "stack_id"
        ].unique()
        told = told.with_columns(pl.col("stack_id").is_in(hit.implode()).alias(name))
    return told


_FRAMES = {
    "none": "has_frames",
    "no_in_app": "any_in_app",
    "no_in_app_known": "any_in_app_known",
    "no_first_party": "any_first_party",
    "others_only": "any_first_party",
}


def _on_event(rule: NoiseRule, rows: pl.DataFrame, context: _Context) -> pl.Series:
    """The part of a rule that the event decides, for rows whose error fits."""
    holds = pl.repeat(True, len(rows), eager=True)
    for name, value in rule.conditions.items():
        if name in _EVENT_CONDITIONS:
            holds &= _EVENT_TESTS[name](value, rows, context)
    return holds


def _crawler(_value, rows: pl.DataFrame, _context) -> pl.Series:
    def found(agents: pl.Series) -> list[str]:
        return [agent for agent, crawls in crawlers(agents.to_list()).items() if crawls]

    return _among_distinct(rows, "user_agent", found)


def _user_agent(value, rows: pl.DataFrame, _context) -> pl.Series:
    return _among_distinct(rows, "user_agent", lambda agents: agents.filter(agents.str.contains(value)).to_list())


def _page_host(value, rows: pl.DataFrame, context: _Context) -> pl.Series:
    def found(urls: pl.Series) -> list[str]:
        hosts = pl.DataFrame({"url": urls}).with_columns(host=host_of(pl.col("url"))).drop_nulls()
        fitting = hosts.filter(pl.col("host").str.contains(value))
        declared = is_first_party(fitting["host"].unique().to_list(), context.given)
        return [url for url, host in fitting.rows() if not declared[host]]

    return _among_distinct(rows, "page_url", found)


def _among_distinct(rows: pl.DataFrame, column: str, found: Callable[[pl.Series], list[str]]) -> pl.Series:
    """Ask once a distinct value; `found` gives those that hold."""
    if column not in rows.columns:
        return pl.repeat(False, len(rows), eager=True)
    values = rows[column].cast(pl.String)
    holding = found(values.unique().drop_nulls())
    if not holding:
        return pl.repeat(False, len(rows), eager=True)
    return values.is_in(pl.Series(holding, dtype=pl.String).implode()).fill_null(False)


def _browser_below(value, rows: pl.DataFrame, _context) -> pl.Series:
    if not {"browser", "browser_version"} <= set(rows.columns):
        return pl.repeat(False, len(rows), eager=True)
    lowest = rows["browser"].cast(pl.String).replace_strict(value, default=None, return_dtype=pl.Float64)
    version = rows["browser_version"].cast(pl.String).str.extract(r"^(\d+(?:\.\d+)?)").cast(pl.Float64, strict=False)
    return (version < lowest).fill_null(False)


def _stale_release(_value, rows: pl.DataFrame, context: _Context) -> pl.Series:
    return stale_releases(rows, context.releases)


def _contextual(_value, rows: pl.DataFrame, context: _Context) -> pl.Series:
    return ~unusual_times(rows, context.span, context.requests, context.ours)


_EVENT_TESTS = {
    "crawler": _crawler,
    "user_agent": _user_agent,
    "page_host": _page_host,
    "browser_below": _browser_below,
    "stale_release": _stale_release,
    "contextual": _contextual,
}
