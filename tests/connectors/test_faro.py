"""Faro payloads in a folder and from Loki: the payload of Alloy's own tests, and the lines that its exporter writes.

Payload: `internal/component/faro/receiver/testdata/payload.json` of github.com/grafana/alloy, shortened; web vitals and
navigation events: github.com/grafana/faro-web-sdk. Lines: `payload.go` (`KeyVal`) and go-logfmt. Answers: Loki's HTTP
API.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors import http as http_module
from connectors.exceptions import AddressError, AuthError, SourceNotFound
from connectors.folder import FolderSource
from connectors.formats.faro import read_document
from connectors.formats.recognise import recognise
from connectors.formats.rum_tables import RumTables
from connectors.registry import open_store
from connectors.stores import Window
from connectors.testing import assert_conforms
from tests.connectors.plays import JSON, Play, serving
from workbench.vitals.attribution import culprits

TOKEN = "123456:glc_0123456789abcdef"
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
BUNDLE = "http://fe:3002/static/js/vendors~main.chunk.js"
META = {
    "sdk": {"name": "grafana-frontend-agent", "version": "1.0.0"},
    "app": {"name": "testapp", "release": "0.8.2", "version": "abcdefg", "environment": "production"},
    "user": {"username": "domasx2", "id": "123", "email": "geralt@kaermorhen.org", "attributes": {"foo": "bar"}},
    "session": {"id": "abcd", "attributes": {"time_elapsed": "100s", "region": "eu"}},
    "page": {"url": "https://example.com/page/7"},
    "browser": {"name": "chrome", "version": "88.12.1", "os": "linux", "mobile": False, "userAgent": AGENT},
    "view": {"name": "default"},
}
TRACE = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"}


def iso(minute: float) -> str:
    return (NOON + timedelta(minutes=minute)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


PAYLOAD = {
    "logs": [{"message": "opened pricing page", "level": "info", "timestamp": iso(0), "trace": TRACE}],
    "exceptions": [{
        "type": "Error", "value": "Cannot read property 'find' of undefined", "timestamp": iso(1), "trace": TRACE,
        "stacktrace": {"frames": [
            {"colno": 42, "filename": BUNDLE, "function": "?", "in_app": True, "lineno": 8639},
            {"colno": 9, "filename": BUNDLE, "function": "dispatchAction", "in_app": True, "lineno": 268095},
        ]},
        "context": {"component": "ReactErrorBoundary", "ReactError": "Annoying Error"},
    }],
    "measurements": [
        {"type": "foobar", "values": {"ttfp": 20.12, "ttfcp": 22.12, "ttfb": 14}, "timestamp": iso(2)},
        {"type": "web-vitals", "values": {"lcp": 2612.5, "delta": 2612.5, "element_render_delay": 31.5},
         "timestamp": iso(3), "trace": TRACE,
         "context": {"id": "v5-1", "rating": "needs-improvement", "navigation_type": "navigate",
                     "navigation_entry_id": "nav1", "element": "#hero"}},
        {"type": "web-vitals", "values": {"cls": 0.25, "delta": 0.25}, "timestamp": iso(4),
         "context": {"id": "v5-2", "navigation_entry_id": "unknown"}},
    ],
    "events": [
        {"name": "session_start", "domain": "browser", "timestamp": iso(0.5)},
        {"name": "faro.performance.navigation", "domain": "browser", "timestamp": iso(0.6),
         "attributes": {"faroNavigationId": "nav1", "name": "https://example.com/page/7", "type": "reload",
                        "ttfb": "14"}},
        {"name": "faro.tracing.fetch", "timestamp": iso(0.7), "trace": TRACE,
         "attributes": {"http.method": "post", "http.url": "https://example.com/api/cart/17",
                        "http.status_code": "502", "duration_ns": "12500000"}},
        {"name": "click_login_button", "domain": "frontend", "timestamp": iso(5), "attributes": {"foo": "bar"}},
    ],
    "meta": META,
}  # fmt: skip
SPANS = {"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "testapp"}},
                                {"key": "telemetry.sdk.language", "value": {"stringValue": "webjs"}}]},
    "instrumentationLibrarySpans": [{"spans": [
        {"traceId": TRACE["trace_id"], "spanId": TRACE["span_id"], "name": "HTTP GET", "kind": 3,
         "startTimeUnixNano": "1773057600000000000", "endTimeUnixNano": "1773057600012000000"},
    ]}],
}]}  # fmt: skip


# ---- files


def folder_of(tmp_path: Path, *payloads: dict) -> FolderSource:
    (tmp_path / "collected.json").write_text("\n".join(json.dumps(payload) for payload in payloads))
    return FolderSource(tmp_path)


def expect_the_exception(events, frames) -> None:
    error = events.row(0, named=True)
    assert (error["type"], error["message"]) == ("Error", "Cannot read property 'find' of undefined")
    assert error["at"] == NOON + timedelta(minutes=1)
    assert (error["project"], error["release"], error["environment"]) == ("testapp", "0.8.2", "production")
    assert (error["session_id"], error["page_url"], error["route"]) == (
        "abcd",
        "https://example.com/page/7",
        "/page/:id",
    )
    assert (error["trace_id"], error["span_id"]) == (TRACE["trace_id"], TRACE["span_id"])
    assert (error["browser"], error["os"], error["device_class"], error["region"]) == (
        "chrome",
        "linux",
        "desktop",
        "eu",
    )
    assert {pair["key"]: pair["value"] for pair in error["tags"]} == {
        "component": "ReactErrorBoundary", "ReactError": "Annoying Error",
    }  # fmt: skip
    assert error["user_id"] not in (None, "123")
    assert frames.select("frame_index", "function", "url", "line", "column").rows() == [
        (0, None, BUNDLE, 8639, 42),
        (1, "dispatchAction", BUNDLE, 268095, 9),
    ]


@pytest.mark.parametrize(
    ("metric", "values", "context", "kinds"),
    [
        ("inp", {"input_delay": 10, "processing_duration": 380}, {"interaction_target": "#pay",
            "interaction_type": "pointer", "longest_script_source_url": "https://s/app.js",
            "longest_script_source_function_name": "pay"},
         {"element": "#pay", "interaction": "pointer", "script": "pay in app.js"}),
        ("cls", {"largest_shift_value": 0.4}, {"largest_shift_target": "#ad", "load_state": "complete"},
         {"element": "#ad", "moment": "complete"}),
        ("lcp", {"resource_load_delay": 900}, {"element": "#hero", "resource_url": "https://s/hero.avif"},
         {"element": "#hero", "resource": "https://s/hero.avif"}),
    ],
)  # fmt: skip
def test_what_attributes_a_metric_is_found_by_the_rooms(metric, values, context, kinds):
    """webVitalsWithAttribution.ts of faro-web-sdk writes web-vitals' names in snake case, some of them changed."""
    measured = {metric: 0.4 if metric == "cls" else 5000, **values}
    said = {"type": "web-vitals", "values": measured, "context": {**context, "id": "v5-1"},
            "timestamp": "2026-03-09T14:00:00Z"}  # fmt: skip
    out = RumTables()
    read_document({"meta": {}, "measurements": [said]}, "1.json", out)
    found = culprits(out.vitals.frame())
    assert dict(found.select("kind", "culprit").iter_rows()) == kinds


