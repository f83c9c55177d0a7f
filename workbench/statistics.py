"""Intervals and false-discovery control: the ground that the rooms share.

Everything takes arrays (or numbers) and broadcasts; `wilson_interval` takes Polars expressions as well. Where a sample
is too small to say anything, the answer is NaN or the whole range, never a narrow guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

Floats = npt.NDArray[np.float64]
Values = Sequence[float] | npt.NDArray[Any] | pl.Series

ENOUGH_FOR_NORMAL = 50
"""From this variance n q (1 - q) on, the Cornish-Fisher rank equals the exact binomial one to 0.02 of a rank."""


class Estimate(NamedTuple):
    """A quantile and its interval; the ends are NaN where the sample is too small to bound it."""

    value: Floats
    low: Floats
    high: Floats


class Difference(NamedTuple):
    """A difference, its interval, and the two-sided p of there being none."""

    value: Floats
    low: Floats
    high: Floats
    p: Floats


def critical_value(confidence: float) -> float:
    """Return the z that a two-sided interval of this confidence reaches to.

    Examples
    --------
    >>> round(critical_value(0.95), 3)
    1.96
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; give a share between 0 and 1, as 0.95")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


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


def quantile_ranks(n: Any, q: float, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Ranks, counted from 1 and with a fraction, between which the true quantile lies.

    The number of values below the true `q` quantile is binomial, whatever the distribution, so its tails give the two
    order statistics; the fraction lets the interval cover at its nominal rate, where whole ranks cover too much.

    Parameters
    ----------
    n
        Sample sizes; effective ones may have a fraction.
    q
        The quantile, 0.75 for a p75.
    confidence
        Of the two-sided interval.

    Returns
    -------
    Lower and upper ranks; NaN where no order statistic lies far enough out. A p75 has no upper end below n = 13, a p95
    none below n = 72: the largest of twelve values is still below the true p75 in one sample out of thirty.

    Notes
    -----
    Fractional order statistics after Hutson, Statistics and Computing 9 (1999), by the continuous inverse of the
    binomial distribution; above a variance of 50 by its Cornish-Fisher expansion.

    Examples
    --------
    >>> low, high = quantile_ranks([12, 30, 1000], 0.75)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([6.39, 18.16, 723.43], [nan, 27.35, 777.1])
    """
    z, tail = critical_value(confidence), (1 - confidence) / 2
    sizes, back = np.unique(np.atleast_1d(np.asarray(n, float)), return_inverse=True)
    variance = sizes * q * (1 - q)
    middle = sizes * q + 0.5 + (1 - 2 * q) * (z * z - 1) / 6
    half = z * np.sqrt(np.maximum(variance, 0))
    low, high = middle - half, middle + half
    small = variance < ENOUGH_FOR_NORMAL
    if small.any():
        low[small] = special.bdtrik(tail, sizes[small], q) + 1
        high[small] = special.bdtrik(1 - tail, sizes[small], q) + 1
        # (1 - q)^n is the chance that every value lies above the quantile, q^n that every one lies below
        low[small & (sizes * np.log(1 - q) > np.log(tail))] = np.nan
        high[small & (sizes * np.log(q) > np.log(tail))] = np.nan
    shape = np.shape(n) or (1,)
    return low[back].reshape(shape), high[back].reshape(shape)


def quantile_interval(values: Values, q: float, confidence: float = 0.95) -> Estimate:
    """Quantile of one sample with its order-statistic interval.

    Parameters
    ----------
    values
        The sample, in any order, without NaN.
    q
        The quantile, 0.75 for a p75; interpolated linearly between ranks.

    Examples
    --------
    >>> p75 = quantile_interval(range(1, 101), 0.75)
    >>> [round(float(number), 1) for number in p75]
    [75.2, 66.8, 83.7]
    """
    ordered = np.sort(np.asarray(values, float))
    if ordered.size == 0:
        return Estimate(*(np.array(np.nan) for _ in range(3)))
    ranks = np.array([1 + (ordered.size - 1) * q, *(end[0] for end in quantile_ranks(ordered.size, q, confidence))])
    at = np.interp(ranks, np.arange(1, ordered.size + 1), ordered)
    return Estimate(*np.where(np.isnan(ranks), np.nan, at))


def difference_of_quantiles(before: Estimate, after: Estimate, confidence: float = 0.95) -> Difference:
    """Difference `after - before` of two independent quantiles, from their own intervals.

    Each end of the difference takes from either sample the side that can move it there, so that the skewness of both
    stays in the interval. The p value is the one at which the interval would just touch zero.

    Parameters
    ----------
    before, after
        Quantiles with intervals of the same `confidence`, from ranks or from histograms alike.

    Notes
    -----
    MOVER, Zou and Donner, Statistics in Medicine 27 (2008).

    Examples
    --------
    >>> change = difference_of_quantiles(Estimate(100.0, 90.0, 115.0), Estimate(150.0, 130.0, 160.0))
    >>> round(float(change.value)), round(float(change.low)), round(float(change.high)), round(float(change.p), 5)
    (50, 25, 64, 9e-05)
    """
    first, second = (Estimate(*(np.asarray(part, float) for part in sample)) for sample in (before, after))
    value = second.value - first.value
    down = np.hypot(second.value - second.low, first.high - first.value)
    up = np.hypot(second.high - second.value, first.value - first.low)
    towards_zero = np.where(value > 0, down, up)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(value == 0, 0.0, np.abs(value) / towards_zero) * critical_value(confidence)
    return Difference(value, value - down, value + up, special.erfc(z / np.sqrt(2)))


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


def benjamini_hochberg(p: Values) -> Floats:
    """Turn p values into q values: calling all with q at most 0.05 makes one in twenty of the calls false.

    Parameters
    ----------
    p
        p values of one family of questions; NaN is a question that was not asked and stays NaN.

    Notes
    -----
    Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995).

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.5, 0.02, float("nan")]).round(3).tolist()
    [0.03, 0.5, 0.03, nan]
    """
    p = np.asarray(p, float)
    q = np.full(p.shape, np.nan)
    asked = np.flatnonzero(~np.isnan(p))
    largest_first = asked[np.argsort(-p[asked], kind="stable")]
    scaled = p[largest_first] * asked.size / np.arange(asked.size, 0, -1)
    q[largest_first] = np.minimum(np.minimum.accumulate(scaled), 1)
    return q


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
