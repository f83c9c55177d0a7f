"""A trace as a tree, from the click to the SQL: browser and backend spans together, and where it failed first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from workbench.traces.clocks import offsets
from workbench.traces.failures import failing_spans, failure_of, is_error
from workbench.traces.forest import COLUMNS, NO_PARENT, depths, distinct_spans, parent_rows

__all__ = ["failing_spans", "trace_tree"]


def trace_tree(spans: pl.DataFrame, trace_id: str) -> pl.DataFrame:
    """Lay one trace out as a tree, depth first, with the way from its root cause to whoever swallowed it.

    Parameters
    ----------
    spans
        Canonical `spans`, of this trace and of any others.
    trace_id
        Which trace.

    Returns
    -------
    The spans of the trace in depth-first order, children by their start, with the canonical columns a tree needs and

    - `depth`: 0 for a root; an orphan, whose parent is not among the spans, is a root with `is_orphan`;
    - `offset_us`: start, from the start of the whole trace, clocks put right;
    - `skew_us`: by how much a start was moved to put its clock right;
    - `is_root_cause`: the deepest failing span, see `failing_spans`;
    - `on_error_path`: from the root cause up to the span that swallowed the error, or to the root if none did;
    - `swallowed_error`: that span, which answered as if nothing had happened.

    No rows when the trace has no spans.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from connectors.tables import SPANS, conform
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> spans = conform(pl.DataFrame({
    ...     "trace_id": "a", "span_id": ["1", "2"], "parent_span_id": [None, "1"], "started_at": noon,
    ...     "name": ["GET /api/cart", "SELECT"], "status": ["unset", "error"], "http_status": [200, None],
    ... }), SPANS)
    >>> trace_tree(spans, "a").select("depth", "name", "is_root_cause", "swallowed_error").rows()
    [(0, 'GET /api/cart', False, True), (1, 'SELECT', True, False)]
    """
    trace = distinct_spans(spans.filter(pl.col("trace_id") == trace_id))
    parents = parent_rows(trace)
    depth = depths(parents)
    starts, skews = offsets(trace, parents)
    failure = failure_of(trace, parents, depth)
    path = [] if failure is None else _path(parents, failure.row, failure.swallowed_by)
    swallowed_by = None if failure is None or failure.swallowed_by == NO_PARENT else failure.swallowed_by
    laid_out = trace.with_columns(
        pl.col("duration_us").fill_null(0),
        pl.Series("depth", depth, dtype=pl.Int64),
        pl.Series("offset_us", starts, dtype=pl.Int64),
        pl.Series("skew_us", skews, dtype=pl.Int64),
        pl.Series("is_orphan", parents == NO_PARENT, dtype=pl.Boolean) & pl.col("parent_span_id").is_not_null(),
        is_error().alias("is_error"),
        pl.col("row").is_in(path).alias("on_error_path"),
        (pl.col("row") == (-1 if failure is None else failure.row)).alias("is_root_cause"),
        (pl.col("row").cast(pl.Int64) == (-1 if swallowed_by is None else swallowed_by)).alias("swallowed_error"),
    )
    added = ("depth", "offset_us", "skew_us", "is_orphan", "is_error", "on_error_path", "is_root_cause")
    more = [name for name in ("http_method", "http_route", "attributes", "events") if name in trace.columns]
    return laid_out[_depth_first(parents, starts)].select(*COLUMNS, *more, *added, "swallowed_error")


def _path(parents: np.ndarray, row: int, top: int) -> list[int]:
    path = [row]
    while path[-1] != top and parents[path[-1]] != NO_PARENT:
        path.append(int(parents[path[-1]]))
    return path


def _depth_first(parents: np.ndarray, starts: np.ndarray) -> Sequence[int]:
    children: dict[int, list[int]] = {}
    for row in np.argsort(-starts, kind="stable"):
        children.setdefault(int(parents[row]), []).append(int(row))
    order, stack = [], list(children.get(NO_PARENT, []))
    while stack:
        row = stack.pop()
        order.append(row)
        stack.extend(children.get(row, []))
    return order
