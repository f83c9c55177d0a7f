"""Groupings side by side: ours under present and under edited rules, and two usual ones, against what is known."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from workbench.errors.baselines import IN_APP_STACK, TOP_FRAME, baseline_groups
from workbench.errors.distinct import Distinct
from workbench.errors.scoring import Scores, score, score_interval

PRESENT, EDITED = "present rules", "edited rules"
LABELS, VENDOR, OLD = "labels", "tracker's issues", "present rules"
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


def score_table(
    present: pl.DataFrame, edited: pl.DataFrame, distinct: Distinct, labels: Mapping[str, str]
) -> pl.DataFrame:
    """Score both groupings and the usual ones.

    Parameters
    ----------
    present, edited
        From `Regrouping.under`, over the same cells.
    distinct
        The distinct errors, for the usual ways.
    labels
        The bug of each labelled shape (`labels.fold`).

    Returns
    -------
    One row for each truth (`against`: labels, the tracker's own issues, the present rules; those there are), each
    `weight` (events, shapes) and each `way`: `groups` and `truths` (how many), `n` (what was scored), `noise` (events
    of the truth that are noise now and in no group), the scores, and an interval of the pair F1 (null: too few truths).
    Against the present rules stand the edited ones alone.
    """
    usual = baseline_groups(distinct)
    rows = edited.select("n", "error_id", "shape_id", VENDOR_ID, pl.col("issue_id").alias(EDITED)).with_columns(
        present["issue_id"].alias(PRESENT)
    )
    rows = rows.join(usual, on="error_id", how="left", maintain_order="left").with_columns(
        label=pl.col("shape_id").replace_strict(dict(labels), default=None, return_dtype=pl.String),
        **{way: pl.when(pl.col(PRESENT).is_not_null()).then(way) for way in (TOP_FRAME, IN_APP_STACK)},
    )
    truths = {LABELS: ("label", (PRESENT, EDITED, TOP_FRAME, IN_APP_STACK))} if labels else {}
    if rows[VENDOR_ID].drop_nulls().len():
        truths[VENDOR] = (VENDOR_ID, (PRESENT, EDITED, TOP_FRAME, IN_APP_STACK))
    truths[OLD] = (PRESENT, (EDITED,))
    table = [
        _row(against, weight, way, rows, truth)
        for against, (truth, ways) in truths.items()
        for weight in ("events", "shapes")
        for way in ways
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
