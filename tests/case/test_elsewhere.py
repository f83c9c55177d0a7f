"""A case over tables that stay where they are tells what the case over the same tables at home tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import workbench as wb
from connectors.exceptions import FetchError
from connectors.registry import open_store
from connectors.tables import TABLES
from connectors.warehouse import Warehouse
from workbench.case import Case
from workbench.case.elsewhere import CaseElsewhere
from workbench.case.regrouping import n_events, rules_diff
from workbench.panels.incident.completeness import ledger_view
from workbench.panels.incident.findings import headline_view

SMALL = 300
COPIES = 463  # of 4,320 vitals: two million


@pytest.fixture(scope="module")
def stored(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every table of the sample as Parquet, as a team's warehouse would hold them."""
    folder = tmp_path_factory.mktemp("warehouse")
    for name in TABLES:
        frame = case.recordings if name == "replay_events" else case.evidence.table(name)
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


class Counted:
    """How many rows came home, and the largest frame of them."""

    def __init__(self) -> None:
        self.rows = self.largest = 0


@pytest.fixture
def came_home(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Count at the one place where every engine's rows become a frame here: narwhals' own `collect`."""
    counted, collect = Counted(), nw.LazyFrame.collect

    def collected(frame: Any, *given: Any, **named: Any) -> Any:
        home = collect(frame, *given, **named)
        counted.rows += len(home)
        counted.largest = max(counted.largest, len(home))
        return home

    monkeypatch.setattr(nw.LazyFrame, "collect", collected)
    return counted


@pytest.fixture(scope="module")
def duckdb() -> Iterator[Any]:
    pytest.importorskip("pyarrow", reason="uv sync --group heavy")
    connection = pytest.importorskip("duckdb", reason="uv sync --group heavy").connect()
    yield connection
    connection.close()


@pytest.fixture(scope="module", params=["duckdb", pytest.param("pyspark", marks=pytest.mark.java)])
def there(request: pytest.FixtureRequest, case: Case, stored: Path) -> CaseElsewhere:
    """The sample in an engine, in which every table but the deploys counts as big."""
    engine = request.getfixturevalue("duckdb" if request.param == "duckdb" else "spark")
    read = engine.read_parquet if request.param == "duckdb" else engine.read.parquet
    tables = {name: read(str(stored / f"{name}.parquet")) for name in TABLES if name != "artifacts"}
    store = Warehouse(tables, {"most_rows": SMALL, "first_party": list(case.first_party)})
    store._maps = case.store
    opened = wb.open_case(store)
    assert isinstance(opened, CaseElsewhere)
    return opened


def test_the_bugs_and_whom_they_hit_are_the_same(there: CaseElsewhere, case: Case) -> None:
    """Representatives of the errors came home; the numbers are those of all of them."""
    assert there.evidence.table("events").height < case.events.height
    exact = ["bug_id", "events", "sessions", "users", "routes", "first_seen", "last_seen", "release", "title",
             "missing_field", "support_contacts", "blank_sessions"]  # fmt: skip
    assert_frame_equal(there.bugs.select(exact), case.bugs.select(exact), check_dtypes=False)
    assert_frame_equal(
        there.hit.select("session_id", "bug_id", "first_at", "events").sort("session_id", "bug_id"),
        case.hit.select("session_id", "bug_id", "first_at", "events").sort("session_id", "bug_id"),
        check_dtypes=False,
    )
    # sessions that met nothing are counted by the hour
    for ours, theirs in zip(there.bugs["share_of_sessions"], case.bugs["share_of_sessions"], strict=True):
        assert ours == pytest.approx(theirs, rel=0.1)


def test_what_they_have_in_common_is_the_same(there: CaseElsewhere, case: Case) -> None:
    columns = ["dimension", "value", "n_hit", "n_other", "differs"]
    for bug_id in case.bugs["bug_id"]:
        ours, theirs = there.bug(bug_id).contrast, case.bug(bug_id).contrast
        assert_frame_equal(ours.select(columns).sort(columns), theirs.select(columns).sort(columns))


def test_errors_over_time_are_those_of_all(there: CaseElsewhere, case: Case) -> None:
    assert_frame_equal(there.errors_over_time("1h"), case.errors_over_time("1h"))
    assert there.funnel["n"][0] == case.events.height
    assert there.shapes["n"].sum() == case.events.height
    assert there.extent == case.extent


def test_vitals_are_judged_by_histograms_as_by_rows(there: CaseElsewhere, case: Case) -> None:
    for ours, theirs in ((there.vitals_change, case.vitals_change), (there.vitals_change_by_route,
                                                                     case.vitals_change_by_route)):  # fmt: skip
        keys = [name for name in ("metric", "device_class", "route") if name in ours.columns]
        both = ours.join(theirs, on=keys, suffix="_exact", nulls_equal=True)
        assert both.height == theirs.height
        assert (both["n_after"] == both["n_after_exact"]).all()
        wrong = (both["p75_after"] / both["p75_after_exact"] - 1).abs().fill_nan(0).max()
        assert wrong <= 0.0051
    regressed = pl.col("verdict") == "regression"
    same = there.vitals_change.filter(regressed).select("metric", "device_class")
    assert set(same.rows()) >= set(case.vitals_change.filter(regressed).select("metric", "device_class").rows())


def test_one_id_is_found_with_all_around_it(there: CaseElsewhere, case: Case) -> None:
    session = case.bug("B1").example["session_id"]
    ours, theirs = there.find(session), case.find(session)
    told = [table.select("at", "kind", "title").sort("at", "kind", "title") for table in (ours, theirs)]
    assert_frame_equal(*told)
    assert there.bug("B1").moment is not None
    assert there.bug("B1").failing_spans.height > 0


def test_the_ledger_says_what_stayed(there: CaseElsewhere) -> None:
    headline_view(there)
    _ = there.vitals_change
    ledger_view(there)
    said = {row["table"]: row for row in there.ledger.to_dicts()}
    assert said["events"]["complete"] == "sampled"
    assert "of 1,106 came home, each with what it stands for" in said["events"]["note"]
    assert "4,320 vitals stay where they are" in said["vitals"]["note"]
    assert "960 page views stay where they are; they were counted in stretches of 5m" in said["page_views"]["note"]
    assert said["spans"]["query"].startswith("37,418 rows, of these those of")


def test_the_headline_is_the_same(there: CaseElsewhere, case: Case) -> None:
    ours, theirs = headline_view(there), headline_view(case)
    assert ours.title == theirs.title
    assert [kpi.value for kpi in ours.kpis] == [kpi.value for kpi in theirs.kpis]


def test_vitals_that_are_too_many_are_not_fetched_by_mistake(there: CaseElsewhere) -> None:
    with pytest.raises(FetchError, match=r"4,320 vitals stay where they are, more than the 300 that come home: ask"):
        _ = there.vitals
    percentiles = there.measured.percentiles(["metric", "region"])
    assert {"p75", "p75_low", "region", "n"} <= set(percentiles.columns)


def test_of_two_million_vitals_only_reductions_come_home(
    duckdb: Any, case: Case, stored: Path, came_home: Counted
) -> None:
    duckdb.execute(
        f"create or replace table many as select * replace (page_view_id || '-' || copy as page_view_id, "
        f"session_id || '-' || copy as session_id) from '{stored}/vitals.parquet', range({COPIES}) as copies(copy)"
    )
    tables = {name: duckdb.read_parquet(f"{stored}/{name}.parquet") for name in ("events", "frames", "releases")}
    store = Warehouse({**tables, "vitals": duckdb.table("many"), "sessions": duckdb.read_parquet(
        f"{stored}/sessions.parquet")}, {"first_party": list(case.first_party)})  # fmt: skip
    there = wb.open_case(store)
    before, after = case.previous_release, case.breaking_release
    changed = there.measured.change(before, after, ["metric", "device_class"])
    assert store.count("vitals") == COPIES * case.evidence.table("vitals").height
    assert came_home.rows < 20_000
    exact = duckdb.sql(
        "select quantile_cont(value, 0.75) from many where metric = 'INP' and device_class = 'mobile' "
        "and navigation_type not in ('back-forward-cache', 'prerender', 'soft-navigation') "
        f"and value >= 1 and release = '{after}'"
    ).fetchall()[0][0]
    [row] = changed.filter(metric="INP", device_class="mobile").to_dicts()
    assert row["p75_after"] == pytest.approx(exact, rel=0.0051)
    assert row["verdict"] == "regression"
    whole = there.events.height
    assert whole == case.events.height
    assert came_home.largest <= max(whole, case.evidence.table("frames").height, 20_000)


def test_a_duckdb_file_is_a_case(duckdb: Any, case: Case, stored: Path, tmp_path: Path) -> None:
    import duckdb as engine

    with engine.connect(str(tmp_path / "shop.duckdb")) as connection:
        for name in TABLES:
            connection.execute(f"create table {name} as select * from '{stored}/{name}.parquet'")
    (tmp_path / "warehouse.toml").write_text(
        f'name = "shop"\nsourcemaps = "{case.store.address}"\nfirst_party = {list(case.first_party)!r}\n'
        + "[tables.events.columns]\nlevel = { constant = 'error' }\n"
    )
    with open_store(f"duckdb+{tmp_path}/shop.duckdb") as store:
        there = wb.open_case(store)
        assert_frame_equal(there.bugs, case.bugs)
        assert there.events["level"].unique().to_list() == ["error"]
        assert_frame_equal(there.vitals_change, case.vitals_change)


def test_the_lab_counts_what_its_representatives_stand_for(there: CaseElsewhere, case: Case) -> None:
    assert n_events(there) == there.funnel["n"][0] == len(case.events) > len(there.events)
    rules = "type:TypeError -> everything"
    of_case, of_there = (rules_diff(one, "", rules).row(0, named=True) for one in (case, there))
    assert (of_there["change"], of_there["n_old"]) == (of_case["change"], of_case["n_old"])
    # A crawler's and a person's error of one shape share their representatives.
    assert of_there["n_events"] == pytest.approx(of_case["n_events"], rel=0.05)
