"""Stack-trace rules at work: which frames are ours, and which do not count for grouping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from workbench.errors.distinct import Distinct
from workbench.errors.fingerprints import frame_matches, matches
from workbench.errors.rule_syntax import FRAME_KEYS, Matcher, StackRule

_EXCEPTION = ("stack_id", "exception_index")
_MARKS = frozenset({"app", "category"})
# Makes another id of a place's whose frame counts as ours where the place itself does not, or the other way round.
_OTHER = 0x9E3779B97F4A7C15


def apply_stack_rules(rules: Sequence[StackRule], distinct: Distinct) -> Distinct:
    """Apply stack-trace rules one after the other; a later rule overrides an earlier one.

    Where a rule looks at the error's type or message, each error has frames of its own afterwards.

    Parameters
    ----------
    rules
        From `rule_syntax.parse_rules`.
    distinct
        The distinct errors, their frames and places.

    Returns
    -------
    The same errors, with `in_app` as `+app` and `-app` say, and without the frames that `-group` takes out of grouping.

    Examples
    --------
    >>> from workbench.errors.distinct import distinct_errors
    >>> from workbench.errors.rule_syntax import parse_rules
    >>> stack = "f@https://s.example/v/a.js:1:2\\ng@https://s.example/b.js:3:4"
    >>> events = pl.DataFrame({"event_id": ["e"], "type": "E", "message": "m", "stack": stack})
    >>> found = distinct_errors(events, None, ["s.example"])
    >>> rules = parse_rules('stack.abs_path:"**/v/**" -app').stacks
    >>> apply_stack_rules(rules, found).frames_at("in_app")["in_app"].to_list()
    [False, True]
    """
    asks_error = any(matcher.key not in FRAME_KEYS | _MARKS for rule in rules for matcher in rule.matchers)
    errors = distinct.errors
    frames = distinct.frames
    if asks_error:
        # What a rule says of one error it need not say of another with the same stack.
        own = pl.col("error_id").cast(pl.UInt64)
        frames = errors.select("stack_id", own_id=own).join(frames, on="stack_id", maintain_order="left")
        frames = frames.with_columns(stack_id="own_id").drop("own_id")
        errors = errors.with_columns(stack_id=own)
    table = frames.join(distinct.places.select("place_id", "in_app"), on="place_id", how="left", maintain_order="left")
    table = table.with_columns(__group=pl.lit(True), __was="in_app")
    if any(named == "category" for rule in rules for named in _marks_of(rule)):
        table = table.with_columns(__category=pl.lit(None, pl.String))
    for rule in rules:
        table = _apply(rule, table, errors, distinct.places)
    table = _limited(table.filter("__group")).with_columns(__place="place_id")
    turned = pl.col("in_app").ne_missing(pl.col("__was"))
    table = table.with_columns(place_id=pl.when(turned).then(pl.col("place_id") ^ _OTHER).otherwise("place_id"))
    told = table.select("place_id", "__place", "in_app").unique("place_id", keep="first", maintain_order=True)
    places = told.join(
        distinct.places.drop("in_app"), left_on="__place", right_on="place_id", how="left", maintain_order="left"
    )
    return replace(
        distinct,
        errors=errors,
        frames=table.select(distinct.frames.columns),
        places=places.select(distinct.places.columns),
    )


def _apply(rule: StackRule, table: pl.DataFrame, errors: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Each place and each error is asked once; the frames are told by joins."""
    own = [m for m in rule.matchers if m.key in FRAME_KEYS - _MARKS]
    of_error = [m for m in rule.matchers if m.key not in FRAME_KEYS | _MARKS]
    asked = {"__own": own, "__caller": [rule.caller], "__callee": [rule.callee]}
    facts = places.select(
        "place_id",
        **{
            name: pl.all_horizontal(pl.lit(True), *(_place_matches(m) for m in matchers if m is not None))
            for name, matchers in asked.items()
        },
    )
    table = table.join(facts, on="place_id", how="left", maintain_order="left")
    tests = [pl.col("__own"), *(_mark_matches(m) for m in rule.matchers if m.key in _MARKS)]
    if of_error:
        fitting = errors.filter(
            pl.all_horizontal(matches(m, pl.col("type" if m.key == "type" else "message")) for m in of_error)
        )
        tests.append(pl.col("stack_id").is_in(fitting["stack_id"].implode()))
    # Frames are newest first: the caller of a frame is the row after it.
    for neighbour, name, step in ((rule.caller, "__caller", -1), (rule.callee, "__callee", 1)):
        if neighbour is not None:
            hit = _mark_matches(neighbour) if neighbour.key in _MARKS else pl.col(name)
            tests.append(hit.shift(step).over(_EXCEPTION).fill_null(False))
    index = pl.col("frame_index")
    table = table.with_columns(__hit=pl.all_horizontal(tests))
    ranged = any(action.where for action in rule.actions)
    if ranged:
        hit_index = pl.when("__hit").then(index)
        table = table.with_columns(__last=hit_index.max().over(_EXCEPTION), __first=hit_index.min().over(_EXCEPTION))
    for action in rule.actions:
        reached = {"": pl.col("__hit"), "^": index < pl.col("__last"), "v": index > pl.col("__first")}[action.where]
        column = "in_app" if action.what == "app" else "__group"
        table = table.with_columns(
            pl.when(reached.fill_null(False)).then(pl.lit(action.flag)).otherwise(column).alias(column)
        )
    for setting in rule.settings:
        if setting.what == "category":
            given = pl.when("__hit").then(pl.lit(setting.value)).otherwise("__category").alias("__category")
        else:
            limit = pl.lit(int(setting.value), pl.Int64)
            earlier = pl.col(setting.what) if setting.what in table.columns else pl.lit(None, pl.Int64)
            given = pl.when(pl.col("__hit").any().over(_EXCEPTION)).then(limit).otherwise(earlier).alias(setting.what)
        table = table.with_columns(given)
    return table.drop(*asked, "__hit", *(["__last", "__first"] if ranged else []))


def _marks_of(rule: StackRule) -> list[str]:
    """What a rule asks of marks or leaves as one, by its neighbours as well."""
    beside = [one.key for one in (rule.caller, rule.callee) if one is not None]
    return [*(matcher.key for matcher in rule.matchers), *beside, *(setting.what for setting in rule.settings)]


def _limited(table: pl.DataFrame) -> pl.DataFrame:
    """Keep the newest `max-frames` frames of ours, and none where there are fewer than `min-frames`; 0 is no limit."""
    ours = pl.col("in_app").cast(pl.Int64)
    if "max-frames" in table.columns:
        most, seen = pl.col("max-frames").fill_null(0), ours.cum_sum().over(_EXCEPTION)
        table = table.filter((most == 0) | (seen - ours < most))
    if "min-frames" in table.columns:
        table = table.filter(ours.sum().over(_EXCEPTION) >= pl.col("min-frames").fill_null(0))
    return table


def _place_matches(matcher: Matcher) -> pl.Expr:
    """A frame's marks are changed by earlier rules, so that they are asked of the frame, not of its place."""
    return pl.lit(True) if matcher.key in _MARKS else frame_matches(matcher)


def _mark_matches(matcher: Matcher) -> pl.Expr:
    return frame_matches(matcher) if matcher.key == "app" else matches(matcher, pl.col("__category"))
