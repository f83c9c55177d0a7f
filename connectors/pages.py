"""A page of rows as a batch of canonical tables: users hashed, agents parsed, routes and endpoints named.

For connectors whose formats collect rows (`connectors.formats.rows`): what a source leaves unsaid is filled in here,
the same way for all of them, and what it said itself stays.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from connectors.derive import with_hashed_users, with_http_routes, with_routes
from connectors.formats.routes import endpoint_of
from connectors.formats.rows import Rows
from connectors.formats.user_agents import with_agents
from connectors.remote import Batch
from connectors.tables import Table, conform


def page_of(
    tables: Iterable[Rows],
    user_key: str,
    *,
    calls: int = 1,
    truncated: bool = False,
    sampling: str | None = None,
    note: str | None = None,
) -> Batch:
    """Make the batch of one page out of what the formats collected from it.

    Examples
    --------
    >>> from connectors.tables import PAGE_VIEWS, TEXT
    >>> rows = Rows(PAGE_VIEWS, {"user_agent": TEXT})
    >>> agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
    >>> rows.add(("p1", "s1", 1741530000000000, "https://shop.example/p/7", *[None] * 8, agent))
    >>> page_of([rows], "shop").tables["page_views"].select("route", "device_class", "browser").rows()
    [('/p/:id', 'desktop', 'Chrome')]
    """
    given = list(tables)
    skipped = sorted({what for rows in given for what in rows.skipped})
    notes = [text for text in (note, f"skipped by design: {', '.join(skipped)}" if skipped else None) if text]
    return Batch(
        {rows.table.name: filled_in(rows, user_key) for rows in given},
        tuple(refused for rows in given for refused in rows.refused),
        calls,
        truncated,
        sampling,
        "; ".join(notes) or None,
    )


def filled_in(rows: Rows, user_key: str) -> pl.DataFrame:
    """Give the rows of one table in canonical form, with what can be told from what is there.

    Examples
    --------
    >>> from connectors.tables import REQUESTS
    >>> rows = Rows(REQUESTS)
    >>> rows.add((None, "s1", 1741530000000000, "GET", "/api/cart/7", None, 200, 12.5, None, "beacon"))
    >>> filled_in(rows, "shop")["endpoint"].to_list()
    ['GET /api/cart/:id']
    """
    return fill_in(rows.frame(), rows.table, user_key)


def fill_in(frame: pl.DataFrame, table: Table, user_key: str) -> pl.DataFrame:
    """Give a frame in a table's canonical form, with what can be told from what is there.

    Users are hashed under `user_key` (of a store: `self.user_key`), browsers and devices told from `user_agent`, routes
    and endpoints from addresses. Columns may be left out.

    Examples
    --------
    >>> from connectors.tables import PAGE_VIEWS
    >>> views = pl.DataFrame({"page_view_id": ["p1"], "at": [0], "page_url": ["/p/7"]})
    >>> fill_in(views, PAGE_VIEWS, "shop")["route"].to_list(), fill_in(pl.DataFrame(), PAGE_VIEWS, "shop").height
    (['/p/:id'], 0)
    """
    if frame.is_empty():
        return table.empty()
    left_out = {name: dtype for name, dtype in table.schema.items() if name not in frame.columns}
    frame = frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in left_out.items())
    names = set(frame.columns)
    if "user_id" in names and "user_id" not in left_out:
        frame = with_hashed_users(frame.with_columns(pl.col("user_id").cast(pl.String)), user_key)
    if "user_agent" in names:
        frame = with_agents(frame)
    if {"page_url", "route"} <= names:
        frame = with_routes(frame)
    if "endpoint" in names:
        named = endpoint_of(pl.col("method"), pl.col("url"))
        frame = frame.with_columns(pl.coalesce("endpoint", named).alias("endpoint"))
    if {"http_route", "url"} <= names:
        frame = with_http_routes(frame)
    return conform(frame, table)