def test_a_payload_in_a_folder(tmp_path):
    source = folder_of(tmp_path, PAYLOAD)
    assert_conforms(source)
    expect_the_exception(source.events(Window()).frame.collect(), source.frames(Window()).frame.collect())
    vitals = source.vitals(Window()).frame.sort("metric")
    assert vitals.select("metric", "value", "rating", "page_view_id", "navigation_type").collect().rows() == [
        ("CLS", 0.25, "needs-improvement", "v5-2", None),
        ("LCP", 2612.5, "needs-improvement", "nav1", "navigate"),
    ]
    assert json.loads(vitals.collect()["attribution"][1]) == {
        "delta": 2612.5, "elementRenderDelay": 31.5, "target": "#hero",
    }  # fmt: skip
    views = source.page_views(Window()).frame.select("page_view_id", "session_id", "navigation_type").collect()
    assert views.rows() == [("nav1", "abcd", "reload")]
    calls = source.requests(Window()).frame.select("method", "endpoint", "status", "duration_ms").collect()
    assert calls.rows() == [("POST", "POST /api/cart/:id", 502, 12.5)]
    session = source.sessions(Window()).frame.collect().row(0, named=True)
    assert (session["session_id"], session["device_class"], session["release"]) == ("abcd", "desktop", "0.8.2")


