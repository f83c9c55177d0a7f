"""Engines to run tests on: what turns a Parquet file into a native table of each, started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

INSTALL = "uv sync --group heavy"
Engine = Callable[[pl.DataFrame], Any]
Reader = Callable[[Path], Any]
NAMES = ["polars", "polars lazy", "duckdb", "ibis", pytest.param("pyspark", marks=pytest.mark.java)]


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark session of two cores, in UTC."""
    pytest.importorskip("pyarrow", reason=INSTALL)
    sql = pytest.importorskip("pyspark.sql", reason=INSTALL)
    builder = sql.SparkSession.builder.master("local[2]").appName("blindspot-tests")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(params=NAMES, scope="session")
def reader(request: pytest.FixtureRequest) -> Reader:
    """What opens a Parquet file, or a folder of them, on an engine."""
    if request.param == "polars":
        return pl.read_parquet
    if request.param == "polars lazy":
        return pl.scan_parquet
    if request.param == "pyspark":
        session = request.getfixturevalue("spark")
        return lambda path: session.read.parquet(str(path))
    pytest.importorskip("pyarrow", reason=INSTALL)
    if request.param == "ibis":
        ibis = pytest.importorskip("ibis", reason=INSTALL)
        backend = ibis.duckdb.connect()
        backend.raw_sql("set timezone = 'UTC'")
        return lambda path: backend.read_parquet(_files(path))
    duckdb = pytest.importorskip("duckdb", reason=INSTALL)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    return lambda path: connection.read_parquet(_files(path))


def _files(path: Path) -> str:
    return f"{path}/**/*.parquet" if path.is_dir() else str(path)


@pytest.fixture(scope="session")
def engine(reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """What turns a Polars frame into the same rows on an engine."""

    def stored(frame: pl.DataFrame) -> Any:
        path = tmp_path_factory.mktemp("rows") / "rows.parquet"
        frame.write_parquet(path)
        return reader(path)

    return stored
