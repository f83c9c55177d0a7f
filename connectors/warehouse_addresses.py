"""Addresses of warehouses: a DuckDB file, a Spark session here or far away, or a `warehouse.toml` that names either.

| address | is |
|---|---|
| `duckdb+/data/web.duckdb` (also `duckdb:web.duckdb`, `duckdb+file:///data/web.duckdb`) | a file, opened to read |
| `spark+sc://spark.example.com:15002/prod.web` | Spark Connect, tables of a catalog and schema |
| `spark+local:///data/web` | Spark in this process over folders of Parquet, one a table (a lake is such a folder) |
| `spark+local://web` | Spark in this process, tables of a database |
| `shop/warehouse.toml` | what its `address` says |

`?mapping=warehouse.toml` names a mapping, `?schema=web` the schema of a DuckDB file. A session that runs already is
used and left running; one that was started is ended by `Warehouse.close`.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from connectors.exceptions import AddressError, FetchError, MissingExtra, SourceError, SourceNotFound
from connectors.redaction import redact
from connectors.secrets import secret_of
from connectors.tables import TABLES
from connectors.warehouse import Warehouse
from connectors.warehouse_mapping import Mapping as TableMapping
from connectors.warehouse_mapping import read_mapping

MAPPING = "warehouse.toml"
OPTIONS = ("mapping", "schema")
PORT, REACHED_WITHIN = 15002, 10.0
SPARK = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
LOCAL = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}

Find = Callable[[str, bool], Any]
"""Gives a table by name; the second says whether the team named it, so that not finding it is an error."""


def open_warehouse(address: str) -> Warehouse:
    """Open the warehouse at an address.

    Raises
    ------
    AddressError
        The address is of no form above.
    SourceNotFound
        The file or a mapped table is not there.
    MissingExtra
        The engine is not installed; the message gives the install line.
    FetchError
        The engine does not answer.
    """
    shown = redact(address)
    if "://***@" in shown or shown != address:
        raise AddressError(f"{shown} has a secret in it, where others can read it; set BLINDSPOT_SPARK_TOKEN instead")
    if address.endswith(".toml") and "?" not in address:
        mapping, near = read_mapping(address), Path(address).parent
        if mapping.address is None:
            raise SourceError(f'{address} does not say where its tables are; add address = "duckdb+web.duckdb", say')
        return _open(mapping.address, mapping, near)
    return _open(address, None, Path())


def _open(address: str, mapping: TableMapping | None, near: Path) -> Warehouse:
    rest, _, query = address.partition("?")
    options = dict(parse_qsl(query))
    if unknown := sorted(options.keys() - set(OPTIONS)):
        raise AddressError(f"{address} says {', '.join(unknown)}; it may say {', '.join(OPTIONS)}")
    if "mapping" in options:
        mapping = read_mapping(near / options["mapping"])
    kind = re.match(r"(duckdb|spark\+sc|spark\+local)(?:\+file:|[:+])(.*)", rest)
    if kind is None:
        raise AddressError(f"{address} is no address of a warehouse; give duckdb+/path, spark+sc://host/schema or "
                           "spark+local:///path")  # fmt: skip
    engine, where = kind[1], kind[2]
    if engine == "duckdb":
        return _duckdb(address, near / unquote(where.removeprefix("//")), mapping, options.get("schema"))
    if engine == "spark+sc":
        return _spark_connect(address, where.removeprefix("//"), mapping)
    return _spark_local(address, unquote(where.removeprefix("//")), mapping, near)


def _duckdb(address: str, file: Path, mapping: TableMapping | None, schema: str | None) -> Warehouse:
    duckdb = _engine("duckdb", "duckdb")
    if not file.is_file():
        raise SourceNotFound(f"there is no DuckDB file at {file}")
    if mapping is None and (file.parent / MAPPING).is_file():
        mapping = read_mapping(file.parent / MAPPING)
    try:
        connection = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        raise FetchError(f"{file} cannot be opened by DuckDB: {_first_line(error)}") from error
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")  # in a notebook it would be part of the report
    listed = connection.execute(
        "select table_schema || '.' || table_name, table_schema = coalesce(?, current_schema()) from "
        "information_schema.tables order by all",
        [schema],
    ).fetchall()
    there = {name: name for name, _ in listed} | {name.partition(".")[2]: name for name, ours in listed if ours}

    def find(name: str, is_mapped: bool) -> Any:
        if name in there:
            return connection.table(there[name])
        if is_mapped:
            raise SourceNotFound(f"{file} has no table {name}; it has: {', '.join(one for one, _ in listed) or 'none'}")
        return None

    return Warehouse(_tables(find, mapping), mapping, name=file.stem, address=address, close=connection.close)


def _spark_connect(address: str, where: str, mapping: TableMapping | None) -> Warehouse:
    sql = _engine("pyspark.sql", "spark")
    host, _, schema = where.partition("/")
    name, _, port = host.partition(":")
    try:
        # Spark's own client tries for minutes before it says that nobody is there
        socket.create_connection((name, int(port or PORT)), timeout=REACHED_WITHIN).close()
    except (OSError, ValueError) as error:
        raise SourceNotFound(f"no Spark Connect server answers at {host} ({error}); check host and port") from error
    secret = secret_of("spark", host)
    remote = f"sc://{host}/" + (f";use_ssl=true;token={secret.reveal()}" if secret else "")
    running = sql.SparkSession.getActiveSession()
    try:
        session = sql.SparkSession.builder.remote(remote).getOrCreate()
        session.conf.set("spark.sql.session.timeZone", "UTC")
    except ImportError as error:
        raise MissingExtra(f"{_first_line(error)}; pip install 'pyspark[connect]'") from error
    except (_engine("pyspark.errors", "spark").PySparkException, OSError) as error:
        raise FetchError(f"the Spark Connect server at {host} did not begin a session: {_first_line(error)}") from error
    return _of_session(session, schema, mapping, address, running is None)


def _spark_local(address: str, where: str, mapping: TableMapping | None, near: Path) -> Warehouse:
    sql = _engine("pyspark.sql", "spark")
    folder = near / where
    is_folder = "/" in where or folder.is_dir()
    if is_folder and not folder.is_dir():
        raise SourceNotFound(f"there is no folder at {folder}")
    running = sql.SparkSession.getActiveSession()
    session = running or _start_spark(sql)
    if not is_folder:
        return _of_session(session, where, mapping, address, running is None)
    if mapping is None and (folder / MAPPING).is_file():
        mapping = read_mapping(folder / MAPPING)

    def find(name: str, is_mapped: bool) -> Any:
        if (folder / name).exists():
            return session.read.parquet(str(folder / name))
        if is_mapped:
            names = sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
            raise SourceNotFound(f"{folder} has no {name}; it has: {', '.join(names) or 'nothing'}")
        return None

    close = session.stop if running is None else None
    return Warehouse(_tables(find, mapping), mapping, name=folder.resolve().name, address=address, close=close)


def _start_spark(sql: Any) -> Any:
    builder = sql.SparkSession.builder.appName("blindspot")
    if not _is_submitted():
        builder = builder.master("local[*]")
        for key, value in LOCAL.items():
            builder = builder.config(key, value)
    for key, value in SPARK.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except _engine("pyspark.errors", "spark").PySparkException as error:
        raise FetchError(
            f"Spark does not start: {_first_line(error)}; it needs Java 17 or later (JAVA_HOME, or on Debian apt-get "
            "install openjdk-17-jre-headless)"
        ) from error


def _is_submitted() -> bool:
    """Say whether spark-submit has begun a driver, whose master is the cluster's business."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _of_session(session: Any, schema: str, mapping: TableMapping | None, address: str, is_own: bool) -> Warehouse:
    def find(name: str, is_mapped: bool) -> Any:
        full = name if "." in name or not schema else f"{schema}.{name}"
        if session.catalog.tableExists(full):
            return session.table(full)
        if is_mapped:
            there = [one.name for one in session.catalog.listTables(schema or None)]
            raise SourceNotFound(f"Spark knows no table {full}; {schema or 'there'} has: {', '.join(there) or 'none'}")
        return None

    close = session.stop if is_own else None
    return Warehouse(_tables(find, mapping), mapping, name=schema or "spark", address=address, close=close)


def _tables(find: Find, mapping: TableMapping | None) -> Mapping[str, Any]:
    return dict(_found(find, mapping or TableMapping()))


def _found(find: Find, mapping: TableMapping) -> Iterator[tuple[str, Any]]:
    for name in TABLES:
        said = mapping.tables.get(name)
        native = find((said and said.table) or name, said is not None)
        if native is not None:
            yield name, native


def _engine(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{extra} is not installed: pip install 'blindspot-workbench[{extra}]'") from error


def _first_line(error: BaseException) -> str:
    return redact((str(error).strip().splitlines() or [type(error).__name__])[0])[:200]