def test_traces_of_a_payload_are_spans_and_no_call_comes_twice(tmp_path):
    source = folder_of(tmp_path, {**PAYLOAD, "traces": SPANS})
    spans = source.spans().frame.select("trace_id", "service", "kind", "side", "duration_us").collect()
    assert spans.rows() == [(TRACE["trace_id"], "testapp", "client", "browser", 12_000)]
    assert source.requests(Window()).report.rows == 0


def test_what_cannot_be_read_costs_itself(tmp_path):
    broken = {
        "meta": {}, "exceptions": [{"type": "Error", "value": "x", "timestamp": "soon"}, 5],
        "measurements": [{"type": "web-vitals", "values": {"inp": "fast", "fcp": 700}, "timestamp": iso(0)}],
    }  # fmt: skip
    source = folder_of(tmp_path, PAYLOAD, broken)
    (tmp_path / "cut.json").write_text(json.dumps(PAYLOAD)[:900])
    source = FolderSource(tmp_path)
    events = source.events(Window()).report
    assert events.rows == 1
    assert [refused.place for refused in events.refused] == [
        "collected.json:2 exceptions 1", "collected.json:2 exceptions 2", "cut.json",
    ]  # fmt: skip
    vitals = source.vitals(Window()).report
    assert vitals.rows == 3
    assert vitals.refused[0].reason == "INP: value is 'fast', not a number from 0"


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("exports", PAYLOAD),
        ("exports", {"events": PAYLOAD["events"], "meta": META}),
        ("replays", {"meta": {"page": "/"}, "events": [{"type": 4, "timestamp": 1741530000000, "data": {}}]}),
        ("beacons", {"meta": {}, "measurements": [{"name": "LCP", "value": 2100}], "ts": 1741530000}),
        ("traces", SPANS),
    ],
)
def test_what_is_taken_for_a_payload(kind, document):
    assert recognise("x.json", json.dumps(document).encode()) == kind


# ---- Loki


def quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if re.search(r'[\s="\\]', value) else value


