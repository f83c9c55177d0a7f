"""Which rows of a big table come home: representatives of each shape, what belongs to some errors, the clean ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import polars as pl

from connectors.bringing_home import bring_home
from connectors.exceptions import FetchError
from connectors.loaded import once_a_key
from connectors.pages import fill_in
from connectors.stores import Refused
from connectors.table import Table
from connectors.warehouse_engines import engine_of

Frame = nw.LazyFrame[Any]

SHAPE = ("type", "message", "stack")
MOST_NAMED = 2_000
"""So many ids are named in a question, which lets the engine skip files; more are joined where they lie."""

MOST_CARRIED = 20_000
"""So many ids are carried from one engine to another."""


def representatives(events: Frame, of_each: int) -> Frame:
    """Keep at most so many events of every shape, the smallest ids, and let each stand for what it was picked from.

    Parameters
    ----------
    events
        Canonical `events` of any engine.
    of_each
        How many of each type, message and stack.

    Returns
    -------
    The same columns; `sample_rate` is what it was, times the share of the shape that was kept.

    Examples
    --------
    >>> events = pl.LazyFrame({"event_id": ["a", "b", "c", "d"], "type": "E", "message": ["m", "m", "m", "n"]})
    >>> representatives(nw.from_native(events), 2).sort("event_id").collect().select("event_id", "sample_rate").rows()
    [('a', 0.6666666666666666), ('b', 0.6666666666666666), ('d', 1.0)]
    """
    have = events.collect_schema().names()
    by = [name for name in SHAPE if name in have]
    counted = events.with_columns(_one=nw.lit(1))
    if not by:
        counted, by = counted.with_columns(_all=nw.lit(1)), ["_all"]
    counted = counted.with_columns(
        _nth=nw.col("_one").cum_sum().over(*by, order_by="event_id").cast(nw.Int64),
        _n=nw.col("_one").sum().over(*by).cast(nw.Float64),
    ).filter(nw.col("_nth") <= of_each)
    kept = nw.when(nw.col("_n") > of_each).then(of_each / nw.col("_n")).otherwise(nw.lit(1.0))
    rate = nw.col("sample_rate").fill_null(1.0) if "sample_rate" in have else nw.lit(1.0)
    return counted.with_columns(sample_rate=rate * kept).select(*dict.fromkeys([*have, "sample_rate"]))


def belonging(rows: Frame, column: str, to: Frame, known: pl.Series | None = None) -> Frame:
    """Keep the rows whose `column` is one of those in `to`.

    Parameters
    ----------
    rows
        A table with `column`.
    column
        An id.
    to
        Any frame with the column.
    known
        The ids, where they are at home already.

    Raises
    ------
    FetchError
        The two lie in different engines, and the ids are too many to carry.

    Examples
    --------
    >>> frames = nw.from_native(pl.LazyFrame({"event_id": ["a", "b"], "line": [1, 2]}))
    >>> belonging(frames, "event_id", nw.from_native(pl.LazyFrame({"event_id": ["b"]}))).collect()["line"].to_list()
    [2]
    """
    if known is not None and known.drop_nulls().n_unique() <= MOST_NAMED:
        return named(rows, column, known.drop_nulls().unique().sort().to_list())
    if rows.implementation == to.implementation:
        ids = to.select(column).filter(~nw.col(column).is_null()).unique()
        return rows.join(ids, on=column, how="semi")
    ids = bring_home(to.select(column).unique())[column] if known is None else known
    ids = ids.drop_nulls().unique().sort()
    if len(ids) > MOST_CARRIED:
        raise FetchError(
            f"{len(ids):,} values of {column} lie in another engine than what belongs to them; put both tables into one"
        )
    return named(rows, column, ids.to_list())


def named(rows: Frame, column: str, ids: Sequence[str]) -> Frame:
    """Keep the rows whose `column` is one of `ids`.

    Examples
    --------
    >>> named(nw.from_native(pl.LazyFrame({"trace_id": ["a", "b"]})), "trace_id", []).collect().shape
    (0, 1)
    """
    return rows.filter(nw.col(column).is_in(list(ids))) if ids else rows.head(0)


def of_sessions(rows: Frame, one_in: int) -> Frame:
    """Keep the rows of one session in `one_in`, by a seeded hash of its id: whole sessions, whole page views.

    Whether a session is kept depends on its id alone, so every session has the same chance, the same ones are kept on
    every engine and in every run, and those of a smaller sample are among those of a larger one. Rows without a session
    go by their page view, rows without either by the time of day.

    Parameters
    ----------
    rows
        A table with `at` and, as far as it has them, `session_id` and `page_view_id`.
    one_in
        Of how many sessions one is kept; 1 keeps all.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> views = pl.LazyFrame({"session_id": [str(i // 2) for i in range(2000)]}).with_columns(
    ...     at=datetime(2026, 3, 9, tzinfo=UTC))
    >>> kept = of_sessions(nw.from_native(views), 10).collect()
    >>> len(kept), len(kept) == 2 * kept["session_id"].n_unique()
    (212, True)
    """
    if one_in <= 1:
        return rows
    have = rows.collect_schema().names()
    at = nw.col("at").dt
    minute = at.hour().cast(nw.Int64) * 60 + at.minute().cast(nw.Int64)
    time = (minute * 60 + at.second().cast(nw.Int64)) * 1_000_000 + at.microsecond().cast(nw.Int64)
    ids = [nw.col(name).cast(nw.String) for name in ("session_id", "page_view_id") if name in have]
    native = rows.with_columns(_sampled=nw.coalesce(*ids, time.cast(nw.String))).to_native()
    kept = engine_of(native, "a sample").sampled(native, "_sampled", f"{2**32 // one_in:08x}")
    return nw.from_native(kept).lazy().drop("_sampled")


def clean(rows: pl.DataFrame, table: Table, place: str, user_key: str) -> tuple[pl.DataFrame, list[Refused], list[str]]:
    """Bring rows that came home into canonical form; what no row of ours may be is set aside, and said.

    Returns
    -------
    The rows; what was set aside; notes.

    Examples
    --------
    >>> from connectors.tables import VITALS
    >>> rows = pl.DataFrame({"at": [0, None, 0], "metric": "LCP", "value": [1.0, 2.0, float("nan")]})
    >>> kept, refused, notes = clean(rows, VITALS, "web_vitals", "shop")
    >>> kept["value"].to_list(), refused
    ([1.0, None], [Refused(place='web_vitals', reason='1 of 3 rows have no at')])
    >>> notes
    ['1 value of value is no finite number: taken as unknown']
    """
    refused, notes, n = [], [], rows.height
    for name in table.required:
        lacking = rows[name].null_count()
        if lacking:
            rows = rows.filter(pl.col(name).is_not_null())
            refused.append(Refused(place, f"{lacking} of {n} rows have no {name}"))
    for name in rows.select(pl.selectors.float()).columns:
        odd = (~rows[name].is_finite()).sum()
        if odd:
            rows = rows.with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name))
            notes.append(f"{odd} {'value' if odd == 1 else 'values'} of {name} is no finite number: taken as unknown")
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in table.schema.items() if name not in rows.columns]
    order = [table.time] if table.time else list(table.key)
    filled = fill_in(rows.with_columns(lacking), table, user_key).sort(order, maintain_order=True)
    # of what was reported again and again, as a vital is until its page is left, the last report counts
    ours, twice = once_a_key(filled, table, keep="last")
    if twice:
        notes.append(f"{twice} {'row' if twice == 1 else 'rows'} came more than once and were counted once")
    return ours, refused, notes
