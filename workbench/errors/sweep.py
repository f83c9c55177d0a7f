"""Thresholds tried one after the other, with what they give on days that had no part in choosing them.

Each fold is a day: its issues are found and weighed by themselves, and joined to bugs at every value of the threshold.
The value is chosen on all days but one and judged on that one, in turn. Few labels give wide intervals, and one day
gives none: the table says so instead of a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from workbench.errors.catalogue import issue_facts
from workbench.errors.evidence import Profiles
from workbench.errors.grouping import Prepared, fingerprint
from workbench.errors.linking import bugs_of, weigh_issues
from workbench.errors.regroup import take
from workbench.errors.rule_syntax import Rules
from workbench.errors.scoring import score
from workbench.rules.loader import load

JOIN_AT = "linkage.join_at"
# One window of a day is cut into so many stretches of equal time, so that there is something to hold out.
STRETCHES = 4
SWEPT = {
    "fold": pl.String,
    "value": pl.Float64,
    "n_events": pl.Int64,
    "truths": pl.Int64,
    "bugs": pl.Int64,
    "pair_precision": pl.Float64,
    "pair_recall": pl.Float64,
    "pair_f1": pl.Float64,
    "bcubed_f1": pl.Float64,
}


@dataclass(frozen=True)
class Sweep:
    """What a sweep found.

    Attributes
    ----------
    table
        One row a fold and value: `SWEPT`.
    folds
        What a fold is: "days" or "6-hour stretches".
    current
        The value in `rules/grouping/bugs`.
    chosen
        The value with the best mean F1 over all folds, the current one where it is as good; None without folds.
    held_out
        Mean pair F1 of folds under values that were chosen without them; None with fewer than two folds.
    low, high
        The worst and the best of these folds.
    """

    table: pl.DataFrame
    parameter: str
    folds: str
    current: float
    chosen: float | None
    held_out: float | None
    low: float | None
    high: float | None


def sweep(
    prepared: Prepared,
    truth: pl.Series,
    values: Sequence[float],
    *,
    parameter: str = JOIN_AT,
    rules: Rules | str | None = None,
    spans: pl.DataFrame | None = None,
    releases: pl.DataFrame | None = None,
) -> Sweep:
    """Join issues to bugs at each value of a threshold, fold by fold, and score the bugs.

    Parameters
    ----------
    prepared
        From `grouping.prepare`.
    truth
        The bug of each event, in the order of its events; null: not known. From labels, or the tracker's issues.
    values
        What to try.
    parameter
        `table.name` in `rules/grouping/bugs`.
    rules
        Fingerprint rules, as for `group`.
    spans, releases
        As for `group`.

    Raises
    ------
    ValueError
        `rules/grouping/bugs` has no such number.
    """
    known = load("grouping", "bugs").data
    current = _current(known, parameter)
    tried = sorted({*map(float, values), current})
    folds, called = _folds(prepared, truth)
    parts = [
        _fold(name, take(prepared, rows), truth.gather(rows), tried, parameter, rules, spans, releases)
        for name, rows in folds
    ]
    table = pl.concat([pl.DataFrame(schema=SWEPT), *parts])
    chosen = _best(table, current)
    names = table["fold"].unique(maintain_order=True).to_list()
    judged = []
    if len(names) > 1:
        for name in names:
            value = _best(table.filter(pl.col("fold") != name), current)
            judged.append(table.filter((pl.col("fold") == name) & (pl.col("value") == value))["pair_f1"].item())
    held = (float(np.mean(judged)), min(judged), max(judged)) if judged else (None, None, None)
    return Sweep(table, parameter, called, current, chosen, *held)


def numbers(rules: Mapping[str, Any] | None = None) -> dict[str, float]:
    """List the thresholds and weights that can be swept, `table.name` to value.

    Examples
    --------
    >>> "network.min_share" in numbers()
    True
    """
    data = load("grouping", "bugs").data if rules is None else rules
    return {
        f"{table}.{name}": float(value)
        for table, entries in data.items()
        for name, value in entries.items()
        if isinstance(value, int | float)
    }


def _current(rules: Mapping[str, Any], parameter: str) -> float:
    there = numbers(rules)
    if parameter not in there:
        raise ValueError(f"no number {parameter} in rules/grouping/bugs; there are: {', '.join(there)}")
    return there[parameter]


def _folds(prepared: Prepared, truth: pl.Series) -> tuple[list[tuple[str, pl.Series]], str]:
    """Days that hold something to score; stretches of the window where there is only one such day."""
    if "at" not in prepared.events.columns:
        return [], "days"
    facts = prepared.events.select("at").with_row_index("row").with_columns(truth=truth)
    facts = facts.filter(pl.col("at").is_not_null())
    by_day = facts.with_columns(fold=pl.col("at").dt.to_string("%-d %b"), first=pl.col("at").dt.date())
    folds = _scorable(by_day)
    if len(folds) > 1 or facts.is_empty():
        return folds, "days"
    first, last = facts["at"].min(), facts["at"].max()
    length = (last - first) / STRETCHES  # type: ignore[operator]
    hours = max(length.total_seconds() / 3600, 0.01)
    at = ((pl.col("at") - first) / length).floor().clip(0, STRETCHES - 1) if length else pl.lit(0.0)
    begins = (pl.lit(first) + at.cast(pl.Int64) * pl.lit(length)).dt.to_string("%-d %b %H:%M")
    stretches = facts.with_columns(fold=begins, first=at)
    return _scorable(stretches), f"stretches of {hours:.1f} h"


def _scorable(facts: pl.DataFrame) -> list[tuple[str, pl.Series]]:
    folds = facts.sort("first", "row").group_by("fold", maintain_order=True).agg("row", "truth")
    return [
        (name, pl.Series(rows, dtype=pl.UInt32))
        for name, rows, truths in folds.rows()
        if sum(one is not None for one in truths) > 1
    ]


def _fold(
    name: str,
    part: Prepared,
    truth: pl.Series,
    values: Sequence[float],
    parameter: str,
    rules: Rules | str | None,
    spans: pl.DataFrame | None,
    releases: pl.DataFrame | None,
) -> pl.DataFrame:
    rows, errors = fingerprint(part, rules)
    issues = issue_facts(rows, errors)
    events = rows.select("issue_id").with_columns(truth=truth)

    def weighed(data: dict[str, Any]) -> Profiles:
        return weigh_issues(rows, issues, part.events, part.before, spans=spans, releases=releases, rules=data)

    out = []
    for value, profiles, data in _tried(values, parameter, weighed):
        bugs = issues.select("issue_id", bug=pl.Series(bugs_of(profiles, len(issues), data)))
        scored = events.join(bugs, on="issue_id", how="left").drop_nulls(["bug", "truth"])
        scores = score(scored, found="bug")
        out.append(
            (
                name, value, len(scored), scored["truth"].n_unique(), scored["bug"].n_unique(),
                scores.pair_precision, scores.pair_recall, scores.pair_f1, scores.bcubed_f1,
            )
        )  # fmt: skip
    return pl.DataFrame(out, schema=SWEPT, orient="row")


def _tried(values: Sequence[float], parameter: str, weighed: Any) -> Iterator[tuple[float, Profiles, dict[str, Any]]]:
    """The evidence does not depend on where it is cut, so that for the cut itself it is weighed once."""
    table, name = parameter.split(".", 1)
    once = weighed(load("grouping", "bugs").data) if parameter == JOIN_AT else None
    for value in values:
        data = deepcopy(dict(load("grouping", "bugs").data))
        data[table][name] = value
        yield value, once if once is not None else weighed(data), data


def _best(table: pl.DataFrame, current: float) -> float | None:
    """The value with the best mean F1; among equals the one nearest to what is in force."""
    if table.is_empty():
        return None
    means = table.group_by("value").agg(pl.col("pair_f1").mean().round(9))
    best = means.filter(pl.col("pair_f1") == pl.col("pair_f1").max())
    return float(best.sort((pl.col("value") - current).abs(), "value")["value"][0])
