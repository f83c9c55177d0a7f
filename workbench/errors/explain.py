"""One event's whole way: what was done to its message and its frames, which rules were tried, why they did not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import polars as pl

from connectors.exceptions import ParameterError
from workbench.errors.explain_message import message_steps
from workbench.errors.explain_noise import Tried, tried_known, tried_noise
from workbench.errors.fingerprints import EVENT_COLUMNS, fits_rule
from workbench.errors.grouping import Prepared, fingerprint
from workbench.errors.issues import mechanism_of
from workbench.errors.known import KnownNoise
from workbench.errors.regroup import take
from workbench.errors.rule_syntax import FRAME_KEYS, REQUEST_KEYS, FingerprintRule, Matcher, Rules, parse_rules
from workbench.errors.shapes import name_places
from workbench.errors.stack_rules import apply_stack_rules
from workbench.rules.loader import load

FRAMES = ("exception_index", "frame_index", "reported", "mapped_to", "counts", "why", "said", "top")


class Part(NamedTuple):
    """A part of a fingerprint: what it is, and its text."""

    what: str
    text: str


@dataclass(frozen=True)
class Explanation:
    """All that was decided of one event, in the order in which it was.

    Attributes
    ----------
    message
        (what was done, the text after it).
    frames
        One row a frame: `exception_index`, `frame_index`, `reported`, `mapped_to`, `counts` (ours, and in the
        fingerprint's view), `why`, `said` (what the shape knows of it), `top` (the first of ours).
    noise, known, rules
        Every rule that was tried, see `Tried`.
    fingerprint
        The parts that were hashed.
    issue_id, rule, noise_class, shape_id
        What came out.
    """

    event_id: str
    message: list[tuple[str, str]]
    frames: pl.DataFrame
    noise: list[Tried]
    known: list[Tried]
    rules: list[Tried]
    fingerprint: list[Part]
    issue_id: str | None
    shape_id: str | None
    rule: str | None
    noise_class: str | None


def explain_event(
    prepared: Prepared, event_id: str, rules: Rules | str | None = None, known: Sequence[KnownNoise] = ()
) -> Explanation:
    """Explain how one event came to its verdict, shape and issue.

    Parameters
    ----------
    prepared
        From `grouping.prepare`.
    event_id
        Of the event.
    rules, known
        As for `grouping.fingerprint`.

    Raises
    ------
    ParameterError
        There is no such event.

    Examples
    --------
    >>> from workbench.errors.grouping import prepare
    >>> events = pl.DataFrame({"event_id": ["a"], "type": ["Error"], "message": ["Order 12 not found"]})
    >>> told = explain_event(prepare(events, None, None, first_party=["s.example"]), "a", "type:TypeError -> x")
    >>> [tried.why for tried in told.rules], [part.text for part in told.fingerprint]
    (['type is Error'], ['type', 'Error', 'Order <int> not found'])
    """
    rows = (prepared.events["event_id"] == event_id).arg_true()
    if rows.is_empty():
        raise ParameterError(f"no event {event_id!r} among these {len(prepared.events):,}")
    one = _alone(prepared, rows)
    parsed = parse_rules(rules) if isinstance(rules, str) else rules or Rules()
    grouped, errors = fingerprint(one, parsed, known)
    row, error = grouped.row(0, named=True), one.distinct.errors.row(0, named=True)
    default = errors["issue_id"].item()
    return Explanation(
        event_id,
        message_steps(error["type"], error["message"], as_of=mechanism_of(one.mechanism).rules_of),
        _frames(one, parsed),
        tried_noise(one),
        tried_known(known, one, default),
        _tried(parsed, one, errors, noise=row["noise_class"] is not None),
        _parts(row, errors, one.mechanism),
        row["issue_id"],
        row["shape_id"],
        row["rule"] or (None if row["noise_class"] else errors["rule"].item()),
        row["noise_class"],
    )


def _alone(prepared: Prepared, rows: pl.Series) -> Prepared:
    one = take(prepared, rows)
    distinct = one.distinct
    errors = distinct.errors.join(distinct.of_event.select("error_id"), on="error_id", how="semi")
    frames = distinct.frames.join(errors.select("stack_id"), on="stack_id", how="semi", maintain_order="left")
    places = distinct.places.join(frames.select("place_id"), on="place_id", how="semi", maintain_order="left")
    return replace(
        one,
        distinct=replace(distinct, errors=errors, frames=frames, places=places),
        errors=one.errors.join(errors.select("error_id"), on="error_id", how="semi"),
        messages=one.messages.join(
            errors.select("type", "message"), on=["type", "message"], how="semi", nulls_equal=True
        ),
    )


def _frames(one: Prepared, rules: Rules) -> pl.DataFrame:
    as_of = mechanism_of(one.mechanism).rules_of
    position = ["exception_index", "frame_index"]
    named = one.distinct.frames_at("function", "url", "line", "column", "in_app", "source", "source_function",
                                   "source_line", "first_party").join(
        name_places(one.distinct.places), on="place_id", how="left", maintain_order="left"
    )  # fmt: skip
    after = apply_stack_rules(rules.stacks, one.distinct) if rules.stacks else one.distinct
    kept = after.frames_at("in_app").select(*position, in_app_after="in_app")
    ours = after.frames.join(name_places(after.places).select("place_id", ours_after="ours"), on="place_id").select(
        *position, "ours_after"
    )
    told = named.join(kept, on=position, how="left").join(ours, on=position, how="left").sort(position)
    foreign = [
        pl.when(pl.coalesce("source", "url").fill_null("").str.contains(rule["url"])).then(pl.lit(rule["reason"]))
        for rule in load("in_app", "frames", as_of=as_of).data["not_in_app"]
    ]
    why = (
        pl.when(pl.col("in_app_after").is_null())
        .then(pl.lit("taken out by a stack-trace rule"))
        .when(pl.col("in_app_after") != pl.col("in_app"))
        .then(pl.lit("marked by a stack-trace rule"))
        .when(pl.col("ours_after"))
        .then(pl.when("mapped").then(pl.lit("ours, by its source")).otherwise(pl.lit("ours, by its address")))
        .when(pl.col("source").is_null() & (pl.col("first_party") == False))  # noqa: E712
        .then(pl.lit("on a domain that is not ours"))
        .otherwise(pl.coalesce(*foreign, pl.lit("marked as not in-app")))
    )
    first = told.filter("ours_after").select(position).head(1).with_columns(top=pl.lit(True))
    return (
        told.with_columns(
            reported=pl.concat_str(
                pl.col("function").fill_null("(anonymous)"),
                pl.concat_str("url", "line", "column", separator=":", ignore_nulls=True),
                separator=" @ ",
            ),
            mapped_to=pl.when(pl.col("source").is_not_null()).then(pl.concat_str(
                pl.concat_str("source", "source_line", separator=":"), pl.col("source_function"),
                separator=" ", ignore_nulls=True,
            )),
            counts=pl.col("ours_after").fill_null(False),
            why=why,
            said=pl.concat_str(pl.col("file", "place_function", "spot").fill_null("?"), separator=" "),
        )
        .join(first, on=position, how="left", maintain_order="left")
        .with_columns(pl.col("top").fill_null(False))
        .select(*FRAMES)
    )  # fmt: skip


def _tried(rules: Rules, one: Prepared, errors: pl.DataFrame, *, noise: bool) -> list[Tried]:
    rows = one.distinct.of_event.select("event_id", "error_id").with_columns(issue_id=errors["issue_id"].head(1))
    asked = (rows, errors, one.distinct, one.events, one.before)
    said: list[Tried] = []
    winner: int | None = None
    for rule in rules.fingerprints:
        bad = [matcher for matcher in rule.matchers if not _holds(rule, matcher, asked)]
        if not bad and fits_rule(rule, *asked).item():
            late = winner is not None or noise
            why = f"the rule in line {winner} was first" if winner else "the event is noise" if noise else "all hold"
            said.append(Tried(rule.name, not late, why))
            winner = winner or rule.line
        else:
            why = "; ".join(_seen(matcher, one, errors) for matcher in bad) or "no one frame or request fits all"
            said.append(Tried(rule.name, False, why))
    return said


def _holds(rule: FingerprintRule, matcher: Matcher, asked: tuple) -> bool:
    return bool(fits_rule(replace(rule, matchers=(matcher,), caller=None, callee=None), *asked).item())


def _seen(matcher: Matcher, one: Prepared, errors: pl.DataFrame) -> str:
    """What the event has where the matcher wants something else."""
    key = matcher.key
    if key in ("type", "value", "message"):
        text = errors["type" if key == "type" else "message"].item()
        return f"{key} is {_cut(text)}"
    if key in REQUEST_KEYS:
        values = one.before[key].cast(pl.String).drop_nulls().unique().sort().to_list()
        return f"{key} before it: {', '.join(values[:6]) or 'none known'}"
    if key in FRAME_KEYS:
        wanted = f"{key}:{matcher.glob}"
        return f"a frame has {wanted} only" if matcher.negated else f"no frame has {wanted}"
    if key.startswith("tags."):
        return f"{key} is another or missing"
    column = EVENT_COLUMNS[key]
    return f"{key} is {_cut(one.events[column].item() if column in one.events.columns else None)}"


def _cut(text: object, longest: int = 80) -> str:
    said = "missing" if text is None else " ".join(str(text).split())
    return said if len(said) <= longest else f"{said[: longest - 1]}…"


def _parts(row: dict, errors: pl.DataFrame, mechanism: str) -> list[Part]:
    if row["noise_class"]:
        return []
    if row["rule"]:
        return [Part("by", row["rule"])]
    key, _ = mechanism_of(mechanism).default(errors)
    texts = errors.select(key.alias("key"))["key"].item().split("\x1f")
    names = ["by", "canonical message", "place"] if texts[0] == "file" else ["by", "type", "canonical message"]
    return [Part(name, text) for name, text in zip(names, texts, strict=True)]
