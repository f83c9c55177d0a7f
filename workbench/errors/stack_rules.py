"""Stack-trace rules at work: which frames are ours, and which do not count for grouping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from workbench.errors.distinct import Distinct
from workbench.errors.fingerprints import frame_matches, matches
from workbench.errors.rule_syntax import FRAME_KEYS, StackRule

_EXCEPTION = ("error_id", "exception_index")


def apply_stack_rules(rules: Sequence[StackRule], distinct: Distinct) -> Distinct:
    """Apply stack-trace rules one after the other; a later rule overrides an earlier one.

    A rule may look at the error's type and message, so that afterwards each error has frames of its own.

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
    table = distinct.errors.join(distinct.frames, on="stack_id", maintain_order="left").join(
        distinct.places, on="place_id", how="left", maintain_order="left"
    )
    table = table.with_columns(__group=pl.lit(True), stack_id=pl.col("error_id").cast(pl.UInt64))
    for rule in rules:
        table = _apply(rule, table)
    table = table.filter("__group").with_columns(place_id=pl.int_range(pl.len(), dtype=pl.UInt64))
    return replace(
        distinct,
        errors=distinct.errors.with_columns(stack_id=pl.col("error_id").cast(pl.UInt64)),
        frames=table.select(distinct.frames.columns),
        places=table.select(distinct.places.columns),
    )


def _apply(rule: StackRule, table: pl.DataFrame) -> pl.DataFrame:
    tests = [
        frame_matches(m) if m.key in FRAME_KEYS else matches(m, pl.col("type" if m.key == "type" else "message"))
        for m in rule.matchers
    ]
    # Frames are newest first: the caller of a frame is the row after it.
    if rule.caller is not None:
        tests.append(frame_matches(rule.caller).shift(-1).over(_EXCEPTION).fill_null(False))
    if rule.callee is not None:
        tests.append(frame_matches(rule.callee).shift(1).over(_EXCEPTION).fill_null(False))
    index = pl.col("frame_index")
    table = table.with_columns(__hit=pl.all_horizontal(pl.lit(True), *tests))
    last, first = (getattr(pl.when("__hit").then(index), which)().over(_EXCEPTION) for which in ("max", "min"))
    for action in rule.actions:
        reached = {"": pl.col("__hit"), "^": index < last, "v": index > first}[action.where].fill_null(False)
        column = "in_app" if action.what == "app" else "__group"
        table = table.with_columns(pl.when(reached).then(pl.lit(action.flag)).otherwise(column).alias(column))
    return table.drop("__hit")
