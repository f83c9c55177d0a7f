"""Tables that stay where they are: Spark, DuckDB, what Ibis reaches. Only reductions and slices of big ones come home.

A table of at most `most_rows` rows in the window is brought home whole. Of a bigger one comes home what an
investigation needs to see row by row: representatives of each error, what belongs to them, one session, one trace.
Everything else is counted where it lies, by `workbench.reduce` over `Warehouse.rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import narwhals as nw
import polars as pl

from connectors.bringing_home import bring_home
from connectors.exceptions import FetchError
from connectors.redaction import redact
from connectors.registry import open_store
from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import ARTIFACTS, TABLES
from connectors.warehouse_answers import WarehouseAnswers
from connectors.warehouse_engines import engine_of
from connectors.warehouse_mapping import MappedTable, mapping_of
from connectors.warehouse_mapping import Mapping as TableMapping
from connectors.warehouse_relations import Frame, Relation
from connectors.warehouse_sessions import SIGNS, signs_of_life
from connectors.warehouse_slices import clean


class Warehouse(WarehouseAnswers):
    """Canonical tables over native ones; it answers every Protocol of `connectors.stores` that it has tables for.

    Parameters
    ----------
    tables
        Native tables by canonical name: Spark DataFrames, DuckDB relations, Ibis tables, Polars frames.
    mapping
        What `warehouse.toml` says, as read by `read_mapping` or as a dictionary; None where all columns have our names.
    name, address
        What the store calls itself and where it is.
    close
        Ends what was started for it. Sessions and connections that were passed in belong to the caller.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = [datetime(2026, 3, 9, 14, tzinfo=UTC)] * 2
    >>> vitals = pl.DataFrame({"ts": at, "metric": ["LCP", "CLS"], "seconds": [2.5, 0.1]})
    >>> said = {"at": "ts", "value": {"column": "seconds", "unit": "s"}}
    >>> store = Warehouse({"vitals": vitals}, {"tables": {"vitals": {"columns": said}}})
    >>> store.vitals(Window()).frame.select("metric", "value").collect().rows()
    [('LCP', 2500.0), ('CLS', 0.1)]
    >>> store.count("vitals", Window(end=at[0]))
    0
    """

    def __init__(
        self,
        tables: Mapping[str, Any],
        mapping: TableMapping | dict[str, Any] | None = None,
        *,
        name: str | None = None,
        address: str = "tables passed in",
        user_key: str | None = None,
        close: Callable[[], None] | None = None,
    ) -> None:
        said = mapping_of(mapping)
        for table, native in tables.items():
            mapping_of({"tables": {table: {}}}, "the tables passed in")
            engine_of(native, table)
        self._relations = {
            table: Relation(TABLES[table], native, said.tables.get(table, MappedTable()))
            for table, native in tables.items()
        }
        self.address = redact(address)
        self.name = said.name or name or "warehouse"
        self.environment = said.environment
        self.first_party = tuple(said.first_party)
        self.most_rows = said.most_rows
        self.user_key = user_key or self.name
        self._maps = open_store(said.sourcemaps) if said.sourcemaps else None
        self._close = close
        self._errors = {}
        self._counts: dict[tuple[str, Window], int] = {}

    @classmethod
    def open(cls, address: str) -> Warehouse:
        """Open the warehouse at an address, see `connectors.warehouse_addresses`."""
        from connectors.warehouse_addresses import open_warehouse

        return open_warehouse(address)

    def __repr__(self) -> str:
        return f"Warehouse({self.address!r}, {self.there})"

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session or connection, if it was started for this store."""
        if self._close is not None:
            self._close, close = None, self._close
            close()

    def has(self, table_name: str) -> bool:
        """Say whether the warehouse has this table, or can tell it from others."""
        if table_name == ARTIFACTS.name and self._maps is not None:
            return True
        return table_name in self._relations or table_name in self.told

    def warehouse_of(self, table_name: str) -> Warehouse | None:
        """Say where a table lies and is counted: here, if at all."""
        return self if self.has(table_name) else None

    @property
    def told(self) -> tuple[str, ...]:
        """Tables that are told from others: sessions, where none are kept."""
        return ("sessions",) if self._signs and "sessions" not in self._relations else ()

    @cached_property
    def _signs(self) -> list[str]:
        """Tables that tell of sessions."""
        return [name for name in SIGNS if name in self._relations and self._relations[name].has("session_id")]

    @property
    def there(self) -> str:
        """The names of the tables there are, for sentences."""
        return ", ".join(self._relations) or "no tables"

    def rows(self, table_name: str, window: Window | None = None) -> Frame:
        """Give the rows of a window where they lie, under our names, lazily: what reductions are made of.

        Raises
        ------
        TableError
            The mapping does not fit the table.
        FetchError
            The warehouse has no such table.
        """
        window = window or Window()
        if table_name in self._relations:
            return self._relations[table_name].rows(window)
        if table_name in self.told:
            return signs_of_life({name: self._relations[name].rows(window) for name in self._signs})
        raise FetchError(f"{self.name} has no {table_name}; it has: {self.there}")

    def count(self, table_name: str, window: Window | None = None) -> int:
        """Count the rows of a window where they lie, once."""
        key = (table_name, window or Window())
        if key not in self._counts:
            counted = self.rows(*key).select(n=nw.len().cast(nw.Int64))
            self._counts[key] = int(bring_home(counted)["n"][0])
        return self._counts[key]

    def is_big(self, table_name: str, window: Window | None = None) -> bool:
        """Say whether a table stays where it is."""
        return self.has(table_name) and self.count(table_name, window) > self.most_rows

    def slice(self, table_name: str, ids: Mapping[str, Sequence[str]], window: Window | None = None) -> pl.DataFrame:
        """Bring home the rows that hold any of some ids, by column: one session, one trace, one recording."""
        if not self.has(table_name):
            return TABLES[table_name].empty()
        rows = self.rows(table_name, window)
        have = rows.collect_schema().names()
        hits = [nw.col(column).is_in(list(some)) for column, some in ids.items() if column in have and some]
        return self.home(table_name, rows.filter(nw.any_horizontal(*hits, ignore_nulls=True)) if hits else rows.head(0))

    def home(self, table_name: str, rows: Frame) -> pl.DataFrame:
        """Bring some rows of a table home in canonical form."""
        return clean(bring_home(rows), TABLES[table_name], self.place(table_name), self.user_key)[0]

    def artifacts(self, release: str | None = None) -> Fetched:
        """Bundles and their source maps, from where the mapping says that they are kept."""
        if self._maps is not None:
            return self._maps.artifacts(release)
        note = "the mapping names no sourcemaps, so stacks stay as the browsers reported them"
        report = FetchReport(self.name, ARTIFACTS.name, "all releases", 0, note=note)
        return Fetched(ARTIFACTS.empty().lazy(), report)

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one source map of `artifacts`.

        Raises
        ------
        FetchError
            No source maps are known.
        """
        if self._maps is None:
            raise FetchError(
                f"{self.name} keeps no source maps, so there is no {map_location}; name them in the mapping"
            )
        return self._maps.open_map(map_location)

    def place(self, table_name: str) -> str:
        """Say what the team calls a table."""
        relation = self._relations.get(table_name)
        return relation.mapped.table or table_name if relation else table_name
