"""Release against release, window against window: which cohorts' p75 changed, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from connectors.tables import VITALS, require
from workbench.statistics import Estimate, benjamini_hochberg, difference_of_quantiles
from workbench.vitals.percentiles import group_keys, sample_weight
from workbench.vitals.population import navigation_kind, only_navigations, reason_set_aside
from workbench.vitals.ranks import rank_values
from workbench.vitals.thresholds import rating, threshold_of

VERDICTS = ("regression", "improvement", "no change", "too few")


def compare_releases(
    vitals: pl.DataFrame,
    before: str,
    after: str,
    by: Sequence[str] = ("metric", "device_class", "route"),
    *,
    min_samples: int = 30,
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
    mix_devices: bool = False,
    navigations: Sequence[str] | None = ("load",),
    cluster: str | None = "session_id",
) -> pl.DataFrame:
    """Compare the p75 of every cohort in two releases; see `compare_cohorts` for what comes back.

    Parameters
    ----------
    vitals
        Canonical `vitals` with the rows of both releases.
    before, after
        The releases, as they stand in `release`. One that no row has makes every cohort `too few`.

    Examples
    --------
    >>> rows = [("a", 100.0 + i % 20) for i in range(60)] + [("b", 300.0 + i % 20) for i in range(60)]
    >>> vitals = pl.DataFrame(rows, schema=["release", "value"], orient="row").with_columns(metric=pl.lit("INP"))
    >>> compare_releases(vitals, "a", "b", ["metric"])["metric", "difference", "verdict"].rows()
    [('INP', 200.0, 'regression')]
    """
    require(vitals, VITALS, ["release", "metric", "value"])
    release = pl.col("release").cast(pl.String)
    return compare_cohorts(
        vitals.filter(release == before),
        vitals.filter(release == after),
        by,
        min_samples=min_samples,
        confidence=confidence,
        false_discoveries=false_discoveries,
        mix_devices=mix_devices,
        navigations=navigations,
        cluster=cluster,
    )


def compare_cohorts(
    before: pl.DataFrame,
    after: pl.DataFrame,
    by: Sequence[str] = ("metric", "device_class", "route"),
    *,
    min_samples: int = 30,
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
    mix_devices: bool = False,
    navigations: Sequence[str] | None = ("load",),
    cluster: str | None = "session_id",
) -> pl.DataFrame:
    """Compare the p75 of every cohort in two sets of vitals: two releases, two windows, two regions.

    Parameters
    ----------
    before, after
        Canonical `vitals`. No page view may stand in both.
    by
        What makes a cohort; `metric` and, unless `mix_devices`, `device_class` are always part of it.
    min_samples
        A cohort with fewer page views on either side is `too few`.
    confidence
        Of the intervals.
    false_discoveries
        Share of the cohorts called changed that may be called so wrongly, over all cohorts of this call.
    navigations, cluster
        As in `vitals_percentiles`.

    Returns
    -------
    One row per cohort, worst first: keys, n_before, n_after, p75_before (with _low, _high), p75_after (likewise),
    rating_before, rating_after, difference (after - before, in the metric's unit) with _low and _high, p, q, `changed`
    (q at most `false_discoveries` and a difference that a user could notice, `smallest_change` in
    `rules/vitals/thresholds`), `verdict` (regression, improvement, no change, too few).

    Notes
    -----
    Intervals of each p75 by order statistics, of the difference by `statistics.difference_of_quantiles`, false
    discoveries by Benjamini and Hochberg. "no change" means that none was found: the interval says how large one may
    be.

    Examples
    --------
    >>> vitals = pl.DataFrame({"metric": "LCP", "value": [float(ms) for ms in range(1000, 3000, 40)]})
    >>> monday, tuesday = vitals, vitals.with_columns(pl.col("value") + 10)
    >>> compare_cohorts(monday, tuesday, ["metric"])["difference", "changed", "verdict"].rows()
    [(10.0, False, 'no change')]
    """
    keys = group_keys(before if "device_class" in before.columns else after, by, mix_devices=mix_devices)
    sides = [
        _estimates(side, keys, name, confidence, navigations, cluster)
        for side, name in ((before, "before"), (after, "after"))
    ]
    both = (
        sides[0]
        .join(sides[1], on=keys, how="full", coalesce=True, nulls_equal=True)
        .with_columns(pl.col("n_before", "n_after").fill_null(0))
    )
    change = difference_of_quantiles(_estimate(both, "before"), _estimate(both, "after"), confidence)
    parts = {"value": "difference", "low": "difference_low", "high": "difference_high", "p": "p"}
    fewest = max(min_samples, 1)
    enough = {side: pl.col(f"n_{side}") >= fewest for side in ("before", "after")}
    compared = both.with_columns(
        *(pl.when(enough[side]).then(pl.col(f"^p75_{side}.*$")) for side in enough),
        *(
            pl.when(enough["before"] & enough["after"])
            .then(pl.lit(pl.Series(getattr(change, part)).fill_nan(None)))
            .alias(column)
            for part, column in parts.items()
        ),
    )
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


def _estimates(
    vitals: pl.DataFrame,
    keys: list[str],
    side: str,
    confidence: float,
    kinds: Sequence[str] | None,
    cluster: str | None,
) -> pl.DataFrame:
    if "navigation" in keys:
        vitals, kinds = vitals.with_columns(navigation_kind()), None
    require(vitals, VITALS, [*keys, "value"])
    counted = only_navigations(vitals, kinds).filter(reason_set_aside().is_null())
    ranked = rank_values(counted, keys, weight=sample_weight(counted), cluster=cluster)
    p75 = ranked.estimate(0.75, confidence)
    names = dict(zip(Estimate._fields, (f"p75_{side}", f"p75_{side}_low", f"p75_{side}_high"), strict=True))
    return ranked.keys.with_columns(
        pl.Series(f"n_{side}", ranked.n, pl.Int64),
        *(pl.Series(name, getattr(p75, part), pl.Float64).fill_nan(None) for part, name in names.items()),
    )


def _estimate(both: pl.DataFrame, side: str) -> Estimate:
    columns = (f"p75_{side}", f"p75_{side}_low", f"p75_{side}_high")
    return Estimate(*(both[column].fill_null(float("nan")).to_numpy() for column in columns))
