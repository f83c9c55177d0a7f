"""Bad input, from the command line inwards: one clear sentence or one counted row, and nothing else is lost."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import workbench as wb

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample-data"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sample that may be damaged."""
    for part in ("raw", "releases", "source.toml"):
        source = SAMPLE / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    return tmp_path


def workbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from workbench.cli import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "incident", "--source", "no-such-folder"], "no-such-folder"),
        (["report", "incident", "--source", "nosuchscheme://x"], "nosuchscheme"),
        (["report", "incident", "--start", "yesterday"], "ISO 8601"),
        (["report", "incident", "--start", "2026-03-10", "--end", "2026-03-09"], "before"),
        (["report", "incident", "--sorce", "sample-data"], "sorce"),
        (["report", "no-such-report"], "no-such-report"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_sentence(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = workbench(*arguments, *(["--out", str(tmp_path / "r.html")] if "no-such-report" not in arguments else []))
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_truncated_envelope_loses_one_item_and_nothing_else(copy: Path) -> None:
    whole = wb.open_case(copy).events.height
    path = copy / "raw" / "envelopes.ndjson.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines()
    victim = next(
        number
        for number, line in enumerate(lines)
        if (envelope := json.loads(line).get("envelope", "")).count('"type":"event"') == 1 and len(envelope) > 2000
    )
    record = json.loads(lines[victim])
    record["envelope"] = record["envelope"][: len(record["envelope"]) // 2]
    lines[victim] = json.dumps(record).encode()
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n", mtime=0))
    damaged = wb.open_case(copy)
    assert damaged.events.height == whole - 1
    row = damaged.ledger.row(by_predicate=pl.col("table") == "events", named=True)
    assert row["refused"] == 1
    assert f"envelopes.ndjson.gz:{victim + 1}" in row["note"]


def test_a_map_with_invalid_mappings_costs_its_own_frames_only(copy: Path) -> None:
    whole = wb.open_case(copy)
    used = whole.frames.filter(pl.col("map_status") == "mapped")["map_location"].value_counts(sort=True)
    victim, others = used["map_location"][0], used["map_location"][1:]
    path = copy / "releases" / victim if (copy / "releases" / victim).exists() else copy / victim
    broken = json.loads(path.read_bytes())
    broken["mappings"] = "AAAA,!!!"
    path.write_text(json.dumps(broken))
    damaged = wb.open_case(copy)
    verdicts = damaged.frames.group_by("map_location", "map_status").len()
    assert verdicts.filter(pl.col("map_status") == "invalid_map")["len"].sum() >= used["count"][0]
    for other in others:
        mapped = (pl.col("map_location") == other) & (pl.col("map_status") == "mapped")
        assert damaged.frames.filter(mapped).height == whole.frames.filter(mapped).height
    reason = damaged.frames.filter(pl.col("map_status") == "invalid_map")["map_detail"].drop_nulls()
    assert len(reason)
    assert "invalid_map" in damaged.map_audit["verdict"].to_list()


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    done = workbench("report", "incident", "--source", str(tmp_path), "--out", str(tmp_path / "r.html"))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert str(tmp_path.name) in done.stderr
