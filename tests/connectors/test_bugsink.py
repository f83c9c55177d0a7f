"""A real Bugsink 2.6.1: the SDK's own envelopes go in by its ingest endpoint, and are read back over its interface."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

import polars as pl
import pytest

from connectors import http as http_module
from connectors.exceptions import AuthError, FetchError, SourceNotFound
from connectors.lake import Lake
from connectors.registry import open_store
from connectors.stores import Window
from connectors.sync import sync
from connectors.testing import assert_conforms
from connectors.upkeep_checks import repair, verify
from tests.connectors.bugsink_server import running
from tests.connectors.plays import JSON, Play, playing, serving
from tests.connectors.same_incident import canonical, incident

SENT = 40


@pytest.fixture(scope="module")
def server(request, tmp_path_factory):
    with running(request.config.cache.mkdir("bugsink"), tmp_path_factory.mktemp("bugsink")) as bugsink:
        yield bugsink


@pytest.fixture(scope="module")
def project(server):
    made = server.make_project("shop")
    for one in incident()[:SENT]:
        server.send(made, one.envelope)
    return made


@pytest.fixture
def address(server, project, monkeypatch):
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("BLINDSPOT_BUGSINK_TOKEN", server.token)
    return f"bugsink+{server.url}/{project['slug']}"


def test_what_was_sent_comes_back(server, address):
    events = open_store(address).events(Window())
    rows = events.frame.collect()
    sent = {one.event["event_id"]: one.event for one in incident()[:SENT]}
    assert set(rows["event_id"]) == set(sent)
    for row in rows.iter_rows(named=True):
        event = sent[row["event_id"]]
        thrown = event["exception"]["values"][-1]
        assert (row["type"], row["message"], row["release"]) == (thrown["type"], thrown["value"], event["release"])
        assert row["at"] == datetime.fromtimestamp(event["timestamp"], UTC)
        assert row["session_id"] == event["tags"]["session_id"]
        assert (row["source"], row["page_url"]) == ("bugsink", event["request"]["url"])
    # one call for the project, one for issues, one an issue and one an event
    issues = {issue["id"]: issue for issue in server.call("issues/?project=1")["results"]}
    assert set(rows["vendor_issue_id"]) == set(issues)
    assert events.report.pages == 1 + len(issues) + SENT
    assert events.report.complete
    counts = dict(rows.group_by("vendor_issue_id").len().iter_rows())
    assert counts == {key: issue["stored_event_count"] for key, issue in issues.items()}


def test_frames_are_those_of_the_envelope(address):
    frames = open_store(address).frames(Window()).frame.collect()
    thrown = {
        (one.event["event_id"], index): list(reversed((value.get("stacktrace") or {}).get("frames", [])))
        for one in incident()[:SENT]
        for index, value in enumerate(reversed(one.event["exception"]["values"]))
    }
    expected = sorted(
        (event_id, index, number, frame["filename"], frame["lineno"], frame["colno"])
        for (event_id, index), stack in thrown.items()
        for number, frame in enumerate(stack)
        if frame.get("lineno")  # 0 is no line
    )
    placed = frames.filter(pl.col("line").is_not_null())
    assert sorted(placed.select(*placed.columns[:4], "line", "column").rows()) == expected


def test_it_keeps_the_contract(address):
    assert_conforms(open_store(address))


def test_the_project_by_number_and_what_a_check_says(server, project, address):
    store = open_store(f"bugsink+{server.url}/{project['id']}")
    check = store.check()
    assert check.ok
    assert f"it keeps {SENT} events" in check.says
    assert "one for each event" in check.calls
    assert store.releases(Window()).frame.collect()["release"].to_list() == [incident()[0].event["release"]]


def test_what_is_outside_of_the_window_is_not_fetched(server, address):
    times = sorted(datetime.fromtimestamp(one.event["timestamp"], UTC) for one in incident()[:SENT])
    middle = Window(times[10], times[20])
    events = open_store(address).events(middle)
    assert events.frame.collect()["at"].sort().to_list() == times[10:20]
    issues = len(server.call("issues/?project=1")["results"])
    assert events.report.pages == 1 + issues + 10
    # nothing can have happened after everything was received: the first page of issues says so
    later = open_store(address).events(Window(datetime.now(UTC) + timedelta(days=2), None))
    assert (later.report.rows, later.report.pages, later.report.complete) == (0, 1, True)


def test_a_narrowed_environment_and_an_empty_window(address):
    store = open_store(f"{address}?environment=staging")
    assert store.events(Window()).report.rows == 0
    assert store.frames(Window()).report.rows == 0
    empty = open_store(address).events(Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)))
    assert (empty.report.rows, empty.report.complete) == (0, True)


def test_a_wrong_token(server, address, monkeypatch):
    monkeypatch.setenv("BLINDSPOT_BUGSINK_TOKEN", "0" * 40)
    with pytest.raises(AuthError, match=r"bugsink refuses our token .*401.*BLINDSPOT_BUGSINK_TOKEN") as error:
        open_store(address).check()
    assert "0" * 40 not in str(error.value)


def test_an_unknown_project(server, address):
    with pytest.raises(SourceNotFound, match=r"bugsink has no project 'shopp' .*there are: shop$"):
        open_store(f"bugsink+{server.url}/shopp").events(Window())


def test_a_host_that_is_not_there(address):
    with pytest.raises(SourceNotFound, match=r"bugsink: nobody answers at 127\.0\.0\.1:9"):
        open_store("bugsink+http://127.0.0.1:9/shop").check()


def test_another_system_at_the_address(monkeypatch):
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    with playing(Play(body=b'[{"slug":"shop"}]')) as other:
        store = open_store(f"bugsink+{other.url}/shop")
        with pytest.raises(FetchError, match="in a form that this version does not know"):
            store.check()
        report = store.events(Window()).report
    assert not report.complete
    assert "in a form that this version does not know" in report.failed


def test_pages_that_lead_back_to_themselves_end():
    page = json.dumps({"results": [{"slug": "shop", "id": 1}], "next": "NEXT"})
    with playing(Play()) as other:
        other.answer = lambda asked: Play(
            body=page.replace("NEXT", f"{other.url}/api/canonical/0/projects/?c=1").encode()
        )
        with pytest.raises(FetchError, match="leads back to itself"):
            open_store(f"bugsink+{other.url}/shop").check()


def test_an_event_that_goes_while_the_list_is_read_costs_itself(server, address, project):
    """Bugsink drops old events when it has too many; what is gone is said, and the rest is brought."""
    listed = server.call(f"issues/?project={project['id']}")["results"][0]
    gone = server.call(f"events/?issue={listed['id']}")["results"][0]["id"]

    def without_it(asked) -> Play:
        if gone in asked.path:
            return Play(404, b'{"detail":"Not found."}', JSON)
        there = Request(server.url + asked.path, headers={"authorization": asked.headers["authorization"]})
        with urlopen(there, timeout=30) as answer:
            return Play(body=answer.read())

    with serving(without_it) as between:
        report = open_store(f"bugsink+{between.url}/{project['slug']}").events(Window()).report
    assert report.rows == SENT - 1
    assert report.refused == ((f"event {gone}", "it was listed, and gone when it was fetched"),)
    assert not report.complete


def test_a_sync_brings_it_into_a_lake(address, tmp_path):
    report = sync(address, tmp_path / "lake", since=datetime(2026, 3, 1, tzinfo=UTC))
    assert report.tables["events"].new == SENT
    direct, lake = open_store(address), open_store(tmp_path / "lake")
    assert canonical(lake)["frames"].height == canonical(direct)["frames"].height
    again = sync(address, tmp_path / "lake", since=datetime(2026, 3, 1, tzinfo=UTC))
    assert "events" not in again.tables
    assert open_store(tmp_path / "lake").events(Window()).report.rows == SENT


def test_a_sync_that_was_stopped_fetches_no_event_twice(server, address, tmp_path):
    since, lake = datetime(2026, 3, 1, tzinfo=UTC), tmp_path / "lake"
    first = sync(address, lake, since=since, tables=["events"])
    for note in (lake / ".sync").glob("*.json"):  # as when it was killed before the window was complete
        note.unlink()
    asked = []
    with serving(lambda one: asked.append(one.path) or passed_on(server, one)) as between:
        store = open_store(address.replace(server.url, between.url))
        store.address = address
        resumed = sync(store, lake, since=since, tables=["events"])
        assert not [path for path in asked if re.search(r"/events/[0-9a-f-]{32,36}/", path)]
        assert (resumed.tables, resumed.held) == ({}, first.held)
        assert store.lake_has is None
        # what is asked for again is fetched again, and so is what hung on a file that was lost
        again = sync(store, lake, since=since, tables=["events"], again=True)
        assert (again.rows, again.tables["events"].new) == (first.rows, 0)
        opened = Lake.open(lake)
        for part in opened.manifest.tables["frames"]:
            (lake / part.path).unlink()
        repair(opened, verify(opened))
        mended = sync(store, lake, since=since, tables=["events"])
        assert mended.tables["frames"].new == first.tables["frames"].new


def passed_on(server, asked) -> Play:
    there = Request(server.url + asked.path, headers={"authorization": asked.headers["authorization"]})
    with urlopen(there, timeout=30) as answer:
        return Play(body=answer.read())
