"""Stack-trace rules at work: which frames are ours, and which do not count for grouping."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from workbench.errors.fingerprints import frame_matches, matches
from workbench.errors.rule_syntax import FRAME_KEYS, StackRule

_STACK = ("error_id", "exception_index")


def apply_stack_rules(rules: Sequence[StackRule], frames: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Apply stack-trace rules one after the other; a later rule overrides an earlier one.

    Parameters
    ----------
    rules
        From `rule_syntax.parse_rules`.
    frames
        Frames of distinct errors, in order of `error_id`, `exception_index`, `frame_index`.
    errors
        `error_id`, `type`, `message`.

    Returns
    -------
    The frames, with `in_app` as `+app` and `-app` say, and without those that `-group` takes out of grouping.

    Examples
    --------
    >>> from workbench.errors.rule_syntax import parse_rules
    >>> frames = pl.DataFrame({
    ...     "error_id": 0, "exception_index": 0, "frame_index": [0, 1], "url": ["https://s.example/v/a.js", "https://s.example/b.js"],
    ...     "function": ["f", "g"], "source": None, "source_function": None, "in_app": True,
    ... }, schema_overrides={"source": pl.String, "source_function": pl.String})
    >>> errors = pl.DataFrame({"error_id": [0], "type": ["E"], "message": ["m"]})
    >>> rules = parse_rules('stack.abs_path:"**/v/**" -app').stacks
    >>> apply_stack_rules(rules, frames, errors)["in_app"].to_list()
    [False, True]
    """
    if not rules:
        return frames
    table = frames.join(
        errors.select("error_id", __type="type", __message="message"), on="error_id", how="left", maintain_order="left"
    ).with_columns(__group=pl.lit(True))
    for rule in rules:
        table = _apply(rule, table)
    return table.filter("__group").drop("__type", "__message", "__group")


def _apply(rule: StackRule, table: pl.DataFrame) -> pl.DataFrame:
    tests = [
        frame_matches(m) if m.key in FRAME_KEYS else matches(m, pl.col("__type" if m.key == "type" else "__message"))
        for m in rule.matchers
    ]
    # Frames are newest first: the caller of a frame is the row after it.
    if rule.caller is not None:
        tests.append(frame_matches(rule.caller).shift(-1).over(_STACK).fill_null(False))
    if rule.callee is not None:
        tests.append(frame_matches(rule.callee).shift(1).over(_STACK).fill_null(False))
    index = pl.col("frame_index")
    table = table.with_columns(__hit=pl.all_horizontal(pl.lit(True), *tests))
    last, first = (getattr(pl.when("__hit").then(index), which)().over(_STACK) for which in ("max", "min"))
    for action in rule.actions:
        reached = {"": pl.col("__hit"), "^": index < last, "v": index > first}[action.where].fill_null(False)
        column = "in_app" if action.what == "app" else "__group"
        table = table.with_columns(pl.when(reached).then(pl.lit(action.flag)).otherwise(column).alias(column))
    return table.drop("__hit")
