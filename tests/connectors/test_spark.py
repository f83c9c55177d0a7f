"""Spark as a team runs it: a script given to spark-submit, and a Spark Connect server over its own port."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from connectors.exceptions import SourceNotFound
from connectors.registry import open_store

pytestmark = pytest.mark.java
REPOSITORY = Path(__file__).parents[2]
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
START_SECONDS = 600
JOB = REPOSITORY / "tests" / "connectors" / "spark_job.py"
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
SETTINGS = ["--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=2"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    """INP of two releases, 100 page views each, 100 to 199 ms and then three times that; three errors of two shapes."""
    pytest.importorskip("pyspark", reason="uv sync --group heavy")
    folder = tmp_path_factory.mktemp("tables")
    at = [NOON + timedelta(seconds=i) for i in range(100)]
    value = [100.0 + i for i in range(100)]
    pl.concat(
        pl.DataFrame(
            {"at": at, "took": value, "release": release, "session_id": [f"{release}{i}" for i in range(100)]}
        ).with_columns(pl.col("took") * factor, name=pl.lit("interaction_to_next_paint"))
        for release, factor in (("a", 1), ("b", 3))
    ).write_parquet(folder / "web_vitals")
    errors = {"event_id": ["1", "2", "3"], "at": NOON, "type": "TypeError", "message": ["x", "x", "y"]}
    pl.DataFrame(errors).write_parquet(folder / "events")
    (folder / "warehouse.toml").write_text(
        'name = "shop"\nmost_rows = 50\n[tables.vitals]\ntable = "web_vitals"\n'
        '[tables.vitals.columns]\nvalue = "took"\n'
        'metric = { column = "name", values = { interaction_to_next_paint = "INP" } }\n'
    )
    return folder


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    paths = {"PYTHONPATH": str(REPOSITORY), "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    return {**kept, **paths, "SPARK_LOCAL_IP": "127.0.0.1"}


def _spark_home() -> Path:
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _answers(command: list[str]) -> dict:
    """Run a job in a process of its own, where no other session of Spark is, and read what it tells."""
    run = subprocess.run(
        command, env=_environment(), capture_output=True, text=True, timeout=START_SECONDS, check=False
    )
    told = re.search(r"^ANSWERS (.*)$", run.stdout, re.MULTILINE)
    assert told, run.stderr[-2000:]
    return json.loads(told[1])


def _check(answers: dict) -> None:
    assert (answers["big"], answers["n"], answers["shapes"]) == (True, 200, [2, 1])
    assert answers["verdict"] == ["regression"]
    # the exact p75 of 300 to 597 ms in steps of three, linear between ranks, is 522.75
    assert answers["p75"][0] == pytest.approx(522.75, rel=0.005)
    assert "200 vitals stay where they are" in answers["note"][0]


def test_a_script_by_spark_submit(tables):
    submit = [str(_spark_home() / "bin" / "spark-submit"), "--master", "local[2]", *SETTINGS]
    _check(_answers([*submit, str(JOB), f"spark+local://{tables}"]))


@pytest.fixture(scope="module")
def server(tables, tmp_path_factory) -> Iterator[str]:
    """A Spark Connect server on a port of its own, in a process of its own."""
    pytest.importorskip("grpc", reason="pip install 'pyspark[connect]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    work = tmp_path_factory.mktemp("server")
    binding = {"port": port, "address": "127.0.0.1"}
    command = [
        str(_spark_home() / "bin" / "spark-submit"), "--class", SERVER, "--master", "local[2]", *SETTINGS,
        *(part for name, value in binding.items() for part in ("--conf", f"spark.connect.grpc.binding.{name}={value}")),
        "--conf", f"spark.sql.warehouse.dir={work}/warehouse", "spark-internal",
    ]  # fmt: skip
    with (work / "log").open("w") as log:
        process = subprocess.Popen(command, env=_environment(), cwd=work, stdout=log, stderr=log)
    try:
        for _ in range(START_SECONDS):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (work / "log").read_text()[-2000:]
            time.sleep(1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_a_script_over_spark_connect(server, tables):
    created = [
        "CREATE DATABASE web",
        *(f"CREATE TABLE web.{name} USING parquet LOCATION '{tables / name}'" for name in ("web_vitals", "events")),
    ]
    script = (
        "from pyspark.sql import SparkSession\n"
        f"session = SparkSession.builder.remote('sc://{server}').getOrCreate()\n"
        f"[session.sql(statement) for statement in {created!r}]\nsession.stop()\n"
    )
    subprocess.run([sys.executable, "-c", script], env=_environment(), check=True, timeout=START_SECONDS)
    address = f"spark+sc://{server}/web?mapping={tables / 'warehouse.toml'}"
    _check(_answers([sys.executable, str(JOB), address]))


def test_where_no_server_is_that_is_said_at_once():
    pytest.importorskip("pyspark", reason="uv sync --group heavy")
    with pytest.raises(SourceNotFound, match=r"no Spark Connect server answers at 127.0.0.1:9 \(.*refused"):
        open_store("spark+sc://127.0.0.1:9/web")
    with pytest.raises(SourceNotFound, match="there is no folder at /no/such"):
        open_store("spark+local:///no/such")
