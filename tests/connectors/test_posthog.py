"""PostHog's query and snapshot APIs over a real socket: payloads rebuilt by hand from its documentation and source.

The exception is the public fixture of PostHog's own ingestion (`rust/cymbal/tests/static/raw_ch_exception_list.json`),
the sources and the lines are those of its page on the snapshot API, the packing is that of `decompressEvent`.
"""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from connectors import http as http_module
from connectors.exceptions import AddressError, AuthError, SourceNotFound
from connectors.formats.posthog_replay import read_snapshots
from connectors.formats.rrweb import replay_event_rows
from connectors.registry import open_store
from connectors.stores import Window
from connectors.testing import assert_conforms
from tests.connectors.plays import JSON, Play, serving

KEY = "phx_0123456789abcdefghij"
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
SESSION, PAGE = "019295b0-db2b-7e02-8010-0a1c4db680df", "019295b1-0000-7e02-8010-000000000001"
AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/129.0.0.0 Safari/537.36"
)
VISIT = {
    "$os": "Mac OS X", "$browser": "Chrome", "$browser_version": 129, "$device_type": "Desktop",
    "$raw_user_agent": AGENT, "token": "sTMFPs",
    "$current_url": "https://shop.example/project/12557/cart", "$host": "shop.example", "$session_id": SESSION,
    "$pageview_id": PAGE, "$window_id": "w1", "$geoip_country_code": "PT", "commit_sha": "bafa32953e",
    "release": "bafa32953e", "$recording_status": "active",
}  # fmt: skip
EXCEPTION = {
    "$exception_list": [
        {
            "type": "UnhandledRejection", "value": "Unexpected usage",
            "mechanism": {"handled": False, "synthetic": False, "type": "generic"},
            "stacktrace": {"type": "raw", "frames": [
                {"filename": "https://shop.example/static/chunk-PGUQKT6S.js", "function": "?", "in_app": True,
                 "lineno": 64, "colno": 25112},
                {"filename": "https://shop.example/static/chunk-PGUQKT6S.js", "function": "n.loadForeignModule",
                 "in_app": True, "lineno": 64, "colno": 15003},
            ]},
        },
        {
            "type": "TypeError", "value": "cause", "stacktrace": {"type": "resolved", "frames": [
                {"mangled_name": "a", "resolved_name": "readCart", "source": "src/cart.ts", "line": 7, "column": 3,
                 "in_app": True, "lang": "javascript", "resolved": True},
                {"mangled_name": "b", "resolved_name": None, "source": "https://shop.example/static/x.js", "line": 1,
                 "column": 9, "in_app": False, "lang": "javascript", "resolved": False},
            ]},
        },
    ],
    "$exception_level": "error", "$exception_issue_id": "0192f5e7-0000-0000-0000-000000000007",
    "$exception_fingerprint": "f1a9",
}  # fmt: skip
VITALS = {
    "$web_vitals_LCP_value": 2612.5,
    "$web_vitals_LCP_event": {"name": "LCP", "id": "v4-1", "rating": "needs-improvement", "navigationType": "navigate",
                              "attribution": {"target": "#hero"}},
    "$web_vitals_CLS_value": "0.02",
    "$web_vitals_INP_value": -1,
}  # fmt: skip


def row(number: int, minute: int, *about: dict) -> list:
    said = {key: value for one in about for key, value in one.items()}
    uuid = f"019295b1-519f-71a6-aacf-{number:012x}"
    return [uuid, f"{NOON + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S.%f}Z", "pQC9X9Fe7BPz", json.dumps(said)]


EVENTS = {
    "$exception": [row(1, 1, VISIT, EXCEPTION), row(2, 2, VISIT, EXCEPTION), row(3, 2, EXCEPTION)],
    "$web_vitals": [row(4, 3, VISIT, VITALS)],
    "$pageview": [row(5, 0, VISIT)],
}
SESSIONS = [[SESSION, "pQC9X9Fe7BPz", "2026-03-09T11:59:00Z", "2026-03-09T12:10:00Z"]]
RECORDINGS = [
    {"id": SESSION, "distinct_id": "pQC9X9Fe7BPz", "recording_duration": 600, "start_time": "2026-03-09T12:00:00Z",
     "end_time": "2026-03-09T12:10:00Z", "start_url": "https://shop.example/", "snapshot_source": "web"},
    {"id": "019295b0-live", "start_time": "2026-03-09T12:30:00Z", "end_time": "2026-03-09T12:31:00Z"},
]  # fmt: skip


