"""Shares and their ratios, bounded by Wilson's score: true for five of seven as for five thousand of seven thousand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy import special

from workbench.statistics.confidence import Floats, Values, critical_value


def wilson_interval(k: Any, n: Any, confidence: float = 0.95) -> tuple[Any, Any]:
    """Interval of a share: `k` of `n`, by Wilson's score.

    Parameters
    ----------
    k, n
        How many of how many: numbers, arrays, or Polars expressions. `n` of 0 gives the whole range, 0 to 1.

    Returns
    -------
    The low and the high end, of the kind that came in.

    Notes
    -----
    Wilson (1927); recommended for small n by Brown, Cai and DasGupta, Statistical Science 16 (2001).

    Examples
    --------
    >>> [round(float(end), 3) for end in wilson_interval(0, 10)]
    [0.0, 0.278]
    >>> frame = pl.DataFrame({"bad": [5], "all": [50]})
    >>> frame.select(low := wilson_interval(pl.col("bad"), pl.col("all"))[0].round(3).alias("low")).item()
    0.043
    """
    z = critical_value(confidence)
    if isinstance(k, pl.Expr) or isinstance(n, pl.Expr):
        k, n = (count if isinstance(count, pl.Expr) else pl.lit(count) for count in (k, n))
        at_least_one, some, not_all = n.clip(lower_bound=1), k > 0, k < n
    else:
        k, n = np.asarray(k, float), np.asarray(n, float)
        at_least_one, some, not_all = np.maximum(n, 1), k > 0, k < n
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * (k * (n - k) / at_least_one + z * z / 4) ** 0.5
    low, high = centre - half, centre + half
    if isinstance(low, pl.Expr):
        return pl.when(some).then(low).otherwise(0.0), pl.when(not_all | (n == 0)).then(high).otherwise(1.0)
    return np.where(some, low, 0.0)[()], np.where(not_all | (n == 0), high, 1.0)[()]


def risk_ratio_interval(k1: Any, n1: Any, k2: Any, n2: Any, confidence: float = 0.95) -> tuple[Any, Any, Any]:
    """Ratio of two shares, `k1` of `n1` against `k2` of `n2`, with its interval.

    Parameters
    ----------
    k1, n1, k2, n2
        Counts, numbers or arrays.

    Returns
    -------
    Ratio, low and high end. With `k2` of 0 the ratio and its high end are infinite (the ratio is NaN where `k1` is 0 as
    well); the low end still holds.

    Notes
    -----
    MOVER-R from two Wilson intervals: Donner and Zou, Statistical Methods in Medical Research 21 (2012). Unlike the
    logarithmic interval it needs no half added to empty cells.

    Examples
    --------
    >>> [round(float(number), 2) for number in risk_ratio_interval(30, 40, 20, 80)]
    [3.0, 1.97, 4.55]
    """
    k1, n1, k2, n2 = (np.asarray(count, float) for count in (k1, n1, k2, n2))
    (l1, u1), (l2, u2) = wilson_interval(k1, n1, confidence), wilson_interval(k2, n2, confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p2 = k1 / n1, k2 / n2
        product = p1 * p2
        # the root's content is never below zero but by rounding
        low_root = np.sqrt(np.maximum(product**2 - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2), 0))
        high_root = np.sqrt(np.maximum(product**2 - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2), 0))
        low = np.maximum((product - low_root) / (u2 * (2 * p2 - u2)), 0)
        high = (product + high_root) / (l2 * (2 * p2 - l2))
        return p1 / p2, low, np.where(k2 > 0, high, np.inf)[()]


def two_shares_p(k1: Values, n1: Values, k2: Values, n2: Values) -> Floats:
    """Two-sided p of `k1` of `n1` and `k2` of `n2` having the same share behind them.

    Parameters
    ----------
    k1, n1, k2, n2
        Counts, of one length.

    Notes
    -----
    Where every expected count is at least 5, chi-squared with N - 1 (Campbell, Statistics in Medicine 26, 2007); below,
    Fisher's exact test with the mid-p value, which keeps its level where Fisher's own is far too careful.

    Examples
    --------
    >>> two_shares_p([30, 3], [40, 4], [20, 1], [80, 30]).round(5).tolist()
    [0.0, 0.00132]
    """
    a, n1, c, n2 = (np.atleast_1d(np.asarray(count, float)) for count in (k1, n1, k2, n2))
    hit, total = a + c, n1 + n2
    with np.errstate(divide="ignore", invalid="ignore"):
        smallest = np.minimum(hit, total - hit) * np.minimum(n1, n2) / total
        chi = (total - 1) * (a * (n2 - c) - c * (n1 - a)) ** 2 / (hit * (total - hit) * n1 * n2)
    p = special.erfc(np.sqrt(chi / 2))
    for row in np.flatnonzero(smallest < 5):
        p[row] = _fisher_mid_p(a[row], n1[row], n2[row], hit[row])
    return p


def _fisher_mid_p(k1: float, n1: float, n2: float, hit: float) -> float:
    if min(n1, n2) == 0:
        return float("nan")
    k = np.arange(max(0, hit - n2), min(hit, n1) + 1)
    chance = np.exp(_log_choose(n1, k) + _log_choose(n2, hit - k) - _log_choose(n1 + n2, hit))
    here = chance[int(k1 - k[0])]
    equal = np.isclose(chance, here, rtol=1e-9, atol=0)
    return float(min(1, chance[(chance < here) & ~equal].sum() + chance[equal].sum() / 2))


def _log_choose(n: Any, k: Any) -> Any:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
