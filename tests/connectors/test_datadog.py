"""Datadog's searches over a real socket: payloads rebuilt by hand from its public schemas and API reference.

RUM events: github.com/DataDog/rum-events-format (`samples/`) inside of the answer that the API reference shows (Search
RUM events); spans: the answer of Search spans. Stacks are as the browser SDK writes them (`toStackTraceString`).
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from connectors import http as http_module
from connectors.exceptions import AddressError, AuthError, RateLimited, SourceNotFound
from connectors.formats.datadog_rum import read_rum_event
from connectors.formats.rum_tables import RumTables
from connectors.registry import open_store
from connectors.stores import Window
from connectors.testing import assert_conforms
from tests.connectors.plays import JSON, Play, serving

API_KEY, APP_KEY = "0123456789abcdef-api", "0123456789abcdef-app"
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/99.0.4844.84 Safari/537.36"
)


def iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rum(number: int, minute: int, kind: str, **inner):
    """One element of `data`: what all events have in common stands here."""
    return {
        "id": f"AQAAAYAdO3MlOKUnZwAAAABBWUFk{number:04d}",
        "type": "rum",
        "attributes": {
            "timestamp": iso(NOON + timedelta(minutes=minute)),
            "service": "web-ui",
            "tags": ["sdk_version:4.7.1", "env:prod", "version:35.7643717", "env:prod", "service:web-ui", "compute"],
            "attributes": {
                "type": kind,
                "application": {"id": "ac8218cf-498b-4d33-bd44-151095959547"},
                "session": {"id": "cacbf45c-3a05-48ce-b066-d76349460599", "type": "user", "has_replay": True,
                            "useragent": AGENT},
                "view": {"id": "623d50fd-75cf-4025-97d2-e51ff94171f6", "referrer": "",
                         "url": "https://shop.example/cart/17?x=1", **inner.pop("view", {})},
                "usr": {"id": "1586212", "email": "alice.doe@example.com"},
                "device": {"type": "Desktop", "brand": "Apple"},
                "os": {"name": "Mac OS X", "version": "10.15.7", "version_major": "10"},
                "browser": {"name": "Chrome", "version": "99.0.4844.84"},
                "geo": {"country": "Ireland", "country_iso_code": "IE"},
                "connectivity": {"status": "connected", "effective_type": "4g"},
                "_dd": {"format_version": 2, "configuration": {"session_sample_rate": 12.5}, **inner.pop("_dd", {})},
                **inner,
            },
        },
    }  # fmt: skip


STACK = (
    "TypeError: Cannot read properties of undefined (reading 'amount')\n"
    "  at Cart.total @ https://shop.example/assets/app.js:1:8042\n"
    "  at <anonymous> @ https://shop.example/assets/app.js:1:991\n"
    "  at Object.render(a, b) @ https://shop.example/assets/vendor.js:12:7"
)
EVENTS = [
    rum(1, 1, "view", view={
        "loading_type": "initial_load", "name": "/cart/:id", "first_contentful_paint": 420725000,
        "largest_contentful_paint": 2_600_000_000, "largest_contentful_paint_target_selector": "#hero",
        "interaction_to_next_paint": 20_000_000, "interaction_to_next_paint_target_selector": "#pay",
        "cumulative_layout_shift": 0.1, "first_byte": 157_090_000,
        "error": {"count": 2}, "resource": {"count": 9}, "action": {"count": 0}, "time_spent": 245512755000,
    }),
    rum(2, 2, "error", error={
        "id": "c9ecb486-2200-4b5d-9d53-040030c3765c", "type": "TypeError", "source": "source", "handling": "unhandled",
        "message": "Cannot read properties of undefined (reading 'amount')", "stack": STACK,
        "causes": [{"type": "SyntaxError", "message": "bad JSON", "source": "source",
                    "stack": "SyntaxError: bad JSON\n  at parse @ https://shop.example/assets/app.js:1:5"}],
        "fingerprint": "cart-total",
    }, issue={"id": "cffd9eda-7cd6-11f0-b673-da7ad0900005"}, context={"theme": "light", "cart": {"items": 2}}),
    rum(3, 3, "error", error={
        "message": "XHR error POST https://shop.example/api/pay", "source": "network", "stack": "Failed to load",
        "handling": "unhandled", "resource": {"method": "POST", "status_code": 0, "url": "https://shop.example/api/pay"},
    }),
    rum(4, 4, "resource", resource={
        "id": "b83a5d82-cdd1-468d-9bc9-3aa9e54d957a", "type": "xhr", "method": "POST", "status_code": 200,
        "url": "https://shop.example/api/cart/17", "duration": 246580000,
    }, _dd={"trace_id": "4461593448038214218", "span_id": "2615287548010540048"}),
    rum(5, 5, "session", session={
        "id": "cacbf45c-3a05-48ce-b066-d76349460599", "type": "user", "has_replay": True, "time_spent": 90_000_000_000,
        "sampled_for_replay": True, "useragent": AGENT,
    }),
    rum(6, 6, "error", error={"message": "No luck", "source": "custom", "handling": "handled",
                              "stack": "No stack, consider using an instance of Error"}),
]  # fmt: skip


def span(number: int, minute: int, **said):
    began = NOON + timedelta(minutes=minute)
    return {
        "id": f"AYkGun04AAAo1YWD8PZ5wx{number:02d}",
        "type": "spans",
        "attributes": {
            "service": "pricing", "env": "prod", "resource_name": "GET /", "type": "web", "parent_id": "0",
            "start_timestamp": iso(began),
            "end_timestamp": iso(began + timedelta(milliseconds=4)),
            "trace_id": "1376633447483012831", "span_id": str(12174885344805365765 + number), "tags": ["env:prod"],
            "custom": {"duration": 4218725, "http": {"method": "GET", "route": "/", "status_code": "200",
                                                     "url": "http://localhost:8080/"}, "span": {"kind": "server"}},
            **said,
        },
    }  # fmt: skip


SPANS = [
    span(0, 1),
    span(1, 2, parent_id="12174885344805365765", type="sql", resource_name="SELECT promo",
         custom={"duration": 1_000_000, "db": {"statement": "SELECT promo_pct FROM carts"},
                 "error": {"type": "OperationalError", "message": "no such column: promo_pct"}}),
    span(2, 3, trace_id="99", custom={"duration": 5000}),
]  # fmt: skip


class Datadog:
    """Answers the two searches as the reference says: filter, from, to, sort, cursor; `trouble` is answered first."""

    def __init__(self, page: int = 2, trouble: tuple[Play, ...] = (), headers: dict[str, str] | None = None):
        self.page, self.trouble, self.headers = page, list(trouble), headers or {}
        self.searches: list[dict] = []

    def __call__(self, asked) -> Play:
        if self.trouble:
            return self.trouble.pop(0)
        if (asked.headers.get("dd-api-key"), asked.headers.get("dd-application-key")) != (API_KEY, APP_KEY):
            return Play(403, b'{"errors":["Forbidden"]}', JSON)
        body = json.loads(asked.body)
        if asked.path == "/api/v2/spans/events/search":
            assert body["data"]["type"] == "search_request"
            return self._answer(body["data"]["attributes"], SPANS, "start_timestamp")
        if asked.path == "/api/v2/rum/events/search":
            return self._answer(body, EVENTS, "timestamp")
        return Play(404, b'{"errors":["Not found"]}', JSON)

    def _answer(self, body: dict, all_events: list, time: str) -> Play:
        self.searches.append(body)
        asked, page = body["filter"], body["page"]
        assert body["sort"] == "timestamp"
        assert page["limit"] <= 1000
        chosen = [
            event
            for event in all_events
            if self._matches(asked["query"], event) and self._within(asked, event["attributes"][time])
        ]
        begin = int(page.get("cursor", "after-0").removeprefix("after-"))
        size = min(self.page, page["limit"])
        more = begin + size < len(chosen)
        meta = {"page": {"after": f"after-{begin + size}"}} if more else {}
        answer = {"data": chosen[begin : begin + size], "meta": {**meta, "status": "done", "elapsed": 39}}
        return Play(200, json.dumps(answer).encode(), {**JSON, **self.headers})

    def _matches(self, query: str, event: dict) -> bool:
        inner = event["attributes"].get("attributes", {})
        kind = re.search(r"@type:(\w+)", query)
        traces = re.search(r"trace_id:\(([^)]*)\)", query)
        service, env = re.search(r"(?<!\S)service:(\S+)", query), re.search(r"(?<!\S)env:(\S+)", query)
        return (
            (kind is None or inner.get("type") == kind[1])
            and (traces is None or event["attributes"]["trace_id"] in traces[1].split(" OR "))
            and (service is None or event["attributes"]["service"] == service[1])
            and (env is None or f"env:{env[1]}" in event["attributes"]["tags"])
        )

    def _within(self, asked: dict, at: str) -> bool:
        time = datetime.fromisoformat(at)
        begins = asked["from"].startswith("now-") or datetime.fromisoformat(asked["from"]) <= time
        return begins and (asked["to"] == "now" or time < datetime.fromisoformat(asked["to"]))


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.setenv("BLINDSPOT_DATADOG_TOKEN", API_KEY)
    monkeypatch.setenv("BLINDSPOT_DATADOG_APP_TOKEN", APP_KEY)
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(http_module, "LONGEST_WAIT", 0.05)


@pytest.fixture(scope="module")
def server():
    with serving(Datadog()) as running:
        yield running


def store(server, options: str = "", kind: str = "datadog"):
    return open_store(f"{kind}+{server.url}{options}")


def test_it_keeps_the_contract(server):
    assert_conforms(store(server))
    assert_conforms(store(server, kind="datadog-spans"))


def test_an_error_with_its_issue_its_cause_and_its_page(server):
    events = store(server).events(Window())
    first = events.frame.collect().row(0, named=True)
    assert first["event_id"] == "c9ecb48622004b5d9d53040030c3765c"
    assert first["vendor_issue_id"] == "cffd9eda-7cd6-11f0-b673-da7ad0900005"
    assert (first["type"], first["message"], first["handled"], first["mechanism"]) == (
        "TypeError", "Cannot read properties of undefined (reading 'amount')", False, "source",
    )  # fmt: skip
    assert first["at"] == datetime(2026, 3, 9, 12, 2, tzinfo=UTC)
    assert (first["release"], first["environment"], first["project"]) == ("35.7643717", "prod", "web-ui")
    assert (first["session_id"], first["replay_id"]) == ("cacbf45c-3a05-48ce-b066-d76349460599",) * 2
    assert first["page_view_id"] == "623d50fd-75cf-4025-97d2-e51ff94171f6"
    assert (first["page_url"], first["route"]) == ("https://shop.example/cart/17?x=1", "/cart/:id")
    assert (first["browser"], first["browser_version"], first["os"], first["device_class"], first["region"]) == (
        "Chrome", "99.0.4844.84", "Mac OS X", "desktop", "IE",
    )  # fmt: skip
    assert first["client_fingerprint"] == ["cart-total"]
    assert first["sample_rate"] == 0.125
    assert first["tags"] == [
        {"key": "sdk_version", "value": "4.7.1"}, {"key": "env", "value": "prod"},
        {"key": "version", "value": "35.7643717"}, {"key": "service", "value": "web-ui"},
        {"key": "theme", "value": "light"},
    ]  # fmt: skip
    assert first["user_id"] not in (None, "1586212")
    assert events.report.sampling == "the browser SDK keeps 12.5 % of sessions"
    assert events.report.complete


def test_frames_are_those_of_the_sdks_own_stacks(server):
    rows = (
        store(server)
        .frames(Window())
        .frame.select("exception_index", "frame_index", "function", "url", "line", "column")
    )
    assert rows.collect().rows() == [
        (0, 0, "Cart.total", "https://shop.example/assets/app.js", 1, 8042),
        (0, 1, None, "https://shop.example/assets/app.js", 1, 991),
        (0, 2, "Object.render", "https://shop.example/assets/vendor.js", 12, 7),
        (1, 0, "parse", "https://shop.example/assets/app.js", 1, 5),
    ]


def test_what_is_no_stack_is_none(server):
    events = store(server).events(Window()).frame.select("message", "stack", "handled").collect()
    assert events.rows()[1:] == [
        ("XHR error POST https://shop.example/api/pay", None, False),
        ("No luck", None, True),
    ]


def test_vitals_come_from_nanoseconds_of_the_view(server):
    rows = store(server).vitals(Window()).frame.select("metric", "value", "rating", "connection", "attribution")
    assert rows.sort("metric").collect().rows() == [
        ("CLS", 0.1, "good", "4g", None),
        ("FCP", 420.725, "good", "4g", None),
        ("INP", 20.0, "good", "4g", '{"interactionTarget":"#pay"}'),
        ("LCP", 2600.0, "needs-improvement", "4g", '{"target":"#hero"}'),
        ("TTFB", 157.09, "good", "4g", None),
    ]


def test_vitals_where_the_deprecated_fields_are_gone():
    """`view.performance` replaces them (rum-events-format, rum/_view-performance-schema.json)."""
    event = rum(1, 1, "view", view={"performance": {
        "lcp": {"timestamp": 2_600_000_000, "target_selector": "#hero"}, "inp": {"duration": 20_000_000},
        "cls": {"score": 0.1, "target_selector": "#ad"}, "fcp": {"timestamp": 420_725_000}, "fid": None,
    }})  # fmt: skip
    out = RumTables()
    read_rum_event(event, "1", out)
    assert out.vitals.frame().select("metric", "value", "attribution").sort("metric").rows() == [
        ("CLS", 0.1, '{"largestShiftTarget":"#ad"}'), ("FCP", 420.725, None), ("INP", 20.0, None),
        ("LCP", 2600.0, '{"target":"#hero"}'),
    ]  # fmt: skip


def test_sessions_and_the_recordings_that_datadog_has(server):
    opened = store(server)
    session = opened.sessions(Window()).frame.collect().row(0, named=True)
    assert session["ended_at"] - session["started_at"] == timedelta(seconds=90)
    replays = opened.replays(Window()).frame.select("replay_id", "session_id", "kept_because").collect().rows()
    assert replays == [("cacbf45c-3a05-48ce-b066-d76349460599", "cacbf45c-3a05-48ce-b066-d76349460599", "sample")]
    recording = opened.replay_events(replays[0][0])
    assert recording.report.rows == 0
    assert "does not say what its segments look like" in recording.report.note


def test_requests_join_their_traces_by_the_low_64_bits(server):
    row = store(server).requests(Window()).frame.collect().row(0, named=True)
    assert (row["method"], row["endpoint"], row["status"], row["duration_ms"]) == (
        "POST",
        "POST /api/cart/:id",
        200,
        246.58,
    )
    assert row["trace_id"] == "0000000000000000" + f"{4461593448038214218:016x}"
    assert row["initiator"] == "beacon"


def test_spans_of_a_window(server):
    rows = store(server, kind="datadog-spans").spans(window=Window(end=NOON + timedelta(minutes=3))).frame.collect()
    root, query = rows.rows(named=True)
    assert root["trace_id"] == "0000000000000000" + f"{1376633447483012831:016x}"
    assert root["parent_span_id"] is None
    assert query["parent_span_id"] == root["span_id"] == f"{12174885344805365765:016x}"
    assert (root["kind"], root["http_method"], root["http_route"], root["http_status"]) == ("server", "GET", "/", 200)
    assert (root["duration_us"], root["status"]) == (4218, "unset")
    assert (query["kind"], query["db_statement"]) == ("client", "SELECT promo_pct FROM carts")
    assert (query["status"], query["status_message"]) == ("error", "no such column: promo_pct")


def test_a_trace_that_began_elsewhere_is_found_by_its_low_half(server):
    asked = "4bf92f3577b34da6" + f"{1376633447483012831:016x}"
    spans = store(server, kind="datadog-spans").spans(trace_ids=[asked, "1" * 32])
    assert spans.report.rows == 2
    assert set(spans.frame.collect()["trace_id"]) == {asked}


def test_pages_are_asked_for_by_cursor_within_the_window():
    vendor = Datadog(page=1)
    with serving(vendor) as server:
        opened = store(server, "?service=web-ui&environment=prod")
        window = Window(NOON + timedelta(minutes=2, milliseconds=1), NOON + timedelta(minutes=6))
        assert opened.events(window).frame.collect()["message"].to_list() == [
            "XHR error POST https://shop.example/api/pay"
        ]
        assert opened.events(Window()).report.pages == 3
    first = vendor.searches[0]
    assert first["filter"] == {
        "query": "@type:error @session.type:user service:web-ui env:prod",
        "from": "2026-03-09T12:02:00.001Z",
        "to": "2026-03-09T12:06:00.001Z",
    }
    assert [search["page"].get("cursor") for search in vendor.searches[-3:]] == [None, "after-1", "after-2"]
    assert vendor.searches[-1]["filter"]["from"] == "now-30d"


def test_a_cursor_that_expires_costs_nothing():
    class Forgetful(Datadog):
        forgot = False

        def _answer(self, body, all_events, time):
            if body["page"].get("cursor") == "after-2" and not self.forgot:
                self.forgot = True
                return Play(400, b'{"errors":["invalid cursor"]}', JSON)
            return super()._answer(body, all_events, time)

    vendor = Forgetful(page=1)
    with serving(vendor) as server:
        events = store(server).events(Window())
    assert events.report.rows == 3
    assert events.report.failed is None
    assert vendor.searches[-1]["filter"]["from"] == "2026-03-09T12:03:00.000Z"


@pytest.mark.parametrize(
    "trouble",
    [
        Play(500, b'{"errors":["oops"]}', JSON),
        Play(429, b'{"errors":["rate limited"]}', {**JSON, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}),
        Play(200, b'{"data":[{"id":"AQ', JSON),
        Play(200, json.dumps({"data": []}).encode(), JSON, cut=3),
    ],
    ids=["server error", "rate limit", "cut JSON", "cut body"],
)
def test_what_passes_is_tried_again(trouble):
    with serving(Datadog(trouble=(trouble,))) as server:
        assert store(server).events(Window()).report.rows == 3


def test_no_calls_left_holds_the_next_one_back():
    vendor = Datadog(page=1, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3000"})
    with serving(vendor) as server:
        spans = store(server, kind="datadog-spans").spans(window=Window())
    assert (spans.report.rows, len(vendor.searches)) == (1, 1)
    assert "datadog asks us to come back in" in spans.report.failed
    assert not spans.report.complete


def test_a_search_that_times_out_is_shown_as_partial():
    answer = {"data": EVENTS[1:2], "meta": {"status": "timeout", "warnings": [{"detail": "results are partial"}]}}
    with serving(lambda _: Play(200, json.dumps(answer).encode(), JSON)) as server:
        report = store(server).events(Window()).report
    assert (report.rows, report.truncated) == (1, True)
    assert report.note == "the search timed out; results are partial"


def test_an_outage_is_no_silence():
    with serving(lambda _: Play(503, b"", JSON)) as server:
        report = store(server).events(Window()).report
    assert report.rows == 0
    assert "503" in report.failed


@pytest.mark.parametrize(("kind", "table"), [("datadog", "events"), ("datadog-spans", "spans")])
def test_wrong_keys_are_told_by_the_names_of_both(server, monkeypatch, kind, table):
    monkeypatch.setenv("BLINDSPOT_DATADOG_APP_TOKEN", "not-the-key")
    opened = store(server, kind=kind)
    with pytest.raises(
        AuthError, match=r"BLINDSPOT_DATADOG_TOKEN to the API key, and BLINDSPOT_DATADOG_APP_TOKEN to an"
    ) as caught:
        getattr(opened, table)(window=Window()) if table == "spans" else opened.events(Window())
    assert "not-the-key" not in str(caught.value)
    assert API_KEY not in str(caught.value)
    assert API_KEY not in repr(opened) + repr(opened.http)


def test_an_address_with_something_unknown():
    with pytest.raises(AddressError, match=r"says project; it may say service, application, environment, first_party"):
        open_store("datadog+https://api.datadoghq.eu?project=shop")


@pytest.mark.parametrize("kind", ["datadog", "datadog-spans"])
def test_the_host_that_people_look_at(kind):
    with pytest.raises(AddressError, match=r"is where people look; the API is at api\.datadoghq\.eu"):
        open_store(f"{kind}+https://app.datadoghq.eu")
    with pytest.raises(AddressError, match=r"the API is at api\.us3\.datadoghq\.com"):
        open_store(f"{kind}+https://us3.datadoghq.com")


def test_a_host_that_is_no_api(server):
    with pytest.raises(SourceNotFound, match="has nothing at"):
        open_store(f"datadog+{server.url}/app").check()


def test_events_of_an_unknown_form_are_refused_one_by_one():
    broken = [{"id": "1"}, {**EVENTS[1], "attributes": {**EVENTS[1]["attributes"], "timestamp": "soon"}}, EVENTS[1], 7]
    with serving(lambda _: Play(200, json.dumps({"data": broken}).encode(), JSON)) as server:
        events = store(server).events(Window())
    assert events.report.rows == 1
    assert [refused.reason for refused in events.report.refused] == [
        "the event has no attributes",
        "timestamp is 'soon', not a time",
        "the event has no attributes",
    ]


def test_the_checks(server):
    check = store(server).check()
    assert (check.ok, check.since) == (True, NOON + timedelta(minutes=1))
    spans = store(server, kind="datadog-spans").check()
    assert (spans.ok, spans.since) == (True, NOON + timedelta(minutes=1))
    assert "300 an hour" in spans.calls
    assert not store(server, "?service=nobody").check().ok


def test_too_long_a_wait_is_one_sentence():
    calm = Play(429, b"", {**JSON, "retry-after": "4000"})
    with serving(lambda _: calm) as server, pytest.raises(RateLimited, match="come back in 4000 s"):
        store(server).check()
