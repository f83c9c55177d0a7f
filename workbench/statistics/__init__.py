"""Intervals and false-discovery control: the ground that the rooms share.

Everything takes arrays (or numbers) and broadcasts; `wilson_interval` takes Polars expressions as well. Where a
sample is too small to say anything, the answer is NaN or the whole range, never a narrow guess.
"""

from workbench.statistics.confidence import Floats, benjamini_hochberg, critical_value
from workbench.statistics.quantiles import (
    Difference,
    Estimate,
    difference_of_quantiles,
    p_of_difference,
    quantile_interval,
    quantile_ranks,
)
from workbench.statistics.shares import risk_ratio_interval, two_shares_p, wilson_interval
from workbench.statistics.weights import rate_weight

__all__ = [
    "Difference",
    "Estimate",
    "Floats",
    "benjamini_hochberg",
    "critical_value",
    "difference_of_quantiles",
    "p_of_difference",
    "quantile_interval",
    "quantile_ranks",
    "rate_weight",
    "risk_ratio_interval",
    "two_shares_p",
    "wilson_interval",
]
