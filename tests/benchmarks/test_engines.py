"""The same reductions on every engine, over the same files: what each costs, beside Polars in the same run.

`BENCHMARK_ROWS=5000000 pytest -s tests/benchmarks/test_engines.py` on a quiet machine prints the table that counts; in
the suite a small lake shows that it can be made, and that the engines agree.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.benchmarks.engine_run import REDUCTIONS
from tests.benchmarks.generated import vitals_lake

ROWS = int(os.environ.get("BENCHMARK_ROWS", "300000"))
INSTALL = "uv sync --group heavy"
MODULES = {"polars": "polars", "duckdb": "duckdb", "ibis": "ibis", "spark": "pyspark"}
MOST_SECONDS = 900


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a generated lake."""
    root = tmp_path_factory.mktemp("lake") / "shop"
    vitals_lake(root, ROWS)
    return root / "vitals"


@pytest.fixture(scope="module")
def costs(folder: Path, request: pytest.FixtureRequest) -> pl.DataFrame:
    """Seconds, peak memory and rows that came home: one row an engine and reduction."""
    rows = []
    for engine in request.param:
        pytest.importorskip("pyarrow", reason=INSTALL)
        pytest.importorskip(MODULES[engine], reason=INSTALL)
        for name in REDUCTIONS:
            command = [sys.executable, "-m", "tests.benchmarks.engine_run", engine, name, str(folder)]
            run = subprocess.run(
                command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False,
                cwd=Path(__file__).parents[2],
            )  # fmt: skip
            told = re.search(r"^MEASURED (.*)$", run.stdout, re.MULTILINE)
            assert told, run.stderr[-2000:]
            rows.append({"engine": engine, "reduction": name, **json.loads(told[1])})
    costs = pl.DataFrame(rows)
    base = costs.filter(engine="polars").select("reduction", base="seconds")
    return costs.join(base, on="reduction").with_columns(times_polars=pl.col("seconds") / pl.col("base")).drop("base")


def _show(costs: pl.DataFrame) -> None:
    shown = costs.select(
        "engine",
        "reduction",
        pl.col("seconds").round(2),
        pl.col("times_polars").round(1),
        pl.col("gb").round(2),
        "rows",
    )
    with pl.Config(
        tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_formatting="MARKDOWN"
    ):
        print(f"\n{ROWS:,} vitals\n{shown.sort('reduction', 'seconds')}")


def _agree(costs: pl.DataFrame) -> None:
    for _, same in costs.group_by("reduction"):
        assert same["rows"].n_unique() == 1
        assert same["n"].n_unique() == 1
    assert (costs.filter(reduction="histogram")["n"] == ROWS // 30 * 30).all()


@pytest.mark.parametrize("costs", [["polars", "duckdb", "ibis"]], indirect=True)
def test_what_duckdb_costs_beside_polars(costs):
    _show(costs)
    _agree(costs)


@pytest.mark.java
@pytest.mark.parametrize("costs", [["polars", "spark"]], indirect=True)
def test_what_spark_costs_beside_polars(costs):
    _show(costs)
    _agree(costs)
