"""Fingerprint rules at work: which rule an event fits first, and the issue that the rule makes of it.

What a rule asks of the error (type, message, frames) is tried once a distinct error; what it asks of the event
(release, tags, route) once a distinct value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from workbench.errors.distinct import Distinct
from workbench.errors.rule_syntax import (
    FRAME_KEYS,
    REQUEST_KEYS,
    THREAD_KEYS,
    VARIABLE_ALIASES,
    FingerprintRule,
    Matcher,
    Rules,
)
from workbench.errors.shapes import stable_id

_ON_ERROR = {"type": "type", "value": "message", "message": "message"}
EVENT_COLUMNS = {
    "release": "release",
    "level": "level",
    "transaction": "route",
    "environment": "environment",
    "url": "page_url",
    "logger": "logger",
    "sdk": "source",
    "mechanism": "mechanism",
} | {key: key for key in sorted(THREAD_KEYS)}
_PIECE = re.compile(r"(\{\{\s*[^\s{}]+\s*\}\})")
FOUND = {"event_id": pl.String, "issue_id": pl.String, "rule": pl.String, "title": pl.String}


def apply_fingerprints(
    rules: Sequence[FingerprintRule],
    rows: pl.DataFrame,
    errors: pl.DataFrame,
    distinct: Distinct,
    events: pl.DataFrame,
    before: pl.DataFrame,
) -> pl.DataFrame:
    """Find the issues that rules make; events that fit no rule are not in the answer.

    Parameters
    ----------
    rules
        From `rule_syntax.parse_rules`, in order: the first that fits wins.
    rows
        `event_id`, `error_id`, `issue_id` (the default's, which `{{ default }}` stands for).
    errors
        From `grouping.describe_errors`.
    distinct
        The distinct errors, for their frames.
    events
        Canonical `events`.
    before
        From `network.requests_before`: what `endpoint:` and `status:` look at. Both must fit one request; with `!` no
        request of the event may fit.

    Returns
    -------
    `event_id`, `issue_id` (16 hex digits), `rule`, `title` (null: none given).
    """
    rows = rows.select("event_id", "error_id", "issue_id").with_row_index("row")
    left = pl.repeat(True, len(rows), eager=True)
    found = [pl.DataFrame(schema=FOUND)]
    for rule in rules:
        fits = left & fits_rule(rule, rows, errors, distinct, events, before)
        if not fits.any():
            continue
        left &= ~fits
        found.append(_fingerprint(rule, rows.filter(fits), errors, events.filter(fits), before))
    return pl.concat(found)


def fits_rule(
    rule: FingerprintRule,
    rows: pl.DataFrame,
    errors: pl.DataFrame,
    distinct: Distinct,
    events: pl.DataFrame,
    before: pl.DataFrame,
) -> pl.Series:
    """Say of each event whether all matchers of one rule hold; parameters as for `apply_fingerprints`."""
    of_error = [m for m in rule.matchers if m.key in _ON_ERROR]
    of_frame = [m for m in rule.matchers if m.key in FRAME_KEYS]
    of_request = [m for m in rule.matchers if m.key in REQUEST_KEYS]
    good = errors.select(
        "error_id", fits=pl.all_horizontal(pl.lit(True), *(matches(m, pl.col(_ON_ERROR[m.key])) for m in of_error))
    )
    good = good.filter("fits").select("error_id")
    if of_frame or rule.caller or rule.callee:
        stacks = _fitting_stacks(rule, of_frame, distinct)
        some = distinct.errors.join(stacks, on="stack_id", how="semi").select("error_id")
        good = good.join(some, on="error_id", how="semi")
    fits = rows["error_id"].is_in(good["error_id"].implode())
    for matcher in rule.matchers:
        if matcher.key in EVENT_COLUMNS or matcher.key.startswith("tags."):
            fits &= _event_matches(matcher, events)
    return fits & _request_matches(of_request, rows, before) if of_request else fits


def _fitting_stacks(rule: FingerprintRule, of_frame: list[Matcher], distinct: Distinct) -> pl.DataFrame:
    """Stacks with a frame that all matchers on frames fit, its caller's and callee's among them."""

    def fitting(matchers: list[Matcher]) -> pl.DataFrame:
        return distinct.places.filter(pl.all_horizontal(pl.lit(True), *map(frame_matches, matchers))).select("place_id")

    if rule.caller is None and rule.callee is None:
        return distinct.frames.join(fitting(of_frame), on="place_id", how="semi").select("stack_id").unique()
    hit = pl.col("place_id").is_in(fitting(of_frame)["place_id"].implode())
    # Frames are newest first: the caller of a frame is the row after it.
    for neighbour, step in ((rule.caller, -1), (rule.callee, 1)):
        if neighbour is not None:
            beside = pl.col("place_id").shift(step).over("stack_id", "exception_index")
            hit &= beside.is_in(fitting([neighbour])["place_id"].implode()).fill_null(False)
    return distinct.frames.filter(hit).select("stack_id").unique()


def names_asked(rules: Rules) -> frozenset[str]:
    """Name all that rules look at or write into a fingerprint or a title.

    Examples
    --------
    >>> from workbench.errors.rule_syntax import parse_rules
    >>> sorted(names_asked(parse_rules('type:E -> {{ default }}, {{ release }}')))
    ['default', 'release', 'type']
    """
    of_matchers = {matcher.key for rule in (*rules.fingerprints, *rules.stacks) for matcher in rule.matchers}
    written = {name for rule in rules.fingerprints for part in (*rule.parts, rule.title or "") for name in _names(part)}
    return frozenset(of_matchers | written)


def matches(matcher: Matcher, value: pl.Expr) -> pl.Expr:
    """Whether a value fits a matcher; a missing value fits only what is negated."""
    hit = value.cast(pl.String).str.contains(matcher.pattern).fill_null(False)
    return ~hit if matcher.negated else hit


def frame_matches(matcher: Matcher) -> pl.Expr:
    """Whether a place fits: by the source's path and name where a map knew them, else by the bundle's."""
    # Windows paths are written with either slash.
    url = pl.col("url").str.replace_all("\\", "/", literal=True)
    source = pl.col("source").str.replace(r"^(?:webpack:///?(?:[^/]*/)?|(?:\.{1,2}/)+)", "")
    value = {
        "module": pl.coalesce(source, pl.col("url").str.replace(r"^[a-z-]+://[^/]*/", "")).str.replace(
            r"\.[mc]?[jt]sx?$", ""
        ),
        "function": pl.coalesce("source_function", "function"),
        "package": pl.lit(None, pl.String),
        "family": pl.lit("javascript"),
        "app": pl.when(pl.col("in_app")).then(pl.lit("yes")).otherwise(pl.lit("no")),
    }
    if matcher.key == "path":
        hit = pl.any_horizontal(
            place.str.contains(matcher.pattern).fill_null(False)
            for place in (pl.col("source"), source, "/" + source, url, "/" + url)
        )
    elif matcher.key == "family":
        hit = pl.lit("javascript").str.contains(matcher.pattern)
    elif matcher.key == "app":
        hit = pl.col("in_app") == (matcher.glob.lower() in ("1", "yes", "true"))
    else:
        hit = value[matcher.key].str.contains(matcher.pattern).fill_null(False)
    return ~hit if matcher.negated else hit


def _event_matches(matcher: Matcher, events: pl.DataFrame) -> pl.Series:
    values = _event_value(matcher.key, events)
    distinct = pl.DataFrame({"value": values.unique()})
    fitting = distinct.filter(matches(matcher, pl.col("value")))["value"]
    hit = values.is_in(fitting.drop_nulls().implode()).fill_null(False)
    return hit | values.is_null() if fitting.has_nulls() else hit


def _event_value(key: str, events: pl.DataFrame) -> pl.Series:
    nothing = pl.repeat(None, len(events), dtype=pl.String, eager=True)
    if key.startswith("tags."):
        if "tags" not in events.columns:
            return nothing
        name = key.removeprefix("tags.")
        tag = pl.col("tags").list.eval(pl.when(pl.element().struct["key"] == name).then(pl.element().struct["value"]))
        return events.select(value=tag.list.drop_nulls().list.first())["value"]
    column = EVENT_COLUMNS[key]
    return events[column].cast(pl.String) if column in events.columns else nothing


def _request_matches(matchers: list[Matcher], rows: pl.DataFrame, before: pl.DataFrame) -> pl.Series:
    wanted = [m for m in matchers if not m.negated]
    unwanted = [m for m in matchers if m.negated]
    hit = pl.repeat(True, len(rows), eager=True)
    if wanted:
        some = before.filter(pl.all_horizontal(matches(m, pl.col(m.key)) for m in wanted))["event_id"]
        hit &= rows["event_id"].is_in(some.unique().implode())
    for matcher in unwanted:
        some = before.filter(~matches(matcher, pl.col(matcher.key)))["event_id"]
        hit &= ~rows["event_id"].is_in(some.unique().implode())
    return hit


def _fingerprint(rule: FingerprintRule, rows: pl.DataFrame, errors, events, before) -> pl.DataFrame:
    asked = {name for part in (*rule.parts, rule.title or "") for name in _names(part)}
    facts = rows.join(
        errors.select("error_id", "type", "message", "top_file", "top_function"),
        on="error_id",
        how="left",
        maintain_order="left",
    )
    facts = facts.with_columns(
        **{name: _event_value(name, events) for name in asked if name in EVENT_COLUMNS or name.startswith("tags.")}
    )
    if asked & REQUEST_KEYS:
        facts = facts.join(_request_of(rule, before), on="event_id", how="left", maintain_order="left")
    only_default = [part.replace(" ", "") for part in rule.parts] == ["{{default}}"]
    ids = facts.select("event_id", *(_say(part).alias(f"part_{k}") for k, part in enumerate(rule.parts)))
    parts = [name for name in ids.columns if name != "event_id"]
    distinct = (
        ids.select(parts).unique().with_columns(made=stable_id(pl.lit("rule"), *(pl.col(part) for part in parts)))
    )
    made = ids.join(distinct, on=parts, how="left", nulls_equal=True, maintain_order="left")["made"]
    return facts.select(
        "event_id",
        issue_id=pl.col("issue_id") if only_default else made,
        rule=pl.lit(rule.name),
        title=_say(rule.title) if rule.title else pl.lit(None, pl.String),
    ).select(*FOUND)


def _request_of(rule: FingerprintRule, before: pl.DataFrame) -> pl.DataFrame:
    """The last request of each event that the rule is about, else simply the last."""
    wanted = [m for m in rule.matchers if m.key in REQUEST_KEYS and not m.negated]
    fitting = before.filter(pl.all_horizontal(pl.lit(True), *(matches(m, pl.col(m.key)) for m in wanted)))
    return (
        fitting.sort("recency", descending=True)
        .unique("event_id", keep="first", maintain_order=True)
        .select("event_id", "endpoint", "status")
    )


def _names(part: str) -> list[str]:
    found = [piece.strip("{} ") for piece in _PIECE.findall(part)]
    return [VARIABLE_ALIASES.get(name, name) for name in found]


def _say(part: str) -> pl.Expr:
    """A part with its variables filled in; `{{ default }}` is the default's fingerprint."""
    columns = {
        "value": "message",
        "default": "issue_id",
        "path": "top_file",
        "module": "top_file",
        "function": "top_function",
    }
    pieces = []
    for piece in _PIECE.split(part):
        if not piece:
            continue
        if _PIECE.fullmatch(piece):
            name = _names(piece)[0]
            pieces.append(
                pl.lit(None, pl.String) if name == "package" else pl.col(columns.get(name, name)).cast(pl.String)
            )
        else:
            pieces.append(pl.lit(piece))
    return pl.concat_str([piece.fill_null("<no value>") for piece in pieces])
