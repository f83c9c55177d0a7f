"""Reports of a vital that the page view sent again: found on a sample, left out where the rows lie.

What `workbench.vitals.treat` does with rows at home. It costs a pass over all page views, so it is done only where a
sample of whole sessions shows that page views are reported more than once at all.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from connectors.bringing_home import bring_home
from connectors.warehouse_slices import of_sessions
from workbench.vitals.population import limits

Frame = nw.LazyFrame[Any]

VIEW = ("page_view_id", "session_id", "navigation_type", "metric")
LOOKED_AT = 200_000
"""So many rows are looked at. Where none of them is repeated, few of all are: below 3 in 200,000 (the rule of three, at
95 %) if reports were repeated independently of the session."""


def are_repeated(vitals: Frame, n: int) -> bool:
    """Say whether page views report a metric more than once, by whole sessions of some `LOOKED_AT` of all `n` rows.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> rows = pl.LazyFrame({"page_view_id": ["a", "a"], "metric": "INP", "value": [40.0, 96.0]}).with_columns(
    ...     at=datetime(2026, 3, 9, tzinfo=UTC))
    >>> are_repeated(nw.from_native(rows), 2), are_repeated(nw.from_native(rows.head(1)), 1)
    (True, False)
    """
    have = vitals.collect_schema().names()
    if not {"page_view_id", "at"} <= set(have):
        return False
    some = of_sessions(vitals, -(-n // LOOKED_AT)).filter(possible(), ~nw.col("page_view_id").is_null())
    reported = some.group_by(*(name for name in VIEW if name in have)).agg(n=nw.len())
    return bool(bring_home(reported.select(most=nw.col("n").max()))["most"].fill_null(0)[0] > 1)


def last_reports(vitals: Frame) -> Frame:
    """Keep of each page view and metric the last report that can be true; those at one time by the larger value.

    Rows that cannot be true and those without a page view all stay: they are counted elsewhere.

    Examples
    --------
    >>> import polars as pl
    >>> rows = pl.LazyFrame({"page_view_id": "a", "metric": "INP", "value": [40.0, 96.0, -1.0], "at": [1, 2, 3]})
    >>> sorted(last_reports(nw.from_native(rows)).collect()["value"].to_list())
    [-1.0, 96.0]
    """
    have = vitals.collect_schema().names()
    asked = (possible() & ~nw.col("page_view_id").is_null()).alias("_asked")
    marked = vitals.with_columns(asked, _one=nw.lit(1))
    view = [name for name in VIEW if name in have]
    nth = nw.col("_one").cum_sum(reverse=True).over(*view, "_asked", order_by=["at", "value"])
    return marked.with_columns(_nth=nth).filter((nw.col("_nth") == 1) | ~nw.col("_asked")).select(*have)


def possible() -> nw.Expr:
    """Say whether a value can be true, as `population.reason_set_aside` does at home.

    Examples
    --------
    >>> import polars as pl
    >>> rows = pl.LazyFrame({"metric": ["LCP", "LCP", "CLS", "INP"], "value": [2.4, 2400.0, 0.0, None]})
    >>> nw.from_native(rows).select(ok=possible()).collect()["ok"].to_list()
    [False, True, True, False]
    """
    value, metric = nw.col("value"), nw.col("metric").cast(nw.String)
    can = ~value.is_null() & value.is_finite() & (value >= 0)
    for name, rule in limits().items():
        wrong = ((value > 0) & (value < rule["smallest"])) | (value > rule["largest"])
        if rule["zero"] == 0:
            wrong = wrong | (value == 0)
        can = can & ~((metric == name) & wrong)
    return can.fill_null(False)
