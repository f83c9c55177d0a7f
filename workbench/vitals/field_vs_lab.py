"""Field data beside lab data: where the lab is blind, and what it would have caught before the deploy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from connectors.tables import LAB_RUNS, VITALS, require
from workbench.vitals.histogram import histogram_percentiles, is_histogram
from workbench.vitals.percentiles import vitals_percentiles
from workbench.vitals.population import only_navigations
from workbench.vitals.thresholds import RATINGS, rating, threshold_of

LAB_METRICS = ("LCP", "CLS", "FCP", "TTFB")
"""What both a lab and the field measure. The lab has no users, hence no INP: its blocking time only hints at it."""

RUNS_THAT_SAY = 3
"""From so many runs on a page's own runs say how much they scatter."""


def field_vs_lab(
    vitals: pl.DataFrame,
    lab_runs: pl.DataFrame,
    by: Sequence[str] = ("route", "device_class"),
    *,
    min_samples: int = 30,
    confidence: float = 0.95,
    cluster: str | None = "auto",
) -> pl.DataFrame:
    """Put the field's p75 beside the lab's median, page by page and device by device.

    Parameters
    ----------
    vitals
        Canonical `vitals`, or a histogram of them by the dimensions of `by`.
    lab_runs
        Canonical `lab_runs`; `form_factor` is joined to `device_class`.
    by
        Dimensions of a row beside the metric. Those that a lab run does not have (`region`, `connection`) stand against
        the same lab run each: that is how a slow region that no lab looks from shows.
    min_samples, confidence, cluster
        As in `vitals_percentiles`.

    Returns
    -------
    Keys, `n`, `field` (p75) with `field_low`, `field_high`, `field_rating`; `runs`, `lab` (median of the runs),
    `lab_low`, `lab_high` (fastest and slowest run), `lab_rating`; `times` (field over lab), `finding`: `lab is blind`
    (the field is surely in a worse band than the lab says), `lab is harder`, `no lab run`, `no field data`, `too few
    page views`, `agree`, in this order.

    Notes
    -----
    A field rating worse than the lab's counts only when the whole interval lies above the lab's band.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> vitals = pl.DataFrame({"metric": "LCP", "value": [5000.0 + i for i in range(40)], "route": "/cart",
    ...                        "device_class": "mobile"})
    >>> runs = pl.DataFrame({"metric": "LCP", "value": [1900.0, 2100.0], "route": "/cart", "form_factor": "mobile"})
    >>> field_vs_lab(vitals, runs)["route", "lab", "lab_rating", "field_rating", "finding"].rows()
    [('/cart', 2000.0, 'good', 'poor', 'lab is blind')]
    """
    is_counted = is_histogram(vitals)
    require(vitals, VITALS, ["metric", *([] if is_counted else ["value"]), *by])
    require(lab_runs, LAB_RUNS, ["metric", "value"])
    both_measure = pl.col("metric").cast(pl.String).is_in(LAB_METRICS)
    how: dict[str, Any] = {"percentiles": [75], "min_samples": min_samples, "confidence": confidence}
    measured = vitals.filter(both_measure)
    field = (
        (
            histogram_percentiles(only_navigations(measured, ["load"]), by, **how)
            if is_counted
            else vitals_percentiles(measured, by, cluster=cluster, **how)
        )
        .rename({"p75": "field", "p75_low": "field_low", "p75_high": "field_high", "rating": "field_rating"})
        .drop("rating_sure", "share_good", "share_needs", "share_poor")
    )
    keys = field.columns[: field.columns.index("n")]
    lab = _lab(lab_runs.filter(both_measure), keys)
    lab_keys = [name for name in keys if name in lab.columns]
    texts = [pl.col(name).cast(pl.String) for name in lab_keys]
    joined = field.with_columns(texts).join(
        lab.with_columns(texts), on=lab_keys, how="full", coalesce=True, nulls_equal=True
    )
    order = pl.Enum(["lab is blind", "lab is harder", "no lab run", "no field data", "too few page views", "agree"])
    return (
        joined.with_columns(
            pl.col("n", "runs").fill_null(0),
            (pl.col("field") / pl.when(pl.col("lab") > 0).then(pl.col("lab"))).alias("times"),
            rating(pl.col("field_low")).alias("_at_best"),
            rating(pl.col("field_high")).alias("_at_worst"),
        )
        .with_columns(_finding().alias("finding"))
        .select(
            *keys, "n", "field", "field_low", "field_high", "field_rating",
            "runs", "lab", "lab_low", "lab_high", "lab_rating", "times", "finding",
        )
        .sort(
            pl.col("finding").cast(order), pl.col("times"), *keys,
            descending=[False, True, *[False] * len(keys)], nulls_last=True,
        )
    )  # fmt: skip


