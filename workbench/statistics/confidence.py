"""How sure is sure: critical values, and many questions asked at once."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Values = Sequence[float] | npt.NDArray[Any] | pl.Series


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
