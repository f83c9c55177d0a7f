"""Groupings side by side: ours under present and under edited rules, and two usual ones, against what is known."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from workbench.errors.baselines import IN_APP_STACK, TOP_FRAME, baseline_groups
from workbench.errors.distinct import Distinct
from workbench.errors.scoring import Scores, score, score_interval

LABELS, VENDOR = "labels", "the tracker's issues"
SCORES = {
    "against": pl.String,
    "weight": pl.String,
    "way": pl.String,
    "groups": pl.Int64,
    "truths": pl.Int64,
    "n": pl.Int64,
    "noise": pl.Int64,
    **dict.fromkeys(Scores._fields, pl.Float64),
    "f1_low": pl.Float64,
    "f1_high": pl.Float64,
}


def score_table(ways: Mapping[str, pl.DataFrame], distinct: Distinct, labels: Mapping[str, str]) -> pl.DataFrame:
    """Score groupings, and the usual ones beside them.

    Parameters
    ----------
    ways
        Groupings by name, from `Regrouping.under`, over the same cells; the first is the one in force.
    distinct
        The distinct errors, for the usual ways.
    labels
        The bug of each labelled shape (`labels.fold`).

    Returns
    -------
    One row for each truth (`against`: labels, the tracker's own issues, the grouping in force; those there are), each
    `weight` (events, shapes) and each `way`: `groups` and `truths` (how many), `n` (what was scored), `noise` (events
    of the truth that are noise now and in no group), the scores, and an interval of the pair F1 (null: too few truths).
    Against the grouping in force stand the other given ones alone.
    """
    in_force = next(iter(ways))
    usual = baseline_groups(distinct)
    rows = ways[in_force].select("n", "error_id", "shape_id", VENDOR_ID)
    rows = rows.with_columns(way["issue_id"].alias(name) for name, way in ways.items())
    rows = rows.join(usual, on="error_id", how="left", maintain_order="left").with_columns(
        label=pl.col("shape_id").replace_strict(dict(labels), default=None, return_dtype=pl.String),
        **{way: pl.when(pl.col(in_force).is_not_null()).then(way) for way in (TOP_FRAME, IN_APP_STACK)},
    )
    every = (*ways, TOP_FRAME, IN_APP_STACK)
    truths = {LABELS: ("label", every)} if labels else {}
    if rows[VENDOR_ID].drop_nulls().len():
        truths[VENDOR] = (VENDOR_ID, every)
    truths[in_force] = (in_force, tuple(ways)[1:])
    table = [
        _row(against, weight, way, rows, truth)
        for against, (truth, compared) in truths.items()
        for weight in ("events", "shapes")
        for way in compared
    ]
    return pl.DataFrame(table, schema=SCORES, orient="row")


VENDOR_ID = "vendor_issue_id"


def _row(against: str, weight: str, way: str, rows: pl.DataFrame, truth: str) -> tuple:
    known = rows.filter(pl.col(truth).is_not_null()).select("n", "shape_id", found=way, truth=truth)
    noise = int(known.filter(pl.col("found").is_null())["n"].sum())
    scored = known.drop_nulls("found")
    if weight == "shapes":
        scored = scored.unique(["shape_id", "found", "truth"]).with_columns(n=pl.lit(1))
    scores = score(scored, weight="n")
    low, high = score_interval(scored, weight="n")
    counts = (scored["found"].n_unique(), scored["truth"].n_unique(), int(scored["n"].sum()), noise)
    return (against, weight, way, *counts, *scores, low, high)
