"""A team's own tables under our names: what `warehouse.toml` may say, read and checked before anything is asked.

::

    name = "shop"
    address = "spark+sc://spark.example.com:15002/prod.web"   # or the mapping is named in an address: ?mapping=...
    environment = "production"
    first_party = ["shop.example.com"]

    [tables.vitals]
    table = "analytics.web_vitals"
    where = "app = 'shop'"                      # SQL of the engine, if not all rows are meant
    day = "event_date"                          # the column that the table is partitioned by

    [tables.vitals.columns]                     # columns that have our name need not be named
    at = { column = "ts", unit = "ms" }         # a time as a number: s, ms, us or ns; as text: iso
    value = { column = "seconds", unit = "s" }  # becomes milliseconds; CLS has no unit and stays
    route = "page_template"                     # their column
    metric = { column = "name", values = { largest_contentful_paint = "LCP" } }
    device_class = { sql = "CASE WHEN is_mobile THEN 'mobile' ELSE 'desktop' END" }
    region = { column = "attributes", key = "geo.region" }     # of a map
    attribution = { column = "payload", json = "attribution" } # of JSON; a list is a path
    environment = { constant = "production" }

The SQL is the team's own, in its own file; nothing that comes from data is ever put into a statement.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from connectors.exceptions import SourceError, SourceNotFound
from connectors.tables import TABLES, TIME, Table

EPOCHS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Ticks in a second of each unit."""

ISO = "iso"
DURATIONS = {"value": "ms", "duration_ms": "ms", "duration_us": "us"}
"""Columns that hold a length of time, and the unit that they hold it in."""

MOST_ROWS = 1_000_000
PLAIN = re.compile(r"[\w .:@/$-]+")
"""What keys and parts of a table's name are made of: they stand inside statements."""


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where one canonical column comes from: one of `column`, `sql` and `constant`, and what is done to it."""

    column: str | None = None
    sql: str | None = None
    constant: str | float | bool | None = None
    unit: str | None = None
    json: str | list[str] | None = None
    key: str | None = None
    values: dict[str, str] = {}

    @property
    def path(self) -> list[str]:
        """The keys on the way into a JSON document."""
        return [self.json] if isinstance(self.json, str) else list(self.json or ())

    @property
    def is_plain(self) -> bool:
        """True for a column that is taken as it lies there."""
        return self == Column(column=self.column)


class MappedTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where one canonical table comes from."""

    table: str | None = None
    where: str | None = None
    day: str | None = None
    columns: dict[str, str | Column] = {}

    def column(self, name: str) -> Column | None:
        """Give what the mapping says of a canonical column, None where it says nothing."""
        said = self.columns.get(name)
        return Column(column=said) if isinstance(said, str) else said


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a `warehouse.toml` says.

    Attributes
    ----------
    most_rows
        A table with more rows in the window stays where it is; only reductions and slices of it come home.
    sourcemaps
        Address of the source maps, since no warehouse keeps them.
    """

    name: str | None = None
    address: str | None = None
    environment: str | None = None
    first_party: list[str] = []
    most_rows: int = MOST_ROWS
    sourcemaps: str | None = None
    tables: dict[str, MappedTable] = {}


def read_mapping(path: str | Path) -> Mapping:
    """Read a `warehouse.toml`.

    Raises
    ------
    SourceNotFound
        There is no such file.
    SourceError
        It is not TOML, or says something that no mapping has; names the place.
    """
    file = Path(path)
    if not file.is_file():
        raise SourceNotFound(f"there is no mapping at {file}; connectors/warehouse_mapping.py says what stands in one")
    try:
        said = msgspec.toml.decode(file.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{file.name} is not TOML: {error}") from error
    mapping = mapping_of(said, file.name)
    maps = mapping.sourcemaps and file.parent / mapping.sourcemaps
    return msgspec.structs.replace(mapping, sourcemaps=str(maps)) if maps and maps.is_dir() else mapping


def mapping_of(said: Mapping | dict[str, Any] | None, place: str = "the mapping") -> Mapping:
    """Check a mapping that was given as a dictionary, as `warehouse.toml` would hold it.

    Raises
    ------
    SourceError
        A table, a column or a word is not one of ours; lists those there are.

    Examples
    --------
    >>> mapping_of({"tables": {"vitals": {"columns": {"value": "ms"}}}}).tables["vitals"].column("value").column
    'ms'
    >>> mapping_of({"tables": {"vitals": {"columns": {"vlaue": "ms"}}}}, "warehouse.toml")
    Traceback (most recent call last):
        ...
    connectors.exceptions.SourceError: warehouse.toml: vitals has no column vlaue; it has: at, page_view_id, session_id, metric, value, rating, navigation_type, page_url, route, release, environment, device_class, region, browser, connection, attribution, trace_id, sample_rate
    """  # noqa: E501
    if isinstance(said, Mapping):
        mapping = said
    else:
        try:
            mapping = msgspec.convert(said or {}, Mapping)
        except msgspec.ValidationError as error:
            raise SourceError(f"{place}: {error}") from error
    for name, mapped in mapping.tables.items():
        if name not in TABLES:
            raise SourceError(f"{place}: no table is called {name}; there are: {', '.join(TABLES)}")
        for column in mapped.columns:
            _check(TABLES[name], column, mapped.column(column) or Column(), place)
    return mapping


def _check(table: Table, name: str, said: Column, place: str) -> None:
    where = f"{place}: {table.name}.{name}"
    if name not in table.schema:
        raise SourceError(f"{place}: {table.name} has no column {name}; it has: {', '.join(table.schema)}")
    sources = [one for one in (said.column, said.sql, said.constant) if one is not None]
    if len(sources) != 1:
        raise SourceError(f"{where} says {len(sources)} of column, sql and constant; say one")
    allowed = (*EPOCHS, ISO) if table.schema[name] == TIME else tuple(EPOCHS) if name in DURATIONS else ()
    if said.unit is not None and said.unit not in allowed:
        ways = f"give one of {', '.join(allowed)}" if allowed else "only times and durations have one"
        raise SourceError(f"{where}: {said.unit!r} is no unit of it; {ways}")
    for key in (*said.path, *([said.key] if said.key is not None else [])):
        if not PLAIN.fullmatch(key):
            raise SourceError(f"{where}: the key {key!r} has characters that no key has here; take it apart with sql")
