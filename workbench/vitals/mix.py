"""Mix shift apart from true change: a better p75 because the slow phones left is no improvement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from connectors.tables import VITALS, require
from workbench.statistics import Estimate, difference_of_quantiles
from workbench.vitals.histogram import Buckets, is_histogram, only_possible, rank_histogram
from workbench.vitals.percentiles import group_keys, of_one_type, sample_weight
from workbench.vitals.population import only_counted, only_navigations
from workbench.vitals.ranks import Ranked, rank_values
from workbench.vitals.thresholds import threshold_of

STRATA = ("device_class", "region", "connection")

COMPARABLE = 0.5
"""Below this share of before's page views in strata that came again, there is nobody to compare."""


def mix_shift(
    before: pl.DataFrame,
    after: pl.DataFrame,
    by: Sequence[str] = ("metric",),
    *,
    strata: Sequence[str] = STRATA,
    min_samples: int = 30,
    confidence: float = 0.95,
    mix_devices: bool = True,
    navigations: Sequence[str] | None = ("load",),
    cluster: str | None = "session_id",
) -> pl.DataFrame:
    """Split the change of a p75 into what the pages did and what the visitors did.

    The page views of `after` are weighed so that every stratum (say, phones in one region on 3G) has the share that
    it had before: their p75 is what `after` would have been for the visitors of `before`. The rest of the change is
    the mix.

    Parameters
    ----------
    before, after
        Canonical `vitals` of two releases or windows, or histograms of them by the dimensions of `by` and `strata`.
    by
        Dimensions to keep apart beside the metric.
    strata
        Dimensions whose mix is held still; those that a frame lacks are left out.
    min_samples, confidence, navigations, cluster
        As in `vitals_percentiles`.
    mix_devices
        True as a rule, since the device class is a stratum.

    Returns
    -------
    Keys, n_before, n_after, p75_before, p75_after, `change`; `true_change` (at the mix of before) with `_low` and
    `_high`, `mix_change` (the rest); `comparable` (share of before's page views in strata that after has as well);
    `finding`: `true change`, `mix only` (the change that shows is the visitors'), `hidden by mix` (a true change that
    does not show), `no change`, `not comparable` (under half of before's visitors came again), `too few`.

    Notes
    -----
    Direct standardisation (post-stratification), intervals by the effective sample size of the weights.

    Examples
    --------
    >>> phones = {"metric": "LCP", "device_class": "mobile", "value": [3000.0 + i for i in range(90)]}
    >>> desks = {"metric": "LCP", "device_class": "desktop", "value": [1000.0 + i for i in range(90)]}
    >>> few = [pl.DataFrame(kind).head(30) for kind in (phones, desks)]
    >>> before, after = pl.concat([pl.DataFrame(phones), few[1]]), pl.concat([few[0], pl.DataFrame(desks)])
    >>> mix_shift(before, after).select(pl.col("change", "true_change").round(0), "finding").rows()
    [(-1492.0, -40.0, 'mix only')]
    """
    keys = group_keys(before, by, mix_devices=mix_devices)
    held = [name for name in strata if name not in keys and name in before.columns and name in after.columns]
    counted = [_counted(side, [*keys, *held], navigations) for side in (before, after)]
    first, second = of_one_type(*counted, [*keys, *held])
    shares = _shares(first, second, keys, held)
    matched = [_matched(side, shares, [*keys, *held]) for side in (first, second)]
    samples = {
        "before": _ranked(first, keys, cluster),
        "after": _ranked(second, keys, cluster),
        "matched_before": _ranked(matched[0], keys, cluster),
        "matched_after": _ranked(_weighed(matched[1]), keys, cluster),
    }
    table = _table(samples, keys, confidence).join(
        shares.group_by(keys).agg(pl.col("share_before").sum().alias("comparable")),
        on=keys,
        how="left",
        nulls_equal=True,
    )
    return (
        table.with_columns(pl.col("comparable", "n_before", "n_after").fill_null(0))
        .with_columns((pl.col("change") - pl.col("true_change")).alias("mix_change"))
        .with_columns(_finding(min_samples).alias("finding"))
        .select(
            *keys, "n_before", "n_after", "p75_before", "p75_after", "change", "true_change", "true_change_low",
            "true_change_high", "mix_change", "comparable", "finding",
        )
        .sort(keys, nulls_last=True)
    )  # fmt: skip


