"""What a sync leaves beside rows: what its source said, what was lost or removed since, whose notes they are."""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import workbench as wb
from connectors import sync as sync_module
from connectors import sync_read
from connectors.exceptions import FetchError, FormatError
from connectors.lake import Lake
from connectors.registry import open_store
from connectors.stores import Refused, Window
from connectors.sync import sync
from connectors.sync_lock import SyncLock
from connectors.upkeep import retain
from connectors.upkeep_checks import repair, verify
from tests.connectors import sentry_server
from tests.connectors.acme_server import NOON, TOKEN, Acme, acme_server
from tests.connectors.plays import Play, serving
from tests.connectors.same_incident import group_of, incident
from tests.connectors.sentry_server import GlitchTipServer, glitchtip_event

EXAMPLE = Path(__file__).with_name("example_store")
HOURS = timedelta(hours=6)


@pytest.fixture(autouse=True)
def _example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.setenv("BLINDSPOT_ACME_TOKEN", TOKEN)
    yield
    for name in [name for name in sys.modules if name.startswith("acme_blindspot")]:
        sys.modules.pop(name)


@pytest.fixture
def shop():
    acme = Acme(300)
    with acme_server(acme) as server:
        yield acme, f"acme+{server.url}/shop"


def ids(lake) -> list[str]:
    return Lake.open(lake).scan("events").collect()["event_id"].sort().to_list()


def saying(store, **said):
    """The same store, whose last page of each window says something beside its rows."""
    read = store.read

    def read_and_say(feed, window):
        *pages, last = read(feed, window)
        yield from pages
        yield last._replace(**{name: text(window) for name, text in said.items()})

    store.read = read_and_say
    return store


def test_what_the_source_said_stands_in_the_lakes_reports_and_in_the_ledger(shop, tmp_path):
    acme, address = shop
    acme.errors[10]["told"] = {"time": None}
    noon_to_two = lambda window: "1 of 2 errors were kept" if window.start < NOON + timedelta(hours=2) else None  # noqa: E731
    store = saying(open_store(address), sampling=noon_to_two, note=lambda _: "dated by first event")
    sync(store, tmp_path / "lake", since=NOON, until=NOON + HOURS)
    for fetch in (Lake.open(tmp_path / "lake").events, Lake.open(tmp_path / "lake").frames):
        report = fetch(Window(NOON, NOON + HOURS)).report
        assert report.sampling == "1 of 2 errors were kept"
        assert report.note == "dated by first event"
        assert report.refused == (Refused(f"error {10:032x}", "it has no time"),)
        assert not report.complete
    later = Lake.open(tmp_path / "lake").events(Window(NOON + timedelta(hours=5), NOON + HOURS)).report
    assert (later.sampling, later.refused, later.complete) == (None, (), True)
    ledger = wb.open_case(str(tmp_path / "lake"), start=NOON, end=NOON + HOURS)
    _ = ledger.funnel
    (row,) = ledger.ledger.filter(pl.col("table") == "events").select("refused", "complete", "note").rows()
    assert row[:2] == (1, "partial")
    assert "1 of 2 errors were kept" in row[2]
    assert f"error {10:032x} (it has no time)" in row[2]
    # read again, and said otherwise: what was said before is no longer believed
    acme.errors[10].pop("told")
    sync(address, tmp_path / "lake", since=NOON, until=NOON + HOURS, again=True)
    report = Lake.open(tmp_path / "lake").events(Window(NOON, NOON + HOURS)).report
    assert (report.sampling, report.note, report.refused, report.complete) == (None, None, (), True)


def test_a_row_that_cannot_be_read_does_not_stop_the_sync_when_it_is_alone_in_its_slice(tmp_path):
    acme = Acme(300)
    acme.errors = [acme.errors[0], *acme.errors[150:]]
    acme.errors[0]["told"] = {"time": None}
    with acme_server(acme) as server:
        address = f"acme+{server.url}/shop"
        report = sync(address, tmp_path / "lake", since=NOON)
        assert (report.refused, report.tables["events"].new) == (1, 150)
        assert sync(address, tmp_path / "lake", since=NOON, until=NOON + HOURS).read == timedelta()
        for error in acme.errors:
            error["told"] = {"time": None}
        with pytest.raises(FormatError, match=r"gave no row of errors that can be read, the first at error 0+:"):
            sync(address, tmp_path / "other", since=NOON)
        # nothing of it is noted as read: a version that knows the form reads it
        for error in acme.errors:
            error.pop("told")
        sync(address, tmp_path / "other", since=NOON)
    assert ids(tmp_path / "other") == [error["id"] for error in acme.errors]


