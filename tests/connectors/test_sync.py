"""A window of a remote system in a lake: all of it, once, whatever was there before."""

from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from connectors import http as http_module
from connectors.exceptions import AddressError, AuthError, FetchError, FormatError, ParameterError, SourceNotFound
from connectors.lake import Lake
from connectors.registry import open_store
from connectors.stores import Window
from connectors.sync import sync
from connectors.testing import assert_conforms
from tests.connectors.acme_server import NOON, TOKEN, Acme, acme_server
from tests.connectors.plays import Play

EXAMPLE = Path(__file__).with_name("example_store")
HOURS = timedelta(hours=6)


@pytest.fixture(autouse=True)
def _example(monkeypatch):
    """The example's package is installed: its folder with its dist-info is on the path."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.setenv("BLINDSPOT_ACME_TOKEN", TOKEN)
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(http_module, "LONGEST_WAIT", 0.05)
    yield
    for name in [name for name in sys.modules if name.startswith("acme_blindspot")]:
        sys.modules.pop(name)


@pytest.fixture
def shop():
    acme = Acme(3_000)
    with acme_server(acme) as server:
        yield acme, f"acme+{server.url}/shop"


def held(lake) -> list[tuple[str, int]]:
    """Events of a lake with how many frames each has, read from its files."""
    lake = Lake.open(lake)
    frames = lake.scan("frames").group_by("event_id").len()
    events = lake.scan("events").join(frames, on="event_id", how="left").sort("event_id")
    return events.select("event_id", pl.col("len").fill_null(0)).collect().rows()


def files(lake) -> dict[str, bytes]:
    """Every file of a lake but the empty lock."""
    return {str(path.relative_to(lake)): path.read_bytes() for path in Path(lake).rglob("*") if path.is_file()}


def test_the_example_keeps_the_contract(shop):
    _, address = shop
    store = open_store(address)
    assert type(store).__module__ == "acme_blindspot.store"
    assert len((EXAMPLE / "acme_blindspot" / "store.py").read_text().splitlines()) <= 60
    assert_conforms(store)


def test_a_window_comes_whole_and_a_second_run_changes_nothing(shop, tmp_path):
    acme, address = shop
    report = sync(address, tmp_path / "lake", since=NOON)
    assert held(tmp_path / "lake") == acme.rows()
    assert report.tables["events"].new == 3_000
    before, calls = files(tmp_path / "lake"), acme.calls
    again = sync(address, tmp_path / "lake", since=NOON, until=NOON + HOURS)
    assert (again.read, again.rows, again.tables) == (timedelta(), 0, {})
    assert acme.calls == calls + 1  # the check
    assert files(tmp_path / "lake") == before
    # read anew to the last page: nothing is new, so nothing is written
    anew = sync(address, tmp_path / "lake", since=NOON, until=NOON + HOURS, again=True)
    assert anew.rows == report.rows
    assert {name: (merged.new, merged.changed) for name, merged in anew.tables.items()} == {
        "events": (0, 0),
        "frames": (0, 0),
    }
    assert files(tmp_path / "lake") == before


def test_late_events_and_events_that_come_again_are_caught_by_the_overlap(shop, tmp_path):
    acme, address = shop
    acme.now = NOON + timedelta(hours=3)
    first = sync(address, tmp_path / "lake", since=NOON)
    early = acme.rows()
    assert first.tables["events"].new < len([error for error in acme.errors if error["at"] < acme.now])
    acme.now += timedelta(minutes=5)
    second = sync(address, tmp_path / "lake", since=NOON)
    # the last five minutes before the first run are read again, and nothing else of it
    assert second.read < timedelta(minutes=10, seconds=30)
    assert second.tables["frames"].changed > 0
    sync(address, tmp_path / "lake", since=NOON)
    now = dict(acme.rows())
    assert dict(held(tmp_path / "lake")) == {
        name: frames for name, frames in now.items() if acme.errors[int(name, 16)]["at"] < acme.now
    }
    assert any(now[name] < frames for name, frames in early)


def test_a_window_ends_at_the_sources_own_clock(shop, tmp_path):
    acme, address = shop
    acme.now = NOON + timedelta(hours=2)
    report = sync(address, tmp_path / "lake", since=timedelta(hours=2), until=NOON + timedelta(days=30))
    # their clock stands in March; Date has whole seconds, and ours has gone on a little since
    assert abs((report.window.end - acme.now).total_seconds()) < 5
    assert abs((report.window.start - NOON).total_seconds()) < 5
    with pytest.raises(ParameterError, match=r"there is no time between .*, which is now at the source"):
        sync(address, tmp_path / "lake", since=NOON + timedelta(hours=5))


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ("token", AuthError, "acme refuses our token for .*401.*; set BLINDSPOT_ACME_TOKEN"),
        ("project", SourceNotFound, "acme has nothing at .*/api/projects/none .*; check the names in the address"),
        ("host", SourceNotFound, "nobody answers at 127.0.0.1:9 .*check the host"),
        ("table", ParameterError, "acme shop gives no spans; it gives events, frames"),
        ("form", FetchError, r"in a form that this version does not know .Expected `array`, got `null`"),
        ("rows", FormatError, "gave no row of errors that can be read, the first at error 0.*it has no time"),
        ("parallel", ParameterError, "parallel is 0"),
        ("folder", AddressError, "is read where it lies"),
    ],
)
def test_what_goes_wrong_is_one_sentence(shop, tmp_path, monkeypatch, how, error, says):
    acme, address = shop
    options = {}
    if how == "token":
        monkeypatch.setenv("BLINDSPOT_ACME_TOKEN", "acme_of_yesterday")
    elif how == "project":
        address = address.replace("/shop", "/none")
    elif how == "host":
        address = "acme+http://127.0.0.1:9/shop"
    elif how == "table":
        options["tables"] = ["events", "spans"]
    elif how == "form":
        acme.faults = lambda asked: Play(body=b'{"errors": null}') if "errors" in asked.path else None
    elif how == "rows":
        for one in acme.errors:
            one["told"] = {"time": None}
    elif how == "parallel":
        options["parallel"] = 0
    elif how == "folder":
        address = str(tmp_path)
    with pytest.raises(error, match=says) as raised:
        sync(address, tmp_path / "lake", since=NOON, **options)
    assert "\n" not in str(raised.value)
    assert TOKEN not in str(raised.value)
    if how not in ("form", "rows"):
        assert not (tmp_path / "lake" / "lake.json").exists()


def test_rows_that_cannot_be_read_are_counted_and_the_others_come(shop, tmp_path):
    acme, address = shop
    for one in acme.errors[::1000]:
        one["told"] = {"time": None}
    report = sync(address, tmp_path / "lake", since=NOON)
    assert (report.refused, report.tables["events"].new) == (3, 2_997)
    assert report.reasons[0].place == f"error {0:032x}"


def test_an_expired_cursor_costs_a_shorter_slice_not_the_sync(shop, tmp_path):
    acme, address = shop
    expired = []

    def faults(asked):
        if "cursor=300" in asked.path and len(expired) < 3:
            expired.append(asked.path)
            return Play(400, b'{"error": "this cursor has expired"}')
        return None

    acme.faults = faults
    sync(address, tmp_path / "lake", since=NOON, parallel=1)
    assert held(tmp_path / "lake") == acme.rows()
    acme.faults = lambda asked: Play(400, b"no cursors today") if "cursor=100" in asked.path else None
    with pytest.raises(FetchError, match="no cursors today"):
        sync(address, tmp_path / "other", since=NOON, parallel=1)


def test_a_source_that_would_not_give_all_is_asked_for_less(shop, tmp_path, monkeypatch):
    acme, address = shop
    store = open_store(address)
    asked = []
    read = store.read

    def at_most_500(feed, window):
        rows = 0
        asked.append(window)
        for batch in read(feed, window):
            rows += batch.tables["events"].height
            yield batch._replace(truncated=rows >= 500)
            if rows >= 500:
                return

    monkeypatch.setattr(store, "read", at_most_500)
    report = sync(store, tmp_path / "lake", since=NOON, until=NOON + HOURS)
    assert held(tmp_path / "lake") == acme.rows()
    assert report.truncated == []
    for one in acme.errors:  # 1,000 at one moment cannot be had by asking for less
        one["at"] = NOON
    report = sync(store, tmp_path / "dense", since=NOON, until=NOON + timedelta(seconds=8))
    assert [(feed, span.start, span.length) for feed, span in report.truncated] == [
        ("errors", NOON, timedelta(seconds=1))
    ]


def test_two_at_once_are_refused_and_a_lock_of_the_dead_is_not(shop, tmp_path):
    acme, address = shop
    entered, leave = threading.Event(), threading.Event()

    def wait(asked):
        if "/errors" in asked.path:
            entered.set()
            leave.wait(20)

    acme.faults = wait
    first = threading.Thread(target=sync, args=(address, tmp_path / "lake"), kwargs={"since": NOON})
    first.start()
    try:
        assert entered.wait(20)
        with pytest.raises(FetchError, match=rf"another sync of this source writes to .* \(process {os.getpid()} on"):
            sync(address, tmp_path / "lake", since=NOON)
    finally:
        leave.set()
        first.join()
    assert held(tmp_path / "lake") == acme.rows()
    (lock,) = (tmp_path / "lake" / ".sync").glob("*.lock")
    lock.write_text('{"pid": 1, "host": "elsewhere", "since": "2026-03-09 12:00:00"}')  # left by one that was killed
    sync(address, tmp_path / "lake", since=NOON)


def test_two_sources_come_into_one_lake_at_the_same_time(tmp_path):
    shops = [Acme(1_500, seed=1), Acme(1_500, seed=2)]
    for error in shops[1].errors:
        error["id"] = f"{int(error['id'], 16) + 10_000:032x}"
    with acme_server(shops[0]) as one, acme_server(shops[1]) as other:
        addresses = [f"acme+{server.url}/shop" for server in (one, other)]
        threads = [
            threading.Thread(target=sync, args=(address, tmp_path / "lake"), kwargs={"since": NOON})
            for address in addresses
        ]
        Lake.create(tmp_path / "lake")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert held(tmp_path / "lake") == sorted([*shops[0].rows(), *shops[1].rows()])


def test_what_is_read_before_an_error_is_kept_and_not_read_again(shop, tmp_path):
    acme, address = shop
    acme.faults = lambda asked: Play(500) if acme.calls > 20 else None
    with pytest.raises(FetchError, match="did not give"):
        sync(address, tmp_path / "lake", since=NOON)
    kept = held(tmp_path / "lake")
    assert 0 < len(kept) < 3_000
    acme.faults = lambda asked: None
    report = sync(address, tmp_path / "lake", since=NOON)
    assert report.read < timedelta(hours=7) - timedelta(minutes=6)  # the first slice of 64 at least
    assert held(tmp_path / "lake") == acme.rows()


def test_a_lake_made_anew_does_not_believe_an_old_note(shop, tmp_path):
    acme, address = shop
    sync(address, tmp_path / "lake", since=NOON)
    for path in [tmp_path / "lake" / "lake.json", *(tmp_path / "lake").rglob("*.parquet")]:
        path.unlink()
    sync(address, tmp_path / "lake", since=NOON)
    assert held(tmp_path / "lake") == acme.rows()


def test_an_event_that_moves_to_another_day_takes_its_frames_along(tmp_path):
    acme = Acme(50, hours=1)
    with acme_server(acme) as server:
        address = f"acme+{server.url}/shop"
        sync(address, tmp_path / "lake", since=NOON)
        moved = acme.errors[25]
        moved["at"] -= timedelta(days=1)
        sync(address, tmp_path / "lake", since=NOON - timedelta(days=2), again=True)
    lake = Lake.open(tmp_path / "lake")
    assert held(tmp_path / "lake") == acme.rows()
    day = Window(NOON - timedelta(days=1, hours=2), NOON - timedelta(hours=12))
    assert lake.frames(day).frame.collect()["event_id"].unique().to_list() == [moved["id"]]


def test_no_file_of_the_lake_holds_the_token(shop, tmp_path):
    acme, address = shop
    acme.faults = lambda asked: Play(500, TOKEN.encode(), {}) if acme.calls > 12 else None
    with pytest.raises(FetchError) as raised:
        sync(address, tmp_path / "lake", since=NOON)
    acme.faults = lambda asked: None
    report = sync(address, tmp_path / "lake", since=NOON)
    everything = b"".join(files(tmp_path / "lake").values())
    assert TOKEN.encode() not in everything
    assert TOKEN not in repr(report) + repr(raised.value) + str(raised.value)
    for path in (tmp_path / "lake").rglob("*.parquet"):  # Parquet is packed: look at the values as well
        assert TOKEN not in pl.read_parquet(path).write_ndjson()


def test_a_lake_says_what_of_a_window_was_never_read(shop, tmp_path):
    _, address = shop
    sync(address, tmp_path / "lake", since=NOON + timedelta(hours=1), until=NOON + timedelta(hours=3))
    lake = open_store(tmp_path / "lake")
    inside = lake.events(Window(NOON + timedelta(hours=1), NOON + timedelta(hours=2))).report
    assert (inside.complete, inside.note) == (True, None)
    beyond = lake.frames(Window(NOON + timedelta(hours=1), NOON + timedelta(hours=5))).report
    assert not beyond.complete
    assert beyond.note == (
        "acme shop was not read for 2026-03-09 15:00 UTC – 2026-03-09 17:00 UTC: workbench sync brings it"
    )
    assert lake.events(Window()).report.complete
    assert lake.vitals(Window(NOON, NOON + HOURS)).report.note == "the lake has no vitals"