def _counted(vitals: pl.DataFrame, keys: Sequence[str], kinds: Sequence[str] | None) -> pl.DataFrame:
    if is_histogram(vitals):
        return only_possible(only_navigations(vitals, kinds))
    require(vitals, VITALS, [*keys, "value"])
    counted = only_counted(vitals, kinds)
    weight = sample_weight(counted)
    return counted.with_columns((pl.lit(1.0) if weight is None else weight).alias("weight"))


def _shares(before: pl.DataFrame, after: pl.DataFrame, keys: list[str], held: list[str]) -> pl.DataFrame:
    """One row per stratum that both sides have: its share before, and by how much after has to be weighed."""
    sides = [
        side.group_by([*keys, *held])
        .agg(pl.col("weight").sum())
        .with_columns((pl.col("weight") / pl.col("weight").sum().over(keys)).alias(f"share_{name}"))
        .drop("weight")
        for side, name in ((before, "before"), (after, "after"))
    ]
    both = sides[0].join(sides[1], on=[*keys, *held], nulls_equal=True)
    return both.with_columns((pl.col("share_before") / pl.col("share_after")).alias("ratio"))


def _matched(side: pl.DataFrame, shares: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    return side.join(shares.select(*on, "ratio"), on=on, nulls_equal=True)


def _weighed(after: pl.DataFrame) -> pl.DataFrame:
    squares = [pl.col("weight_squared") * pl.col("ratio") ** 2] if is_histogram(after) else []
    return after.with_columns(pl.col("weight") * pl.col("ratio"), *squares)


def _ranked(side: pl.DataFrame, keys: list[str], cluster: str | None) -> Ranked | Buckets:
    if is_histogram(side):
        return rank_histogram(side, keys)
    weight = pl.col("weight") if side["weight"].n_unique() > 1 else None
    return rank_values(side, keys, weight=weight, cluster=cluster)


def _table(samples: Mapping[str, Ranked | Buckets], keys: list[str], confidence: float) -> pl.DataFrame:
    frames = [
        ranked.keys.with_columns(
            pl.Series(f"n_{name}", ranked.n, pl.Int64),
            *(
                pl.Series(f"{name}_{part}", numbers, pl.Float64)
                for part, numbers in ranked.estimates(0.75, [confidence])[0]._asdict().items()
            ),
        )
        for name, ranked in samples.items()
    ]
    table = frames[0]
    for frame in frames[1:]:
        table = table.join(frame, on=keys, how="full", coalesce=True, nulls_equal=True)

    def estimate(name: str) -> Estimate:
        return Estimate(*(table[f"{name}_{part}"].fill_null(np.nan).to_numpy() for part in Estimate._fields))

    pairs = {"change": ("before", "after"), "true_change": ("matched_before", "matched_after")}
    changes = {name: difference_of_quantiles(*(estimate(side) for side in pair)) for name, pair in pairs.items()}
    return table.with_columns(
        pl.col("before_value").alias("p75_before"),
        pl.col("after_value").alias("p75_after"),
        *(
            pl.Series(f"{name}{end}", part).fill_nan(None)
            for name, change in changes.items()
            for end, part in zip(("", "_low", "_high"), change, strict=True)
        ),
    )


def _finding(min_samples: int) -> pl.Expr:
    def is_one(name: str) -> pl.Expr:
        sure = (pl.col(f"{name}_low") > 0) | (pl.col(f"{name}_high") < 0)
        return sure & (pl.col(name).abs() >= threshold_of("smallest_change").fill_null(0))

    same_way = pl.col("change").sign() == pl.col("true_change").sign()
    enough = pl.min_horizontal("n_before", "n_after") >= min_samples
    bounded = pl.all_horizontal(
        pl.col("change_low", "change_high", "true_change_low", "true_change_high").is_not_null()
    )
    return (
        pl.when(~enough.fill_null(False))
        .then(pl.lit("too few"))
        .when(pl.col("comparable") < COMPARABLE)
        .then(pl.lit("not comparable"))
        .when(~bounded)
        .then(pl.lit("too few"))
        .when(is_one("true_change") & is_one("change") & same_way)
        .then(pl.lit("true change"))
        .when(is_one("true_change"))
        .then(pl.lit("hidden by mix"))
        .when(is_one("change"))
        .then(pl.lit("mix only"))
        .otherwise(pl.lit("no change"))
    )
