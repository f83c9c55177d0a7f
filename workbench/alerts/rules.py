"""Alert rules: what fires when, decided from rates alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

import polars as pl

from connectors.exceptions import RuleError
from workbench.rules.loader import load


@dataclass(frozen=True)
class Rule:
    """Errors per visit at `times` the usual; see `rules/alerts/rates` for what each part means.

    Examples
    --------
    >>> Rule("mine", times=5).window
    '1h'
    """

    name: str
    times: float
    title: str = ""
    reason: str = ""
    every: str = "5m"
    window: str = "1h"
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
    `rates` with `recent` (errors of the window that ends with the bin), `usual` (errors per visit over the time
    before that window; null while less than `usual_from` of it is known), `times_usual`, `over` (the window breaks
    the rule), `fires` (it does and the rule is not in its silence), `fired_at` (end of the bin).

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
    >>> judge(Rule("mine", times=5, every="15m"), rates).filter("fires")["fired_at"].to_list()
    [datetime.datetime(2026, 3, 10, 12, 45, tzinfo=zoneinfo.ZoneInfo(key='UTC'))]
    """
    step, window = duration(rule.every), duration(rule.window)

    def over_time(column: str, length: str, closed: Literal["left", "right"]) -> pl.Expr:
        return pl.col(column).rolling_sum_by("at", window_size=length, closed=closed).fill_null(0.0)

    def before_the_window(column: str) -> pl.Expr:
        past = over_time(column, rule.usual_over, "left")
        return past - over_time(column, rule.window, "right") + pl.col(column)

    known = pl.col("at") + step - window - pl.col("at").min() >= duration(rule.usual_from)
    usual = (before_the_window("errors") + 0.5) / before_the_window("visits")
    # errors in a window without visits are judged as if there had been one
    expected = pl.col("usual") * over_time("visits", rule.window, "right").clip(lower_bound=1)
    # each bin over the rule prolongs the silence, as an alert that stays open does
    lately = pl.col("over").cast(pl.Float64).rolling_sum_by("at", window_size=rule.quiet_for, closed="left")
    return (
        rates.sort("at")
        .with_columns(
            over_time("errors", rule.window, "right").alias("recent"),
            pl.when(known & (before_the_window("visits") > 0)).then(usual).alias("usual"),
            (pl.col("at") + step).alias("fired_at"),
        )
        .with_columns((pl.col("recent") / expected).alias("times_usual"))
        .with_columns(
            ((pl.col("recent") >= rule.min_errors) & (pl.col("times_usual") >= rule.times))
            .fill_null(False)
            .alias("over")
        )
        .with_columns((pl.col("over") & (lately.fill_null(0.0) == 0)).alias("fires"))
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
