"""What is good and what is poor: ratings of vitals against the dated thresholds in `rules/vitals`."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import polars as pl

from workbench.rules.loader import load

RATINGS = ("good", "needs-improvement", "poor")
"""The web-vitals library's own words, best first."""


class Threshold(NamedTuple):
    """A metric's thresholds: up to `good` is good, above `poor` is poor; both in the metric's unit."""

    metric: str
    good: float
    poor: float
    unit: str
    smallest_change: float
    lab_scatter: float


@cache
def thresholds() -> dict[str, Threshold]:
    """Return the thresholds of every metric that has some.

    Examples
    --------
    >>> thresholds()["INP"][:4]
    ('INP', 200.0, 500.0, 'ms')
    """
    numbers = ("good", "poor", "smallest_change", "lab_scatter")
    return {
        metric: Threshold(metric=metric, unit=rule["unit"], **{part: float(rule[part]) for part in numbers})
        for metric, rule in load("vitals", "thresholds").data.items()
    }


def threshold_of(part: str, metric: pl.Expr | None = None) -> pl.Expr:
    """Return a metric's threshold as an expression over the `metric` column; null for metrics that have none.

    Parameters
    ----------
    part
        `good`, `poor`, `smallest_change` or `lab_scatter`.
    metric
        The column that names the metric; `metric` when not given.

    Examples
    --------
    >>> pl.DataFrame({"metric": ["CLS", "TBT"]}).select(threshold_of("poor")).to_series().to_list()
    [0.25, None]
    """
    metric = pl.col("metric") if metric is None else metric
    known = {name: float(getattr(rule, part)) for name, rule in thresholds().items()}
    return (
        metric.cast(pl.String)
        .replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Float64)
        .alias(part)
    )


def rating(value: pl.Expr, metric: pl.Expr | None = None) -> pl.Expr:
    """Rate a value of a metric: `good`, `needs-improvement` or `poor`; null where either is unknown.

    Examples
    --------
    >>> pl.DataFrame({"metric": "LCP", "value": [2500.0, 2501.0, 4001.0]}).select(
    ...     rating(pl.col("value"))
    ... ).to_series().to_list()
    ['good', 'needs-improvement', 'poor']
    """
    good, poor = threshold_of("good", metric), threshold_of("poor", metric)
    return (
        pl.when(value <= good)
        .then(pl.lit("good"))
        .when(value <= poor)
        .then(pl.lit("needs-improvement"))
        .when(value > poor)
        .then(pl.lit("poor"))
        .alias("rating")
    )