def test_an_empty_window_is_empty_also_in_a_lake_that_others_have_filled(shop, tmp_path):
    _, address = shop
    sync(address, tmp_path / "lake", since=NOON)
    with acme_server(Acme(0)) as server:
        report = sync(f"acme+{server.url}/shop", tmp_path / "lake", since=NOON)
        assert (report.rows, report.held) == (0, 0)
    again = sync(address, tmp_path / "lake", since=NOON, until=NOON + HOURS)
    assert (again.rows, again.held) == (0, 300)


def test_a_lake_made_anew_where_one_was_believes_no_note_of_it(shop, tmp_path):
    _, address = shop
    other = Acme(300, seed=2)
    for error in other.errors:
        error["id"] = f"{int(error['id'], 16) + 10_000:032x}"
    with acme_server(other) as server:
        both = [address, f"acme+{server.url}/shop"]
        for one in both:
            sync(one, tmp_path / "lake", since=NOON)
        everything = ids(tmp_path / "lake")
        for path in (tmp_path / "lake").glob("[!.]*"):  # as `rm -r lake/*` does: what is hidden stays
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        sync(both[0], tmp_path / "lake", since=NOON)
        lake = Lake.open(tmp_path / "lake")
        for number in range(5):  # meanwhile the new lake is older, in revisions, than the notes on the old one
            lake.write("releases", pl.DataFrame({"release": [f"r{number}"], "deployed_at": [NOON]}))
        assert lake.events(Window(NOON, NOON + HOURS)).report.note is None
        sync(both[1], tmp_path / "lake", since=NOON)
    assert ids(tmp_path / "lake") == everything


def test_two_first_syncs_make_one_lake(tmp_path, monkeypatch):
    shops = [Acme(100, seed=1), Acme(100, seed=2)]
    for error in shops[1].errors:
        error["id"] = f"{int(error['id'], 16) + 10_000:032x}"
    gate, make = threading.Barrier(2), Lake.create

    def make_at_once(*args, **said):
        gate.wait(20)
        return make(*args, **said)

    monkeypatch.setattr(sync_module.Lake, "create", make_at_once)
    failed = []

    def bring(address: str) -> None:
        try:
            sync(address, tmp_path / "lake", since=NOON)
        except FetchError as error:
            failed.append(error)

    with acme_server(shops[0]) as one, acme_server(shops[1]) as other:
        threads = [threading.Thread(target=bring, args=(f"acme+{server.url}/shop",)) for server in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert len(ids(tmp_path / "lake")) == 200


def test_a_clock_that_runs_ahead_settles_nothing_that_may_still_change(shop, tmp_path):
    acme, address = shop
    now = datetime.now(UTC).replace(microsecond=0)
    for number, error in enumerate(acme.errors):
        error.update(at=now - timedelta(minutes=300 - number), seen=now - HOURS)
    acme.errors[-2]["seen"] = now + timedelta(seconds=1)  # it comes to be seen a moment after the first sync
    acme.now = now
    store = open_store(address)
    ahead = store.now
    store.now = lambda: ahead() + timedelta(days=1)  # one of the server's nodes says that it is tomorrow
    sync(store, tmp_path / "lake", since=now - timedelta(hours=8), until=now + timedelta(hours=1))
    assert len(ids(tmp_path / "lake")) == 299
    acme.now = now + timedelta(minutes=1)
    sync(address, tmp_path / "lake", since=now - timedelta(hours=8))
    assert len(ids(tmp_path / "lake")) == 300


def test_the_same_day_again_and_again_brings_what_is_late_and_an_overlap_what_is_very_late(shop, tmp_path):
    acme, address = shop
    acme.errors[100]["seen"] = NOON + timedelta(hours=8)
    for hours in (3, 7):
        acme.now = NOON + timedelta(hours=hours)
        sync(address, tmp_path / "lake", since=timedelta(hours=24))
    acme.now = NOON + timedelta(hours=8, minutes=1)
    sync(address, tmp_path / "lake", since=timedelta(hours=24))
    assert acme.errors[100]["id"] not in ids(tmp_path / "lake")  # hours later than this system's `lateness`
    report = sync(address, tmp_path / "lake", since=timedelta(hours=24), overlap=timedelta(hours=7))
    assert timedelta(hours=7) <= report.read <= timedelta(hours=7, minutes=1)
    assert ids(tmp_path / "lake") == [error["id"] for error in acme.errors]
    assert sync(address, tmp_path / "lake", since=timedelta(hours=24)).read < timedelta(minutes=6)


def test_days_that_were_lost_are_brought_again_by_the_next_sync(shop, tmp_path):
    acme, address = shop
    acme.errors[0]["at"] -= timedelta(days=1)
    since = NOON - timedelta(days=2)
    sync(address, tmp_path / "lake", since=since, until=NOON + HOURS)
    everything = ids(tmp_path / "lake")
    lake = Lake.open(tmp_path / "lake")
    (lost,) = (part for part in lake.manifest.tables["events"] if part.day == NOON.date())
    (tmp_path / "lake" / lost.path).unlink()
    repair(lake, verify(lake))
    report = lake.events(Window(since, NOON + HOURS)).report
    assert not report.complete
    assert report.note == (
        "acme shop was not read for 2026-03-09 00:00 UTC – 2026-03-09 18:00 UTC: workbench sync brings it"
    )
    again = sync(address, tmp_path / "lake", since=since, until=NOON + HOURS)
    assert again.read == timedelta(hours=18)
    assert ids(tmp_path / "lake") == everything
    assert lake.events(Window(since, NOON + HOURS)).report.complete


def test_what_a_retention_removed_is_never_taken_for_a_quiet_day(shop, tmp_path):
    acme, address = shop
    acme.errors[0]["at"] -= timedelta(days=1)
    since = NOON - timedelta(days=2)
    sync(address, tmp_path / "lake", since=since, until=NOON + HOURS)
    lake = Lake.open(tmp_path / "lake")
    retain(lake, {"events": timedelta(days=1)}, now=NOON + timedelta(hours=23))
    lake = Lake.open(tmp_path / "lake")
    for fetch, name in ((lake.events, "events"), (lake.frames, "frames")):
        report = fetch(Window(since, NOON + HOURS)).report
        assert report.note == f"{name} from before 2026-03-09 were removed by workbench lake retain"
        assert not report.complete
        assert fetch(Window(NOON, NOON + HOURS)).report.complete
        assert fetch(Window()).report.note == f"{name} from before 2026-03-09 were removed by workbench lake retain"
        assert fetch(Window()).report.complete


def test_a_lock_is_renewed_while_the_source_lets_us_wait(shop, tmp_path, monkeypatch):
    acme, address = shop
    renewed, leave = [], threading.Event()
    monkeypatch.setattr(sync_read, "BEAT", 0.01)
    monkeypatch.setattr("connectors.sync_run.STEP_SECONDS", 0.05)
    monkeypatch.setattr(SyncLock, "renew", lambda _: renewed.append(1) or (len(renewed) > 5 and leave.set()))
    acme.faults = lambda asked: leave.wait(20) and None if "/errors" in asked.path else None
    seen = []
    sync(address, tmp_path / "lake", since=NOON, progress=seen.append)
    assert leave.is_set()
    assert [one.rows for one in seen[:3]] == [0, 0, 0]


def test_readers_that_fail_leave_no_thread_that_converts_rows(shop, tmp_path):
    acme, address = shop
    acme.faults = lambda _: None
    store = open_store(address)

    def fail(_):
        raise FetchError("enough")

    with pytest.raises(FetchError, match="enough"):
        sync(store, tmp_path / "lake", since=NOON, progress=fail)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("sync-")] == []