def packed(value) -> str:
    return gzip.compress(json.dumps(value).encode()).decode("latin-1")


AT = int(NOON.timestamp() * 1000)
BLOBS = [
    ["w1", {"type": 4, "timestamp": AT, "data": {"href": "https://shop.example/", "width": 1920, "height": 1080}}],
    ["w1", {"type": 2, "timestamp": AT + 10, "cv": "2024-10", "data": packed({"node": {"id": 1, "type": 0}})}],
    ["w1", {"type": 3, "timestamp": AT + 20, "cv": "2024-10", "data": {
        "source": 0, "texts": packed([{"id": 3, "value": "12 €"}]), "attributes": packed([]), "removes": "",
        "adds": ""}}],
    ["w2", {"type": 3, "timestamp": AT + 30, "data": {"source": 2, "type": 2, "id": 3, "x": 1, "y": 2}}],
]  # fmt: skip


LONG_TERM = "session_recordings_lts/019295b0-pinned"


class PostHog:
    """Answers queries and snapshots as the documentation says; pages hold `page` rows, blobs one line each."""

    def __init__(self, page: int = 2, trouble: tuple[Play, ...] = ()):
        self.page, self.trouble = page, list(trouble)
        self.queries: list[str] = []
        self.asked: list[dict] = []

    def __call__(self, asked) -> Play:
        if self.trouble:
            return self.trouble.pop(0)
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return Play(401, b'{"type":"authentication_error","detail":"Personal API key is invalid."}', JSON)
        path, query = urlsplit(asked.path)[2], {k: v[0] for k, v in parse_qs(urlsplit(asked.path).query).items()}
        if not path.startswith("/api/projects/12557/"):
            return Play(404, b'{"type":"invalid_request","detail":"Project not found."}', JSON)
        rest = path.removeprefix("/api/projects/12557/").strip("/")
        if rest == "query":
            body = json.loads(asked.body)["query"]
            assert body["kind"] == "HogQLQuery"
            return self._json(self._rows(body["query"]))
        self.asked.append(query)
        if rest == "session_recordings":
            return self._json(self._recordings(query))
        return self._snapshots(unquote(rest.split("/")[1]), query)

    def _json(self, value) -> Play:
        return Play(200, json.dumps(value).encode(), JSON)

    def _rows(self, sql: str) -> dict:
        if "GROUP BY" in sql:
            return self._visitors(sql)
        self.queries.append(sql)
        event = re.search(r"event = '([^']+)'", sql)
        rows, time, name = (EVENTS[event[1]], 1, 0) if event else (SESSIONS, 2, 0)
        column = r"(?:timestamp|\$start_timestamp)"
        for sign, text in re.findall(rf"AND {column} (>=|<) toDateTime\('([^']+)'\)", sql.replace("WHERE", "AND")):
            edge = datetime.fromisoformat(text)
            rows = [r for r in rows if (datetime.fromisoformat(r[time]) >= edge) == (sign == ">=")]
        behind = re.search(rf"{column} > toDateTime\('([^']+)'\) OR .*> '([^']+)'\)\)", sql)
        if behind:
            key = (datetime.fromisoformat(behind[1]), behind[2])
            rows = [r for r in rows if (datetime.fromisoformat(r[time]), r[name]) > key]
        size = min(self.page, int(re.search(r"LIMIT (\d+)$", sql)[1]))
        return {"results": rows[:size], "columns": [], "hasMore": len(rows) > size, "is_cached": False}

    def _visitors(self, sql: str) -> dict:
        names = re.findall(r"any\(properties\.([$\w]+)\)", sql)
        ids = re.findall(r"'([^']*)'", re.search(r"IN \(([^)]*)\)", sql)[1])
        views = [json.loads(view[3]) for view in EVENTS["$pageview"]]
        found = {view["$session_id"]: [view.get(name) for name in names] for view in views}
        return {"results": [[one, *found[one]] for one in ids if one in found]}

    def _recordings(self, query: dict) -> dict:
        starts, ends = datetime.fromisoformat(query["date_from"]), query.get("date_to")
        found = [
            one for one in RECORDINGS
            if datetime.fromisoformat(one["start_time"]) >= starts
            and (ends is None or datetime.fromisoformat(one["start_time"]) <= datetime.fromisoformat(ends))
        ]  # fmt: skip
        begin = int(query["offset"])
        return {"results": found[begin : begin + 1], "has_next": begin + 1 < len(found)}

    def _snapshots(self, recording: str, query: dict) -> Play:
        if recording == "019295b0-live":
            return self._json({"sources": [{"source": "realtime", "start_timestamp": None, "blob_key": None}]})
        if recording == "019295b0-pinned":
            return self._long_term(query)
        if recording != SESSION:
            return Play(404, b'{"type":"invalid_request","code":"not_found","detail":"Not found."}', JSON)
        if "source" not in query:
            keys = [{"source": "blob_v2", "blob_key": str(key)} for key in range(len(BLOBS))]
            return self._json({"sources": [*keys, {"source": "blob", "blob_key": "1747540783283-1747540787122"}]})
        first, last = int(query["start_blob_key"]), int(query["end_blob_key"])
        if last - first >= 20:
            return Play(400, b'{"detail":"Cannot request more than 20 blob keys at once"}', JSON)
        lines = "\n".join(json.dumps(line) for line in BLOBS[first : last + 1])
        return Play(200, lines.encode(), {"content-type": "application/jsonl"})

    def _long_term(self, query: dict) -> Play:
        """`blob_v2_lts`, one blob under a path (posthog/session_recordings/session_recording_api.py)."""
        if "source" not in query:
            return self._json({"sources": [{"source": "blob_v2_lts", "blob_key": LONG_TERM, "start_timestamp": None}]})
        if (query["source"], query.get("blob_key")) != ("blob_v2_lts", LONG_TERM):
            return Play(400, b'{"detail":"Must provide a blob key"}', JSON)
        lines = "\n".join(json.dumps(line) for line in BLOBS)
        return Play(200, lines.encode(), {"content-type": "application/jsonl"})


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("BLINDSPOT_POSTHOG_TOKEN", KEY)
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(http_module, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr("connectors.rum.posthog.CALLS_A_SECOND", 1000)


@pytest.fixture(scope="module")
def server():
    with serving(PostHog()) as running:
        yield running


def store(server, project: str = "12557"):
    return open_store(f"posthog+{server.url}/{project}")


def test_it_keeps_the_contract(server):
    assert_conforms(store(server))


def test_an_exception_with_its_cause(server):
    opened = store(server)
    first = opened.events(Window()).frame.collect().row(0, named=True)
    assert first["event_id"] == "019295b1519f71a6aacf000000000001"
    assert first["vendor_issue_id"] == "0192f5e7-0000-0000-0000-000000000007"
    assert (first["type"], first["message"], first["handled"]) == ("UnhandledRejection", "Unexpected usage", False)
    assert (first["session_id"], first["page_view_id"], first["replay_id"]) == (SESSION, PAGE, SESSION)
    assert (first["page_url"], first["route"]) == ("https://shop.example/project/12557/cart", "/project/:id/cart")
    assert (first["browser"], first["browser_version"], first["os"], first["device_class"], first["region"]) == (
        "Chrome", "129", "Mac OS X", "desktop", "PT",
    )  # fmt: skip
    assert first["release"] == "bafa32953e"
    assert first["tags"] == [{"key": "commit_sha", "value": "bafa32953e"}, {"key": "release", "value": "bafa32953e"}]
    assert first["user_id"] not in (None, "pQC9X9Fe7BPz")
    frames = opened.frames(Window()).frame.select(
        "event_id", "exception_index", "frame_index", "function", "url", "line", "column", "in_app"
    )
    chunk = "https://shop.example/static/chunk-PGUQKT6S.js"
    assert frames.collect().rows()[:4] == [
        ("019295b1519f71a6aacf000000000001", 0, 0, "n.loadForeignModule", chunk, 64, 15003, True),
        ("019295b1519f71a6aacf000000000001", 0, 1, None, chunk, 64, 25112, True),
        ("019295b1519f71a6aacf000000000001", 1, 0, "b", "https://shop.example/static/x.js", 1, 9, False),
        ("019295b1519f71a6aacf000000000001", 1, 1, "readCart", "src/cart.ts", 7, 3, True),
    ]


def test_vitals_of_one_event(server):
    vitals = store(server).vitals(Window())
    rows = vitals.frame.select("metric", "value", "rating", "navigation_type", "attribution").sort("metric").collect()
    assert rows.rows() == [
        ("CLS", 0.02, "good", None, None),
        ("LCP", 2612.5, "needs-improvement", "navigate", '{"target":"#hero"}'),
    ]
    assert [refused.reason for refused in vitals.report.refused] == ["INP: value is -1, not a number from 0"]


def test_page_views_and_sessions(server):
    opened = store(server)
    views = opened.page_views(Window()).frame.select("page_view_id", "session_id", "browser", "device_class").collect()
    assert views.rows() == [(PAGE, SESSION, "Chrome", "desktop")]
    session = opened.sessions(Window()).frame.collect().row(0, named=True)
    assert (session["session_id"], session["ended_at"] - session["started_at"]) == (SESSION, timedelta(minutes=11))
    assert (session["browser"], session["browser_version"], session["os"], session["device_class"]) == (
        "Chrome", "129", "Mac OS X", "desktop",
    )  # fmt: skip
    assert (session["region"], session["release"], session["user_agent"]) == ("PT", "bafa32953e", AGENT)


def test_a_recording_is_unpacked_and_its_tabs_kept_apart(server):
    events = store(server).replay_events(SESSION)
    rows = events.frame.select("page_view_id", "type", "source", "data").collect().rows()
    assert [(tab, kind, source) for tab, kind, source, _ in rows] == [
        ("w1", 4, None), ("w1", 2, None), ("w1", 3, 0), ("w2", 3, 2),
    ]  # fmt: skip
    assert json.loads(rows[1][3]) == {"node": {"id": 1, "type": 0}}
    assert json.loads(rows[2][3]) == {
        "source": 0, "texts": [{"id": 3, "value": "12 €"}], "attributes": [], "removes": [], "adds": [],
    }  # fmt: skip
    assert events.report.complete


def test_blobs_are_asked_for_twenty_at_a_time(monkeypatch):
    monkeypatch.setattr(
        "tests.connectors.test_posthog.BLOBS",
        [["w1", {"type": 3, "timestamp": AT + number, "data": {"source": 1, "positions": []}}] for number in range(45)],
    )
    vendor = PostHog()
    with serving(vendor) as server:
        assert store(server).replay_events(SESSION).report.rows == 45
    assert [(q.get("start_blob_key"), q.get("end_blob_key")) for q in vendor.asked] == [
        (None, None), ("0", "19"), ("20", "39"), ("40", "44"),
    ]  # fmt: skip


def test_a_recording_in_long_term_storage_is_one_blob(server):
    """Pinned recordings are moved there, and have no other source then."""
    pinned, usual = (store(server).replay_events(one) for one in ("019295b0-pinned", SESSION))
    columns = ["page_view_id", "at", "type", "source", "data"]
    assert pinned.frame.select(columns).collect().equals(usual.frame.select(columns).collect())
    assert pinned.report.complete


def test_a_recording_that_was_deleted_since_it_was_listed_is_said():
    class Gone(PostHog):
        def _snapshots(self, recording: str, query: dict) -> Play:
            said = b'{"error":"recording_deleted","message":"This recording has been permanently deleted"}'
            return Play(410, said, JSON) if "source" in query else super()._snapshots(recording, query)

    with serving(Gone()) as vendor:
        report = store(vendor).replay_events(SESSION).report
    assert report.rows == 0
    assert "permanently deleted" in report.note


def test_a_recording_that_is_still_being_written_is_partial(server):
    report = store(server).replay_events("019295b0-live").report
    assert (report.rows, report.truncated) == (0, True)
    assert "not in permanent storage yet" in report.note


def test_pages_begin_behind_the_last_row():
    vendor = PostHog(page=1)
    with serving(vendor) as server:
        events = store(server).events(Window(NOON, NOON + timedelta(hours=1)))
    assert (events.report.rows, events.report.pages) == (3, 3)
    assert vendor.queries[0] == (
        "SELECT uuid, timestamp, distinct_id, properties FROM events WHERE event = '$exception' "
        "AND timestamp >= toDateTime('2026-03-09T12:00:00.000000Z') "
        "AND timestamp < toDateTime('2026-03-09T13:00:00.000000Z') "
        "ORDER BY timestamp, toString(uuid) LIMIT 1000"
    )
    assert "toString(uuid) > '019295b1-519f-71a6-aacf-000000000002'" in vendor.queries[2]


@pytest.mark.parametrize(
    "trouble",
    [
        Play(500, b'{"detail":"A server error occurred."}', JSON),
        Play(
            429, b'{"detail":"Request was throttled. Expected available in 0 seconds."}', {**JSON, "retry-after": "0"}
        ),
        Play(200, b'{"results":[["019295b1', JSON),
        Play(200, b'{"results":[]}', JSON, cut=2),
    ],
    ids=["server error", "rate limit", "cut JSON", "cut body"],
)
def test_what_passes_is_tried_again(trouble):
    with serving(PostHog(trouble=(trouble,))) as server:
        assert store(server).events(Window()).report.rows == 3


def test_a_query_that_is_too_slow_fails_in_words():
    slow = Play(
        400, b'{"type":"validation_error","detail":"Query has hit the max execution time before completing."}', JSON
    )
    with serving(lambda _: slow) as server:
        report = store(server).events(Window()).report
    assert not report.complete
    assert "max execution time" in report.failed


def test_broken_rows_are_refused_one_by_one():
    rows = [
        ["x"],
        ["no uuid", "2026-03-09T12:00:00Z", "u", "{}"],
        [*EVENTS["$exception"][0][:3], "{"],
        EVENTS["$exception"][1],
    ]
    answer = Play(200, json.dumps({"results": rows}).encode(), JSON)
    with serving(lambda _: answer) as server:
        events = store(server).events(Window())
    assert events.report.rows == 1
    assert len(events.report.refused) == 3
    assert events.report.refused[1].place == "errors page 1 row 2"


def test_a_wrong_key_an_unknown_project_no_project(server, monkeypatch):
    with pytest.raises(SourceNotFound, match="Project not found"):
        store(server, "1").check()
    with pytest.raises(AddressError, match="does not name its project"):
        open_store("posthog+https://eu.posthog.com")
    with pytest.raises(AddressError, match=r"takes events in; they are read at eu\.posthog\.com"):
        open_store("posthog+https://eu.i.posthog.com/1")
    monkeypatch.setenv("BLINDSPOT_POSTHOG_TOKEN", "phx_wrong_wrong_wrong")
    with pytest.raises(AuthError, match="set BLINDSPOT_POSTHOG_TOKEN") as caught:
        store(server).events(Window())
    assert "phx_wrong" not in str(caught.value)


def test_the_check(server):
    check = store(server).check()
    assert (check.ok, check.since) == (True, NOON + timedelta(minutes=1))


def test_a_snapshot_that_unpacks_to_more_than_any_recording_has_is_refused_alone(monkeypatch):
    monkeypatch.setattr("connectors.formats.inflate.MOST_BYTES", 1000)
    packed = [gzip.compress(b'{"node":"' + b"a" * size + b'"}').decode("latin-1") for size in (100, 5000)]
    lines = [
        json.dumps(["w1", {"type": 2, "data": data, "cv": "2024-10", "timestamp": 1741530000000}]) for data in packed
    ]
    rows = replay_event_rows()
    read_snapshots("\n".join(lines).encode(), "blob", "s1", 0, rows)
    assert rows.frame().height == 1
    assert [place for place, _ in rows.refused] == ["blob line 2"]
    assert "larger than" in rows.refused[0].reason
