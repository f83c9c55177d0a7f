"""Lakes of other versions: older ones open, newer ones are refused, and the tables do not change unnoticed."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.exceptions import FormatError
from connectors.lake import Lake
from connectors.manifest import SCHEMA
from connectors.registry import open_store
from connectors.stores import Window
from connectors.tables import EVENTS, TABLES
from connectors.testing import assert_conforms
from connectors.upkeep import compact

ALL = Window()
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
# of the tables of version 1: see the test that uses it
DIGEST = {1: "de24668a285e52ba"}


def test_a_change_of_the_tables_is_a_new_version():
    """When this fails, the canonical tables have changed: raise `connectors.manifest.SCHEMA`, add the digest here."""
    said = {name: {column: str(dtype) for column, dtype in table.schema.items()} for name, table in TABLES.items()}
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
    assert DIGEST[SCHEMA] == digest


def parquet(rows: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    rows.write_parquet(out)
    return out.getvalue()


@pytest.fixture
def older(tmp_path) -> Path:
    """A lake as a version before the first would have left it: fewer columns, other types, no extents of parts."""
    root = tmp_path / "older"
    events = pl.DataFrame(
        {
            "event_id": ["a", "b"],
            "at": pl.Series([NOON, NOON], dtype=pl.Datetime("ms", "UTC")),
            "message": pl.Series(["gone", None], dtype=pl.Categorical),
            "release": ["r1", "r1"],
            "handled": pl.Series([1, 0], dtype=pl.Int8),
            "a_column_of_then": [1, 2],
        }
    )
    frames = pl.DataFrame(
        {"event_id": ["a"], "exception_index": pl.Series([0], dtype=pl.UInt8), "frame_index": [0], "line": ["12"]}
    )
    breadcrumbs = pl.DataFrame({"event_id": ["a"], "at": [NOON.replace(day=8)], "message": ["clicked"]})
    listed = {}
    for name, day, rows in (("events", 9, events), ("frames", 9, frames), ("breadcrumbs", 8, breadcrumbs)):
        path = f"{name}/day=2026-03-{day:02d}/000001-abc.parquet"
        (root / path).parent.mkdir(parents=True)
        (root / path).write_bytes(parquet(rows))
        listed[name] = [{"path": path, "day": f"2026-03-{day:02d}", "rows": rows.height, "schema": 0}]
    manifest = {"name": "older", "revision": 3, "tables": listed, "format": 1, "schema": 0}
    (root / "lake.json").write_text(json.dumps(manifest))
    return root


def test_an_older_lake_opens_in_todays_form(older):
    lake = open_store(older)
    assert_conforms(lake)
    rows = lake.events(ALL).frame.collect()
    assert rows.schema == dict(EVENTS.schema)
    assert rows.select("event_id", "at", "message", "handled", "region").rows() == [
        ("a", NOON, "gone", True, None), ("b", NOON, None, False, None),
    ]  # fmt: skip
    assert lake.frames(ALL).frame.collect().select("line", "in_app").rows() == [(12, None)]
    day = Window(NOON.replace(hour=0), NOON.replace(hour=23))
    assert lake.breadcrumbs(day).report.rows == 1  # it lies under its own day, as it did then


def test_an_older_lake_is_written_to_and_compacted_into_todays_form(older):
    lake = Lake.open(older)
    added = pl.DataFrame({"event_id": ["b", "c"], "at": [NOON, NOON], "region": ["eu", "eu"]})
    assert lake.write("events", added).replaced == 1
    assert lake.events(ALL).frame.collect().sort("event_id").select("event_id", "message", "region").rows() == [
        ("a", "gone", None), ("b", None, "eu"), ("c", None, "eu"),
    ]  # fmt: skip
    assert {part.schema for part in lake.manifest.parts()} == {0, SCHEMA}
    compact(lake)
    assert {part.schema for part in lake.manifest.parts()} == {SCHEMA}
    assert lake.manifest.schema == SCHEMA
    assert (lake.events(ALL).report.rows, lake.frames(ALL).report.rows, lake.breadcrumbs(ALL).report.rows) == (3, 1, 1)
    assert_conforms(Lake.open(older))


def test_a_value_of_then_that_cannot_be_one_of_today_is_named(older):
    path = older / "frames/day=2026-03-09/000001-abc.parquet"
    path.write_bytes(parquet(pl.read_parquet(path).with_columns(line=pl.lit("twelve"))))
    with pytest.raises(FormatError, match=r"a value of an older version at .*older is not of today's type \(.*twelve"):
        open_store(older).frames(ALL)


def test_a_newer_lake_is_refused_in_a_sentence(older):
    manifest = json.loads((older / "lake.json").read_text())
    (older / "lake.json").write_text(json.dumps({**manifest, "schema": SCHEMA + 1}))
    with pytest.raises(
        FormatError,
        match=rf"was written by a newer Blindspot \(tables of version {SCHEMA + 1}, this one knows {SCHEMA}\)",
    ):
        open_store(older)