def test_an_old_glitchtip_is_not_asked_twice_for_an_event_when_its_sync_was_stopped(tmp_path, monkeypatch):
    monkeypatch.setenv("BLINDSPOT_GLITCHTIP_TOKEN", sentry_server.TOKEN)
    rows = [glitchtip_event(one.event, one.received, group_of(one.event)) for one in incident()[:60]]
    glitchtip, fetched, most = GlitchTipServer(rows, sections=False, page=20), [], [30]

    def answer(asked):
        if re.search(r"/events/[0-9a-f]{32}/", asked.path):
            fetched.append(asked.path)
            if len(fetched) > most[0]:
                return Play(400, b"no more today")
        return glitchtip(asked)

    with serving(answer) as server:
        address, since = f"glitchtip+{server.url}/acme/shop", datetime(2026, 3, 1, tzinfo=UTC)
        with pytest.raises(FetchError, match="no more today"):
            sync(address, tmp_path / "lake", since=since, tables=["events"])
        kept = ids(tmp_path / "lake")
        assert 0 < len(kept) < 60
        fetched.clear()
        most[0] = 1_000
        report = sync(address, tmp_path / "lake", since=since, tables=["events"])
        assert len(fetched) == 60 - len(kept) == report.tables["events"].new
        # an event that is of another issue now is another event
        rows[0]["groupID"] = "another"
        fetched.clear()
        (note,) = (tmp_path / "lake" / ".sync").glob("*.json")
        note.unlink()
        report = sync(address, tmp_path / "lake", since=since, tables=["events"])
    assert len(fetched) == 1
    assert report.tables["events"] == (0, 1)
    assert ids(tmp_path / "lake") == sorted(row["eventID"] for row in rows)


def test_a_cursor_that_leads_to_itself_ends(shop, tmp_path):
    acme, address = shop
    page = json.dumps({"errors": [acme._told(error) for error in acme.errors[:3]], "next": "0"}).encode()
    acme.faults = lambda asked: Play(body=page) if "/errors" in asked.path else None
    with pytest.raises(FetchError, match="acme shop gives the same page of errors again and again"):
        sync(address, tmp_path / "lake", since=NOON, parallel=1)
    assert acme.calls < 12
