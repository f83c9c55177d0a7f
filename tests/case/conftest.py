from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import workbench as wb
from workbench.case import Case

SAMPLE = Path(__file__).parents[2] / "sample-data"


@pytest.fixture(scope="package")
def case() -> Case:
    return wb.open_case(SAMPLE)


@pytest.fixture(scope="package")
def truth() -> dict[str, pl.DataFrame]:
    kinds: dict[str, list[dict]] = {}
    for line in (SAMPLE / "truth.ndjson").read_text().splitlines():
        record = json.loads(line)
        kinds.setdefault(record.pop("kind"), []).append(record)
    return {kind: pl.DataFrame(rows, infer_schema_length=None) for kind, rows in kinds.items()}
