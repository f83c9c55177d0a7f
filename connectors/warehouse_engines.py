"""What differs between engines when a team's column becomes one of ours: a handful of expressions each.

Everything after that is narwhals, written once (`connectors.warehouse_relations`, `workbench.reduce`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import narwhals as nw
import polars as pl
import polars_hash as plh

from connectors.exceptions import SourceError
from connectors.warehouse_mapping import EPOCHS, ISO, Column

MICROS = 1_000_000

SEED = "blindspot:"
"""Stands before every id that is hashed for a sample, so that nobody else's sample is of the same sessions."""


class SqlEngine:
    """An engine whose expressions are text: columns are quoted, keys were checked when the mapping was read."""

    name: ClassVar[str]
    quotes: ClassVar[str]

    def select(self, native: Any, columns: Mapping[str, Column], where: str | None) -> Any:
        """Give the rows that meet `where` with these columns under these names; constants are left to the caller."""
        chosen = {name: self.expression(column) for name, column in columns.items()}
        return self.project(self.filter(native, where) if where else native, chosen)

    def expression(self, column: Column) -> str:
        """Write what a mapping says of a column in the engine's words."""
        text = f"({column.sql})" if column.sql is not None else self.quote(column.column or "")
        if column.key is not None:
            text = f"{text}['{column.key}']"
        if column.json is not None:
            text = self.json(text, column.path)
        if column.unit is not None:
            text = self.time(text, column.unit)
        return text

    def quote(self, name: str) -> str:
        """Quote a column's name."""
        return self.quotes + name.replace(self.quotes, self.quotes * 2) + self.quotes

    def project(self, native: Any, chosen: Mapping[str, str]) -> Any:
        """Select expressions under names."""
        raise TypeError(f"{type(self).__name__} does not project {type(native).__name__}")

    def filter(self, native: Any, where: str) -> Any:
        """Keep the rows that meet a condition of the team's own."""
        return native.filter(where)

    def json(self, text: str, path: Sequence[str]) -> str:
        """Take a text out of a JSON document."""
        keys = "".join(f'."{key}"' for key in path)
        return f"json_extract_string({text}, '${keys}')"

    def sampled(self, native: Any, column: str, below: str) -> Any:
        """Keep the rows of whose id in `column` the seeded MD5 begins below `below`, eight hexadecimal digits."""
        return self.filter(native, f"substr(md5(concat('{SEED}', {self.quote(column)})), 1, 8) < '{below}'")

    def time(self, text: str, unit: str) -> str:
        """Make a time out of a number of units since 1970, or out of ISO 8601 text."""
        if unit == ISO:
            return f"CAST({text} AS TIMESTAMPTZ)"
        return f"make_timestamptz({micros(text, unit, '//')})"


class DuckEngine(SqlEngine):
    """DuckDB relations."""

    name = "DuckDB"
    quotes = '"'

    def project(self, native: Any, chosen: Mapping[str, str]) -> Any:
        """Select expressions under names."""
        return native.project(", ".join(f"{text} AS {self.quote(name)}" for name, text in chosen.items()))


class SparkEngine(SqlEngine):
    """Spark DataFrames, of a session here or of Spark Connect."""

    name = "Spark"
    quotes = "`"

    def project(self, native: Any, chosen: Mapping[str, str]) -> Any:
        """Select expressions under names."""
        return native.selectExpr(*(f"{text} AS {self.quote(name)}" for name, text in chosen.items()))

    def json(self, text: str, path: Sequence[str]) -> str:
        """Take a text out of a JSON document."""
        keys = "".join(f"['{key}']" for key in path)
        return f'get_json_object({text}, "${keys}")'

    def time(self, text: str, unit: str) -> str:
        """Make a time out of a number of units since 1970, or out of ISO 8601 text."""
        if unit == ISO:
            return f"to_timestamp({text})"
        return f"timestamp_micros({micros(text, unit, 'DIV')})"


