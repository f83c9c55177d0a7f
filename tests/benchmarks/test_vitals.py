"""Percentiles of a whole lake, against DuckDB over the same files in the same run.

`BENCHMARK_ROWS=50000000 BENCHMARK_SLACK=1 pytest -s tests/benchmarks/test_vitals.py` on a quiet machine is the claim;
in the suite a small lake shows that the answers agree, and its times are only printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pytest

from connectors.lake import Lake
from connectors.stores import Window
from tests.benchmarks.generated import FIRST, vitals_lake
from workbench.case import Case
from workbench.case.measured import Measured
from workbench.reduce import vitals_histogram
from workbench.vitals import histogram_percentiles, merge_histograms, vitals_percentiles

SLACK = float(os.environ.get("BENCHMARK_SLACK", "3"))
ROWS = int(os.environ.get("BENCHMARK_ROWS", "300000"))
LARGE = 5_000_000
"""From here on fixed costs (36,000 rows of answer, starting a query) no longer blur the ratios."""
BY = ("route", "device_class", "region", "metric")
ROUNDS = 3


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return vitals_lake(tmp_path_factory.mktemp("lake") / "shop", ROWS)


@pytest.fixture(scope="module")
def duckdb() -> Iterator[Any]:
    engine = pytest.importorskip("duckdb", reason="uv sync --group heavy")
    connection = engine.connect()
    yield connection
    connection.close()


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(*works: Callable[[], Any]) -> list[float]:
    """Median seconds of each, taken in turns so that a slow minute hits all."""
    times = [[seconds(work) for work in works] for _ in range(ROUNDS + 1)][1:]
    return [median(column) for column in zip(*times, strict=True)]


def ours(lake: Lake, *qs: float, window: Window | None = None) -> pl.DataFrame:
    return vitals_percentiles(lake.scan("vitals", window), BY, percentiles=qs, intervals=qs)


def theirs(connection: Any, lake: Lake, *qs: float, fetch: bool = False) -> Any:
    ranks = ", ".join(str(q / 100) for q in qs)
    files = Path(lake.address) / "vitals" / "*" / "*.parquet"
    select = f"""
        select {", ".join(BY)}, count(value) as n, quantile_cont(value, [{ranks}]) as q
        from read_parquet('{files}', hive_partitioning = false)
        where navigation_type not in ('back-forward-cache', 'prerender', 'soft-navigation')
        group by all"""
    return (
        connection.sql(select).fetchall()
        if fetch
        else connection.execute(f"create or replace temp table p as {select}")
    )


def test_every_cohort_has_the_percentiles_that_duckdb_gives(lake, duckdb):
    table = ours(lake, 75, 95)
    exact = {row[:4]: row[4:] for row in theirs(duckdb, lake, 75, 95, fetch=True)}
    told = table.filter(pl.col("n") >= 30)
    assert table.height == len(exact)
    assert told.height > 100
    for route, device, region, metric, n, p75, p95 in told.select(*BY, "n", "p75", "p95").rows():
        count, quantiles = exact[route, device, region, metric]
        assert (n, p75, p95) == (count, pytest.approx(quantiles[0], rel=1e-6), pytest.approx(quantiles[1], rel=1e-6))
    bounded = told.drop_nulls("p75_high")
    assert (bounded["p75_low"] <= bounded["p75"]).all()
    assert (bounded["p75"] <= bounded["p75_high"]).all()


def test_faster_than_duckdb(lake, duckdb):
    mine, other = alternating(lambda: ours(lake, 75, 95), lambda: theirs(duckdb, lake, 75, 95))
    print(f"\n{ROWS:,} rows: ours {mine:.2f} s with intervals, duckdb {other:.2f} s, ratio {mine / other:.2f}")
    if ROWS >= LARGE:
        assert mine <= 0.7 * other * SLACK


def test_sixteen_percentiles_cost_little_more_than_two(lake):
    sixteen = [1, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 95, 98, 99]

    def plain(qs):
        return vitals_percentiles(lake.scan("vitals"), BY, percentiles=qs)

    two, many = alternating(lambda: plain([75, 95]), lambda: plain(sixteen))
    print(f"\n{ROWS:,} rows: two percentiles {two:.2f} s, sixteen {many:.2f} s, ratio {many / two:.2f}")
    if ROWS >= LARGE:
        assert many <= 1.2 * two * SLACK


def test_one_day_of_thirty_costs_a_tenth(lake):
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=11)
    day = Window(start, start + timedelta(days=1))
    whole, one = alternating(lambda: ours(lake, 75), lambda: ours(lake, 75, window=day))
    assert ours(lake, 75, window=day)["n"].sum() < ours(lake, 75)["n"].sum() / 25
    print(f"\n{ROWS:,} rows: whole {whole:.2f} s, one day {one:.3f} s, ratio {one / whole:.3f}")
    if ROWS >= 10 * LARGE:
        assert one <= 0.1 * whole * SLACK


def test_ten_times_the_rows_cost_at_most_ten_times_the_time_and_little_memory(lake, tmp_path):
    tenth = vitals_lake(tmp_path / "tenth", ROWS // 10)
    (small, _), (large, peak) = _alone(tenth), _alone(lake)
    print(
        f"\n{ROWS // 10:,} rows {small:.2f} s, {ROWS:,} rows {large:.2f} s,"
        f" {large / small:.1f} times, peak {peak:.2f} GB"
    )
    if ROWS >= 10 * LARGE:
        assert large <= 10 * small * SLACK
        assert peak < 1.5


def test_a_month_of_daily_histograms_is_within_half_a_percent(lake):
    days = [
        vitals_histogram(lake.scan("vitals", Window(start, start + timedelta(days=1))), ["device_class", "metric"])
        for start in (datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=n) for n in range(30))
    ]
    month = merge_histograms(days)
    took = seconds(lambda: histogram_percentiles(month, percentiles=[50, 75, 95, 99]))
    print(f"\n{ROWS:,} rows: {month.height:,} buckets for a month, its percentiles take {took * 1000:.0f} ms")
    keys = ["metric", "device_class"]
    told = histogram_percentiles(month, percentiles=[50, 75, 95, 99]).sort(keys)
    exact = vitals_percentiles(lake.scan("vitals"), keys, percentiles=[50, 75, 95, 99], navigations=None).sort(keys)
    assert told["n"].to_list() == exact["n"].to_list()
    for q in (50, 75, 95, 99):
        assert told[f"p{q}"].to_list() == pytest.approx(exact[f"p{q}"].to_list(), rel=0.005 + 1e-6)


def test_a_month_s_trend_reads_daily_roll_ups_not_rows(lake, tmp_path, monkeypatch):
    """The p75 of every day by metric and device: from roll-ups that lie in the cache, from rows, and the same."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def measured() -> Measured:
        return Measured(Case(lake, Window()), most_held=0)

    def from_roll_ups() -> pl.DataFrame:
        loads = measured().roll_up("1d").filter(navigation="load")
        return histogram_percentiles(loads, ["at", "metric"], percentiles=[75])

    def from_rows() -> pl.DataFrame:
        by_day = measured().rows.with_columns(pl.col("at").dt.date().cast(pl.String))
        return vitals_percentiles(by_day, ["at", "metric"], percentiles=[75])

    first = seconds(from_roll_ups)
    kept, rows = alternating(from_roll_ups, from_rows)
    size = sum(file.stat().st_size for file in (tmp_path / "blindspot" / "rollups").iterdir())
    print(
        f"\n{ROWS:,} rows: a month's trend from rows {rows:.2f} s, from roll-ups {kept:.3f} s"
        f" (made once in {first:.2f} s, {size / 1e6:.1f} MB), ratio {kept / rows:.3f}"
    )
    told, exact = from_roll_ups(), from_rows()
    assert told.height == exact.height == 30 * 15
    assert told["n"].to_list() == exact["n"].to_list()
    assert told["p75"].to_list() == pytest.approx(exact["p75"].to_list(), rel=0.005 + 1e-6, nan_ok=True)
    if ROWS >= 10 * LARGE:
        assert kept <= 0.1 * rows * SLACK, "a month has so many buckets, whatever the rows"