def caught_by_lab(compared: pl.DataFrame, lab_runs: pl.DataFrame, before: str, after: str) -> pl.DataFrame:
    """Say of each regression of a release whether the lab would have shown it before the deploy.

    Parameters
    ----------
    compared
        What `compare_releases(vitals, before, after, by=("metric", "device_class", "route"))` gives.
    lab_runs
        Canonical `lab_runs` of both releases.
    before, after
        The releases.

    Returns
    -------
    One row per regression, in their order: its keys, `difference` in the field, `lab_before`, `lab_after` (medians),
    `lab_difference`, `lab_verdict`: `caught` (worse by more than runs scatter, and by what a user could notice),
    `missed`, `not measured` (INP, or no run of the page in either release). How much runs scatter is taken from
    themselves where either release has three, else from `lab_scatter` in `rules/vitals/thresholds`: a single Lighthouse
    run proves little.

    Examples
    --------
    >>> keys = {"metric": "CLS", "device_class": "mobile", "route": "/"}
    >>> compared = pl.DataFrame({**keys, "difference": [0.15], "verdict": ["regression"]})
    >>> runs = pl.DataFrame({"metric": "CLS", "form_factor": "mobile", "route": "/", "release": ["a", "a", "b", "b"],
    ...                      "value": [0.0, 0.0, 0.25, 0.25]})
    >>> caught_by_lab(compared, runs, "a", "b")["lab_difference", "lab_verdict"].rows()
    [(0.25, 'caught')]
    """
    require(lab_runs, LAB_RUNS, ["metric", "value", "release"])
    keys = [name for name in ("metric", "device_class", "route") if name in compared.columns]
    regressions = compared.filter(pl.col("verdict") == "regression").with_columns(pl.col(keys).cast(pl.String))
    sides = [
        _lab(lab_runs.filter(pl.col("release").cast(pl.String) == release), keys)
        .with_columns(pl.col(name).cast(pl.String) for name in keys)
        .select(*keys, pl.col("lab", "lab_low", "lab_high", "runs").name.suffix(f"_{side}"))
        for side, release in (("before", before), ("after", after))
    ]
    worse = pl.col("lab_after") - pl.col("lab_before")
    usual = threshold_of("lab_scatter") * pl.when(metric="CLS").then(1.0).otherwise(pl.col("lab_before"))
    beyond_scatter = (
        pl.when(pl.min_horizontal("runs_before", "runs_after") >= RUNS_THAT_SAY)
        .then(pl.col("lab_low_after") > pl.col("lab_high_before"))
        .otherwise(worse > usual.fill_null(0))
    )
    noticeable = worse >= threshold_of("smallest_change").fill_null(0)
    return (
        regressions.select(*keys, "difference")
        .join(sides[0], on=keys, how="left", nulls_equal=True, maintain_order="left")
        .join(sides[1], on=keys, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(worse.alias("lab_difference"))
        .with_columns(
            pl.when(worse.is_null())
            .then(pl.lit("not measured"))
            .when(beyond_scatter & noticeable)
            .then(pl.lit("caught"))
            .otherwise(pl.lit("missed"))
            .alias("lab_verdict")
        )
        .select(*keys, "difference", "lab_before", "lab_after", "lab_difference", "lab_verdict")
    )


def _lab(lab_runs: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    runs = lab_runs.rename({"form_factor": "device_class"}) if "form_factor" in lab_runs.columns else lab_runs
    shared = [name for name in keys if name in runs.columns]
    return (
        runs.filter(pl.col("value").is_finite())
        .group_by(shared)
        .agg(
            pl.len().cast(pl.Int64).alias("runs"),
            pl.col("value").median().alias("lab"),
            pl.col("value").min().alias("lab_low"),
            pl.col("value").max().alias("lab_high"),
        )
        .with_columns(rating(pl.col("lab")).alias("lab_rating"))
    )


def _finding() -> pl.Expr:
    def rank(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(list(RATINGS), range(len(RATINGS)), default=None, return_dtype=pl.Int64)

    return (
        pl.when(pl.col("runs") == 0)
        .then(pl.lit("no lab run"))
        .when(pl.col("n") == 0)
        .then(pl.lit("no field data"))
        .when(pl.col("field").is_null())
        .then(pl.lit("too few page views"))
        .when(rank("_at_best") > rank("lab_rating"))
        .then(pl.lit("lab is blind"))
        .when(rank("_at_worst") < rank("lab_rating"))
        .then(pl.lit("lab is harder"))
        .otherwise(pl.lit("agree"))
    )
