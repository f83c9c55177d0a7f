"""Sessions of a warehouse that keeps none: told from page views, vitals and errors, where those lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

Frame = nw.LazyFrame[Any]

SIGNS = ("page_views", "vitals", "events")
SAID = ("user_id", "release", "environment", "device_class", "region", "browser", "os", "user_agent")


def signs_of_life(tables: Mapping[str, Frame]) -> Frame:
    """Make sessions out of the rows that name one: first and last sign, and one value that any of them said.

    Parameters
    ----------
    tables
        Canonical tables of one engine by name; those of another engine than the first are left out.

    Examples
    --------
    >>> import polars as pl
    >>> views = pl.LazyFrame({"session_id": ["s", "s", None], "at": [1, 5, 3], "release": [None, "a", "b"]})
    >>> told = signs_of_life({"page_views": nw.from_native(views)}).collect()
    >>> told.select("session_id", "started_at", "ended_at", "release").rows()
    [('s', 1, 5, 'a')]
    """
    parts: list[Frame] = []
    for name in SIGNS:
        rows = tables.get(name)
        if rows is None or (parts and rows.implementation != parts[0].implementation):
            continue
        have = rows.collect_schema().names()
        if {"session_id", "at"} <= set(have):
            said = [
                nw.col(one).cast(nw.String) if one in have else nw.lit(None, dtype=nw.String).alias(one) for one in SAID
            ]
            parts.append(rows.filter(~nw.col("session_id").is_null()).select("session_id", "at", *said))
    signs = nw.concat(parts) if len(parts) > 1 else parts[0]
    return signs.group_by("session_id").agg(
        nw.col("at").min().alias("started_at"),
        nw.col("at").max().alias("ended_at"),
        *(nw.col(one).max() for one in SAID),
    )
