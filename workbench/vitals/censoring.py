"""Values cut off, good ones dropped: what a collector or a sampler did to the vitals before we saw them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from workbench.rules.loader import load
from workbench.vitals.percentiles import group_keys
from workbench.vitals.population import only_counted
from workbench.vitals.thresholds import threshold_of

FINDINGS = ("cut off above", "cut off below", "good ones missing")


def find_censoring(
    vitals: pl.DataFrame,
    by: Sequence[str] = ("metric",),
    *,
    min_samples: int = 100,
    mix_devices: bool = True,
    navigations: Sequence[str] | None = ("load",),
) -> pl.DataFrame:
    """Find groups whose values end at a wall, or lack the ones that are good.

    Parameters
    ----------
    vitals
        Canonical `vitals`.
    by
        Dimensions to look at apart; add `release` to see whether a collector changed with a deploy.
    min_samples
        Groups with fewer values are not judged.
    mix_devices, navigations
        As in `vitals_percentiles`.

    Returns
    -------
    One row per finding, none where nothing looks cut off: keys, n, `finding` (one of `FINDINGS`), `at` (the value
    where it happens), `n_near` (values just inside), `n_beyond` (values just outside), `detail` (a sentence).

    Notes
    -----
    Within a few per cent of its end a natural tail has one or two values, however many there are in all. Ten or more
    that end at a round number are a limit that somebody set. The numbers are in `rules/vitals/censoring`.

    Examples
    --------
    >>> vitals = pl.DataFrame({"metric": "LCP", "value": [float(ms) for ms in range(900, 10_001, 20)]})
    >>> find_censoring(vitals)["finding", "at", "n_near"].rows()
    [('cut off above', 10000.0, 25)]
    """
    rule = load("vitals", "censoring").data
    keys = group_keys(vitals, by, mix_devices=mix_devices)
    counted = only_counted(vitals, navigations).filter(pl.col("value") > 0)
    value, good = pl.col("value"), threshold_of("good")
    spread = value.quantile(0.75).log() - value.quantile(0.25).log()
    near = pl.min_horizontal(pl.lit(rule["within"]), spread * rule["of_spread"])
    ends = (
        counted.with_columns(good)
        .group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            value.max().alias("top"),
            value.min().alias("bottom"),
            (value >= value.max() * (-near).exp()).sum().alias("near_top"),
            (value <= value.min() * near.exp()).sum().alias("near_bottom"),
            value.is_between(pl.col("good") / rule["step"], pl.col("good")).sum().alias("below"),
            ((value > pl.col("good")) & (value <= pl.col("good") * rule["step"])).sum().alias("above"),
            pl.col("good").first(),
        )
        .filter(pl.col("n") >= min_samples)
    )
    walls = rule["smallest_wall"]
    smallest = (
        pl.col("metric")
        .cast(pl.String)
        .replace_strict(list(walls), [float(wall) for wall in walls.values()], default=None, return_dtype=pl.Float64)
    )
    top, bottom = (pl.col(end).round_sig_figs(rule["digits"]) for end in ("top", "bottom"))
    found = {
        "cut off above": (
            (pl.col("near_top") >= rule["few"]) & _is_at(pl.col("top"), top, rule["within_round"]) & (top >= smallest),
            (top, pl.col("near_top"), pl.lit(0)),
            "{} values end abruptly at {}: slower page views were dropped or clipped",
        ),
        "cut off below": (
            (pl.col("near_bottom") >= rule["few"])
            & _is_at(bottom, pl.col("bottom"), rule["within_round"])
            & (bottom >= smallest),
            (bottom, pl.col("near_bottom"), pl.lit(0)),
            "{} values begin abruptly at {}: only slow page views were kept",
        ),
        "good ones missing": (
            (pl.col("above") >= rule["enough_above"]) & (pl.col("below") < pl.col("above") * rule["jump"]),
            (pl.col("good"), pl.col("above"), pl.col("below")),
            "{} values lie just above {}, far fewer just below: good page views were sampled away",
        ),
    }
    return pl.concat(
        ends.filter(is_one).select(
            *keys,
            "n",
            pl.lit(name).alias("finding"),
            at.alias("at"),
            near.cast(pl.Int64).alias("n_near"),
            beyond.cast(pl.Int64).alias("n_beyond"),
            pl.format(text, near, at).alias("detail"),
        )
        for name, (is_one, (at, near, beyond), text) in found.items()
    ).sort([*keys, "finding"], nulls_last=True)


def _is_at(value: pl.Expr, wall: pl.Expr, within: float) -> pl.Expr:
    """Say whether a value stands at a wall or just before it."""
    return value.is_between(wall * (1 - within), wall)
