"""When two rows of a table are one: what a lake asks before it writes."""

from __future__ import annotations

import polars as pl

from connectors.tables import Table


def identity(table: Table) -> list[str]:
    """Give the columns that tell two rows apart: the key, or where a row may have no id, all that can be compared.

    Examples
    --------
    >>> from connectors.tables import FRAMES, VITALS
    >>> identity(FRAMES), len(identity(VITALS)) == len(VITALS.schema)
    (['event_id', 'exception_index', 'frame_index'], True)
    """
    ids = [name for name in table.key if name.endswith("_id")]
    if not ids or any(name in table.required for name in ids):
        return list(table.key)
    return [name for name, dtype in table.schema.items() if not dtype.is_nested()]


def without(old: pl.DataFrame, rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Give the old rows that no new row replaces: of equal key, or of equal values where the key holds no id.

    Examples
    --------
    >>> from connectors.tables import RELEASES
    >>> old = pl.DataFrame({"release": ["a", "b"], "environment": ["live", "live"]})
    >>> without(old, old.head(1), RELEASES).rows()
    [('b', 'live')]
    """
    ids = [name for name in table.key if name.endswith("_id")]
    known = pl.any_horizontal(pl.col(ids).is_not_null()) if ids else pl.lit(True)
    kept = _anti(old.filter(known), rows.filter(known), list(table.key))
    return pl.concat([kept, _anti(old.filter(~known), rows.filter(~known), identity(table))])


def _anti(old: pl.DataFrame, rows: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    if old.is_empty() or rows.is_empty():
        return old
    keys = rows.select(pl.col(name).cast(old.schema[name]) for name in on)
    return old.join(keys, on=on, how="anti", nulls_equal=True, maintain_order="left")
