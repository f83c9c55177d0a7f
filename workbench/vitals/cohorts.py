"""Release against release, window against window: which cohorts' p75 changed, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from connectors.tables import VITALS, require
from workbench.statistics import Estimate, benjamini_hochberg, difference_of_quantiles, p_of_difference
from workbench.vitals.histogram import Buckets, is_histogram, rank_histogram
from workbench.vitals.percentiles import group_keys, of_one_type, rank_cohorts
from workbench.vitals.ranks import Ranked
from workbench.vitals.thresholds import rating, threshold_of

VERDICTS = ("regression", "improvement", "no change", "too few")

LEVELS = (
    0.5,
    0.8,
    0.9,
    0.95,
    0.96,
    0.97,
    0.98,
    0.99,
    0.995,
    0.998,
    0.999,
    0.9995,
    0.9999,
    1 - 1e-5,
    1 - 1e-6,
    1 - 1e-7,
    1 - 1e-9,
)
"""Confidences at which a difference is asked whether it may be zero: a p below 1e-9 is not told from one of 1e-9."""


def compare_releases(
    vitals: pl.DataFrame | pl.LazyFrame,
    before: str | None,
    after: str | None,
    by: Sequence[str] = ("metric", "device_class", "route"),
    *,
    min_samples: int = 30,
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
    mix_devices: bool = False,
    navigations: Sequence[str] | None = ("load",),
    cluster: str | None = "auto",
) -> pl.DataFrame:
    """Compare the p75 of every cohort in two releases; see `compare_cohorts` for what comes back.

    Parameters
    ----------
    vitals
        Canonical `vitals` with the rows of both releases, or a histogram of them as in `compare_cohorts`.
    before, after
        The releases, as they stand in `release`. One that no row has, or None, makes every cohort `too few`.

    Examples
    --------
    >>> rows = [("a", 100.0 + i % 20) for i in range(60)] + [("b", 300.0 + i % 20) for i in range(60)]
    >>> vitals = pl.DataFrame(rows, schema=["release", "value"], orient="row").with_columns(metric=pl.lit("INP"))
    >>> compare_releases(vitals, "a", "b", ["metric"])["metric", "difference", "verdict"].rows()
    [('INP', 200.0, 'regression')]
    """
    require(vitals, VITALS, ["release", "metric", *([] if is_histogram(vitals) else ["value"])])
    release = pl.col("release").cast(pl.String)
    return compare_cohorts(
        vitals.filter(release == pl.lit(before, pl.String)),
        vitals.filter(release == pl.lit(after, pl.String)),
        by,
        min_samples=min_samples,
        confidence=confidence,
        false_discoveries=false_discoveries,
        mix_devices=mix_devices,
        navigations=navigations,
        cluster=cluster,
    )


def compare_cohorts(
    before: pl.DataFrame | pl.LazyFrame,
    after: pl.DataFrame | pl.LazyFrame,
    by: Sequence[str] = ("metric", "device_class", "route"),
    *,
    min_samples: int = 30,
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
    mix_devices: bool = False,
    navigations: Sequence[str] | None = ("load",),
    cluster: str | None = "auto",
) -> pl.DataFrame:
    """Compare the p75 of every cohort in two sets of vitals: two releases, two windows, two regions.

    Parameters
    ----------
    before, after
        Canonical `vitals`, or what `reduce.vitals_histogram` made of them by the dimensions of `by` (and by
        `navigation_type`, where `navigations` is to be told apart). No page view may stand in both.
    by
        What makes a cohort; `metric` and, unless `mix_devices`, `device_class` are always part of it.
    min_samples
        A cohort with fewer page views on either side is `too few`, and so is one of so few sessions that either p75
        cannot be bounded at this `confidence`.
    confidence
        Of the intervals.
    false_discoveries
        Share of the cohorts called changed that may be called so wrongly, over all cohorts of this call.
    navigations, cluster
        As in `vitals_percentiles`; a histogram knows no sessions and takes its page views as independent.

    Returns
    -------
    One row per cohort, worst first: keys, n_before, n_after, p75_before (with _low, _high), p75_after (likewise),
    rating_before, rating_after, difference (after - before, in the metric's unit) with _low and _high, p, q, `changed`
    (q at most `false_discoveries` and a difference that a user could notice, `smallest_change` in
    `rules/vitals/thresholds`), `verdict` (regression, improvement, no change, too few).

    Notes
    -----
    Intervals of each p75 by order statistics, of the difference by `statistics.difference_of_quantiles`, p as the
    confidence at which that interval reaches zero, false discoveries by Benjamini and Hochberg. "no change" means
    that none was found: the interval says how large one may be.

    Examples
    --------
    >>> vitals = pl.DataFrame({"metric": "LCP", "value": [float(ms) for ms in range(1000, 3000, 40)]})
    >>> monday, tuesday = vitals, vitals.with_columns(pl.col("value") + 10)
    >>> compare_cohorts(monday, tuesday, ["metric"])["difference", "changed", "verdict"].rows()
    [(10.0, False, 'no change')]
    """
    keys = group_keys(before, by, mix_devices=mix_devices)
    compared = _compare(before, after, keys, min_samples, confidence, navigations, cluster)
    return _judge(compared, keys, false_discoveries)


def compare_deploys(
    vitals: pl.DataFrame | pl.LazyFrame,
    pairs: Sequence[tuple[str, str]],
    by: Sequence[str] = ("metric", "device_class"),
    *,
    min_samples: int = 30,
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
    mix_devices: bool = False,
    navigations: Sequence[str] | None = ("load",),
    cluster: str | None = "auto",
) -> pl.DataFrame:
    """Compare several pairs of releases at once; false discoveries are counted over all of them together.

    Parameters
    ----------
    vitals
        Canonical `vitals` with the rows of all releases, or a histogram of them as in `compare_cohorts`.
    pairs
        (before, after), at least one; as a rule each release with the one before it.

    Returns
    -------
    `before`, `after` and the columns of `compare_cohorts`; regressions first.

    Examples
    --------
    >>> rows = [(name, ms + i % 20) for name, ms in (("a", 100.0), ("b", 300.0), ("c", 301.0)) for i in range(60)]
    >>> vitals = pl.DataFrame(rows, schema=["release", "value"], orient="row").with_columns(metric=pl.lit("INP"))
    >>> compare_deploys(vitals, [("a", "b"), ("b", "c")], ["metric"])["before", "after", "verdict"].rows()
    [('a', 'b', 'regression'), ('b', 'c', 'no change')]
    """
    require(vitals, VITALS, ["release", "metric", *([] if is_histogram(vitals) else ["value"])])
    keys = group_keys(vitals, by, mix_devices=mix_devices)
    if not pairs:
        raise ValueError("there are no releases to compare; give pairs of a release and the one before it")
    release = pl.col("release").cast(pl.String)
    compared = [
        _compare(
            *(vitals.filter(release == name) for name in pair), keys, min_samples, confidence, navigations, cluster
        ).with_columns(pl.lit(name).alias(side) for side, name in zip(("before", "after"), pair, strict=True))
        for pair in pairs
    ]
    return _judge(pl.concat(compared, how="vertical_relaxed"), ["before", "after", *keys], false_discoveries)


def _compare(
    before: pl.DataFrame | pl.LazyFrame,
    after: pl.DataFrame | pl.LazyFrame,
    keys: list[str],
    min_samples: int,
    confidence: float,
    navigations: Sequence[str] | None,
    cluster: str | None,
) -> pl.DataFrame:
    """One row per cohort: both p75, their difference, p."""
    ranked = [_ranked(side, keys, navigations, cluster) for side in (before, after)]
    both = _align(*ranked, keys)
    samples = [
        [_aligned(estimate, both[f"_{side}"]) for estimate in rank.estimates(0.75, [confidence, *LEVELS])]
        for side, rank in zip(("before", "after"), ranked, strict=True)
    ]
    changes = [difference_of_quantiles(*pair) for pair in zip(*samples, strict=True)]
    enough = {side: pl.col(f"n_{side}") >= max(min_samples, 1) for side in ("before", "after")}
    bounded = pl.lit(pl.Series(np.isfinite(changes[0].low) & np.isfinite(changes[0].high)))
    # a histogram's quantile is within 0.5 %, the value of its estimate as a rule nearer, but bound to 1 % only
    exact = [
        sample[0]._replace(value=_aligned(Estimate(*[rank.quantile(0.75)] * 3), both[f"_{side}"]).value)
        for side, rank, sample in zip(("before", "after"), ranked, samples, strict=True)
    ]
    told = {
        **{f"p75_{side}": (enough[side], estimate) for side, estimate in zip(enough, exact, strict=True)},
        "difference": (enough["before"] & enough["after"] & bounded, changes[0]),
    }
    p = pl.Series("p", p_of_difference(changes[1:], LEVELS)).fill_nan(None)
    return both.with_columns(
        *(
            pl.when(known).then(pl.lit(pl.Series(part, dtype=pl.Float64).fill_nan(None))).alias(f"{name}{end}")
            for name, (known, parts) in told.items()
            for end, part in zip(("", "_low", "_high"), parts, strict=True)
        ),
        pl.when(told["difference"][0]).then(pl.lit(p)).alias("p"),
    )


def _judge(compared: pl.DataFrame, keys: list[str], false_discoveries: float) -> pl.DataFrame:
    """Say of every cohort whether it changed, with false discoveries bounded over all rows."""
    q = pl.Series("q", benjamini_hochberg(compared["p"].fill_null(float("nan")))).fill_nan(None)
    changed = (pl.col("q") <= false_discoveries) & (
        pl.col("difference").abs() >= threshold_of("smallest_change").fill_null(0)
    )
    verdict = (
        pl.when(pl.col("p").is_null())
        .then(pl.lit("too few"))
        .when(pl.col("changed") & (pl.col("difference") > 0))
        .then(pl.lit("regression"))
        .when(pl.col("changed"))
        .then(pl.lit("improvement"))
        .otherwise(pl.lit("no change"))
    )
    return (
        compared.with_columns(
            q,
            rating(pl.col("p75_before")).alias("rating_before"),
            rating(pl.col("p75_after")).alias("rating_after"),
        )
        .with_columns(changed.fill_null(False).alias("changed"))
        .with_columns(verdict.alias("verdict"))
        .select(*keys, *_COLUMNS)
        .sort(
            pl.col("verdict").cast(pl.Enum(VERDICTS)),
            (pl.col("difference") / pl.col("p75_before")).abs(),
            *keys,
            descending=[False, True, *[False] * len(keys)],
            nulls_last=True,
        )
    )


_COLUMNS = (
    "n_before", "n_after", "p75_before", "p75_before_low", "p75_before_high", "p75_after", "p75_after_low",
    "p75_after_high", "rating_before", "rating_after", "difference", "difference_low", "difference_high", "p", "q",
    "changed", "verdict",
)  # fmt: skip


def _ranked(
    side: pl.DataFrame | pl.LazyFrame, keys: list[str], navigations: Sequence[str] | None, cluster: str | None
) -> Ranked | Buckets:
    if is_histogram(side):
        return rank_histogram(side.lazy().collect(), keys, navigations)
    return rank_cohorts(side, keys, navigations, cluster)


def _align(before: Ranked | Buckets, after: Ranked | Buckets, keys: list[str]) -> pl.DataFrame:
    """One row per cohort of either side: keys, n of both, and where it stands in each."""
    sides = [
        side.keys.with_columns(pl.Series(f"n_{name}", side.n, pl.Int64)).with_row_index(f"_{name}")
        for name, side in (("before", before), ("after", after))
    ]
    first, second = of_one_type(*sides, keys)
    both = first.join(second, on=keys, how="full", coalesce=True, nulls_equal=True)
    return both.with_columns(pl.col("n_before", "n_after").fill_null(0))


def _aligned(estimate: Estimate, index: pl.Series) -> Estimate:
    there = index.is_not_null().to_numpy()
    row = index.fill_null(0).to_numpy()
    return Estimate(*(np.where(there, np.append(part, np.nan)[row], np.nan) for part in estimate))
