"""A team's warehouse for page views and a tracker elsewhere are one case, as if all of it lay in one place."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import workbench as wb
from connectors.combined import CombinedStore, CombinedWarehouses
from connectors.registry import open_store
from connectors.stores import Window
from workbench.case import Case
from workbench.case.elsewhere import CaseElsewhere
from workbench.case.measured_elsewhere import MeasuredElsewhere

RUM = ("vitals", "page_views", "sessions")


@pytest.fixture(scope="module")
def team(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `workbench.toml` whose page views lie in a DuckDB file that counts as big, and all else in the sample."""
    pytest.importorskip("pyarrow", reason="uv sync --group heavy")
    duckdb = pytest.importorskip("duckdb", reason="uv sync --group heavy")
    folder = tmp_path_factory.mktemp("team")
    with duckdb.connect(str(folder / "rum.duckdb")) as connection:
        for name in RUM:
            case.evidence.table(name).write_parquet(folder / f"{name}.parquet")
            connection.execute(f"create table {name} as select * from '{folder}/{name}.parquet'")
    (folder / "warehouse.toml").write_text("most_rows = 300\n")
    sample = Path(case.store.address).resolve()
    (folder / "workbench.toml").write_text(
        f'[sources.shop]\ntracker = "{sample}"\nreplays = "{sample}"\ntraces = "{sample}"\nsourcemaps = "{sample}"\n'
        f'lab = "{sample}"\nrum = "duckdb+rum.duckdb"\nfirst_party = {list(case.first_party)!r}\n'.replace("'", '"')
    )
    return folder


@pytest.fixture(scope="module")
def there(team: Path) -> CaseElsewhere:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(team)
        opened = wb.open_case("shop")
    assert isinstance(opened.store, CombinedWarehouses)
    assert isinstance(opened, CaseElsewhere)
    return opened


def test_what_lies_where(there: CaseElsewhere) -> None:
    assert [name for name in ("events", "spans", *RUM) if there.is_big(name)] == list(RUM)
    assert isinstance(there.measured, MeasuredElsewhere)
    assert not there.measured.is_held


def test_the_funnel_and_the_bugs_are_those_of_all_in_one_place(there: CaseElsewhere, case: Case) -> None:
    assert there.funnel.rows() == case.funnel.rows()
    exact = ["bug_id", "events", "sessions", "users", "routes", "first_seen", "last_seen", "release", "title"]
    assert_frame_equal(there.bugs.select(exact), case.bugs.select(exact), check_dtypes=False)
    for bug_id in case.bugs["bug_id"]:
        columns = ["dimension", "value", "n_hit", "n_other", "differs"]
        ours, theirs = there.bug(bug_id).contrast, case.bug(bug_id).contrast
        assert_frame_equal(ours.select(columns).sort(columns), theirs.select(columns).sort(columns))


def test_the_vitals_are_those_of_the_warehouse_alone(there: CaseElsewhere, team: Path) -> None:
    alone = wb.open_case(f"duckdb+{team}/rum.duckdb")
    assert_frame_equal(there.measured.slice().state, alone.measured.slice().state)
    assert_frame_equal(there.measured.slice().routes("LCP"), alone.measured.slice().routes("LCP"))
    assert there.measured.set_aside.rows() == alone.measured.set_aside.rows()
    assert there.measured.n == alone.measured.n == 4320


def test_the_ledger_calls_none_of_it_partial(there: CaseElsewhere) -> None:
    assert there.measured.set_aside is not None
    assert there.bugs.height
    said = {row["table"]: row for row in there.ledger.to_dicts()}
    assert "4,320 vitals stay where they are" in said["vitals"]["note"]
    assert "960 page views stay where they are" in said["page_views"]["note"]
    assert said["sessions"]["complete"] == "yes"
    assert said["sessions"]["query"].startswith("320 rows, of these those of")


def test_one_id_is_found_in_all_parts(there: CaseElsewhere, case: Case) -> None:
    session = case.bug("B1").example["session_id"]
    told = [one.find(session).select("at", "kind", "title").sort("at", "kind", "title") for one in (there, case)]
    assert_frame_equal(*told)


def test_without_a_warehouse_nothing_is_counted_elsewhere(case: Case, tmp_path: Path) -> None:
    sample = Path(case.store.address).resolve()
    (tmp_path / "workbench.toml").write_text(f'[sources.two]\ntracker = "{sample}"\nrum = "{tmp_path}"\n')
    (tmp_path / "vitals.ndjson").write_text(
        '{"type": "vital", "name": "LCP", "value": 1200, "id": "v1", "ts": 1773065000000}'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        store = open_store("two")
    assert type(store) is CombinedStore
    assert not hasattr(store, "is_big")
    assert store.events(Window()).frame.select(pl.len()).collect().item() == 1106
