"""What a canonical table is, and how a frame is brought into one: the machinery behind `connectors.tables`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import overload

import polars as pl

from connectors.exceptions import TableError

TIME = pl.Datetime("us", "UTC")
TEXT = pl.String()
INT = pl.Int64()
FLOAT = pl.Float64()
BOOL = pl.Boolean()
TAGS = pl.List(pl.Struct({"key": pl.String(), "value": pl.String()}))
SPAN_EVENTS = pl.List(pl.Struct({"at": TIME, "name": pl.String(), "attributes": pl.String()}))


@dataclass(frozen=True)
class Table:
    """A canonical table: its columns, which of them identify a row, which may never be null.

    Attributes
    ----------
    name
        As in `lake/<name>/`, and as a case's property.
    schema
        Column name to Polars type, in canonical order.
    key
        Columns that together identify a row; the lake keeps one row a key.
    required
        Columns that may not be absent or null.
    dimensions
        Columns of few distinct values: the lake stores them as Categorical.
    """

    name: str
    schema: Mapping[str, pl.DataType]
    key: tuple[str, ...]
    required: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    time: str | None = field(default="at")

    def empty(self) -> pl.DataFrame:
        """Return a frame with this table's columns and no rows.

        Examples
        --------
        >>> from connectors.tables import RELEASES
        >>> RELEASES.empty().columns
        ['release', 'environment', 'deployed_at', 'previous_release', 'commit']
        """
        return pl.DataFrame(schema=dict(self.schema))


def require(frame: pl.DataFrame | pl.LazyFrame, table: Table, columns: Iterable[str] | None = None) -> None:
    """Raise a `TableError` that lists the columns there are when `frame` lacks one of `columns`.

    Parameters
    ----------
    frame
        Any frame; only its schema is looked at.
    table
        The canonical table that `frame` should be.
    columns
        The columns needed; the table's required ones when not given.

    Raises
    ------
    TableError
        A column is missing.

    Examples
    --------
    >>> from connectors.tables import RELEASES
    >>> require(pl.DataFrame({"release": ["a"]}), RELEASES, ["release", "commit"])
    Traceback (most recent call last):
        ...
    connectors.exceptions.TableError: releases lacks the column commit; it has: release
    """
    have = frame.collect_schema().names()
    missing = [column for column in (table.required if columns is None else columns) if column not in have]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise TableError(f"{table.name} lacks the {noun} {', '.join(missing)}; it has: {', '.join(have) or 'none'}")


@overload
def conform(frame: pl.DataFrame, table: Table) -> pl.DataFrame: ...
@overload
def conform(frame: pl.LazyFrame, table: Table) -> pl.LazyFrame: ...
def conform(frame: pl.DataFrame | pl.LazyFrame, table: Table) -> pl.DataFrame | pl.LazyFrame:
    """Bring a frame into a canonical table's form: columns, order, types.

    Missing nullable columns are added as nulls, unknown columns are left out, values are cast. Times may be ISO 8601
    text, numbers (epoch milliseconds) or datetimes; without a zone they are UTC.

    Parameters
    ----------
    frame
        Rows to bring in, eager or lazy. Lazy frames are cast lazily; their values are checked when collected.
    table
        The canonical table.

    Returns
    -------
    A frame of the same kind with exactly `table.schema`.

    Raises
    ------
    TableError
        A required column is missing or null, or a value cannot be cast; names the column, the first such value, and
        how many there are.

    Examples
    --------
    >>> from connectors.tables import RELEASES
    >>> rows = pl.DataFrame({"release": ["a1b2c3d"], "deployed_at": [1741530000000], "colour": ["red"]})
    >>> conform(rows, RELEASES).select("release", "deployed_at", "commit").rows()[0][2] is None
    True
    >>> conform(pl.DataFrame({"release": ["a"], "deployed_at": ["yesterday"]}), RELEASES)
    Traceback (most recent call last):
        ...
    connectors.exceptions.TableError: releases.deployed_at: 1 of 1 values are not times (first: 'yesterday'); give ISO 8601 or epoch milliseconds
    """  # noqa: E501
    require(frame, table)
    have = frame.collect_schema()
    strict = isinstance(frame, pl.LazyFrame)
    wanted = [_cast(name, have.get(name), dtype, strict).alias(name) for name, dtype in table.schema.items()]
    if strict:
        return frame.select(wanted)
    try:
        cast = frame.select(wanted)
    except pl.exceptions.PolarsError as error:
        raise TableError(f"{table.name} has values of another kind: {str(error).partition(chr(10))[0]}") from error
    for name in (name for name in table.schema if name in have):
        _check(frame[name], cast[name], table, name)
    return cast


def _cast(name: str, have: pl.DataType | None, want: pl.DataType, strict: bool) -> pl.Expr:
    if have is None or have == pl.Null:
        return pl.lit(None, dtype=want)
    column = pl.col(name)
    if have == want:
        return column
    if want == TIME:
        if have == pl.String or have == pl.Categorical:
            return _iso_8601(column.cast(pl.String)).str.to_datetime(
                "%+", time_unit="us", time_zone="UTC", strict=strict
            )
        if have.is_numeric():
            return (column.cast(pl.Float64) * 1000).cast(pl.Int64, strict=strict).cast(TIME)
        if isinstance(have, pl.Datetime) and have.time_zone is None:
            return column.dt.replace_time_zone("UTC").dt.cast_time_unit("us")
        return column.cast(pl.Datetime("us", getattr(have, "time_zone", None))).dt.convert_time_zone("UTC")
    return column.cast(want, strict=strict)


def _iso_8601(text: pl.Expr) -> pl.Expr:
    whole = (
        pl.when(text.str.len_bytes() == len("2026-03-09"))
        .then(text + "T00:00:00")
        .otherwise(text.str.replace(" ", "T").str.replace(r"T(\d\d:\d\d)(Z|[+-].*)?$", "T${1}:00${2}"))
    )
    return pl.when(whole.str.contains(r"(Z|[+-]\d\d:?\d\d)$")).then(whole).otherwise(whole + "Z")


def _check(before: pl.Series, after: pl.Series, table: Table, name: str) -> None:
    lost = before.is_not_null() & after.is_null()
    if lost.any():
        kind = "times" if table.schema[name] == TIME else f"of type {table.schema[name]}"
        hint = "; give ISO 8601 or epoch milliseconds" if table.schema[name] == TIME else ""
        first = before.filter(lost)[0]
        raise TableError(
            f"{table.name}.{name}: {lost.sum()} of {len(before)} values are not {kind} (first: {first!r}){hint}"
        )
    if name in table.required and after.null_count():
        raise TableError(
            f"{table.name}.{name}: {after.null_count()} of {len(after)} values are null, but it is required"
        )
    if after.dtype.is_float() and not after.is_finite().all():
        bad = after.filter(~after.is_finite())
        raise TableError(
            f"{table.name}.{name}: {len(bad)} of {len(after)} values are not finite (first: {bad[0]}); give null"
        )
