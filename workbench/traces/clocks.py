"""Clocks of different machines put right, so that a child does not start before the call that caused it.

The rule is Jaeger's clock-skew adjustment (jaeger, `clockskew.go`), between spans of different services only: a child
that lies outside of its parent is moved to its middle, on the assumption that both ways over the network take
equally long; everything below on the same clock moves along.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from workbench.traces.forest import NO_PARENT, depths


def offsets(trace: pl.DataFrame, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give each span's start in µs from the trace's own start, and by how much it was moved.

    A browser's page load that hangs below the server's span (the server wrote its trace id into the page) began before
    it: navigation comes first. It is moved only when the server's span does not lie within it.

    Parameters
    ----------
    trace
        The spans of one trace, from `forest.distinct_spans`.
    parents
        From `forest.parent_rows`.
    """
    if trace.is_empty():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    starts = trace["started_at"].dt.timestamp("us").to_numpy().astype(np.int64)
    known = trace["duration_us"].is_not_null().to_list()
    lengths = trace["duration_us"].fill_null(0).to_numpy()
    clocks = trace.select(pl.concat_str("side", "service", separator=" ", ignore_nulls=True)).to_series().to_list()
    queued = trace["kind"].is_in(["producer", "consumer"]).fill_null(False).to_list()
    from_browser = trace["side"].eq_missing("browser").to_list()
    skews = np.zeros(len(starts), dtype=np.int64)
    for row in np.argsort(depths(parents), kind="stable"):
        parent = parents[row]
        if parent == NO_PARENT:
            continue
        if clocks[row] == clocks[parent]:
            skews[row] = skews[parent]
            continue
        if queued[row] or queued[parent] or not (known[row] and known[parent]):
            continue
        caller = (starts[parent] + skews[parent], lengths[parent])
        called = (starts[row], lengths[row])
        if from_browser[row] and not from_browser[parent]:
            skews[row] = 0 if _lies_within(caller, called) else caller[0] - called[0]
        else:
            skews[row] = _skew(called, caller)
    moved = starts + skews
    return moved - moved.min(), skews


def _lies_within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return inner[0] >= outer[0] and inner[0] + inner[1] <= outer[0] + outer[1]


def _skew(child: tuple[int, int], parent: tuple[int, int]) -> int:
    if child[1] > parent[1]:
        # it outlived its caller, by a timeout or on purpose: all we know is that it was not first
        return max(0, parent[0] - child[0])
    if _lies_within(child, parent):
        return 0
    return parent[0] + (parent[1] - child[1]) // 2 - child[0]
