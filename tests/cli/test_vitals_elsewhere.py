"""`workbench report vitals` over a DuckDB file with more vitals than come home: the whole report, in one file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.stores import Window
from tests.panels.field_store import Vitals
from workbench.cli import main


def test_the_whole_report_is_made_from_reductions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow", reason="uv sync --group heavy")
    duckdb = pytest.importorskip("duckdb", reason="uv sync --group heavy")
    store = Vitals(odd=[None, -5.0, 0.0, 2.4, 4_000_000.0])
    with duckdb.connect(str(tmp_path / "web.duckdb")) as connection:
        for name in ("vitals", "releases", "lab_runs"):
            getattr(store, name)(Window()).frame.collect().write_parquet(tmp_path / f"{name}.parquet")
            connection.execute(f"create table {name} as select * from '{tmp_path / name}.parquet'")
    (tmp_path / "warehouse.toml").write_text("most_rows = 300\n")
    out = tmp_path / "vitals.html"
    with pytest.raises(SystemExit) as done:
        main(["report", "vitals", "--source", f"duckdb+{tmp_path}/web.duckdb", "--out", str(out)])
    assert done.value.code == 0
    assert "INP got worse with release bbbbbbb\n" in capsys.readouterr().err
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", re.sub(r"<script.*?</script>", "", out.read_text(), flags=re.S)))
    for sentence in (
        "INP on mobile needs improvement, p75 39",
        "read from histograms made where the rows lie, within 0.5 % of exact",
        "Worse with bbbbbbb: INP on mobile 23",
        "What they have in common: release bbbbbbb (74 % against 17 % of the others)",
        "Most blamed: #buy.",
        "One page has no lab run: /cart.",
        "5 of 6,005 values do not count.",
        "6,005 vitals stay where they are; histograms of them came home",
        "Complete evidence",
    ):
        assert sentence in said, sentence
    assert "FloatProgress" not in said, "the engine's own progress is no part of a report"
    assert "stay where they are, more than" not in said
