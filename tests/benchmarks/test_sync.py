"""Sync in bulk: its rate against that of a bare loop over the server's pages, and its memory whatever the window.

`BENCHMARK_SYNC_EVENTS=1000000 pytest tests/benchmarks/test_sync.py -n0 -s` is the full size; the suite runs a twentieth
of it by the same path. Server, loop and sync are processes of their own; the memory is the peak of the sync's process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVENTS = int(os.environ.get("BENCHMARK_SYNC_EVENTS", "50000"))
SLACK = float(os.environ.get("BENCHMARK_SLACK", "4"))
THREADS = 4
MOST_MB = 500


@contextmanager
def serving(count: int, hours: float) -> Iterator[str]:
    asked = [sys.executable, "-m", "tests.benchmarks.sync_server", str(count), str(hours), "100"]
    with subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def run(what: str, url: str, hours: float, *rest: str) -> dict[str, float]:
    asked = [sys.executable, "-m", "tests.benchmarks.sync_client", what, url, str(hours), str(THREADS), *rest]
    environment = {**os.environ, "BLINDSPOT_ACME_TOKEN": "acme_0123456789abcdef"}
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def test_a_sync_is_as_fast_as_its_server(tmp_path):
    with serving(EVENTS, 24) as url:
        drained = run("drain", url, 24)
        synced = run("sync", url, 24, str(tmp_path / "lake"))
    assert (drained["rows"], synced["rows"]) == (EVENTS, EVENTS)
    rates = [EVENTS / one["seconds"] for one in (drained, synced)]
    print(f"\n{rates[0]:,.0f} events/s by a bare loop, {rates[1]:,.0f} by sync ({rates[1] / rates[0]:.0%}), "
          f"{synced['mb']:.0f} MB")  # fmt: skip
    assert synced["mb"] < MOST_MB
    # half of the bare loop's rate; a small run is mostly the start of the process
    assert rates[1] >= rates[0] * 0.5 / SLACK


@pytest.mark.parametrize("hours", [1, 24 * 60])
def test_memory_does_not_grow_with_the_window_nor_with_its_density(tmp_path, hours):
    """An hour and two months, of as many events: the one is dense, the other lies on sixty days."""
    with serving(EVENTS // 2, hours) as url:
        synced = run("sync", url, hours, str(tmp_path / "lake"))
    print(f"\n{hours} hours: {synced['mb']:.0f} MB, {synced['rows'] / synced['seconds']:,.0f} events/s")
    assert synced["rows"] == EVENTS // 2
    assert synced["mb"] < MOST_MB
