"""Beacons, recordings, traces, lab results and addresses in the spellings that exist."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.disk import Disk
from connectors.files import SourceFile, find_files
from connectors.folder import FolderSource
from connectors.formats.attributes import http_attributes, span_rows
from connectors.formats.lighthouse import Run, lab_rows, read_result
from connectors.formats.otlp import read_request
from connectors.formats.routes import route_of
from connectors.formats.rrweb import Whose, read_segment, replay_event_rows
from connectors.formats.user_agents import parse_agents
from connectors.formats.values import as_micros
from connectors.formats.web_vitals import read_beacon, vital_rows
from connectors.lab.lighthouse import read_lab_runs
from connectors.replay.segments import Recordings
from connectors.rum.beacons import read_vitals
from connectors.stores import Window


def vitals_of(*beacons) -> pl.DataFrame:
    rows = vital_rows()
    for number, beacon in enumerate(beacons, 1):
        read_beacon(json.dumps(beacon).encode(), f"b:{number}", rows)
    assert rows.refused == []
    return rows.frame()


@pytest.mark.parametrize(
    "spelling",
    [
        {"ts": 1773069712250, "session_id": "s", "page_view_id": "p", "url": "/cart", "navigationType": "reload"},
        {
            "timestamp": "2026-03-09T15:21:52.25Z",
            "sessionId": "s",
            "pageViewId": "p",
            "href": "/cart",
            "navigation_type": "reload",
        },
        {"time": 1773069712.25, "sid": "s", "pageId": "p", "pageUrl": "/cart", "navigationType": "reload"},
        {
            "received_at": 1773069712250000,
            "session": "s",
            "view_id": "p",
            "location": "/cart",
            "navigationType": "reload",
        },
    ],
)
def test_beacons_in_the_spellings_of_several_teams(spelling):
    [row] = vitals_of({"name": "INP", "value": 240, "id": "v5-1773069712250-1", **spelling}).rows(named=True)
    assert row["at"].isoformat() == "2026-03-09T15:21:52.250000+00:00"
    assert (row["session_id"], row["page_view_id"], row["page_url"], row["navigation_type"]) == (
        "s",
        "p",
        "/cart",
        "reload",
    )
    assert row["rating"] == "needs-improvement"  # above 200 ms, not above 500


def test_a_queue_of_metrics_in_one_beacon():
    # as in web-vitals' README, "batch multiple reports together"
    queue = [
        {"name": "LCP", "value": 1.5, "id": "a", "ts": 1773069712000},
        {"name": "FCP", "value": 1, "id": "b", "ts": 1773069712000},
    ]
    assert vitals_of(queue)["metric"].to_list() == ["LCP", "FCP"]
    wrapped = {"ts": 1773069712000, "sid": "s", "metrics": [{"name": "TTFB", "value": 90, "id": "c"}]}
    assert vitals_of(wrapped).select("metric", "session_id").rows() == [("TTFB", "s")]


def test_the_payloads_agent_counts_and_never_the_headers():
    [row] = vitals_of(
        {"ts": 1773069712000, "name": "LCP", "value": 1, "user_agent_header": "curl/8", "user_agent": "Mozilla/5.0"}
    ).rows(named=True)
    assert row["user_agent"] == "Mozilla/5.0"
    [row] = vitals_of({"ts": 1773069712000, "name": "LCP", "value": 1, "user_agent_header": "Googlebot/2.1"}).rows(
        named=True
    )
    assert row["user_agent"] is None


def test_other_metrics_are_skipped_and_counted(tmp_path):
    (tmp_path / "b.ndjson").write_text(
        '{"ts":1773069712000,"name":"LCP","value":1}\n{"ts":1773069712000,"name":"TBT","value":1}\n'
    )
    loaded = read_vitals(find_files(tmp_path, tmp_path))
    assert loaded.notes == ("skipped by design: 1 metrics named 'TBT'",)
    assert loaded.refused == ()


def test_metrics_of_pages_that_nobody_names_count_one_each(tmp_path):
    beacon = '{"ts":1773069712000,"name":"LCP","value":%d,"id":"v5-%d"}\n'
    (tmp_path / "b.ndjson").write_text("".join(beacon % (n, n // 2) for n in range(6)))
    assert sorted(read_vitals(find_files(tmp_path, tmp_path)).frame["value"]) == [1.0, 3.0, 5.0]


EVENTS = [
    {"type": 4, "timestamp": 1773069712000, "data": {"href": "/"}},
    {"type": 3, "timestamp": 1773069712100, "data": {"source": 2}},
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s1.json", json.dumps(EVENTS)),
        ("s1.json", json.dumps([EVENTS])),
        ("s1_0003.json", json.dumps(EVENTS)),
        ("s1.segment-3.json", json.dumps({"events": EVENTS})),
        ("s1/0003.json", json.dumps(EVENTS)),
        ("s1/segment_3.json", json.dumps({"events": EVENTS})),
        ("x.json", json.dumps({"sessionId": "s1", "seq": 3, "events": EVENTS})),
        (
            "x.json",
            json.dumps([{"session_id": "s1", "events": EVENTS[:1]}, {"session_id": "s1", "events": EVENTS[1:]}]),
        ),
        (
            "x.ndjson",
            "\n".join(json.dumps({"session_id": "s1", "seq": n, "events": [event]}) for n, event in enumerate(EVENTS)),
        ),
        ("s1.ndjson", "\n".join(json.dumps(event) for event in EVENTS)),
        ("session-12.json", json.dumps({"replay_id": "s1", "events": EVENTS})),
    ],
)
def test_a_recording_however_it_was_cut(tmp_path, name, content):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    source = FolderSource(tmp_path)
    [recording] = source.replays(Window()).frame.collect().rows(named=True)
    assert (recording["replay_id"], recording["event_count"]) == ("s1", 2)
    events = source.replay_events("s1")
    assert events.report.refused == ()
    assert events.frame.collect().select("type", "source", "data").rows() == [
        (4, None, '{"href": "/"}'),
        (3, 2, '{"source": 2}'),
    ]


def test_names_that_end_in_a_number_are_not_always_cut(tmp_path):
    for name in ("session_12.json", "session_13.json"):
        (tmp_path / name).write_text(json.dumps(EVENTS))
    assert sorted(Recordings(find_files(tmp_path, tmp_path)).read().frame["replay_id"]) == ["session_12", "session_13"]


def test_a_segment_that_is_nobodys():
    rows = replay_event_rows()
    read_segment(json.dumps({"events": EVENTS}).encode(), "p", rows)
    assert [refused.reason for refused in rows.refused] == ["nothing says whose recording this is"]
    read_segment(json.dumps({"events": EVENTS}).encode(), "p", rows, Whose("r", None, 1))
    assert rows.frame()["replay_id"].to_list() == ["r", "r"]


# the data of two events, and what @rrweb/packer 2 made of the events: a text each
EVENTS_PACKED = [
    {"href": "https://shop.example/", "width": 1, "height": 2},
    {"source": 5, "text": "naïve — 大 🛒", "id": 7},
]
PACKED = [
    "x\x9c%\xcbI\n\x800\x0c\x05\xd0\xbb\xfcu\xb0\xd6\x01!\xb7)\x18MA\xb1\xd8\xe0\x80xw\x0b\xbe\xfd{`w\x12pG\xb0\xb8"
    "J\xb6\xb0&\xb0\x1f:\xdf\xb7\xf5\x8f0\x06\x0b\xe0\x07\xba\xcb\x04\x86\x9a\xa5\xcc\xcee\xddR%W\x19\x8b8\x10\xce8\x9a"
    "\x96LP\x89\xb3\x1a\xb8y\tG\x19\x87\xc7\xfb\x01\xc1\xbf <",
    "x\x9c\xabV*\xa9,HU\xb22\xd6Q*\xc9\xccM-.I\xcc-P\xb22471456\x00\x02S\x03\x03\x1d\xa5\x94\xc4\x92D%\xabj\xa5\xe2\xfc"
    "\xd2\xa2d\xa0bS\xa0\xe2\xd4\x8a\x12%+\xa5\xbc\xc4\xc3\xeb\xcbR\x15\x1e5LQx\xbad\xb9\xc2\x87\xf9\xb3')\xe9(e\xa6"
    "(Y\x99\xd7\xea(\x95\x01U\x94\x19*\xd5\x02\x00u2!\xbe",
]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize(
    "form",
    [lambda packed: packed, lambda packed: {"session_id": "s1", "seq": 3, "events": packed}],
    ids=["list", "segment"],
)
def test_events_that_rrwebs_packer_packed(form, ascii_only):
    rows = replay_event_rows()
    text = json.dumps(form([*PACKED, PACKED[0][:40], "12", "大"]), ensure_ascii=ascii_only)
    read_segment(text.encode(), "p", rows, Whose("s1", "s1", 3))
    frame = rows.frame()
    assert frame.select("replay_id", "segment", "type", "source").rows() == [("s1", 3, 4, None), ("s1", 3, 3, 5)]
    assert [json.loads(data) for data in frame["data"]] == EVENTS_PACKED
    assert [refused.place for refused in rows.refused] == ["p event 3", "p event 4", "p event 5"]
    assert "cut off" in rows.refused[0].reason


def test_a_file_of_packed_events_is_known_for_a_recording(tmp_path):
    (tmp_path / "s1.json").write_text(json.dumps(PACKED))
    assert FolderSource(tmp_path).replays(Window()).frame.collect().select("replay_id", "event_count").rows() == [
        ("s1", 2)
    ]


def otlp(span: dict, resource: dict | None = None, scopes: str = "scopeSpans") -> tuple[dict, list]:
    base = {
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "spanId": "00F067AA0BA902B7",
        "name": "x",
        "startTimeUnixNano": 1773069712000000001,
    }
    attributes = [{"key": key, "value": value} for key, value in (resource or {}).items()]
    request = {"resourceSpans": [{"resource": {"attributes": attributes}, scopes: [{"spans": [{**base, **span}]}]}]}
    rows = span_rows()
    read_request(json.dumps(request).encode(), "t", rows)
    return (rows.frame().row(0, named=True) if len(rows) else {}), rows.refused


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"http.method": "get", "http.status_code": 200, "http.target": "/cart?x"}, ("GET", None, 200, None)),
        (
            {"http.request.method": "GET", "http.response.status_code": "503", "http.route": "/cart/:id"},
            ("GET", "/cart/:id", 503, None),
        ),
        ({"db.statement": "SELECT old", "db.query.text": "SELECT new"}, (None, None, None, "SELECT new")),
        ({"http.response.status_code": 0}, (None, None, None, None)),
        ({}, (None, None, None, None)),
    ],
)
def test_old_and_new_names_of_http_and_sql(attributes, expected):
    assert http_attributes(attributes) == expected


def test_numbers_as_text_enums_as_names_and_ids_in_capitals():
    span, _ = otlp(
        {
            "kind": "SPAN_KIND_SERVER",
            "endTimeUnixNano": "1773069712005000999",
            "status": {"code": "STATUS_CODE_ERROR"},
            "unknown": [1],
        },
        {"service.name": {"stringValue": "shop"}, "telemetry.sdk.language": {"stringValue": "nodejs"}},
        "instrumentationLibrarySpans",
    )
    assert (span["kind"], span["status"], span["service"], span["side"]) == ("server", "error", "shop", "backend")
    assert (span["span_id"], span["duration_us"]) == ("00f067aa0ba902b7", 5000)
    assert span["started_at"].microsecond == 0


def test_a_failed_span_says_what_its_exception_said():
    attributes = [
        {"key": "exception.type", "value": {"stringValue": "SqliteError"}},
        {"key": "exception.message", "value": {"stringValue": "no such column: promo_pct"}},
    ]
    event = {"name": "exception", "timeUnixNano": "1773069712000001000", "attributes": attributes}
    span, _ = otlp({"status": {"code": 2}, "events": [event]})
    assert span["status_message"] == "no such column: promo_pct"
    assert json.loads(span["events"][0]["attributes"])["exception.type"] == "SqliteError"
    assert span["events"][0]["at"].microsecond == 1


def test_values_of_every_kind():
    values = {
        "a": {"arrayValue": {"values": [{"intValue": "7"}, {"boolValue": True}]}},
        "b": {"kvlistValue": {"values": [{"key": "c", "value": {"doubleValue": 1.5}}]}},
        "d": {"arrayValue": None},
        "e": None,
    }
    span, _ = otlp({"attributes": [{"key": key, "value": value} for key, value in values.items()]})
    assert json.loads(span["attributes"]) == {"a": [7, True], "b": {"c": 1.5}, "d": []}


def test_a_pages_own_opentelemetry_stands_on_the_browsers_side():
    span, _ = otlp({}, {"telemetry.sdk.language": {"stringValue": "webjs"}})
    assert span["side"] == "browser"


def test_lab_runs_name_their_release_in_the_result_or_in_the_path(tmp_path):
    result = {
        "lighthouseVersion": "13.5.0",
        "fetchTime": "2026-03-02T08:30:00.000Z",
        "requestedUrl": "http://shop.localhost/product/1",
        "configSettings": {"formFactor": "mobile", "throttlingMethod": "simulate"},
        "audits": {
            "largest-contentful-paint": {"score": 0.52, "numericValue": 3411.2},
            "cumulative-layout-shift": {"score": 1, "numericValue": 0.004},
            "interactive": {"score": None, "numericValue": None},
            "speed-index": 3,
        },
    }
    (tmp_path / "a1b2c3d-product.json").write_text(json.dumps(result))
    (tmp_path / "b.json").write_text(json.dumps({**result, "release": "e5f6"}))
    loaded = read_lab_runs(find_files(tmp_path, tmp_path), ["a1b2c3d", "e5f6"])
    rows = loaded.frame.select("run_id", "release", "metric", "value", "score").rows()
    assert rows == [
        ("a1b2c3d-product", "a1b2c3d", "LCP", 3411.2, 0.52),
        ("a1b2c3d-product", "a1b2c3d", "CLS", 0.004, 1.0),
        ("b", "e5f6", "LCP", 3411.2, 0.52),
        ("b", "e5f6", "CLS", 0.004, 1.0),
    ]
    assert [refused.place for refused in loaded.refused] == ["a1b2c3d-product.json", "b.json"]


@pytest.mark.parametrize(
    ("result", "rows"),
    [
        # 9: timespans measured INP under this id; 7 and before called the form factor so
        ({"audits": {"experimental-interaction-to-next-paint": {"score": 0.4, "numericValue": 320}},
          "configSettings": {"emulatedFormFactor": "desktop"}, "finalUrl": "https://s/cart"},
         [("INP", 320.0, "desktop", "https://s/cart")]),
        # 10 to 13
        ({"audits": {"interaction-to-next-paint": {"score": 1, "numericValue": 90},
                     "experimental-interaction-to-next-paint": {"score": 1, "numericValue": 91},
                     "server-response-time": {"score": 1, "numericValue": 80}},
          "configSettings": {"formFactor": "mobile"}, "finalDisplayedUrl": "https://s/cart", "requestedUrl": None,
          "runtimeError": {"code": "NO_ERROR", "message": ""}},
         [("INP", 90.0, "mobile", "https://s/cart"), ("TTFB", 80.0, "mobile", "https://s/cart")]),
    ],
)  # fmt: skip
def test_results_of_lighthouse_9_to_13(result, rows):
    found = lab_rows()
    read_result(json.dumps({"fetchTime": "2026-03-02T09:00:00Z", **result}).encode(), "1.json", found, Run("r1"))
    assert found.frame().select("metric", "value", "form_factor", "page_url").rows() == rows
    assert found.refused == []


def test_a_lighthouse_run_that_failed_is_refused_and_not_just_empty():
    """docs/understanding-results.md: `runtimeError` has a code and a message; no audit has a number then."""
    result = {
        "fetchTime": "2026-03-02T09:00:00Z", "runtimeError": {"code": "NO_FCP", "message": "The page did not paint"},
        "audits": {"largest-contentful-paint": {"score": None, "scoreDisplayMode": "error", "errorMessage": "NO_FCP"}},
    }  # fmt: skip
    found = lab_rows()
    read_result(json.dumps(result).encode(), "1.json", found, Run("r1"))
    assert len(found) == 0
    assert found.refused == [("1.json", "the run failed and measured nothing (NO_FCP: The page did not paint)")]


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("https://shop.example:8443/product/12/reviews/7?page=2#top", "/product/:id/reviews/:id"),
        ("//cdn.example/a/1", "/a/:id"),
        ("/orders/6F1C2B9A-9F0E-4C1B-8A51-0B6C7D8E9F00", "/orders/:id"),
        ("/1/2/3", "/:id/:id/:id"),
        ("/c/5f2b8c1d9e/", "/c/:id"),
        ("/t/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/t/:id"),
        ("/u/u_4622f05c", "/u/:id"),
        ("/added/faded", "/added/faded"),
        ("/v2/promotions", "/v2/promotions"),
        ("/2026-spring", "/2026-spring"),
        ("/step-2", "/step-2"),
        ("/assets/shop-KMYH7AEF.js", "/assets/shop-KMYH7AEF.js"),
        ("//", "/"),
        ("?a=/b/1", "/"),
        ("", "/"),
    ],
)
def test_routes(url, route):
    assert pl.DataFrame({"u": [url]}).select(route_of(pl.col("u")))["u"].to_list() == [route]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "12", "cart", "", "deadbeef01", "x y", "é"]), max_size=6))
def test_a_route_is_its_own_route(parts):
    frame = pl.DataFrame({"u": ["/" + "/".join(parts)]})
    once = frame.select(route_of(pl.col("u")))
    assert once.select(route_of(pl.col("u"))).equals(once)


SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
GOOGLEBOT = "Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.mark.parametrize(
    ("agent", "browser", "os", "device"),
    [
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {SAFARI}", "Mobile Safari", "iOS", "mobile"),
        (f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {SAFARI}", "Mobile Safari", "iOS", "tablet"),
        (f"Mozilla/5.0 (Linux; Android 13; SM-X906C) {CHROME} Safari/537.36", "Chrome", "Android", "tablet"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "Linux", "desktop"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/126.0.0.0",
            "Edge",
            "Windows",
            "desktop",
        ),
        (f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {CHROME} Mobile {GOOGLEBOT}", "Googlebot", "Android", "mobile"),
    ],
)
def test_user_agents(agent, browser, os, device):
    [row] = parse_agents(pl.Series([agent])).rows(named=True)
    assert (row["browser"], row["os"], row["device_class"]) == (browser, os, device)


@settings(deadline=None)
@given(st.integers(1_100_000_000_000, 4_000_000_000_000))
def test_a_time_is_the_same_in_every_unit(ms):
    assert as_micros(ms, "guess") == as_micros(ms / 1000, "guess") == as_micros(ms * 1000, "guess") == ms * 1000
    assert as_micros(str(ms), "guess") == ms * 1000


def test_a_files_stem():
    names = ["a/s1.ndjson.gz", "s1.json", "s1.envelope", "s1.2.json.zst", "s1"]
    assert [SourceFile(name, Disk(".")).stem for name in names] == ["s1", "s1", "s1", "s1.2", "s1"]
