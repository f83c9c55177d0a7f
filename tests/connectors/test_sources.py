"""A team's sources by name: what `workbench.toml` may say, and several stores as one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.combined import CombinedStore
from connectors.exceptions import AddressError, FetchError, SourceError, SourceNotFound
from connectors.lake import Lake
from connectors.merging import PartStore
from connectors.registry import open_store
from connectors.source_checks import check_sources
from connectors.sources import find_sources
from connectors.stores import Window
from connectors.tables import EVENTS, RELEASES, REPLAY_EVENTS, REPLAYS, SPANS, VITALS
from connectors.testing import assert_conforms
from workbench.case import open_case
from workbench.cli import main

ALL = Window()
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture
def team(tmp_path, monkeypatch) -> Path:
    """Two trackers, a RUM store, recordings, traces: each a lake of its own beside a `workbench.toml`."""
    root = tmp_path / "team"

    def lake(name: str, **tables: pl.DataFrame) -> None:
        made = Lake.create(root / name, name=name, first_party=[f"{name}.example"])
        made.write_all(tables)

    def events(*ids: str) -> pl.DataFrame:
        return pl.DataFrame({"event_id": list(ids), "at": [NOON] * len(ids)})

    frame = {"exception_index": [0], "frame_index": [0]}
    lake("web", events=events("a", "b"), frames=pl.DataFrame({"event_id": ["a"], **frame}))
    lake("app", events=events("b", "c"), releases=pl.DataFrame({"release": ["r1"], "deployed_at": [NOON]}))
    lake("rum", vitals=pl.DataFrame({"at": [NOON], "metric": ["LCP"], "value": [1200.0]}))
    times = {"started_at": [NOON], "ended_at": [NOON]}
    lake("rec", replays=pl.DataFrame({"replay_id": ["s1"], **times}),
         replay_events=pl.DataFrame({"replay_id": ["s1"], "at": [NOON], "type": [4]}))  # fmt: skip
    lake("otel", spans=pl.DataFrame({"trace_id": ["t" * 32], "span_id": ["s" * 16], "started_at": [NOON]}))
    write(root, tracker=["web", "app"], rum="rum", replays="rec", traces=["otel"], environment="production")
    (root / "notebooks").mkdir()
    monkeypatch.chdir(root / "notebooks")
    return root


def write(root: Path, **said: object) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
    (root / "workbench.toml").write_text("\n".join(["[sources.shop]", *lines]))


def test_a_named_source_is_its_parts_as_one(team):
    store = open_store("shop")
    assert (store.name, store.environment) == ("shop", "production")
    assert store.first_party == ("web.example", "app.example", "rum.example", "rec.example", "otel.example")
    assert_conforms(store)
    events = store.events(ALL)
    assert sorted(events.frame.collect()["event_id"]) == ["a", "b", "c"]
    assert (events.report.source, events.report.rows, events.report.complete) == ("web, app", 3, True)
    assert "1 row came from two parts and were counted once" in events.report.note
    assert store.frames(ALL).report.source == "web"  # the only one that has some
    assert store.vitals(ALL).report.source == "rum"
    assert store.releases(ALL).frame.collect()["release"].to_list() == [
        "r1"
    ]  # named for nothing of the kind, but has it
    assert store.replay_events("s1").report.rows == 1
    assert store.spans(trace_ids=["t" * 32]).report.rows == 1
    assert [store.has(table.name) for table in (EVENTS, VITALS, REPLAYS, REPLAY_EVENTS, SPANS, RELEASES)] == [True] * 6
    assert (store.has("lab_runs"), store.lab_runs(ALL).report.note) == (False, "no part of shop has lab_runs")
    with pytest.raises(FetchError, match=r"shop has no source-map store, so no map at 'a\.map'"):
        store.open_map("a.map")


def test_vitals_in_one_lake_are_reduced_where_they_lie(team):
    Lake.open(team / "rum").write("sessions", pl.DataFrame({"session_id": ["s"], "started_at": [NOON]}))
    store = open_store("shop")
    assert not hasattr(store, "a_thing_that_no_store_has")
    assert list(store.fingerprints("vitals")) == [NOON.date()]
    assert store.scan("vitals", ALL).collect_schema()["metric"] == pl.Categorical
    assert store.scan("events", ALL).collect().height == 3
    case = open_case("shop")
    assert case.evidence.scan("vitals").collect()["value"].to_list() == [1200.0]
    write(team, tracker="web", rum=["rum", "otel"], traces="otel")
    Lake.open(team / "otel").write("vitals", pl.DataFrame({"at": [NOON], "metric": ["CLS"], "value": [0.1]}))
    assert not hasattr(open_store("shop"), "fingerprints")  # in two lakes: they come together first


def test_an_outage_of_one_part_leaves_the_others(team):
    (team / "app" / "lake.json").unlink()
    for part in (team / "app").glob("events/*/*.parquet"):
        part.unlink()
    (team / "otel").rename(team / "gone")
    write(team, tracker=["web", "lost"], traces="otel", rum="rum")
    store = open_store("shop")
    events = store.events(ALL)
    assert sorted(events.frame.collect()["event_id"]) == ["a", "b"]
    assert not events.report.complete
    assert events.report.failed == f"{team}/lost: there is no folder at {team}/lost"
    spans = store.spans(window=ALL).report
    assert (spans.rows, spans.failed) == (0, f"there is no folder at {team}/otel")
    assert store.has("spans")
    assert store.vitals(ALL).report.complete


def test_while_a_part_does_not_answer_others_that_have_some_of_it_do(team):
    Lake.open(team / "web").write("sessions", pl.DataFrame({"session_id": ["s"], "started_at": [NOON]}))
    write(team, tracker="web", rum="lost")
    sessions = open_store("shop").sessions(ALL)
    assert sessions.frame.collect()["session_id"].to_list() == ["s"]
    assert (sessions.report.source, sessions.report.complete) == (f"{team}/lost, web", False)
    assert sessions.report.failed == f"{team}/lost: there is no folder at {team}/lost"
    assert open_store("shop").lab_runs(ALL).report.complete


def test_a_part_that_fails_when_it_is_asked(team):
    store = open_store("shop")
    assert isinstance(store, CombinedStore)

    class Down:
        name = "acme"

        def has(self, name: str) -> bool:
            return name == "events"

        def events(self, window: Window):
            raise FetchError("acme answers 503")

    store.parts = (store.parts[0], store.parts[1]._replace(store=Down()))
    report = store.events(ALL).report
    assert (report.rows, report.failed) == (2, "acme: acme answers 503")


def test_one_address_is_that_store_under_the_sources_name(team):
    write(team, tracker="web", rum="./web", first_party="shop.example")
    (team / "workbench.toml").write_text((team / "workbench.toml").read_text().replace("./web", "web"))
    store = open_store("shop")
    assert isinstance(store, Lake)
    assert (store.name, store.first_party, store.events(ALL).report.rows) == ("shop", ("shop.example",), 2)


def test_nothing_that_can_be_opened_is_no_source(team):
    write(team, tracker="lost", traces="lost-too")
    with pytest.raises(SourceNotFound, match=r"there is no folder at .*lost"):
        open_store("shop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sources.shop]\ntracker = ", "workbench.toml cannot be read: Invalid value"),
        ("[source.shop]\ntracker = 'a'", r"workbench.toml says source; it may say \[sources.<name>\]"),
        ("sources = 1", r"it may say \[sources.<name>\]"),
        ("[sources]\nshop = 'a'", "sources.shop is not a table"),
        (
            "[sources.shop]\ntraker = 'a'",
            "sources.shop says traker; it may say tracker, rum, replays, traces, lab",
        ),
        ("[sources.shop]\ntoken = 'abc'", "sources.shop says token; it may say"),
        ("[sources.shop]\ntracker = 3", "sources.shop.tracker is a int; give a text or a list of texts"),
        ("[sources.shop]\nenvironment = 'a'", "names no part; give at least one of tracker"),
        ("[sources.shop]\ntracker = 'a'\nenvironment = ['a', 'b']", "sources.shop.environment names several; give one"),
        (
            "[sources.shop]\ntracker = 'sentry+https://me:hush@s.example/a/b'",
            r"tracker holds a secret \(sentry\+https://\*\*\*@s.example/a/b\); take it out of the file",
        ),
        ("[sources.shop]\nrum = 'acme+https://s.example?api_key=hush'", r"rum holds a secret .*api_key=\*\*\*"),
    ],
)
def test_a_description_that_cannot_be_meant(tmp_path, monkeypatch, text, message):
    (tmp_path / "workbench.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=message) as refused:
        open_store("shop")
    assert "hush" not in str(refused.value)


def test_a_name_that_nobody_knows(team, tmp_path, monkeypatch):
    with pytest.raises(AddressError, match=r"'shp' is neither a folder, an .*; sources there: shop"):
        open_store("shp")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert find_sources() == {}
    with pytest.raises(AddressError, match=r"sources there: none \(there is no workbench.toml here or above\)"):
        open_store("shop")


def test_every_address_is_checked_once_for_all_it_is_named_for(team):
    write(team, tracker=["web", "lost"], rum=["rum", "web"], traces="otel", releases="app")
    checked = {Path(one.address).name: one for one in check_sources(find_sources().values())}
    assert list(checked) == ["web", "lost", "rum", "otel", "app"]
    web = checked["web"]
    assert (web.kinds, web.ok) == (("tracker", "rum"), False)
    assert web.says == "a lake of 3 rows: events, frames; nothing for rum (vitals, page_views, sessions)"
    assert (checked["lost"].ok, checked["lost"].says) == (False, f"there is no folder at {team}/lost")
    assert (checked["rum"].ok, checked["rum"].since) == (True, NOON.replace(hour=0))
    assert checked["app"].ok


def test_the_command_says_what_works_and_exits_1_when_something_does_not(team, capsys):
    with pytest.raises(SystemExit) as done:
        main(["sources"])
    assert done.value.code == 0
    said = capsys.readouterr().out
    assert said.count("works") == 5
    write(team, tracker="web", lab="lost")
    with pytest.raises(SystemExit) as done:
        main(["sources", "shop", "--json"])
    assert done.value.code == 1
    told = json.loads(capsys.readouterr().out)
    assert [(one["ok"], one["kinds"], one["since"]) for one in told] == [
        (True, ["tracker"], "2026-03-09T00:00:00+00:00"), (False, ["lab"], None),
    ]  # fmt: skip


def test_the_command_checks_any_address_and_needs_one(team, capsys, monkeypatch, tmp_path):
    with pytest.raises(SystemExit) as done:
        main(["sources", str(team / "rum")])
    assert done.value.code == 0
    assert "a lake of 1 row: vitals" in " ".join(capsys.readouterr().out.split())
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(SystemExit) as done:
        main(["sources"])
    assert done.value.code == 2
    assert "there is no workbench.toml here or above that names a source" in capsys.readouterr().err


def test_a_big_table_among_other_parts_is_partial():
    from connectors.warehouse import Warehouse

    at = [datetime(2026, 3, 9, 12, minute, tzinfo=UTC) for minute in range(30)]
    vitals = pl.DataFrame({"at": at, "metric": "LCP", "value": [2000.0] * 30, "session_id": ["s"] * 30})
    store = Warehouse({"vitals": vitals}, {"most_rows": 10})
    source = CombinedStore("shop", [PartStore("a warehouse", ("rum",), store)], None, ())
    report = source.vitals(Window()).report
    assert report.truncated
    assert "only some are here" in report.note
