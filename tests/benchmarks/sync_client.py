"""What a benchmark of sync runs in a process of its own: a bare loop over the pages, or a sync; tells time, memory."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from tests.peak import peak_mb

EXAMPLE = Path(__file__).parents[1] / "connectors" / "example_store"


def drain(url: str, hours: float, threads: int) -> int:
    """Read all pages with nothing but httpx, each thread a part of the window."""
    import httpx

    from tests.benchmarks.sync_server import START

    def part(number: int) -> int:
        ends = [START + timedelta(hours=hours * (number + n) / threads) for n in (0, 1)]
        rows, cursor = 0, ""
        with httpx.Client() as client:
            while cursor is not None:
                asked = {"from": ends[0].isoformat(), "to": ends[1].isoformat(), "cursor": cursor}
                page = client.get(f"{url}/api/projects/shop/errors", params=asked).json()
                rows, cursor = rows + len(page["errors"]), page["next"]
        return rows

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(part, range(threads)))


def bring(url: str, hours: float, threads: int, lake: str) -> int:
    """Sync the window into a lake, and give the rows of its events."""
    from connectors.lake import Lake
    from connectors.sync import sync
    from tests.benchmarks.sync_server import START

    sys.path.insert(0, str(EXAMPLE))
    sync(f"acme+{url}/shop", lake, since=START, until=START + timedelta(hours=hours), parallel=threads)
    return sum(part.rows for part in Lake.open(lake).manifest.tables["events"])


if __name__ == "__main__":
    what, url, hours, threads, *rest = sys.argv[1:]
    begun = time.perf_counter()
    rows = (drain if what == "drain" else bring)(url, float(hours), int(threads), *rest)
    told = {"rows": rows, "seconds": time.perf_counter() - begun}
    print(json.dumps({**told, "mb": peak_mb()}))
