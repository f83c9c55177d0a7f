"""One reduction on one engine in a process of its own, so that its peak memory is its own: prints seconds and GB.

python -m tests.benchmarks.engine_run duckdb histogram "lake/vitals"
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from tests.peak import peak_mb
from workbench import reduce

REDUCTIONS: dict[str, Callable[[Any], pl.DataFrame]] = {
    "histogram": lambda rows: reduce.vitals_histogram(rows, ["metric", "device_class", "region"]),
    "counts over time": lambda rows: reduce.counts_over_time(rows, "1h", ["release"]),
    "dimensions": lambda rows: reduce.dimension_counts(rows, ["route", "device_class", "region", "release"]),
}


def open_rows(engine: str, folder: Path) -> Any:
    """Open the files of a folder on an engine."""
    files = str(folder / "*" / "*.parquet")
    if engine == "polars":
        return pl.scan_parquet(files, hive_partitioning=False)
    if engine == "duckdb":
        import duckdb

        duckdb.execute("set timezone = 'UTC'")
        return duckdb.read_parquet(files, hive_partitioning=False)
    if engine == "ibis":
        import ibis

        backend = ibis.duckdb.connect()
        backend.raw_sql("set timezone = 'UTC'")
        return backend.read_parquet(files, hive_partitioning=False)
    from connectors.warehouse_addresses import open_warehouse

    return open_warehouse(f"spark+local://{folder.parent}").rows("vitals")


def peak_gb() -> float:
    """Give the most memory that this process, and Spark's that it started, have held."""
    own = peak_mb() / 1e3
    children = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            said = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if said.get("Name", "").strip() == "java" and _is_ours(said["PPid"].strip()):
                children += float(said["VmHWM"].split()[0]) / 1e6
    return own + children


def _is_ours(parent: str) -> bool:
    for _ in range(4):
        if parent == str(os.getpid()):
            return True
        status = Path(f"/proc/{parent}/status")
        if not status.exists():
            return False
        parent = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("PPid"))
    return False


def main(engine: str, name: str, folder: str) -> None:
    """Run twice, and tell the second: starting an engine is not what is measured."""
    rows = open_rows(engine, Path(folder))
    work = REDUCTIONS[name]
    work(rows)
    begun = time.perf_counter()
    told = work(rows)
    took = time.perf_counter() - begun
    print("MEASURED " + json.dumps({"seconds": took, "gb": peak_gb(), "rows": told.height, "n": int(told["n"].sum())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
