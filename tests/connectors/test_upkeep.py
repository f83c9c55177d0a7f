"""A lake's upkeep: fewer files and equal rows, what is too old goes with what hangs on it, a crash leaves nothing."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from connectors.exceptions import FetchError, ParameterError
from connectors.lake import Lake
from connectors.manifest import write_manifest
from connectors.stores import Window
from connectors.tables import EVENTS, TABLES, conform
from connectors.testing import assert_conforms
from connectors.upkeep import Compacted, compact, read_keep, retain
from connectors.upkeep_checks import repair, tables_of, verify
from workbench.cli import main

ALL = Window()
HANGING = ("events", "frames", "breadcrumbs", "requests")
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def events(*ids: str, at: datetime = NOON) -> pl.DataFrame:
    return conform(pl.DataFrame({"event_id": list(ids), "at": [at] * len(ids)}), EVENTS)


def files(lake: Lake) -> set[str]:
    return {one.name for one in lake.objects.names() if one.name.endswith(".parquet")}


@pytest.fixture
def many(tmp_path, sample) -> Lake:
    """The sample's events in sixteen writes, with all that hangs on them."""
    lake = Lake.create(tmp_path / "lake", name="shop")
    tables = {
        name: getattr(sample, name)(ALL).frame.collect() for name in ("events", "frames", "breadcrumbs", "requests")
    }
    ids = tables["events"]["event_id"]
    for number in range(16):
        some = ids.gather_every(16, number)
        lake.write_all({name: rows.filter(pl.col("event_id").is_in(some.implode())) for name, rows in tables.items()})
    return lake


