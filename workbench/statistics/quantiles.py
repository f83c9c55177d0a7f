"""Quantiles and their differences, bounded by order statistics: true whatever the distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from workbench.statistics.confidence import Floats, Values, critical_value

ENOUGH_FOR_NORMAL = 50
"""From this variance n q (1 - q) on, the Cornish-Fisher rank equals the exact binomial one to 0.02 of a rank."""


class Estimate(NamedTuple):
    """A quantile and its interval; the ends are NaN where the sample is too small to bound it."""

    value: Floats
    low: Floats
    high: Floats


class Difference(NamedTuple):
    """A difference and its interval."""

    value: Floats
    low: Floats
    high: Floats


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


def difference_of_quantiles(before: Estimate, after: Estimate) -> Difference:
    """Difference `after - before` of two independent quantiles, from their own intervals.

    Each end of the difference takes from either sample the side that can move it there, so that the skewness of both
    stays in the interval.

    Parameters
    ----------
    before, after
        Quantiles with intervals of one confidence, from ranks or from histograms alike.

    Notes
    -----
    MOVER, Zou and Donner, Statistics in Medicine 27 (2008).

    Examples
    --------
    >>> change = difference_of_quantiles(Estimate(100.0, 90.0, 115.0), Estimate(150.0, 130.0, 160.0))
    >>> [round(float(part)) for part in change]
    [50, 25, 64]
    """
    first, second = (Estimate(*(np.asarray(part, float) for part in sample)) for sample in (before, after))
    value = second.value - first.value
    down = np.hypot(second.value - second.low, first.high - first.value)
    up = np.hypot(second.high - second.value, first.value - first.low)
    return Difference(value, value - down, value + up)


def p_of_difference(differences: Sequence[Difference], confidences: Sequence[float]) -> Floats:
    """Two-sided p of there being no difference: where the interval, made ever more confident, first reaches zero.

    Parameters
    ----------
    differences
        The same differences at rising `confidences`.

    Returns
    -------
    p. Where a sample is too small for an interval of some confidence it cannot be surer than that: fifteen values do
    not bound a p75 with more than 97 % confidence, whatever they are, so their p is not below 0.02.

    Examples
    --------
    >>> wider = [Difference(5.0, 1.0, 9.0), Difference(5.0, -1.0, 11.0), Difference(5.0, np.nan, np.nan)]
    >>> round(float(p_of_difference(wider, [0.9, 0.99, 0.999])), 2)
    0.03
    """
    z = np.array([0.0, *(critical_value(confidence) for confidence in confidences)])
    value = np.atleast_1d(np.asarray(differences[0].value, float))
    ends = [np.where(value > 0, each.low, each.high) for each in differences]
    with np.errstate(divide="ignore", invalid="ignore"):
        # how far the interval reaches towards zero, as a part of the way there
        way = np.array([np.zeros(value.size), *(np.abs(end - value) / np.abs(value) for end in ends)])
    stop = (way >= 1) | np.isnan(way)
    stops = stop.any(axis=0)
    at, each = np.where(stops, stop.argmax(axis=0), z.size - 1), np.arange(value.size)
    near, far = way[np.maximum(at - 1, 0), each], way[at, each]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(far > near, (1 - near) / (far - near), 0.0)
    ended = z[np.maximum(at - 1, 0)] + between * (z[at] - z[np.maximum(at - 1, 0)])
    found = np.where(stops, np.where(np.isnan(far), z[np.maximum(at - 1, 0)], ended), z[-1])
    found = np.where(value == 0, 0.0, np.where(np.isnan(value) | np.isnan(way[1]), np.nan, found))
    return special.erfc(found / np.sqrt(2)).reshape(np.shape(differences[0].value))
