"""What a sampled row stands for."""

from __future__ import annotations

import polars as pl


def rate_weight(sample_rate: str = "sample_rate") -> pl.Expr:
    """Return what a row stands for: one over its sampling rate.

    Parameters
    ----------
    sample_rate
        The column of rates, the share of rows like this one that were kept. A rate that is unknown or cannot be (not
        above 0, or above 1) counts as 1.

    Examples
    --------
    >>> kept = pl.DataFrame({"sample_rate": [0.1, 1.0, None, 0.0, 50.0, float("nan")]})
    >>> kept.select(rate_weight()).to_series().to_list()
    [10.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    rate = pl.col(sample_rate).cast(pl.Float64)
    return 1 / pl.when((rate > 0) & (rate <= 1)).then(rate).otherwise(1.0)
