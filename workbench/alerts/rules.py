"""Alert rules: what fires when, decided from rates alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache

import polars as pl

from connectors.exceptions import RuleError
from workbench.rules.loader import load


@dataclass(frozen=True)
class Rule:
    """Errors per visit at `times` the usual; see `rules/alerts/rates` for what each part means.

    Examples
    --------
    >>> Rule("mine", times=5).every
    '15m'
    """

    name: str
    times: float
    title: str = ""
    reason: str = ""
    every: str = "15m"
    usual_over: str = "24h"
    usual_from: str = "6h"
    min_errors: float = 5
    quiet_for: str = "4h"


@cache
def known_rules() -> dict[str, Rule]:
    """Return the rules of `rules/alerts/rates`, by name.

    Raises
    ------
    RuleError
        A rule has a part that no rule has.

    Examples
    --------
    >>> known_rules()["errors-5x"].times
    5.0
    """
    data = load("alerts", "rates").data
    parts = {part.name for part in fields(Rule)}
    for name, rule in data.items():
        if unknown := sorted(set(rule) - parts):
            raise RuleError(f"rules/alerts/rates: {name} has {unknown[0]}; a rule has: {', '.join(sorted(parts))}")
    return {name: Rule(name, **rule) for name, rule in data.items()}


def judge(rule: Rule, rates: pl.DataFrame) -> pl.DataFrame:
    """Judge every bin of `rates` as the rule would have on the day, from nothing but the bins before it.

    Parameters
    ----------
    rule
        The rule.
    rates
        What `error_rates(..., every=rule.every)` gives.

    Returns
    -------
    `rates` with `usual` (errors per visit over the time before; null while less than `usual_from` of it is known),
    `over` (the bin breaks the rule), `fires` (it does and the rule is not in its silence), `fired_at` (end of the bin).

    Notes
    -----
    The usual is a ratio of sums with half an error added, so that a shop that never had an error does not fire at its
    first.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> start = datetime(2026, 3, 10, tzinfo=UTC)
    >>> rates = pl.DataFrame({"at": [start + timedelta(minutes=15 * i) for i in range(60)],
    ...                       "errors": [1.0] * 50 + [20.0] * 10, "visits": 100.0})
    >>> judge(Rule("mine", times=5), rates).filter("fires")["fired_at"].to_list()
    [datetime.datetime(2026, 3, 10, 12, 45, tzinfo=zoneinfo.ZoneInfo(key='UTC'))]
    """
    errors, visits = (
        pl.col(column).rolling_sum_by("at", window_size=rule.usual_over, closed="left").fill_null(0.0)
        for column in ("errors", "visits")
    )
    known = (pl.col("at") - pl.col("at").min() >= duration(rule.usual_from)) & (visits > 0)
    # errors in a bin without visits are judged as if there had been one
    expected = rule.times * pl.col("usual") * pl.col("visits").clip(lower_bound=1)
    over = (pl.col("errors") >= rule.min_errors) & (pl.col("errors") >= expected)
    # each bin over the rule prolongs the silence, as an alert that stays open does
    lately = pl.col("over").cast(pl.Int64).rolling_sum_by("at", window_size=rule.quiet_for, closed="left").fill_null(0)
    return (
        rates.sort("at")
        .with_columns(pl.when(known).then((errors + 0.5) / visits).alias("usual"))
        .with_columns(over.fill_null(False).alias("over"), pl.col("at").dt.offset_by(rule.every).alias("fired_at"))
        .with_columns((pl.col("over") & (lately == 0)).alias("fires"))
    )


def duration(text: str) -> timedelta:
    """Read a duration as Polars writes it: "90m", "4h", "1d".

    Examples
    --------
    >>> duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    start = datetime(2000, 1, 1)
    return pl.select(pl.lit(start).dt.offset_by(text)).item() - start
