"""Sentry and GlitchTip over a real socket, payloads and headers as docs.sentry.io/api has them (`sentry_server`)."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import polars as pl
import pytest

from connectors import http as http_module
from connectors.exceptions import AddressError, AuthError, CallRefused, FetchError, RateLimited, SourceNotFound
from connectors.registry import open_store
from connectors.stores import Window
from connectors.sync import sync
from connectors.testing import assert_conforms
from tests.connectors.plays import JSON, Play, serving
from tests.connectors.same_incident import canonical, comparable, group_of, incident
from tests.connectors.sentry_server import TOKEN, GlitchTipServer, SentryServer, glitchtip_event, iso, rest_event

REPLAY = "7e07485f12f9416b8b1426260799b51f"
DASHED = "7e07485f-12f9-416b-8b14-26260799b51f"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
FEED = ("events", "frames", "breadcrumbs", "requests")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("BLINDSPOT_SENTRY_TOKEN", TOKEN)
    monkeypatch.setenv("BLINDSPOT_GLITCHTIP_TOKEN", TOKEN)


def listed(count: int, **how) -> list[dict]:
    return [rest_event(one.event, one.received, group_of(one.event), **how) for one in incident()[:count]]


# As docs.sentry.io shows them: "List an Organization's Replays", "List Recording Segments", rebuilt by hand.
REPLAYS = [
    {
        "id": DASHED, "started_at": "2026-03-09T12:00:00", "finished_at": "2026-03-09T12:09:36.201019", "duration": 576,
        "count_segments": 2, "count_errors": 1, "is_archived": None, "replay_type": "buffer", "project_id": "4507",
        "tags": {"session_id": ["s-1"], "hello": ["world"]}, "trace_ids": [TRACE], "urls": ["/cart"],
    },
    {"id": "0" * 31 + "1", "started_at": None, "finished_at": None, "is_archived": True},
]  # fmt: skip
SEGMENTS = {
    REPLAY: [
        [
            {"type": 4, "timestamp": 1773057600000, "data": {"href": "https://shop/cart", "width": 412, "height": 915}},
            {"type": 2, "timestamp": 1773057600120, "data": {"node": {"type": 0, "id": 1, "childNodes": []}}},
        ],
        [
            {"type": 3, "timestamp": 1773057604000, "data": {"source": 2, "type": 2, "id": 7}},
            {"type": 5, "timestamp": 1773057602.902, "data": {
                "tag": "performanceSpan", "payload": {"op": "memory", "startTimestamp": 1773057602.902}}},
        ],
    ]
}  # fmt: skip
# "List an Organization's Releases", "List a Release's Deploys"
RELEASES = [
    {"version": "b" * 40, "ref": None, "dateCreated": "2026-03-09T14:00:00Z", "dateReleased": None, "deployCount": 2,
     "lastCommit": None, "projects": [{"id": 4507, "slug": "shop", "name": "Shop"}]},
    {"version": "elsewhere@9", "dateCreated": "2026-03-08T09:00:00Z", "deployCount": 0, "projects": [{"slug": "till"}]},
    {"version": "shop@1", "ref": "a" * 40, "dateCreated": "2026-03-01T09:00:00Z", "deployCount": 0,
     "dateReleased": "2026-03-02T09:00:00Z", "lastCommit": None, "projects": [{"id": 4507, "slug": "shop"}]},
    {"version": "shop@0", "dateCreated": "2025-11-01T09:00:00Z", "deployCount": 0, "projects": [{"slug": "shop"}]},
]  # fmt: skip
DEPLOYS = {
    "b" * 40: [
        {"id": "3", "environment": "production", "dateStarted": None, "dateFinished": "2026-03-09T18:00:00Z"},
        {"id": "2", "environment": "production", "dateStarted": None, "dateFinished": "2026-03-09T14:20:00Z"},
        {"id": "1", "environment": "staging", "dateStarted": "2026-03-09T13:50:00Z", "dateFinished": None},
    ]
}  # fmt: skip
SPAN = {
    "trace": TRACE, "id": "00f067aa0ba902b7", "parent_span": None, "span.op": "http.server", "project": "pricing",
    "span.description": "POST /v2/promotions", "precise.start_ts": 1773057601.5, "precise.finish_ts": 1773057601.75,
    "sdk.name": "sentry.python", "span.status": "internal_error", "span.status_code": "500",
    "http.route": "/v2/promotions", "http.request.method": "POST", "timestamp": "2026-03-09T12:00:01.500000+00:00",
}  # fmt: skip
BELOW = {**SPAN, "id": "b7ad6b7169203331", "parent_span": "00f067aa0ba902b7", "span.op": "db", "span.status": "ok",
         "span.description": "SELECT promo_pct FROM carts", "precise.finish_ts": 1773057601.51,
         "span.status_code": None, "http.route": None, "http.request.method": None}  # fmt: skip


def tree_of(span: dict, children: list[dict]) -> dict:
    """A span as "Retrieve a Trace" nests it; the error among them is not one."""
    return {
        "event_id": span["id"], "event_type": "span", "parent_span_id": span["parent_span"], "op": span["span.op"],
        "name": span["span.op"], "description": span["span.description"], "project_id": 1, "is_transaction": True,
        "project_slug": span["project"], "transaction": "/", "sdk_name": span["sdk.name"], "profile_id": "",
        "start_timestamp": iso(span["precise.start_ts"]), "end_timestamp": iso(span["precise.finish_ts"]),
        "duration": 250.0, "measurements": {}, "children": children, "occurrences": [],
        "errors": [{"event_type": "error", "event_id": "e" * 32, "issue_id": 1, "description": "boom"}],
        "additional_attributes": {
            name: span[name] for name in ("span.status", "span.status_code", "http.route", "http.request.method")
        },
    }  # fmt: skip


def everything(count: int = 30, **more) -> SentryServer:
    return SentryServer(
        listed(count), releases=RELEASES, deploys=DEPLOYS, replays=REPLAYS, segments=SEGMENTS, spans=[SPAN, BELOW],
        trees={TRACE: [tree_of(SPAN, [tree_of(BELOW, [])])]}, **more,
    )  # fmt: skip


def test_events_come_by_page_until_there_are_no_results():
    with serving(SentryServer(listed(30), page=8)) as server:
        fetched = open_store(f"sentry+{server.url}/acme/shop").events(Window())
        asked = [one.path for one in server.asked if "/events/" in one.path]
    rows = fetched.frame.collect()
    assert asked[0] == "/api/0/projects/acme/shop/events/?full=true&per_page=100"
    assert asked[-1].endswith("&cursor=0%3A24%3A0")
    # and one call for what was not kept
    assert len(asked) == fetched.report.pages - 1 == 4
    assert fetched.report.complete
    sent = {one.event["event_id"]: one.event for one in incident()[:30]}
    assert set(rows["event_id"]) == set(sent)
    for row in rows.iter_rows(named=True):
        event = sent[row["event_id"]]
        thrown = event["exception"]["values"][-1]
        assert (row["type"], row["message"], row["release"]) == (thrown["type"], thrown["value"], event["release"])
        assert (row["vendor_issue_id"], row["project"], row["source"]) == (group_of(event), "4507", "sentry")
        assert (row["page_url"], row["session_id"]) == (event["request"]["url"], event["tags"]["session_id"])
        assert timedelta(0) <= datetime.fromtimestamp(event["timestamp"], UTC) - row["at"] < timedelta(seconds=1)


def test_an_event_is_no_earlier_than_what_led_to_it():
    """The list tells whole seconds; requests before an error must stay before it."""
    with serving(SentryServer(listed(60))) as server:
        store = open_store(f"sentry+{server.url}/acme/shop")
        events, crumbs = store.events(Window()).frame.collect(), store.breadcrumbs(Window()).frame.collect()
    joined = crumbs.join(events.select("event_id", happened="at"), on="event_id")
    assert joined.height > 100
    assert joined.filter(pl.col("at") > pl.col("happened")).is_empty()


def test_the_raw_stack_is_taken_where_sentry_looked_into_its_own_maps():
    with serving(SentryServer(listed(20, symbolicated=True))) as server:
        mapped = open_store(f"sentry+{server.url}/acme/shop").frames(Window()).frame.collect()
    with serving(SentryServer(listed(20))) as server:
        plain = open_store(f"sentry+{server.url}/acme/shop").frames(Window()).frame.collect()
    assert mapped.equals(plain)
    assert not mapped["url"].str.starts_with("webpack:").any()


def test_a_window_is_asked_for_with_both_ends():
    window = Window(datetime(2026, 3, 9, 12, 0, 0, 500_000, tzinfo=UTC), None)
    with serving(SentryServer(listed(5))) as server:
        store = open_store(f"sentry+{server.url}/acme/shop")
        assert store.events(window).report.complete
        assert "start=2026-03-09T12%3A00%3A00&end=20" in server.asked[0].path
        empty = store.events(Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)))
    assert (empty.report.rows, empty.report.pages, empty.report.complete) == (0, 2, True)


def test_errors_that_sentry_did_not_keep_are_told():
    """A quota that runs out in the middle of an incident must not look as if the incident were over."""
    answers = SentryServer(listed(5))
    answers.outcomes = {"accepted": 5, "rate_limited": 700, "filtered": 20}
    day = Window(NOON, NOON + timedelta(days=1))
    with serving(answers) as server:
        report = open_store(f"sentry+{server.url}/acme/shop").events(day).report
        asked = server.asked[-1].path
        assert "category=error" in asked
        assert "interval=1h" in asked
        assert report.sampling == (
            "5 of 725 errors sent in these hours were kept; 700 over quota or rate limit, "
            "20 filtered by the project's own rules"
        )
        forbidden = Play(403, b'{"detail":"You do not have permission to perform this action."}', JSON)
        server.answer = lambda asked: forbidden if "stats_v2" in asked.path else answers(asked)
        report = open_store(f"sentry+{server.url}/acme/shop").events(Window()).report
    assert (report.rows, report.complete, report.sampling) == (5, True, None)
    assert report.note.startswith("how many errors were dropped on the way is not known (sentry refuses our token")


def test_another_environment_is_left_out():
    with serving(SentryServer(listed(5))) as server:
        assert open_store(f"sentry+{server.url}/acme/shop?environment=staging").frames(Window()).report.rows == 0
        assert open_store(f"sentry+{server.url}/acme/shop?environment=production").events(Window()).report.rows == 5


def test_releases_with_their_deploys():
    with serving(everything()) as server:
        store = open_store(f"sentry+{server.url}/acme/shop")
        releases = store.releases(Window()).frame.collect()
        since = store.releases(Window(start=NOON)).report
    columns = ("release", "environment", "deployed_at", "previous_release", "commit")
    assert releases.select(columns).sort("deployed_at").rows() == [
        ("shop@0", None, datetime(2025, 11, 1, 9, tzinfo=UTC), None, None),
        ("shop@1", None, datetime(2026, 3, 2, 9, tzinfo=UTC), "shop@0", "a" * 40),
        ("b" * 40, "staging", datetime(2026, 3, 9, 13, 50, tzinfo=UTC), None, "b" * 40),
        ("b" * 40, "production", datetime(2026, 3, 9, 14, 20, tzinfo=UTC), None, "b" * 40),
    ]
    assert "made more than 90 days before the window were not looked for" in since.note


def test_recordings_and_their_segments():
    with serving(everything()) as server:
        store = open_store(f"sentry+{server.url}/acme/shop")
        fetched = store.replays(Window())
        recording = store.replay_events(DASHED)
        unknown = store.replay_events("not a replay")
    columns = ("replay_id", "session_id", "ended_at", "segment_count", "kept_because")
    ended = datetime(2026, 3, 9, 12, 9, 36, 201019, tzinfo=UTC)
    assert fetched.frame.collect().select(columns).rows() == [(REPLAY, "s-1", ended, 2, "error")]
    assert "1 recordings that are archived left out" in fetched.report.note
    assert recording.frame.collect().height == 0
    assert "is no id of a Sentry replay" in unknown.report.note
    with serving(everything()) as server:
        rows = open_store(f"sentry+{server.url}/acme/shop").replay_events(REPLAY).frame.collect()
    # the last one is in seconds, all others in milliseconds
    assert rows.select("segment", "type", pl.col("at").dt.timestamp("ms")).rows() == [
        (0, 4, 1773057600000), (0, 2, 1773057600120), (1, 5, 1773057602902), (1, 3, 1773057604000),
    ]  # fmt: skip


def test_a_recording_whose_segments_are_gone_costs_only_itself():
    expired = {**REPLAYS[0], "id": "ab" * 16}
    server = SentryServer(replays=[expired, REPLAYS[0]], segments=SEGMENTS)
    with serving(server) as url:
        store = open_store(f"sentry+{url.url}/acme/shop")
        batches = list(store.read("replay_events", Window()))
    rows = [row for batch in batches for frame in batch.tables.values() for row in frame["replay_id"]]
    assert set(rows) == {REPLAY}
    assert any(
        f"recording {'ab' * 16} was listed, and its segments are not there" in (one.note or "") for one in batches
    )


class OneAtATime(SentryServer):
    """The list of events has a `concurrent_limit` of 1 (issues/endpoints/project_events.py): one more is refused."""

    busy, refused = threading.Lock(), 0

    def __call__(self, asked):
        if not urlsplit(asked.path).path.endswith("/shop/events/"):
            return super().__call__(asked)
        if not self.busy.acquire(blocking=False):
            self.refused += 1
            return self.answer(
                429, {"detail": "You are attempting to go above the allowed concurrency for this endpoint"}
            )
        try:
            time.sleep(0.02)
            said = super().__call__(asked)
            return said._replace(headers={**said.headers, "x-sentry-rate-limit-concurrentlimit": "1"})
        finally:
            self.busy.release()


def test_parts_of_a_window_that_are_read_at_once_keep_to_the_servers_limit(tmp_path):
    events = listed(60)
    first, last = (datetime.fromisoformat(events[n]["dateCreated"].replace("Z", "+00:00")) for n in (0, -1))
    server = OneAtATime(events, page=5)
    with serving(server) as url:
        sync(
            f"sentry+{url.url}/acme/shop",
            tmp_path / "lake",
            since=first,
            until=last + timedelta(seconds=1),
            tables=["events"],
        )
    assert server.refused == 0


def test_spans_of_a_window_and_of_a_trace():
    with serving(everything()) as server:
        store = open_store(f"sentry+{server.url}/acme/shop")
        window = store.spans(window=Window()).frame.collect()
        by_id = store.spans(trace_ids=[TRACE, "f" * 32])
    columns = (
        "span_id",
        "parent_span_id",
        "service",
        "side",
        "kind",
        "status",
        "duration_us",
        "http_status",
        "db_statement",
    )
    expected = [
        ("00f067aa0ba902b7", None, "pricing", "backend", "server", "error", 250_000, 500, None),
        ("b7ad6b7169203331", "00f067aa0ba902b7", "pricing", "backend", "internal", "unset", 10_000, None,
         "SELECT promo_pct FROM carts"),
    ]  # fmt: skip
    assert sorted(window.select(columns).rows()) == expected
    assert sorted(by_id.frame.collect().select(columns).rows()) == expected
    assert by_id.report.note == f"no trace {'f' * 32}"


def test_they_keep_the_contract():
    with serving(everything()) as server:
        assert_conforms(open_store(f"sentry+{server.url}/acme/shop"))
    with serving(GlitchTipServer([glitchtip_event(*one[1:], "1") for one in incident()[:9]], page=4)) as server:
        assert_conforms(open_store(f"glitchtip+{server.url}/acme/shop"))


def test_a_spent_rate_limit_is_waited_out_before_the_next_call():
    answers = SentryServer(listed(20), page=10)
    answers.remaining, answers.reset = 0, int(time.time()) + 2
    with serving(answers) as server:
        report = open_store(f"sentry+{server.url}/acme/shop").events(Window()).report
        first, second = (one.at for one in server.asked if "/events/" in one.path)
    assert report.rate_limited
    assert report.complete
    assert 0.5 < second - first < 5


def test_a_429_is_tried_again_and_one_that_asks_for_too_long_is_said():
    answers = SentryServer(listed(20), page=10)
    body = json.dumps({"detail": "You are attempting to use this endpoint too frequently."}).encode()
    answers.trouble = [Play(429, body, {**JSON, "retry-after": "0"}), Play(502, b"<html>", {})]
    with serving(answers) as server:
        report = open_store(f"sentry+{server.url}/acme/shop").events(Window()).report
        asked = [one.path for one in server.asked if "/events/" in one.path]
        assert (report.rows, report.complete, len(asked)) == (20, True, 4)
        answers.trouble = [Play(429, body, {**JSON, "retry-after": "3600"})]
        with pytest.raises(RateLimited, match="sentry asks us to come back in 3600 s"):
            open_store(f"sentry+{server.url}/acme/shop").check()


def test_an_outage_half_way_is_partial():
    answers = SentryServer(listed(20), page=10)
    with serving(answers) as server:
        whole = answers.__call__
        server.answer = lambda asked: Play(500, b"{}", JSON) if "cursor" in asked.path else whole(asked)
        fetched = open_store(f"sentry+{server.url}/acme/shop").events(Window())
    assert fetched.report.rows == 10
    assert not fetched.report.complete
    assert "sentry did not give" in fetched.report.failed


def test_a_cursor_that_the_server_does_not_know():
    answers = SentryServer(listed(20), page=10)
    with serving(answers) as server:
        refused = Play(400, b'{"detail":"Invalid cursor parameter."}', JSON)
        server.answer = lambda asked: refused if "cursor" in asked.path else answers(asked)
        store = open_store(f"sentry+{server.url}/acme/shop")
        with pytest.raises(CallRefused, match=r"400.*Invalid cursor parameter"):
            list(store.read("events", Window()))


@pytest.mark.parametrize("system", ["sentry", "glitchtip"])
def test_each_thing_that_goes_wrong_is_one_sentence(system, monkeypatch):
    server_of = {"sentry": SentryServer, "glitchtip": GlitchTipServer}[system]
    with serving(server_of()) as server:
        address = f"{system}+{server.url}/acme/shop"
        with pytest.raises(SourceNotFound, match=f"{system} has nothing at .*/acme/shopp/ .404.*check the names"):
            open_store(f"{address}p").check()
        with pytest.raises(AddressError, match="does not name its project"):
            open_store(f"{system}+{server.url}/acme")
        monkeypatch.setenv(f"BLINDSPOT_{system.upper()}_TOKEN", "sntryu_of_somebody_else")
        with pytest.raises(
            AuthError, match=f"{system} refuses our token .*401.*set BLINDSPOT_{system.upper()}_TOKEN"
        ) as error:
            open_store(address).check()
        assert "somebody" not in str(error.value)
        monkeypatch.delenv(f"BLINDSPOT_{system.upper()}_TOKEN")
        with pytest.raises(AuthError, match="wants a token, and we have none"):
            open_store(address).events(Window())
    with pytest.raises(SourceNotFound, match=r"nobody answers at 127\.0\.0\.1:9 "):
        open_store(f"{system}+http://127.0.0.1:9/acme/shop").check()


def test_a_schema_that_nobody_knows():
    with serving(lambda asked: Play(body=b'{"events":[]}')) as server:
        store = open_store(f"sentry+{server.url}/acme/shop")
        with pytest.raises(FetchError, match=r"sentry answered .*/events/ in a form that this version does not know"):
            list(store.read("events", Window()))
        assert "does not know" in store.events(Window()).report.failed


def test_an_event_that_cannot_be_read_costs_itself():
    good, *bad = listed(4)
    bad[0]["eventID"] = bad[0]["id"] = "?"
    bad[1]["dateCreated"] = "2026-03-09T12:00:00Z"
    bad[1]["entries"][0]["data"]["values"][0]["stacktrace"] = {"frames": [7]}
    bad[2]["size"] = "1e400"
    answers = SentryServer([good, *bad])
    with serving(answers) as server:
        raw = json.dumps([good, *bad]).replace('"size": "1e400"', '"size": 1e400').encode()
        server.answer = lambda asked: Play(body=raw)
        fetched = open_store(f"sentry+{server.url}/acme/shop").events(Window())
    assert fetched.report.rows == 2
    assert [refused.place for refused in fetched.report.refused] == [
        "events page 1 event 2", "events page 1 event 4", "events page 1 event 3",
    ]  # fmt: skip
    assert not fetched.report.complete


def test_what_a_check_says():
    with serving(everything()) as server:
        check = open_store(f"sentry+{server.url}/acme/shop").check()
        assert len(server.asked) == 1
    assert check.ok
    assert check.says == "project shop (number 4507) opens"
    assert check.since is not None
    assert "one call for 100 replays or spans, and for as many events or fewer" in check.calls


def test_glitchtip_is_read_from_the_newest_back_to_the_window():
    sent = incident()[:60]
    events = [glitchtip_event(one.event, one.received, group_of(one.event)) for one in sent]
    window = Window(datetime.fromtimestamp(sent[40].event["timestamp"], UTC), None)
    with serving(GlitchTipServer(events, page=5)) as server:
        fetched = open_store(f"glitchtip+{server.url}/acme/shop").events(window)
        asked = [one.path for one in server.asked]
    assert fetched.report.rows == 20
    assert fetched.frame.collect()["source"].unique().to_list() == ["glitchtip"]
    assert "limit=100" in asked[0]
    # nothing is asked for that was received more than an hour before the window
    beyond = sum(one.received >= (window.start - timedelta(hours=1)).timestamp() for one in sent)
    assert len(asked) <= beyond // 5 + 2


def test_a_glitchtip_that_lists_no_sections_is_asked_for_each_event():
    sent = incident()[:12]
    events = [glitchtip_event(one.event, one.received, group_of(one.event)) for one in sent]
    window = Window(datetime.fromtimestamp(sent[4].event["timestamp"], UTC), None)
    with serving(GlitchTipServer(events, sections=False)) as old:
        apart = open_store(f"glitchtip+{old.url}/acme/shop").frames(window)
        singly = [one.path for one in old.asked if not one.path.endswith("limit=100")]
    with serving(GlitchTipServer(events)) as new:
        together = open_store(f"glitchtip+{new.url}/acme/shop").frames(window)
    assert sorted(singly) == sorted(f"/api/0/projects/acme/shop/events/{one.event['event_id']}/" for one in sent[4:])
    assert apart.report.pages == 1 + len(singly)
    assert apart.frame.collect().equals(together.frame.collect())
    assert together.report.pages == 1
    answers = GlitchTipServer(events, sections=False)
    with serving(answers) as server:
        gone = f"/events/{sent[5].event['event_id']}/"
        server.answer = lambda asked: Play(404, b"{}", JSON) if asked.path.endswith(gone) else answers(asked)
        report = open_store(f"glitchtip+{server.url}/acme/shop").events(window).report
    assert (report.rows, report.refused[0].reason) == (7, "it was listed, and gone when it was fetched")


def test_what_glitchtip_does_not_give():
    with serving(GlitchTipServer(releases=RELEASES)) as server:
        store = open_store(f"glitchtip+{server.url}/acme/shop")
        assert store.releases(Window()).frame.collect()["release"].sort().to_list() == ["b" * 40, "shop@0", "shop@1"]
        assert store.replays(Window()).report.note == "glitchtip gives no replays"
        assert not any("deploys" in one.path for one in server.asked)


@pytest.mark.parametrize("system", ["sentry", "glitchtip"])
def test_a_sync_brings_what_a_fetch_gives_and_asks_for_no_page_in_vain(system, tmp_path):
    form = {"sentry": rest_event, "glitchtip": glitchtip_event}[system]
    server_of = {"sentry": SentryServer, "glitchtip": GlitchTipServer}[system]
    events = [form(one.event, one.received, group_of(one.event)) for one in incident()]
    window = Window(NOON - timedelta(days=8), NOON + timedelta(days=3))
    with serving(server_of(events, page=10, releases=RELEASES, deploys=DEPLOYS)) as server:
        address = f"{system}+{server.url}/acme/shop"
        fetched = canonical(open_store(address), window)
        before = len(server.asked)
        report = sync(address, tmp_path / "lake", since=window.start, until=window.end)
        asked = [one.path.partition("?")[0].rpartition("shop/")[2] for one in server.asked[before:]]
        again = sync(address, tmp_path / "lake", since=window.start, until=window.end)
    brought = canonical(open_store(tmp_path / "lake"), window)
    for name, frame in fetched.items():
        flat = [column for column, dtype in frame.schema.items() if not dtype.is_nested()]
        assert comparable(brought, {name: flat}) == comparable(fetched, {name: flat})
    assert report.tables["events"].new == len(events)
    assert (again.rows, again.tables) == (0, {})
    # a list without a window is read once, from the newest back; one with a window by slices of it
    assert asked.count("events/") == len(events) // 10 if system == "glitchtip" else asked.count("events/") < 40
    assert sum("releases" in path for path in asked) == (2 if system == "sentry" else 1)


# The form of docs.sentry.io "Retrieve an Event for a Project", field by field, with values of our own.
DOCUMENTED = {
    "groupID": "1341191803", "eventID": "9999aaaaca8b46d797c23c6077c6ff01", "dist": None, "userReport": None,
    "id": "9999aaaafcc8b46d797c23c6077c6ff01", "previousEventID": None, "message": "", "size": 107762, "errors": [],
    "title": "ForbiddenError: GET /orders/7 403", "platform": "javascript", "type": "error", "projectID": "49271",
    "metadata": {"type": "ForbiddenError", "value": "GET /orders/7 403"}, "packages": {}, "context": {"resp": {}},
    "tags": [
        {"value": "Chrome 83.0.4103", "key": "browser"}, {"value": "prod", "key": "environment"},
        {"value": "yes", "key": "handled"}, {"value": "warning", "key": "level"},
        {"value": "email:ada@example.org", "key": "user"}, {"value": "2.1", "key": "release"},
    ],
    "dateCreated": "2020-06-17T22:26:56.098086Z", "dateReceived": "2020-06-17T22:26:56.428721Z",
    "user": {"username": None, "name": "Ada", "ip_address": "192.168.1.1", "email": "ada@example.org", "id": "550747"},
    "entries": [
        {"type": "exception", "data": {"excOmitted": None, "hasSystemFrames": True, "values": [
            {"type": "Error", "value": "the cause", "mechanism": None, "threadId": None, "module": None,
             "stacktrace": None, "rawStacktrace": None},
            {"type": "ForbiddenError", "value": "GET /orders/7 403", "threadId": None, "module": None,
             "mechanism": {"type": "generic", "handled": True},
             "stacktrace": {"framesOmitted": None, "registers": None, "hasSystemFrames": True, "frames": [
                 {"function": "apply", "colNo": 24, "lineNo": 74, "absPath": "webpack:////src/reflux/Publisher.js",
                  "filename": "/src/reflux/Publisher.js", "inApp": False, "context": [[74, "me.trigger()"]]}]},
             "rawStacktrace": {"framesOmitted": None, "registers": None, "hasSystemFrames": True, "frames": [
                 {"function": None, "colNo": 149484, "lineNo": 119, "absPath": "https://cdn.example/dist/vendor.js",
                  "filename": "/dist/vendor.js", "inApp": False, "context": [[119, "{snip} next {snip}"]]},
                 {"function": "a", "colNo": 88800, "lineNo": 81, "absPath": "https://cdn.example/dist/vendor.js",
                  "filename": "/dist/vendor.js", "inApp": True, "context": [[81, "{snip} throw {snip}"]]}]}},
        ]}},
        {"type": "breadcrumbs", "data": {"values": [
            {"category": "tracing", "level": "debug", "event_id": None, "timestamp": "2020-06-17T22:26:55.266586Z",
             "data": None, "message": "[Tracing] pushActivity", "type": "debug"},
            {"category": "xhr", "level": "info", "event_id": None, "timestamp": "2020-06-17T22:26:55.619446Z",
             "data": {"url": "/api/orders/7", "status_code": 403, "method": "GET"}, "message": None, "type": "http"},
        ]}},
        {"type": "request", "data": {
            "fragment": "top", "cookies": [], "inferredContentType": None, "env": None, "data": None, "method": None,
            "headers": [["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/83.0.4103.97 Safari/537.36"]],
            "url": "https://shop.example/orders/", "query": [["page", "5236886"], ["q", "a b"]]}},
    ],
    "contexts": {"trace": {"trace_id": "A" * 32, "span_id": "b" * 16, "type": "trace"}, "browser": {"name": "Chrome"}},
    "sdk": {"version": "5.17.0", "name": "sentry.javascript.browser"}, "_meta": {"entries": {}}, "culprit": "orders",
    "fingerprints": ["fbe908cc63d63ea9763fd84cb6bad177"], "groupingConfig": {"id": "newstyle:2019-10-29"},
    "release": {"version": "2.1", "shortVersion": "2.1", "projects": [{"slug": "shop"}]}, "crashFile": None,
}  # fmt: skip


def test_the_documented_event_worked_by_hand():
    with serving(SentryServer([DOCUMENTED])) as server:
        store = open_store(f"sentry+{server.url}/acme/shop")
        [event] = store.events(Window()).frame.collect().rows(named=True)
        frames, crumbs, requests = (getattr(store, name)(Window()).frame.collect() for name in FEED[1:])
    expected = {
        "event_id": "9999aaaaca8b46d797c23c6077c6ff01", "vendor_issue_id": "1341191803", "project": "49271",
        "at": datetime(2020, 6, 17, 22, 26, 56, 98086, tzinfo=UTC), "environment": "prod", "release": "2.1",
        "received_at": datetime(2020, 6, 17, 22, 26, 56, 428721, tzinfo=UTC), "level": "warning", "dist": None,
        "type": "ForbiddenError", "message": "GET /orders/7 403", "handled": True, "mechanism": "generic",
        "page_url": "https://shop.example/orders/?page=5236886&q=a+b#top", "route": "/orders", "trace_id": "a" * 32,
        "span_id": "b" * 16, "browser": "Chrome", "device_class": "desktop", "client_fingerprint": None,
    }  # fmt: skip
    assert {name: event[name] for name in expected} == expected
    assert "ada" not in json.dumps(event["tags"])
    columns = ("exception_index", "frame_index", "url", "function", "line", "column", "in_app")
    assert frames.select(columns).rows() == [
        (0, 0, "https://cdn.example/dist/vendor.js", "a", 81, 88800, True),
        (0, 1, "https://cdn.example/dist/vendor.js", None, 119, 149484, False),
    ]
    assert crumbs.sort("at").select("category", "level", "message").rows() == [
        ("tracing", "debug", "[Tracing] pushActivity"), ("xhr", "info", None),
    ]  # fmt: skip
    assert requests.select("method", "url", "endpoint", "status", "initiator").rows() == [
        ("GET", "/api/orders/7", "GET /api/orders/:id", 403, "breadcrumb")
    ]