class IbisEngine:
    """Ibis tables, whatever stands behind them."""

    name = "Ibis"

    def select(self, native: Any, columns: Mapping[str, Column], where: str | None) -> Any:
        """Give the rows with these columns under these names; constants are left to the caller.

        Raises
        ------
        SourceError
            The mapping has SQL in it: each backend has its own, an Ibis expression is the same on all.
        """
        written = [name for name, column in columns.items() if column.sql is not None] + (["where"] if where else [])
        if written:
            raise SourceError(
                f"{', '.join(written)}: an Ibis table is not mapped by SQL; give it as table.mutate(...) or "
                "table.filter(...) makes it"
            )
        return native.select(**{name: self._expression(native, column) for name, column in columns.items()})

    def sampled(self, native: Any, column: str, below: str) -> Any:
        """Keep the rows of whose id in `column` the seeded MD5 begins below `below`, eight hexadecimal digits."""
        return native.filter((SEED + native[column]).hexdigest("md5").substr(0, 8) < below)

    def _expression(self, native: Any, column: Column) -> Any:
        value = native[column.column]
        if column.key is not None:
            value = value[column.key]
        if column.json is not None:
            value = value.cast("json")
            for key in column.path:
                value = value[key]
            value = value.unwrap_as("string")
        if column.unit == ISO:
            return value.cast("timestamp('UTC')")
        if column.unit is None:
            return value
        import ibis  # who passes an Ibis table has it

        ticks = EPOCHS[column.unit]
        whole = (
            value.cast("int64") // (ticks // MICROS) if ticks > MICROS else value.cast("float64") * (MICROS // ticks)
        )
        return ibis.literal(datetime(1970, 1, 1)) + whole.cast("int64").as_interval("us")


class PolarsEngine:
    """Small tables that are here already: deploys, lab runs, a slice that somebody pulled."""

    name = "Polars"

    def select(self, native: Any, columns: Mapping[str, Column], where: str | None) -> Any:
        """Give the rows that meet `where` with these columns under these names; constants are left to the caller."""
        frame = native.lazy()
        frame = frame.filter(pl.sql_expr(where)) if where else frame
        return frame.select(self._expression(column).alias(name) for name, column in columns.items())

    def sampled(self, native: Any, column: str, below: str) -> Any:
        """Keep the rows of whose id in `column` the seeded MD5 begins below `below`, eight hexadecimal digits."""
        hashed = pl.concat_str(pl.lit(SEED), plh.col(column)).nchash.md5()  # type: ignore[attr-defined]
        return native.lazy().filter(hashed.str.head(8) < below)

    def _expression(self, column: Column) -> Any:
        value = pl.sql_expr(column.sql) if column.sql is not None else pl.col(column.column or "")
        if column.key is not None:
            value = value.map.get(column.key)
        if column.json is not None:
            value = value.str.json_path_match("$" + "".join(f"['{key}']" for key in column.path))
        if column.unit == ISO:
            return value.str.to_datetime(time_unit="us", time_zone="UTC")
        if column.unit is None:
            return value
        ticks = EPOCHS[column.unit]
        whole = (
            value.cast(pl.Int64) // (ticks // MICROS) if ticks > MICROS else value.cast(pl.Float64) * (MICROS // ticks)
        )
        return whole.cast(pl.Int64).cast(pl.Datetime("us", "UTC"))


ENGINES: Mapping[nw.Implementation, Any] = {
    nw.Implementation.DUCKDB: DuckEngine(),
    nw.Implementation.PYSPARK: SparkEngine(),
    nw.Implementation.PYSPARK_CONNECT: SparkEngine(),
    nw.Implementation.IBIS: IbisEngine(),
    nw.Implementation.POLARS: PolarsEngine(),
}


def engine_of(native: Any, table: str) -> Any:
    """Give the engine of a native frame.

    Raises
    ------
    SourceError
        The object is no frame of an engine that is known.

    Examples
    --------
    >>> engine_of(pl.DataFrame({"a": [1]}), "events").name
    'Polars'
    >>> engine_of({"a": [1]}, "events")
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceError: events: a dict is no table; give a Spark DataFrame, a DuckDB relation, an Ibis table or a Polars frame
    """  # noqa: E501
    try:
        implementation = nw.from_native(native).implementation
    except TypeError:
        implementation = None
    if implementation not in ENGINES:
        raise SourceError(
            f"{table}: a {type(native).__name__} is no table; give a Spark DataFrame, a DuckDB relation, an Ibis table "
            "or a Polars frame"
        )
    return ENGINES[implementation]


def micros(text: str, unit: str, div: str) -> str:
    """Write a number of units as a whole number of microseconds, whatever type and size the number has.

    Examples
    --------
    >>> micros('"ts"', "ms", "//"), micros("ns", "ns", "DIV")
    ('CAST(CAST("ts" AS DOUBLE) * 1000 AS BIGINT)', 'CAST(ns AS BIGINT) DIV 1000')
    """
    ticks = EPOCHS[unit]
    if ticks > MICROS:
        return f"CAST({text} AS BIGINT) {div} {ticks // MICROS}"
    return f"CAST(CAST({text} AS DOUBLE) * {MICROS // ticks} AS BIGINT)"
