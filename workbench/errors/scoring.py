"""How good a grouping is: against labels, or one grouping against another.

All scores come from one small table, how many events lie in each pair of groups, so that a million events cost one
group-by.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

# Fewer true groups than this are no sample to draw an interval from.
_FEWEST_TRUTHS = 3


class Scores(NamedTuple):
    """Agreement of a grouping with the truth; all between 0 and 1.

    Attributes
    ----------
    pair_precision, pair_recall, pair_f1
        Of two events in one group: are they of one cause? Of two events of one cause: are they in one group?
    bcubed_precision, bcubed_recall, bcubed_f1
        The same asked of each event about its own group (Bagga and Baldwin 1998), so that one huge group counts no more
        than its events.
    v_measure
        Harmonic mean of homogeneity and completeness (Rosenberg and Hirschberg 2007).
    """

    pair_precision: float
    pair_recall: float
    pair_f1: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    v_measure: float


def score(pairs: pl.DataFrame, *, found: str = "found", truth: str = "truth", weight: str | None = None) -> Scores:
    """Score a grouping.

    Parameters
    ----------
    pairs
        One row an event (or a shape): its group in `found` and in `truth`. A null in either leaves the row out.
    found, truth
        Names of the two columns.
    weight
        A column of weights, such as events a shape; each row counts once when not given.

    Examples
    --------
    >>> pairs = pl.DataFrame({"found": [1, 1, 1, 2], "truth": ["a", "a", "b", "b"]})
    >>> scores = score(pairs)
    >>> round(scores.pair_precision, 3), round(scores.pair_recall, 3), round(scores.bcubed_precision, 3)
    (0.333, 0.5, 0.667)
    """
    amount = pl.len().cast(pl.Float64) if weight is None else pl.col(weight).cast(pl.Float64).sum()
    cells = pairs.drop_nulls([found, truth]).group_by(found, truth).agg(n=amount)
    if cells.is_empty():
        return Scores(*[1.0] * 7)
    cells = cells.with_columns(in_found=pl.col("n").sum().over(found), in_truth=pl.col("n").sum().over(truth))
    n = cells["n"].to_numpy()
    found_sizes = cells.group_by(found).agg(pl.col("n").sum())["n"].to_numpy()
    truth_sizes = cells.group_by(truth).agg(pl.col("n").sum())["n"].to_numpy()

    def in_pairs(sizes):
        return float((sizes * (sizes - 1) / 2).clip(min=0).sum())

    both = in_pairs(n)
    precision, recall = _share(both, in_pairs(found_sizes)), _share(both, in_pairs(truth_sizes))
    total = n.sum()
    b_precision = float((n * n / cells["in_found"].to_numpy()).sum() / total)
    b_recall = float((n * n / cells["in_truth"].to_numpy()).sum() / total)
    return Scores(
        precision,
        recall,
        _f1(precision, recall),
        b_precision,
        b_recall,
        _f1(b_precision, b_recall),
        _v_measure(cells, found_sizes, truth_sizes),
    )


def score_interval(
    pairs: pl.DataFrame,
    *,
    found: str = "found",
    truth: str = "truth",
    weight: str | None = None,
    confidence: float = 0.95,
    draws: int = 300,
) -> tuple[float | None, float | None]:
    """Interval of the pair F1: how far it could be off because only some bugs were looked at.

    Parameters
    ----------
    pairs, found, truth, weight
        As for `score`.
    confidence, draws
        Of the interval; how many draws it is read off from. The seed is fixed: equal input, equal interval.

    Returns
    -------
    Its ends; None where there are fewer than three true groups, which are no sample.

    Notes
    -----
    Bayesian bootstrap (Rubin, Annals of Statistics 9, 1981) over the true groups: these were sampled, not the events.

    Examples
    --------
    >>> pairs = pl.DataFrame({"found": [1, 1, 1, 2, 3, 3], "truth": ["a", "a", "b", "b", "c", "c"]})
    >>> low, high = score_interval(pairs)
    >>> 0.0 <= low < score(pairs).pair_f1 < high <= 1.0
    True
    """
    amount = pl.len().cast(pl.Float64) if weight is None else pl.col(weight).cast(pl.Float64).sum()
    cells = pairs.drop_nulls([found, truth]).group_by(found, truth).agg(n=amount).sort(found, truth)
    n, groups, truths = (
        cells["n"].to_numpy(),
        cells[found].rank("dense").to_numpy() - 1,
        cells[truth].rank("dense").to_numpy() - 1,
    )
    n_truths = int(truths.max()) + 1 if len(cells) else 0
    if n_truths < _FEWEST_TRUTHS:
        return None, None
    weights = np.random.default_rng(2026).dirichlet(np.ones(n_truths), draws) * n_truths
    f1 = [_weighted_f1(n, groups, truths, drawn[truths]) for drawn in weights]
    tail = (1 - confidence) / 2
    return float(np.quantile(f1, tail)), float(np.quantile(f1, 1 - tail))


def _weighted_f1(n: np.ndarray, groups: np.ndarray, truths: np.ndarray, weight: np.ndarray) -> float:
    def in_pairs(by: np.ndarray) -> float:
        mass, alone = np.bincount(by, n * weight), np.bincount(by, n * weight**2)
        return float((mass**2 - alone).sum())

    both = float((n * (n - 1) * weight**2).sum())
    return _f1(_share(both, in_pairs(groups)), _share(both, in_pairs(truths)))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _v_measure(cells: pl.DataFrame, found_sizes, truth_sizes) -> float:
    total = found_sizes.sum()

    def entropy(sizes) -> float:
        shares = pl.Series(sizes / total)
        return float(-(shares * shares.log()).sum())

    n, in_found, in_truth = (cells[name] for name in ("n", "in_found", "in_truth"))
    truth_given_found = float(-((n / total) * (n / in_found).log()).sum())
    found_given_truth = float(-((n / total) * (n / in_truth).log()).sum())
    homogeneity = 1.0 if not entropy(truth_sizes) else 1 - truth_given_found / entropy(truth_sizes)
    completeness = 1.0 if not entropy(found_sizes) else 1 - found_given_truth / entropy(found_sizes)
    return _f1(homogeneity, completeness)
