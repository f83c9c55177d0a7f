"""What became of each group when a grouping changed: splits, merges, moves, and events that turned to or from noise."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

KINDS = ("split", "merged", "moved", "to noise", "from noise", "renamed")
"""In the order of a table: what tears groups apart first, new names for the same events last."""

CHANGES = {
    "change": pl.String,
    "n_events": pl.Int64,
    "n_moved": pl.Int64,
    "n_old": pl.Int64,
    "n_new": pl.Int64,
    "to_noise": pl.Int64,
    "from_noise": pl.Int64,
    "old": pl.List(pl.String),
    "new": pl.List(pl.String),
}


def changes(
    pairs: pl.DataFrame, *, old: str = "old", new: str = "new", weight: str | None = None, listed: int = 12
) -> pl.DataFrame:
    """Say which groups were split, merged, moved or renamed, one row for all groups that one change touches.

    Parameters
    ----------
    pairs
        One row an event (or a cell of equal events): its group in the old and in the new grouping; null: noise.
    weight
        A column of events a row; each row is one when not given.
    listed
        So many groups are named in `old` and `new`, the largest first; `n_old` and `n_new` count all of them.

    Returns
    -------
    `change`: `split` (one old group, several new), `merged` (several old, one new), `moved` (several of both),
    `to noise`, `from noise` (nothing else changed), `renamed` (the same events under a new name: a tracker begins a new
    issue). `n_events` of all groups touched, `n_moved` of them outside the largest part that stayed together,
    `to_noise` and `from_noise` events, `old`, `new`. In the order of `KINDS`, the largest first.

    Examples
    --------
    >>> pairs = pl.DataFrame({"old": ["a", "a", "b", "c", "d"], "new": ["1", "2", "3", "3", "d"]})
    >>> changes(pairs).select("change", "n_events", "n_moved", "old", "new").rows()
    [('split', 2, 1, ['a'], ['1', '2']), ('merged', 2, 1, ['b', 'c'], ['3'])]
    """
    amount = pl.len().cast(pl.Int64) if weight is None else pl.col(weight).cast(pl.Int64).sum()
    cells = (
        pairs.lazy()
        .select(pl.col(old).cast(pl.String).alias("old"), pl.col(new).cast(pl.String).alias("new"),
                *([] if weight is None else [weight]))
        .filter(pl.col("old").is_not_null() | pl.col("new").is_not_null())
        .group_by("old", "new")
        .agg(n=amount)
        .sort("old", "new", nulls_last=True)
        .collect()
    )  # fmt: skip
    cells = cells.with_columns(part=_components(cells))
    sides = {
        side: cells.filter(pl.col(side).is_not_null())
        .group_by("part", side)
        .agg(pl.col("n").sum())
        .sort(["n", side], descending=[True, False])
        .group_by("part")
        .agg(pl.col(side).head(listed), pl.len().cast(pl.Int64).alias(f"n_{side}"))
        for side in ("old", "new")
    }
    kept = pl.col("old").is_not_null() & pl.col("new").is_not_null()
    parts = (
        cells.group_by("part")
        .agg(
            n_events=pl.col("n").sum(),
            largest=pl.col("n").filter(kept).max().fill_null(0),
            to_noise=pl.col("n").filter(pl.col("new").is_null()).sum(),
            from_noise=pl.col("n").filter(pl.col("old").is_null()).sum(),
            same=(pl.col("old").eq_missing(pl.col("new"))).all(),
        )
        .filter(~pl.col("same"))
    )
    table = (
        parts.join(sides["old"], on="part", how="left")
        .join(sides["new"], on="part", how="left")
        .with_columns(pl.col("n_old", "n_new").fill_null(0), n_moved=pl.col("n_events") - pl.col("largest"))
        .with_columns(change=_kind())
    )
    order = pl.col("change").replace_strict({kind: at for at, kind in enumerate(KINDS)}, return_dtype=pl.Int64)
    first = pl.coalesce(pl.col("old").list.first(), pl.col("new").list.first())
    return table.sort([order, "n_events", first], descending=[False, True, False]).select(
        pl.col(name).cast(dtype) for name, dtype in CHANGES.items()
    )


def _kind() -> pl.Expr:
    n_old, n_new = pl.col("n_old"), pl.col("n_new")
    return (
        pl.when((n_old > 1) & (n_new > 1))
        .then(pl.lit("moved"))
        .when(n_new > 1)
        .then(pl.when(n_old == 1).then(pl.lit("split")).otherwise(pl.lit("from noise")))
        .when(n_old > 1)
        .then(pl.when(n_new == 1).then(pl.lit("merged")).otherwise(pl.lit("to noise")))
        .when(pl.col("to_noise") > 0)
        .then(pl.lit("to noise"))
        .when(pl.col("from_noise") > 0)
        .then(pl.lit("from noise"))
        .otherwise(pl.lit("renamed"))
    )


def _components(cells: pl.DataFrame) -> pl.Series:
    """Number the parts of the graph whose nodes are old and new groups and whose edges are shared events."""
    old, new = (cells[side].rank("dense").cast(pl.Int64).fill_null(0).to_numpy() for side in ("old", "new"))
    n_old, n_new = int(old.max(initial=0)), int(new.max(initial=0))
    # Noise is no group: each cell that touches it hangs on its one other end alone.
    ends = np.where(old > 0, old - 1, n_old + new - 1), np.where(new > 0, n_old + new - 1, old - 1)
    size = n_old + n_new
    if not size:
        return pl.Series([], dtype=pl.Int64)
    graph = coo_matrix((np.ones(len(cells)), ends), shape=(size, size))
    part = connected_components(graph, directed=False)[1]
    return pl.Series(part[ends[0]], dtype=pl.Int64)