def test_compaction_keeps_every_row_in_fewer_files(many):
    names = list(many.manifest.tables)
    before = {name: many.scan(name).collect() for name in names}
    day = Window(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
    in_day = {name: getattr(many, name)(day).report.rows for name in names}
    listed_before = len(many.manifest.parts())
    done = compact(many)
    assert done.before - done.after == listed_before - len(many.manifest.parts()) > 0
    listed = many.manifest.tables
    assert {name: len(parts) for name, parts in listed.items()} == {
        name: len({part.day for part in parts}) for name, parts in listed.items()
    }
    for name in names:
        flat = [column for column, dtype in TABLES[name].schema.items() if not dtype.is_nested()]
        assert many.scan(name).collect().select(flat).sort(flat).equals(before[name].select(flat).sort(flat)), name
    assert {name: getattr(many, name)(day).report.rows for name in names} == in_day
    assert_conforms(many)
    assert compact(many) == Compacted()


def test_readers_finish_on_the_files_they_began_with(tmp_path, monkeypatch):
    lake = Lake.create(tmp_path / "l")
    for event_id in "abc":
        lake.write("events", events(event_id))
    reading = lake.events(ALL).frame
    compact(lake)
    assert sorted(reading.collect()["event_id"]) == ["a", "b", "c"]
    assert len(files(lake)) == 4
    assert verify(lake).waiting == 3
    monkeypatch.setattr("connectors.lake_changes.GRACE", -DAY)
    compact(lake)
    assert files(lake) == {part.path for part in lake.manifest.parts()}
    assert len(files(lake)) == 1
    assert verify(lake).waiting == 0


def test_a_write_while_compaction_reads_is_not_lost(tmp_path, monkeypatch):
    lake = Lake.create(tmp_path / "l")
    for event_id in "ab":
        lake.write("events", events(event_id))
    other = Lake.open(tmp_path / "l")

    def write_manifest_slowly(objects, manifest, *, seen):
        monkeypatch.undo()
        other.write("events", events("b", "c"))
        return write_manifest(objects, manifest, seen=seen)

    monkeypatch.setattr("connectors.lake_changes.write_manifest", write_manifest_slowly)
    compact(lake)
    assert sorted(lake.events(ALL).frame.collect()["event_id"]) == ["a", "b", "c"]
    assert len(lake.manifest.tables["events"]) == 1


def test_full_files_are_left_alone(tmp_path):
    lake = Lake.create(tmp_path / "l")
    for event_id in "abcd":
        lake.write("events", events(event_id))
    size = max(one.bytes for one in lake.objects.names("events"))
    assert compact(lake, full=size) == Compacted()
    assert compact(lake, full=2 * size) == Compacted(1, 4, 2, 4)
    assert compact(lake, ["frames"]) == Compacted()


def test_a_file_that_lost_rows_stops_the_compaction(tmp_path):
    lake = Lake.create(tmp_path / "l")
    for event_id in "ab":
        lake.write("events", events(event_id))
    one, _ = (part.path for part in lake.manifest.parts())
    lake.objects.write(one, _parquet(EVENTS.empty()))
    with pytest.raises(FetchError, match="events of 2026-03-09 has 1 rows, 2 are listed; nothing was changed"):
        compact(lake)


def _parquet(rows: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    rows.with_columns(pl.col(name).cast(pl.Categorical) for name in EVENTS.dimensions).write_parquet(out)
    return out.getvalue()


@pytest.fixture
def old(tmp_path) -> Lake:
    """Two days of everything, ten days apart."""
    lake = Lake.create(tmp_path / "old", name="shop")
    for name, at in (("early", NOON), ("late", NOON + 10 * DAY)):
        lake.write_all(
            {
                "events": events(name, at=at),
                "frames": pl.DataFrame({"event_id": [name], "exception_index": [0], "frame_index": [0]}),
                "breadcrumbs": pl.DataFrame({"event_id": [name], "at": [at - 12 * DAY], "category": ["ui"]}),
                "requests": pl.DataFrame({"event_id": [name, None], "at": [at, at], "url": ["/a", f"/{name}"]}),
                "sessions": pl.DataFrame({"session_id": [name], "started_at": [at], "ended_at": [at + 3 * DAY]}),
                "replays": pl.DataFrame({"replay_id": [name], "started_at": [at], "ended_at": [at]}),
                "replay_events": pl.DataFrame({"replay_id": [name], "at": [at], "type": [4]}),
                "artifacts": pl.DataFrame({"release": [name], "map_location": [f"{name}.map"], "uploaded_at": [at]}),
            }
        )
        lake.write_map(f"{name}.map", b"{}")
    return lake


def ids(lake: Lake, name: str, column: str) -> list:
    return lake.scan(name).collect()[column].cast(pl.String).sort(nulls_last=True).to_list()


def test_what_hangs_on_an_event_goes_with_it(old):
    done = {one.table: one.rows for one in retain(old, {"events": 5 * DAY}, now=NOON + 12 * DAY)}
    assert done == {"events": 1, "frames": 1, "breadcrumbs": 1, "requests": 1}
    assert [ids(old, name, "event_id") for name in ("events", "frames", "breadcrumbs")] == [["late"]] * 3
    assert ids(old, "requests", "url") == ["/a", "/early", "/late"]  # the beacon of the early day is nobody's
    assert ids(old, "sessions", "session_id") == ["early", "late"]
    assert retain(old, {"events": 5 * DAY}, now=NOON + 12 * DAY) == []
    assert_conforms(old)


def test_recordings_and_maps_go_with_what_names_them(old):
    keep = {"replays": 5 * DAY, "artifacts": 5 * DAY, "sessions": 9 * DAY}
    done = {one.table: one.rows for one in retain(old, keep, now=NOON + 12 * DAY)}
    assert done == {"replays": 1, "replay_events": 1, "artifacts": 1}
    assert ids(old, "replay_events", "replay_id") == ["late"]
    assert list(old.manifest.maps) == ["late.map"]
    assert ids(old, "sessions", "session_id") == ["early", "late"]  # the early one lasted into the kept days
    with pytest.raises(FetchError, match=r"the lake keeps no map 'early\.map'"):
        old.open_map("early.map")


def test_a_file_of_several_days_is_cut(tmp_path):
    lake = Lake.create(tmp_path / "l")
    crumbs = pl.DataFrame({"event_id": ["a"] * 4, "at": [NOON + n * DAY for n in range(4)], "category": list("abcd")})
    lake.write_all({"events": events("a"), "breadcrumbs": crumbs})
    assert len(lake.manifest.tables["breadcrumbs"]) == 1
    retain(lake, {"breadcrumbs": 2 * DAY}, now=NOON + 4 * DAY)
    assert ids(lake, "breadcrumbs", "category") == ["c", "d"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spans", "'spans' does not say how long a table is kept; give spans=14d"),
        ("spans=14h", "'spans=14h' does not say"),
        ("span=14d", "there is no table span; there are: events, frames"),
    ],
)
def test_a_retention_that_cannot_be_meant(text, message):
    with pytest.raises(ParameterError, match=message):
        read_keep(text)


def test_frames_have_no_retention_of_their_own(old):
    with pytest.raises(ParameterError, match="frames have no time of their own and go with their events"):
        retain(old, {"frames": DAY})


def test_what_a_crash_left_behind_is_found_when_it_is_old_enough(old):
    old.objects.write("events/day=2026-03-09/000099-abc.parquet", b"half")
    old.objects.write("maps/abc.zst", b"half")
    old.objects.write("events/day=2026-03-09/.000100-abc.parquet.7-8.new", b"half")
    old.objects.write("notes.parquet", b"somebody's own")
    assert verify(old).orphans == ()
    later = datetime.now(UTC) + 2 * timedelta(hours=1)
    found = verify(old, now=later)
    assert found.orphans == (
        "events/day=2026-03-09/.000100-abc.parquet.7-8.new", "events/day=2026-03-09/000099-abc.parquet", "maps/abc.zst",
    )  # fmt: skip
    repair(old, found)
    assert verify(old, now=later).orphans == ()
    assert old.objects.exists("notes.parquet")
    assert old.events(ALL).report.rows == 2


def test_files_that_are_gone_or_broken_are_named_and_taken_off_the_list(old, capsys):
    gone = next(part.path for part in old.manifest.tables["events"] if part.day == NOON.date())
    broken = next(part.path for part in old.manifest.tables["frames"] if part.day == NOON.date())
    old.objects.delete(gone)
    old.objects.write(broken, b"not parquet")
    with pytest.raises(SystemExit) as done:
        main(["lake", "verify", old.address])
    assert done.value.code == 1
    said = capsys.readouterr().out
    assert f"broken: {gone}: the file is gone; its rows are lost, sync their days again" in said
    assert f"broken: {broken}: the file cannot be read" in said
    with pytest.raises(SystemExit) as done:
        main(["lake", "verify", old.address, "--repair"])
    assert done.value.code == 0
    assert verify(Lake.open(old.address)).broken == ()
    assert ids(Lake.open(old.address), "events", "event_id") == ["late"]


def test_the_commands(old, capsys):
    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as done:
            main(["lake", *arguments])
        assert done.value.code == 0, capsys.readouterr().err
        return capsys.readouterr().out

    old.write("events", events("more"))
    assert tables_of(old).filter(pl.col("table") == "events").rows()[0][:3] == ("events", 3, 3)
    assert "2 source maps" in run("info", old.address)
    assert "2 files became 1; their 2 rows are all kept" in run("compact", old.address)
    assert "nothing to put together" in run("compact", old.address, "--tables", "events,frames")
    assert "events: 3 rows removed" in run("retain", old.address, "--keep", "events=1d")
    assert "nothing is older than it is kept" in run("retain", old.address, "--keep", "events=1d")
    with pytest.raises(SystemExit) as done:
        main(["lake", "info", f"{old.address}/no/such"])
    assert done.value.code == 1
    assert "there is no lake at" in capsys.readouterr().err
    assert tables_of(old)["last"].max() == date(2026, 3, 22)
