"""What the hit have in common that the others have not: `contrast`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import polars as pl

from connectors.exceptions import TableError
from workbench.statistics import Floats, benjamini_hochberg, risk_ratio_interval, two_shares_p

UNKNOWN = "unknown"
"""The value of rows that have none: that something is missing can be what the hit have in common."""

MANY = 12
"""A numeric dimension with more distinct values than this is cut into fifths."""


def contrast(
    sessions: pl.DataFrame,
    hit: Sequence[str] | pl.Series,
    dimensions: Sequence[str],
    *,
    min_count: int = 5,
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
    pairs: bool = False,
    id_column: str = "session_id",
) -> pl.DataFrame:
    """Compare hit sessions with the others, value by value of every dimension, most telling value first.

    Parameters
    ----------
    sessions
        One row per session, or per whatever is hit (page views, requests). Rows should be independent: ten page views
        of one session are one observation, not ten.
    hit
        Ids of the hit rows, or a boolean series as long as `sessions`.
    dimensions
        Columns to look at. Numbers with many distinct values are cut into fifths of all rows.
    min_count
        A value with fewer rows keeps its row but is not tested.
    confidence
        Of the interval of each ratio.
    false_discoveries
        Share of the values said to differ that may be said so wrongly, over all values of this call.
    pairs
        Look at pairs of dimensions as well ("device_class × region"): what no dimension alone explains.
    id_column
        Where the ids of `hit` stand.

    Returns
    -------
    One row per value: dimension, value, n_hit, n_other, share_hit (of the hit that have the value), share_other, ratio
    of the two with `low` and `high` (null where nobody else has the value: no upper end), p, q, `differs`, and
    `hit_rate` (of those with the value that were hit). Values that differ first; among them what the hit have more
    often first, by how strongly it goes with being hit (phi).

    Raises
    ------
    TableError
        A dimension is missing, or a boolean `hit` has another length than `sessions`.

    Examples
    --------
    >>> sessions = pl.DataFrame({"session_id": [str(i) for i in range(60)],
    ...                          "region": ["eu"] * 20 + ["us"] * 40, "os": ["a", "b"] * 30})
    >>> found = contrast(sessions, [str(i) for i in range(16)], ["region", "os"])
    >>> found["value", "n_hit", "n_other", "differs"].rows()
    [('eu', 16, 4, True), ('us', 0, 40, True), ('a', 8, 22, False), ('b', 8, 22, False)]
    """
    marked = _mark(sessions, hit, id_column)
    if missing := [name for name in dimensions if name not in sessions.columns]:
        raise TableError(f"no dimension {missing[0]}; there are: {', '.join(sessions.columns)}")
    values = marked.select("_hit", *(_value(sessions[name]).alias(name) for name in dimensions))
    wanted = [(name,) for name in dimensions] + (list(combinations(dimensions, 2)) if pairs else [])
    counts = pl.concat([_COUNTS, *(_count(values, names) for names in wanted)])
    n_hit, n_other = int(marked["_hit"].sum()), int((~marked["_hit"]).sum())
    return _judge(counts, n_hit, n_other, min_count, confidence, false_discoveries)


def _mark(sessions: pl.DataFrame, hit: Sequence[str] | pl.Series, id_column: str) -> pl.DataFrame:
    if isinstance(hit, pl.Series) and hit.dtype == pl.Boolean:
        if len(hit) != sessions.height:
            raise TableError(f"hit has {len(hit)} values for {sessions.height} sessions; give one each, or ids")
        return sessions.with_columns(hit.fill_null(False).alias("_hit"))
    if id_column not in sessions.columns:
        raise TableError(f"no column {id_column} to find the hit ids in; there are: {', '.join(sessions.columns)}")
    ids = pl.Series("ids", list(hit), pl.String).unique()
    return sessions.with_columns(pl.col(id_column).cast(pl.String).is_in(ids.implode()).fill_null(False).alias("_hit"))


def _value(column: pl.Series) -> pl.Series:
    if column.dtype.is_numeric() and column.n_unique() > MANY:
        numbers = column.cast(pl.Float64).fill_nan(None)
        cuts = sorted({numbers.quantile(fifth / 5, interpolation="linear") for fifth in range(1, 5)})
        between = [f"{low:.4g} – {high:.4g}" for low, high in pairwise(cuts)]
        labels = pl.Series([f"≤ {cuts[0]:.4g}", *between, f"> {cuts[-1]:.4g}"])
        known = numbers.is_not_null()
        column = labels.gather(np.searchsorted(cuts, numbers.fill_null(cuts[0]))).zip_with(
            known, pl.Series([None], dtype=pl.String)
        )
    return column.cast(pl.String).fill_null(UNKNOWN)


_COUNTS = pl.DataFrame(schema={"dimension": pl.String, "value": pl.String, "n_hit": pl.Int64, "n_other": pl.Int64})


def _count(values: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    return (
        values.group_by(pl.concat_str(names, separator=" × ").alias("value"))
        .agg(
            pl.col("_hit").sum().cast(pl.Int64).alias("n_hit"),
            (~pl.col("_hit")).sum().cast(pl.Int64).alias("n_other"),
        )
        .select(pl.lit(" × ".join(names)).alias("dimension"), "value", "n_hit", "n_other")
    )


def _judge(
    counts: pl.DataFrame, n_hit: int, n_other: int, min_count: int, confidence: float, false_discoveries: float
) -> pl.DataFrame:
    k1, k2 = counts["n_hit"].to_numpy(), counts["n_other"].to_numpy()
    ratio, low, high = risk_ratio_interval(k1, n_hit, k2, n_other, confidence)
    p = two_shares_p(k1, [n_hit] * len(k1), k2, [n_other] * len(k2))
    with_value = pl.col("n_hit") + pl.col("n_other")
    everyone = n_hit + n_other
    expected = with_value * n_hit / max(everyone, 1)
    spread = (with_value * (everyone - with_value)).sqrt() * (n_hit * n_other) ** 0.5
    judged = counts.with_columns(
        (pl.col("n_hit") / max(n_hit, 1)).alias("share_hit"),
        (pl.col("n_other") / max(n_other, 1)).alias("share_other"),
        *(_finite(name, column) for name, column in (("ratio", ratio), ("low", low), ("high", high))),
        pl.when(with_value >= min_count).then(pl.lit(_finite("p", p))).alias("p"),
        (pl.col("n_hit") / with_value).alias("hit_rate"),
        pl.when(spread > 0).then((pl.col("n_hit") - expected) * everyone / spread).otherwise(0.0).alias("_phi"),
    )
    q = pl.Series("q", benjamini_hochberg(judged["p"].fill_null(float("nan")))).fill_nan(None)
    return (
        judged.with_columns(q, (q <= false_discoveries).fill_null(False).alias("differs"))
        .sort(["differs", "_phi", "dimension", "value"], descending=[True, True, False, False])
        .select(
            "dimension", "value", "n_hit", "n_other", "share_hit", "share_other", "ratio", "low", "high", "p", "q",
            "differs", "hit_rate",
        )
    )  # fmt: skip


def _finite(name: str, numbers: Floats) -> pl.Series:
    return pl.Series(name, np.where(np.isfinite(numbers), numbers, np.nan), pl.Float64).fill_nan(None)
