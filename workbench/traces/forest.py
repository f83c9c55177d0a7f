"""Parents and children of spans as arrays: the same for one trace and for a million.

Ids become row numbers once; then ancestors are found by jumping along parents, all spans at a time, so the work grows
with the depth of the deepest trace and not with the number of traces.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import polars.selectors as cs

from connectors.tables import SPANS, require

NO_PARENT = -1
COLUMNS = (
    "trace_id", "span_id", "parent_span_id", "service", "name", "kind", "side", "started_at", "duration_us", "status",
    "status_message", "http_status", "db_statement",
)  # fmt: skip


def distinct_spans(spans: pl.DataFrame) -> pl.DataFrame:
    """Keep each span once, in the order of trace and start.

    Backends return a span twice when it was exported twice (Jaeger does). A client and a server span that share one id
    (Zipkin's way) are two spans: they differ in kind or service.

    Raises
    ------
    TableError
        A column of the spans table that a tree needs is missing.
    """
    require(spans, SPANS, COLUMNS)
    return (
        spans.with_columns(cs.categorical().cast(pl.String))
        .unique(["trace_id", "span_id", "kind", "service"], keep="first", maintain_order=True)
        .sort("trace_id", "started_at", "side", "span_id", "kind", maintain_order=True)
        .with_row_index("row")
    )


def parent_rows(spans: pl.DataFrame) -> np.ndarray:
    """Give the row of each span's parent, -1 for roots and orphans, with no circles.

    Where client and server share an id, the server span hangs below the client span, and a child hangs below the one
    of its own service, else below the server. A span that is its own ancestor becomes a root.

    Parameters
    ----------
    spans
        From `distinct_spans`.
    """
    rows = spans.select("row", "trace_id", "span_id", "parent_span_id", "service", "kind")
    shared = pl.col("row").count().over("trace_id", "span_id") > 1
    is_client = pl.col("kind").eq_missing("client") | pl.col("kind").eq_missing("producer")
    places = rows.select(
        "trace_id", "service", is_client.alias("is_client"), pl.col("span_id").alias("parent_span_id"),
        pl.col("row").alias("parent"),
    )  # fmt: skip
    own = pl.col("parent_service").eq_missing(pl.col("service"))
    found = (
        rows.join(
            places.rename({"service": "parent_service"}), on=["trace_id", "parent_span_id"], how="inner",
        )
        .filter(pl.col("parent") != pl.col("row"))
        .sort(own.cast(pl.Int8) * 2 + (~pl.col("is_client")).cast(pl.Int8), "parent", descending=[True, False])
        .unique("row", keep="first", maintain_order=True)
    )  # fmt: skip
    parents = np.full(spans.height, NO_PARENT, dtype=np.int64)
    parents[found["row"].to_numpy()] = found["parent"].to_numpy()
    twins = (
        rows.with_columns(shared.alias("shared"), is_client.alias("is_client"))
        .filter("shared")
        .with_columns(
            pl.col("row").filter("is_client").first().over("trace_id", "span_id").alias("client"),
        )
        .filter(~pl.col("is_client"), pl.col("client").is_not_null())
    )
    parents[twins["row"].to_numpy()] = twins["client"].to_numpy()
    return _without_circles(parents)


def _without_circles(parents: np.ndarray) -> np.ndarray:
    """Cut every circle at its first row: after n jumps of doubling length, whoever is not at a root goes round one."""
    reached, jumps = parents.copy(), 1
    while jumps <= len(parents) and (reached != NO_PARENT).any():
        reached = np.where(reached == NO_PARENT, NO_PARENT, reached[reached])
        jumps *= 2
    parents = parents.copy()
    for start in np.unique(reached[reached != NO_PARENT]):
        circle, row = [int(start)], int(parents[start])
        while row not in (NO_PARENT, circle[0]) and len(circle) <= len(parents):
            circle.append(row)
            row = int(parents[row])
        if row == circle[0]:
            parents[min(circle)] = NO_PARENT
    return parents


def depths(parents: np.ndarray) -> np.ndarray:
    """Give how many ancestors each span has."""
    depth = np.zeros(len(parents), dtype=np.int64)
    above = parents.copy()
    while (going := above != NO_PARENT).any():
        depth[going] += 1
        above[going] = parents[above[going]]
    return depth


def marked_below(parents: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """Say which spans have a marked span somewhere below them."""
    below = np.zeros(len(parents), dtype=bool)
    above = np.unique(parents[marked])
    above = above[above != NO_PARENT]
    while len(above := above[~below[above]]):
        below[above] = True
        above = np.unique(parents[above])
        above = above[above != NO_PARENT]
    return below