def test_a_report_s_tables_over_a_lake_hold_no_rows(lake, tmp_path, monkeypatch):
    """What `workbench report vitals` computes, in a process of its own: time and peak memory."""
    ran = subprocess.run(
        [sys.executable, "-c", REPORT, lake.address],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    took, peak = map(float, ran.stdout.split())
    print(f"\n{ROWS:,} rows: all tables of the vitals report {took:.1f} s, peak {peak:.2f} GB")
    if ROWS >= LARGE:
        assert peak < 2.5


REPORT = """
import sys, time
from tests.peak import peak_mb
from connectors.lake import Lake
from connectors.stores import Window
from workbench.case import Case
from workbench.case.comparison import Comparison, Pair
from workbench.case.measured import Measured
from workbench.case.slices import Slice
start = time.perf_counter()
measured = Measured(Case(Lake.open(sys.argv[1]), Window()), most_held=0)
piece, change = Slice(measured), Comparison(measured, [Pair("aaaaaaa", "bbbbbbb")])
for made in (piece.state, change.overall, change.by_route, change.mix, piece.routes("LCP"), piece.trend("LCP"),
             piece.histogram("LCP"), piece.slow("LCP"), piece.behind("LCP"), piece.censored, measured.set_aside):
    assert made is not None
print(time.perf_counter() - start, peak_mb() / 1e3)
"""

PROGRAM = """
import statistics, sys, time
from tests.peak import peak_mb
from connectors.lake import Lake
from workbench.vitals import vitals_percentiles
lake, times = Lake.open(sys.argv[1]), []
for _ in range(4):
    start = time.perf_counter()
    vitals_percentiles(lake.scan("vitals"), sys.argv[2].split(","), percentiles=[75, 95], intervals=[75, 95])
    times.append(time.perf_counter() - start)
print(statistics.median(times[1:]), peak_mb() / 1e3)
"""


def _alone(lake: Lake) -> tuple[float, float]:
    """Median seconds and peak memory (GB) in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, lake.address, ",".join(BY)], capture_output=True, text=True, check=True
    )
    took, peak = ran.stdout.split()
    return float(took), float(peak)
