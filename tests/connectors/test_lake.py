"""The lake: what goes in comes out, twice is once, and a write that dies leaves no trace."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from connectors.exceptions import (
    FetchError,
    FormatError,
    SourceError,
    SourceNotFound,
    TableError,
    WrittenMeanwhile,
)
from connectors.lake import Lake, Written
from connectors.manifest import write_manifest
from connectors.objects import Objects
from connectors.registry import open_store
from connectors.stores import Window
from connectors.tables import EVENTS, FRAMES, PAGE_VIEWS, SESSIONS, TABLES, VITALS, conform
from connectors.testing import assert_conforms

ALL = Window()
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def whole(store, name: str) -> pl.LazyFrame:
    """Everything that a store has of a table."""
    if name == "spans":
        return store.spans().frame
    if name == "artifacts":
        return store.artifacts().frame
    if name == "replay_events":
        ids = store.replays(ALL).frame.collect()["replay_id"]
        return pl.concat([store.replay_events(one).frame for one in ids])
    return getattr(store, name)(ALL).frame


@pytest.fixture(scope="module")
def lake(sample, tmp_path_factory) -> Lake:
    lake = Lake.create(tmp_path_factory.mktemp("lake") / "shop", name="shop", first_party=sample.first_party)
    for name in TABLES:
        lake.write(name, whole(sample, name))
    for location in sample.artifacts().frame.collect()["map_location"]:
        lake.write_map(location, sample.open_map(location))
    return lake


def test_a_lake_keeps_the_contract(lake):
    assert_conforms(open_store(lake.address))


@pytest.mark.parametrize("name", list(TABLES))
def test_what_goes_in_comes_out(lake, sample, name):
    key = list(TABLES[name].key)
    ours, kept = whole(sample, name).collect(), whole(Lake.open(lake.address), name).collect()
    assert kept.schema == ours.schema
    flat = [column for column, dtype in ours.schema.items() if not dtype.is_nested()]
    assert kept.select(flat).sort(flat).equals(ours.select(flat).sort(flat))
    lists = [column for column in ours.columns if column not in flat]
    assert kept.sort(key).select(lists).equals(ours.sort(key).select(lists))


def test_the_same_windows_give_the_same_rows(lake, sample):
    window = Window(datetime(2026, 3, 9, 15, tzinfo=UTC), datetime(2026, 3, 10, 1, 30, tzinfo=UTC), "production")
    for name in ("events", "frames", "breadcrumbs", "requests", "vitals", "page_views", "sessions", "replays"):
        assert getattr(lake, name)(window).report.rows == getattr(sample, name)(window).report.rows, name
    assert lake.spans(window=window).report.rows == sample.spans(window=window).report.rows


def test_dimensions_lie_as_categoricals_in_folders_by_day(lake):
    schema = lake.scan(VITALS).collect_schema()
    assert all(schema[name] == pl.Categorical for name in VITALS.dimensions)
    with open(f"{lake.address}/lake.json", "rb") as file:
        listed = json.load(file)
    days = {part["path"].split("/")[1] for part in listed["tables"]["events"]}
    assert days == {f"day={at:%Y-%m-%d}" for at in whole(lake, "events").collect()["at"]}
    frame_days = {part["path"].split("/")[1] for part in listed["tables"]["frames"]}
    assert frame_days <= days


def events(*ids: str, at: datetime = NOON, **columns) -> pl.DataFrame:
    frame = pl.DataFrame({"event_id": list(ids), "at": [at] * len(ids)}).with_columns(
        pl.lit(value).alias(name) for name, value in columns.items()
    )
    return conform(frame, EVENTS)


def test_a_row_that_is_there_is_replaced_also_on_another_day(tmp_path):
    lake = Lake.create(tmp_path / "l")
    assert lake.write("events", events("a", "b", "a")) == Written(2, 0)
    assert lake.write("events", events("b", "c", at=NOON + timedelta(days=1), message="again")) == Written(1, 1)
    kept = Lake.open(tmp_path / "l").events(ALL).frame.collect()
    assert kept.select("event_id", pl.col("at").dt.day(), "message").sort("event_id").rows() == [
        ("a", 9, None),
        ("b", 10, "again"),
        ("c", 10, "again"),
    ]
    assert len(lake.manifest.tables["events"]) == 2


def test_a_session_that_grew_is_one_session(tmp_path):
    lake = Lake.create(tmp_path / "l")
    for start in (NOON, NOON - timedelta(days=2)):
        lake.write(SESSIONS, pl.DataFrame({"session_id": ["s"], "started_at": [start], "ended_at": [NOON]}))
    assert lake.sessions(Window(NOON - timedelta(hours=1), None)).report.rows == 1


def test_rows_without_ids_are_told_apart_by_all_they_say(tmp_path):
    lake = Lake.create(tmp_path / "l")
    rows = pl.DataFrame({"at": [NOON, NOON], "metric": ["LCP", "LCP"], "value": [1.0, 2.0]})
    lake.write(VITALS, rows)
    lake.write(VITALS, rows)
    assert sorted(lake.vitals(ALL).frame.collect()["value"]) == [1.0, 2.0]


def test_frames_of_unknown_events_are_kept(tmp_path):
    lake = Lake.create(tmp_path / "l")
    lake.write(FRAMES, pl.DataFrame({"event_id": ["a"], "exception_index": [0], "frame_index": [0]}))
    assert lake.frames(ALL).report.rows == 1
    assert lake.frames(Window(NOON, None)).report.rows == 0


def test_a_write_that_dies_leaves_the_lake_as_it_was(tmp_path, monkeypatch):
    lake = Lake.create(tmp_path / "l")
    lake.write("events", events("a"))

    def die(*_args, **_options):
        raise OSError("no space left on device")

    monkeypatch.setattr("connectors.lake_changes.write_manifest", die)
    with pytest.raises(OSError, match="no space"):
        lake.write("events", events("a", "b", message="new"))
    monkeypatch.undo()
    again = Lake.open(tmp_path / "l")
    assert again.events(ALL).frame.collect().select("event_id", "message").rows() == [("a", None)]
    assert again.write("events", events("a", "b", message="new")) == Written(1, 1)
    assert again.events(ALL).report.rows == 2


def test_two_writers_do_not_lose_each_others_rows(tmp_path, monkeypatch):
    Lake.create(tmp_path / "l")
    one, other = Lake.open(tmp_path / "l"), Lake.open(tmp_path / "l")
    theirs = [events("a"), events("b", message="theirs")]

    def write_manifest_slowly(objects, manifest, *, seen):
        monkeypatch.undo()
        for rows in theirs:
            assert one.write("events", rows) == Written(1, 0)
        return write_manifest(objects, manifest, seen=seen)

    monkeypatch.setattr("connectors.lake_changes.write_manifest", write_manifest_slowly)
    assert other.write("events", events("b", "c", message="ours")) == Written(1, 1)
    kept = one.events(ALL).frame.collect().select("event_id", "message").sort("event_id")
    assert kept.rows() == [("a", None), ("b", "ours"), ("c", "ours")]
    listed = {part.path for part in other.manifest.parts()} | other.manifest.removed.keys()
    assert {one.name for one in other.objects.names() if one.name.endswith(".parquet")} == listed


def test_writers_at_the_same_time_all_get_through(tmp_path):
    Lake.create(tmp_path / "l")
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(Lake.open(tmp_path / "l").write, "events", events(f"e{n}", "same")) for n in range(8)]
    assert sum(one.result().new for one in done) == 9
    assert Lake.open(tmp_path / "l").events(ALL).report.rows == 9


def test_a_writer_that_always_loses_says_so(tmp_path, monkeypatch):
    lake = Lake.create(tmp_path / "l")

    def lose(*_args, **_options):
        raise WrittenMeanwhile("lake.json was written by somebody else meanwhile")

    monkeypatch.setattr("connectors.lake_changes.write_manifest", lose)
    with pytest.raises(WrittenMeanwhile):
        lake.write("events", events("a"))
    assert not list((tmp_path / "l").rglob("*.parquet"))


def test_an_answer_that_got_lost_is_no_failure(tmp_path, monkeypatch):
    lake = Lake.create(tmp_path / "l")
    swap = lake.objects.swap

    def swap_and_lose_the_answer(*args):
        swap(*args)
        raise FetchError("the connection was cut")

    monkeypatch.setattr(lake.objects, "swap", swap_and_lose_the_answer)
    assert lake.write("events", events("a")) == Written(1, 0)
    monkeypatch.undo()
    assert lake.events(ALL).report.rows == 1


def test_what_hangs_on_an_event_lies_under_its_day_and_moves_with_it(tmp_path):
    lake = Lake.create(tmp_path / "l")
    crumbs = pl.DataFrame({"event_id": ["a", "a"], "at": [NOON - timedelta(days=3), NOON], "category": ["ui", "ui"]})
    frame = pl.DataFrame({"event_id": ["a"], "exception_index": [0], "frame_index": [0]})
    lake.write_all({"frames": frame, "breadcrumbs": crumbs, "events": events("a")})

    def days(name: str) -> set:
        return {part.day for part in lake.manifest.tables[name]}

    assert days("events") == days("frames") == days("breadcrumbs") == {NOON.date()}
    lake.write("events", events("a", at=NOON + timedelta(days=4)))
    assert days("events") == days("frames") == days("breadcrumbs") == {NOON.date() + timedelta(days=4)}
    window = Window(NOON + timedelta(days=4), NOON + timedelta(days=5))
    assert (lake.frames(window).report.rows, lake.breadcrumbs(window).report.rows) == (1, 2)
    assert lake.scan("breadcrumbs", Window(NOON, NOON + timedelta(hours=1))).collect().height == 1


def test_only_rows_in_the_tables_form_get_in(tmp_path):
    lake = Lake.create(tmp_path / "l")
    with pytest.raises(TableError, match="page_views lacks the column at"):
        lake.write(PAGE_VIEWS, pl.DataFrame({"page_view_id": ["p"]}))
    with pytest.raises(TableError, match=r"vitals.value: 1 of 1 values are not finite"):
        lake.write(VITALS, pl.DataFrame({"at": [NOON], "metric": ["LCP"], "value": [float("nan")]}))
    assert not lake.has("vitals")


def test_opening_what_is_no_lake(tmp_path):
    with pytest.raises(SourceNotFound, match="there is no lake at"):
        Lake.open(tmp_path)
    Lake.create(tmp_path)
    with pytest.raises(SourceError, match=r"there is a lake at .* already"):
        Lake.create(tmp_path)
    (tmp_path / "lake.json").write_text('{"name":"x","format":9}')
    with pytest.raises(FormatError, match="is of format 9, this version reads 1"):
        Lake.open(tmp_path)
    (tmp_path / "lake.json").write_text("{")
    with pytest.raises(FormatError, match="is not the list of a lake"):
        Lake.open(tmp_path)


def test_maps_are_names_not_paths(tmp_path):
    lake = Lake.create(tmp_path / "l")
    lake.write_map("../../outside.map", b"{}")
    assert lake.open_map("../../outside.map") == b"{}"
    assert not (tmp_path.parent / "outside.map").exists()
    with pytest.raises(FetchError, match="keeps no map 'b'; it keeps 1"):
        lake.open_map("b")


def test_folders_come_and_go_while_files_are_written(tmp_path):
    """A writer that removes an empty folder does not trip one that is about to write there."""
    objects = Objects.open(tmp_path / "root")

    def write_and_delete(number: int) -> None:
        for _ in range(60):
            objects.write(f"events/day=1/{number}.parquet", b"x")
            objects.delete(f"events/day=1/{number}.parquet")
            objects.names()

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(write_and_delete, number) for number in range(6)]:
            done.result()
    assert objects.names(hidden=True) == []
