"""Generated vitals in a lake, for measuring only: rows, not evidence."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from connectors.lake import Lake
from connectors.lake_changes import Change
from connectors.manifest import Part
from connectors.tables import VITALS

PAGES, DEVICES, METRICS = 300, ("mobile", "desktop", "tablet"), ("LCP", "INP", "CLS", "FCP", "TTFB")
REGIONS = ("eu-west", "eu-north", "us-east", "us-west", "sa-east", "ap-south", "ap-east", "af-south")
FIRST, DAYS = date(2026, 2, 8), 30
MEDIAN = np.array([1800.0, 120.0, 0.05, 1100.0, 400.0])


def vitals_lake(root: Path, rows: int) -> Lake:
    """Make a lake of `rows` vitals over thirty days in 36,000 cohorts; written part by part, as a sync would."""
    lake = Lake.create(root, name="generated")
    chance = np.random.default_rng(42)
    parts = []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        frame = _day(chance, day, rows // DAYS)
        path = root / "vitals" / f"day={day}" / "000001-generated.parquet"
        path.parent.mkdir(parents=True)
        frame.write_parquet(path, compression="zstd", statistics=True)
        parts.append(Part(path.relative_to(root).as_posix(), day, frame.height, first=day, last=day))
    lake.change(lambda _: Change({"vitals": parts}))
    return Lake.open(root)


def _day(chance: np.random.Generator, day: date, rows: int) -> pl.DataFrame:
    metric = chance.integers(0, len(METRICS), rows)
    page = np.minimum(chance.zipf(1.2, rows) - 1, chance.integers(0, PAGES, rows))
    device = chance.choice(len(DEVICES), rows, p=[0.6, 0.35, 0.05])
    value = MEDIAN[metric] * (1 + 0.6 * (device == 0)) * chance.lognormal(0, 0.7, rows)
    value[(metric == 2) & (chance.random(rows) < 0.3)] = 0.0
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    micros = np.sort(chance.integers(0, 86_400_000_000, rows))
    chosen = {
        "metric": (METRICS, metric),
        "route": ([f"/shop/{i:03d}/:id" for i in range(PAGES)], page),
        "device_class": (DEVICES, device),
        "region": (REGIONS, chance.integers(0, len(REGIONS), rows)),
        "navigation_type": (("navigate", "reload", "back-forward-cache"), chance.choice(3, rows, p=[0.9, 0.05, 0.05])),
        "release": (("aaaaaaa", "bbbbbbb"), (chance.random(rows) < 0.5).astype(int)),
    }
    dimensions = {name: pl.Series(list(names)).gather(number) for name, (names, number) in chosen.items()}
    known = pl.DataFrame({"value": value, **dimensions}).with_columns(
        at=(pl.lit(start) + pl.duration(microseconds=pl.Series(micros))).cast(VITALS.schema["at"])
    )
    return known.select(
        (pl.col(name) if name in known.columns else pl.lit(None, dtype))
        .cast(pl.Categorical if name in VITALS.dimensions else dtype)
        .alias(name)
        for name, dtype in VITALS.schema.items()
    )
