"""What the hit have in common that the others have not: values (`contrast`) and numbers (`contrast_numbers`).

Who is hit can also be a rectangle that somebody drew on a heatmap: `selected`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np
import polars as pl
from scipy import special

from connectors.exceptions import TableError
from workbench.statistics import (
    Floats,
    benjamini_hochberg,
    difference_of_quantiles,
    quantile_interval,
    risk_ratio_interval,
    two_shares_p,
)

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
    dimensions = list(dict.fromkeys([dimensions] if isinstance(dimensions, str) else dimensions))
    if missing := [name for name in dimensions if name not in sessions.columns]:
        raise TableError(f"no dimension {missing[0]}; there are: {', '.join(sessions.columns)}")
    values = marked.select("_hit", *(_value(sessions[name]).alias(name) for name in dimensions))
    wanted = [(name,) for name in dimensions] + (list(combinations(dimensions, 2)) if pairs else [])
    counts = pl.concat([_COUNTS, *(_count(values, names) for names in wanted)])
    n_hit, n_other = int(marked["_hit"].sum()), int((~marked["_hit"]).sum())
    return judge_counts(counts, n_hit, n_other, min_count, confidence, false_discoveries)


def contrast_numbers(
    sessions: pl.DataFrame,
    hit: Sequence[str] | pl.Series,
    numbers: Sequence[str],
    *,
    min_count: int = 10,
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
    id_column: str = "session_id",
) -> pl.DataFrame:
    """Compare the numbers of hit sessions with those of the others: which are larger, which smaller, and how surely.

    Parameters
    ----------
    sessions, hit, id_column
        As in `contrast`.
    numbers
        Numeric columns; null and NaN are left out.
    min_count
        A number that fewer of either side have is not tested.
    confidence, false_discoveries
        As in `contrast`.

    Returns
    -------
    One row per number: number, n_hit, n_other, median_hit, median_other, difference of the two with `low` and `high`,
    `above` (how often a hit one has the larger number of a hit and another one, a tie being half), p, q, `differs`.
    Numbers that differ first, the most telling first: `above` farthest from a half.

    Notes
    -----
    p by Wilcoxon's rank sum (Mann and Whitney) with ties, by the normal approximation; `above` is its statistic as a
    share. The medians' intervals are order statistics.

    Examples
    --------
    >>> sessions = pl.DataFrame({"session_id": [str(i) for i in range(60)], "rtt": range(60), "tabs": [1, 2] * 30})
    >>> found = contrast_numbers(sessions, [str(i) for i in range(40, 60)], ["tabs", "rtt"])
    >>> found["number", "median_hit", "median_other", "above", "differs"].rows()
    [('rtt', 49.5, 19.5, 1.0, True), ('tabs', 1.5, 1.5, 0.5, False)]
    """
    marked = _mark(sessions, hit, id_column)
    if missing := [name for name in numbers if name not in sessions.columns]:
        raise TableError(f"no number {missing[0]}; there are: {', '.join(sessions.columns)}")
    rows = [
        _beside(marked.select("_hit", pl.col(name).cast(pl.Float64)), name, min_count, confidence) for name in numbers
    ]
    table = pl.DataFrame(rows, schema=_BESIDE, orient="row").with_columns(pl.selectors.float().fill_nan(None))
    q = pl.Series("q", benjamini_hochberg(table["p"].fill_null(float("nan")))).fill_nan(None)
    return table.with_columns(q, (q <= false_discoveries).fill_null(False).alias("differs")).sort(
        "differs", (pl.col("above") - 0.5).abs(), "number", descending=[True, True, False], nulls_last=True
    )


def selected(rows: pl.DataFrame, where: Mapping[str, object]) -> pl.Series:
    """Say which rows a selection on a heatmap covers, as `contrast` takes it.

    Parameters
    ----------
    rows
        Any frame.
    where
        Column to value, or to (low, high): low inclusive, high not, None an open end.

    Raises
    ------
    TableError
        A column is missing.

    Examples
    --------
    >>> rows = pl.DataFrame({"route": ["/", "/cart", "/cart"], "value": [900.0, 5200.0, 800.0]})
    >>> selected(rows, {"route": "/cart", "value": (2500.0, None)}).to_list()
    [False, True, False]
    """
    if missing := [name for name in where if name not in rows.columns]:
        raise TableError(f"no column {missing[0]}; there are: {', '.join(rows.columns)}")
    inside = [pl.lit(True)]
    for name, wanted in where.items():
        column = pl.col(name)
        if not isinstance(wanted, tuple):
            inside.append(column.eq_missing(pl.lit(wanted)))
            continue
        low, high = wanted
        inside += [column >= pl.lit(low)] if low is not None else []
        inside += [column < pl.lit(high)] if high is not None else []
    return rows.select(pl.all_horizontal(inside).fill_null(False).alias("selected")).to_series()


def _mark(sessions: pl.DataFrame, hit: Sequence[str] | pl.Series, id_column: str) -> pl.DataFrame:
    if isinstance(hit, pl.Series) and hit.dtype == pl.Boolean:
        if len(hit) != sessions.height:
            raise TableError(f"hit has {len(hit)} values for {sessions.height} sessions; give one each, or ids")
        return sessions.with_columns(hit.fill_null(False).alias("_hit"))
    if id_column not in sessions.columns:
        raise TableError(f"no column {id_column} to find the hit ids in; there are: {', '.join(sessions.columns)}")
    ids = pl.Series("ids", sorted({str(one) for one in hit if one is not None}), pl.String)
    return sessions.with_columns(pl.col(id_column).cast(pl.String).is_in(ids.implode()).fill_null(False).alias("_hit"))


def _value(column: pl.Series) -> pl.Series:
    column = column.fill_nan(None) if column.dtype.is_float() else column
    if column.dtype.is_numeric() and column.n_unique() > MANY:
        numbers = column.cast(pl.Float64)
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


def judge_counts(
    counts: pl.DataFrame,
    n_hit: int,
    n_other: int,
    min_count: int = 5,
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
) -> pl.DataFrame:
    """Judge counts as `contrast` does: `dimension`, `value`, `n_hit`, `n_other`, made where the rows lie.

    Examples
    --------
    >>> counts = pl.DataFrame({"dimension": "region", "value": ["eu", "us"], "n_hit": [16, 0], "n_other": [4, 40]})
    >>> judge_counts(counts, 16, 44)["value", "differs"].rows()
    [('eu', True), ('us', True)]
    """
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


_BESIDE = {
    "number": pl.String(), "n_hit": pl.Int64(), "n_other": pl.Int64(), "median_hit": pl.Float64(),
    "median_other": pl.Float64(), "difference": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(),
    "above": pl.Float64(), "p": pl.Float64(),
}  # fmt: skip


def _beside(pair: pl.DataFrame, name: str, min_count: int, confidence: float) -> tuple[object, ...]:
    known = pair.filter(pl.col(name).is_finite())
    hit, other = (known.filter(pl.col("_hit") == is_hit)[name].to_numpy() for is_hit in (True, False))
    medians = [quantile_interval(side, 0.5, confidence) for side in (hit, other)]
    change = difference_of_quantiles(medians[1], medians[0])
    above, p = _rank_sum(known, name, hit.size, other.size)
    tested = min(hit.size, other.size) >= min_count
    told = (float(number) for number in (medians[0].value, medians[1].value, *change, above))
    return (name, hit.size, other.size, *told, p if tested else float("nan"))


def _rank_sum(known: pl.DataFrame, name: str, n_hit: int, n_other: int) -> tuple[float, float]:
    n = n_hit + n_other
    if min(n_hit, n_other) == 0:
        return float("nan"), float("nan")
    ranks = known.select(pl.col(name).rank("average").filter(pl.col("_hit")).sum()).item()
    above = (ranks - n_hit * (n_hit + 1) / 2) / (n_hit * n_other)
    ties = known[name].value_counts()["count"].cast(pl.Float64)
    spread = (n + 1 - float((ties**3 - ties).sum()) / (n * (n - 1))) / (12 * n_hit * n_other)
    p = float(special.erfc(abs(above - 0.5) / (2 * spread) ** 0.5)) if spread > 0 else 1.0
    return float(above), p