def go_time(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{at:%Y-%m-%d %H:%M:%S}{f'{at:.%f}'.rstrip('0').rstrip('.')} +0000 UTC"


def lines() -> list[tuple[str, dict[str, str]]]:
    """The payload as `payload.go` flattens it: time of the item, keys and values in its order."""
    meta = {
        "sdk_name": "grafana-frontend-agent", "sdk_version": "1.0.0", "app_name": "testapp", "app_release": "0.8.2",
        "app_version": "abcdefg", "app_environment": "production", "user_email": "geralt@kaermorhen.org",
        "user_id": "123", "user_username": "domasx2", "user_attr_foo": "bar", "session_id": "abcd",
        "session_attr_time_elapsed": "100s", "session_attr_region": "eu", "page_url": "https://example.com/page/7",
        "browser_name": "chrome", "browser_version": "88.12.1", "browser_os": "linux", "browser_mobile": "false",
        "browser_userAgent": AGENT, "view_name": "default",
    }  # fmt: skip
    trace = {"traceID": TRACE["trace_id"], "spanID": TRACE["span_id"]}
    exception = {
        "kind": "exception", "type": "Error", "value": "Cannot read property 'find' of undefined",
        "stacktrace": (
            "Error: Cannot read property 'find' of undefined\n"
            f"  at ? ({BUNDLE}:8639:42)\n  at dispatchAction (main|{BUNDLE}:268095:9)"
        ),
        "hash": "2735541995122471342", "context_ReactError": "Annoying Error",
        "context_component": "ReactErrorBoundary", **trace,
    }  # fmt: skip
    lcp = {
        "kind": "measurement", "type": "web-vitals", "delta": "2612.500000", "lcp": "2612.500000", **trace,
        "context_id": "v5-1", "context_navigation_entry_id": "nav1", "context_navigation_type": "navigate",
        "context_rating": "needs-improvement", "value_delta": "2612.500000", "value_lcp": "2612.500000",
    }  # fmt: skip
    custom = {"kind": "measurement", "type": "foobar", "ttfb": "14.000000", "value_ttfb": "14.000000"}
    navigation = {
        "kind": "event", "event_name": "faro.performance.navigation", "event_domain": "browser",
        "event_data_faroNavigationId": "nav1", "event_data_name": "https://example.com/page/7",
        "event_data_type": "reload",
    }  # fmt: skip
    start = {"kind": "event", "event_name": "session_start", "event_domain": "browser"}
    call = {
        "kind": "event", "event_name": "faro.tracing.fetch", "event_data_http.method": "post",
        "event_data_http.url": "https://example.com/api/cart/17", "event_data_http.status_code": "502",
        "event_data_duration_ns": "12500000", **trace,
    }  # fmt: skip
    log = {"kind": "log", "message": "opened pricing page", "level": "info"}
    items = [(0, log), (0.5, start), (0.6, navigation), (0.7, call), (1, exception), (2, custom), (3, lcp)]
    return [(iso(minute), {"timestamp": go_time(iso(minute)), **item, **meta}) for minute, item in items]


class Loki:
    """Answers `query_range` for one app: line filter, start and end, limit, forward; received two seconds later."""

    def __init__(self, form: str = "logfmt", most: int = 5000):
        self.most, self.asked = most, []
        self.entries = []
        for at, said in lines():
            received = int((datetime.fromisoformat(at) + timedelta(seconds=2)).timestamp()) * 10**9 + 7
            written = json.dumps(said) if form == "json" else " ".join(f"{key}={quoted(said[key])}" for key in said)
            self.entries.append((received, written))

    def __call__(self, asked) -> Play:
        path, query = (
            urlsplit(asked.path)[2],
            {key: one[0] for key, one in parse_qs(urlsplit(asked.path).query).items()},
        )
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Play(401, b"no org id", {"content-type": "text/plain"})
        if path != "/loki/api/v1/query_range":
            return Play(404, b"404 page not found", {"content-type": "text/plain"})
        self.asked.append(query)
        selector, filtered = re.fullmatch(r'(\{.*\}) \|~ "(.*)"', query["query"]).groups()
        start, end, limit = int(query["start"]), int(query["end"]), min(int(query["limit"]), self.most)
        assert query["direction"] == "forward"
        if end - start > 721 * 3600 * 10**9:
            return Play(400, b"the query time range exceeds the limit (query length: 8760h, limit: 30d1h)", {})
        pattern = re.compile(filtered.replace('\\"', '"'))
        kept = [
            [str(at), line]
            for at, line in self.entries
            if selector == '{app="testapp"}' and start <= at < end and pattern.search(line)
        ][:limit]
        streams = [{"stream": {"app": "testapp", "detected_level": "error"}, "values": kept}] if kept else []
        answer = {"status": "success", "data": {"resultType": "streams", "result": streams, "stats": {}}}
        return Play(200, json.dumps(answer).encode(), JSON)


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("BLINDSPOT_LOKI_TOKEN", TOKEN)
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(http_module, "LONGEST_WAIT", 0.05)


def opened(server, options: str = "?app=testapp"):
    # the server lives an hour after the incident
    server.skew = (NOON + timedelta(hours=1)).timestamp() - time.time()
    store = open_store(f"loki+{server.url}{options}")
    store.check()
    return store


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_the_same_from_loki(form):
    with serving(Loki(form)) as server:
        store = opened(server)
        assert_conforms(store)
        expect_the_exception(store.events(Window()).frame.collect(), store.frames(Window()).frame.collect())
        assert store.events(Window()).frame.collect()["vendor_issue_id"].to_list() == ["2735541995122471342"]
        vital = store.vitals(Window()).frame.collect().row(0, named=True)
        assert (vital["metric"], vital["value"], vital["rating"], vital["page_view_id"]) == (
            "LCP", 2612.5, "needs-improvement", "nav1",
        )  # fmt: skip
        views = store.page_views(Window()).frame.select("page_view_id", "navigation_type", "browser").collect()
        assert views.rows() == [("nav1", "reload", "chrome")]
        sessions = store.sessions(Window()).frame.select("session_id", "started_at").collect()
        assert sessions.rows() == [("abcd", NOON + timedelta(seconds=30))]
        calls = store.requests(Window()).frame.select("method", "endpoint", "status", "trace_id").collect()
        assert calls.rows() == [("POST", "POST /api/cart/:id", 502, TRACE["trace_id"])]


def test_an_exception_read_twice_has_one_id(tmp_path):
    with serving(Loki()) as server:
        lokis = opened(server).events(Window()).frame.collect()["event_id"]
    assert lokis.to_list() == folder_of(tmp_path, PAYLOAD).events(Window()).frame.collect()["event_id"].to_list()


def test_a_full_answer_is_followed_from_its_last_line(monkeypatch):
    monkeypatch.setattr("connectors.rum.loki.LINES", 2)
    loki = Loki()
    with serving(loki) as server:
        store = opened(server)
        window = Window(NOON, NOON + timedelta(minutes=30))
        assert {store.sessions(window).report.rows, store.page_views(window).report.rows} == {1}
        assert store.requests(window).report.rows == 1
    assert len(loki.asked) > 2


def test_more_lines_of_one_nanosecond_than_fit_are_said(monkeypatch):
    monkeypatch.setattr("connectors.rum.loki.LINES", 2)
    loki = Loki()
    loki.entries = [(loki.entries[4][0], loki.entries[4][1].replace("abcd", f"s{number}")) for number in range(3)]
    with serving(loki) as server:
        report = opened(server).events(Window(NOON, NOON + timedelta(minutes=30))).report
    assert (report.rows, report.truncated) == (2, True)


def test_what_arrives_late_is_looked_for_behind_the_window():
    loki = Loki()
    with serving(loki) as server:
        window = Window(NOON, NOON + timedelta(minutes=1, milliseconds=1))
        assert opened(server).events(window).report.rows == 1
    assert int(loki.asked[-1]["end"]) == int((NOON + timedelta(minutes=11, milliseconds=1)).timestamp() * 1000) * 10**6


@pytest.mark.parametrize(
    "trouble",
    [
        Play(500, b"", JSON),
        Play(429, b"too many outstanding requests", {"retry-after": "0"}),
        Play(200, b'{"status":"success","data":{"resu', JSON),
        Play(200, b'{"status":"success"}', JSON, cut=4),
    ],
    ids=["server error", "rate limit", "cut JSON", "cut body"],
)
def test_what_passes_is_tried_again(trouble):
    loki, left = Loki(), [trouble]
    with serving(lambda asked: left.pop() if left else loki(asked)) as server:
        assert opened(server).events(Window()).report.rows == 1


def test_a_tenant_is_named_in_every_call():
    loki, seen = Loki(), []

    def answer(asked):
        seen.append(asked.headers.get("x-scope-orgid"))
        return loki(asked)

    with serving(answer) as server:
        opened(server, "?app=testapp&tenant=team-a").events(Window())
    assert set(seen) == {"team-a"}


def test_refusals_in_one_sentence(monkeypatch):
    with serving(Loki()) as server:
        with pytest.raises(AddressError, match=r"does not say which streams are Faro's; add \?app="):
            opened(server, "")
        with pytest.raises(SourceNotFound, match="has nothing at"):
            open_store(f"loki+{server.url}/grafana?app=testapp").check()
        other = opened(server, "?selector=%7Bjob%3D%22other%22%7D")
        assert not other.check().ok
        monkeypatch.setenv("BLINDSPOT_LOKI_TOKEN", "wrong-token-000")
        with pytest.raises(AuthError, match="set BLINDSPOT_LOKI_TOKEN"):
            open_store(f"loki+{server.url}?app=testapp").events(Window())
    matrix = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    with serving(lambda _: Play(200, json.dumps(matrix).encode(), JSON)) as server:
        report = open_store(f"loki+{server.url}?app=testapp").events(Window()).report
        assert "without log lines" in report.failed
    with serving(lambda _: Play(400, b"parse error at line 1, col 2", {})) as server:
        report = open_store(f"loki+{server.url}?app=testapp").events(Window()).report
        assert "parse error at line 1" in report.failed
