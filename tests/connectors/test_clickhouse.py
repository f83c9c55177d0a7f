"""ClickHouse, the real engine: embedded, and behind a real socket that asks it; own tables, `otel_traces`, HyperDX."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from connectors.exceptions import AddressError, AuthError, FetchError, MissingExtra, SourceNotFound
from connectors.formats.attributes import span_rows
from connectors.formats.otlp import read_request
from connectors.lake import Lake
from connectors.registry import open_store
from connectors.rum.clickhouse import ClickHouseTables
from connectors.stores import Window
from connectors.sync import sync
from connectors.testing import assert_conforms
from connectors.traces.clickhouse import TIME

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
NANOS = int(NOON.timestamp()) * 1_000_000_000
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

# as exporter/clickhouseexporter creates them, without codecs and indexes
TABLES = """
CREATE TABLE otel.otel_traces (
  Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String,
  SpanName LowCardinality(String), SpanKind LowCardinality(String), ServiceName LowCardinality(String),
  ResourceAttributes Map(LowCardinality(String), String), ScopeName String, ScopeVersion String,
  SpanAttributes Map(LowCardinality(String), String), Duration UInt64, StatusCode LowCardinality(String),
  StatusMessage String,
  Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)),
  Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String))
) ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), TraceId);
CREATE TABLE otel.otel_logs (
  Timestamp DateTime64(9), TimestampTime DateTime DEFAULT toDateTime(Timestamp), TraceId String, SpanId String,
  TraceFlags UInt8, SeverityText LowCardinality(String), SeverityNumber UInt8, ServiceName LowCardinality(String),
  Body String, ResourceAttributes Map(LowCardinality(String), String),
  LogAttributes Map(LowCardinality(String), String)
) ENGINE = MergeTree PARTITION BY toDate(TimestampTime) ORDER BY (ServiceName, TimestampTime, Timestamp);
CREATE TABLE otel.hyperdx_sessions AS otel.otel_logs;
CREATE TABLE otel.web_vitals (
  ts UInt64, name String, seconds Nullable(Float64), page String, attrs Map(String, String), payload String, app String
) ENGINE = MergeTree ORDER BY ts;
CREATE TABLE otel.events (
  event_id String, at DateTime64(6), type String, message String, session_id Nullable(String)
) ENGINE = MergeTree ORDER BY at;
CREATE TABLE otel.frames (event_id String, exception_index Int8, frame_index Int8, url String, line UInt32)
  ENGINE = MergeTree ORDER BY event_id;
CREATE TABLE otel.sessions (session_id String, started_at DateTime, ended_at DateTime) ENGINE = MergeTree
  ORDER BY session_id
"""
MAPPING = """
name = "shop"
environment = "production"
[tables.vitals]
table = "web_vitals"
where = "app = 'shop'"
[tables.vitals.columns]
at = { column = "ts", unit = "ms" }
metric = { column = "name", values = { lcp = "LCP", cls = "CLS" } }
value = { column = "seconds", unit = "s" }
route = "page"
region = { column = "attrs", key = "geo.region" }
attribution = { column = "payload", json = ["debug", "target"] }
device_class = { sql = "if(attrs['mobile'] = '1', 'mobile', 'desktop')" }
environment = { constant = "production" }
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Any:
    """A folder of the real engine with what an exporter, HyperDX and a team would have put into it."""
    chdb = pytest.importorskip("chdb.session", reason="uv sync --group heavy")
    path = tmp_path_factory.mktemp("clickhouse") / "db"
    session = chdb.Session(str(path))
    session.query("CREATE DATABASE otel")
    for statement in TABLES.split(";"):
        session.query(statement)
    for table, rows in ROWS.items():
        session.query(f"INSERT INTO otel.{table} FORMAT JSONEachRow " + "\n".join(map(json.dumps, rows)))
    yield session, path
    session.close()


def _at(seconds: float = 0) -> str:
    return f"{NOON + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S.%f}"


def _chunk(body: str, seconds: float, number: int = 1, of: int = 1, offset: int = 0, session: str = "s1") -> dict:
    about = {"rr-web.chunk": str(number), "rr-web.total-chunks": str(of), "rr-web.offset": str(offset)}
    resource = {"rum.sessionId": session, "service.name": "shop"}
    return {"Timestamp": _at(seconds), "Body": body, "ResourceAttributes": resource, "LogAttributes": about}


def _event(kind: int, seconds: float, **data: Any) -> str:
    return json.dumps({"type": kind, "timestamp": int((NOON.timestamp() + seconds) * 1000), "data": data})


WHOLE = _event(2, 1, node={"id": 1, "text": "naïve — 大" * 20})
ROWS: dict[str, list[dict[str, Any]]] = {
    "otel_traces": [
        {
            "Timestamp": "2026-03-09 12:00:00.123456789", "TraceId": TRACE, "SpanId": SPAN, "ParentSpanId": "",
            "SpanName": "SELECT promo", "SpanKind": "Client", "ServiceName": "pricing",
            "ResourceAttributes": {"service.name": "pricing", "deployment.environment": "production"},
            "SpanAttributes": {"db.query.text": "SELECT promo_pct", "server.port": "5432"},
            "Duration": 2_000_500, "StatusCode": "Error", "StatusMessage": "no such column",
            "Events.Timestamp": ["2026-03-09 12:00:00.124"], "Events.Name": ["exception"],
            "Events.Attributes": [{"exception.message": "no such column"}],
        },
        {
            "Timestamp": _at(60), "TraceId": "ab" * 16, "SpanId": "cd" * 8, "ParentSpanId": SPAN,
            "SpanName": "GET /cart",
            "SpanKind": "SPAN_KIND_SERVER", "ServiceName": "web", "StatusCode": "STATUS_CODE_UNSET", "Duration": 5000,
            "SpanAttributes": {"http.request.method": "GET", "http.response.status_code": "200", "http.route": "/cart"},
        },
    ],
    "otel_logs": [
        {
            "Timestamp": _at(2), "TraceId": TRACE, "SpanId": SPAN, "SeverityText": "ERROR", "SeverityNumber": 17,
            "ServiceName": "shop", "Body": "x is undefined",
            "ResourceAttributes": {"rum.sessionId": "s1", "service.version": "a1b2c3d"},
            "LogAttributes": {"exception.type": "TypeError", "exception.message": "x is undefined",
                              "exception.stacktrace": "TypeError: x\n at f (a.js:1:2)", "url.full": "https://s/cart?a=1"},
        },
        {"Timestamp": _at(3), "SeverityText": "INFO", "SeverityNumber": 9, "Body": "fine",
         "ResourceAttributes": {"rum.sessionId": "s1"}},
        {"Timestamp": _at(3), "SeverityText": "ERROR", "SeverityNumber": 17, "Body": "the backend's own"},
    ],
    "hyperdx_sessions": [
        _chunk(_event(4, 0, href="https://s/cart"), 0),
        # chunks of one event have its time, and a table has no order of its own
        _chunk(WHOLE[200:], 1, 3, 3, 3), _chunk(WHOLE[:100], 1, 1, 3, 1), _chunk(WHOLE[100:200], 1, 2, 3, 2),
        _chunk(_event(3, 2, source=2), 2), _chunk('{"type":3,"timest', 3, 1, 2),
        _chunk(_event(4, 90, href="https://s/"), 90, session="s2"),
    ],
    "web_vitals": [
        {"ts": NANOS // 10**6, "name": "lcp", "seconds": 2.5, "page": "/cart", "app": "shop",
         "attrs": {"geo.region": "eu", "mobile": "1"}, "payload": '{"debug":{"target":"img"}}'},
        {"ts": NANOS // 10**6 + 5000, "name": "cls", "seconds": 0.1, "page": "/cart", "app": "shop"},
        {"ts": NANOS // 10**6, "name": "lcp", "seconds": 9, "page": "/", "app": "blog"},
    ],
    "events": [
        {"event_id": "e1", "at": _at(), "type": "TypeError", "message": "it's \\ odd", "session_id": "s1"},
        {"event_id": "e2", "at": _at(60), "type": "TypeError", "message": "y", "session_id": None},
    ],
    "frames": [{"event_id": f"e{i}", "exception_index": 0, "frame_index": j, "url": "a.js", "line": 7}
               for i in (1, 2, 3) for j in (0, 1)],
    "sessions": [{"session_id": "s1", "started_at": f"{NOON:%Y-%m-%d %H:%M:%S}",
                  "ended_at": f"{NOON + timedelta(hours=1):%Y-%m-%d %H:%M:%S}"}],
}  # fmt: skip


@pytest.fixture(params=["embedded", "http"])
def address(request, engine, tmp_path, monkeypatch) -> Any:
    """What stands behind the scheme, of either way to the same engine; the server wants a user and a password."""
    session, path = engine
    (tmp_path / "clickhouse.toml").write_text(MAPPING)
    if request.param == "embedded":
        return lambda system, query="": f"{system}+chdb://{path}?database=otel{'&' if query else ''}{query}"
    server = request.getfixturevalue("httpserver")
    monkeypatch.setenv("BLINDSPOT_CLICKHOUSE_TOKEN", "s3cret")

    def asked(call: Request) -> Response:
        if (call.headers.get("X-ClickHouse-User"), call.headers.get("X-ClickHouse-Key")) != ("reader", "s3cret"):
            return Response("Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)", 403)
        assert call.method == "GET"
        question, _, form = call.args["query"].rpartition(" FORMAT ")
        params = {name.removeprefix("param_"): value for name, value in call.args.items() if name.startswith("param_")}
        try:
            return Response(session.query(question, form, params=params).bytes(), 200)
        except RuntimeError as error:
            return Response(str(error), 404 if "UNKNOWN_" in str(error) else 400)

    server.expect_request("/").respond_with_handler(asked)
    host = f"http://{server.host}:{server.port}"
    return lambda system, query="": f"{system}+{host}/otel?user=reader{'&' if query else ''}{query}"


def test_spans_are_those_of_otlp(address):
    """The exporter wrote what an OTLP message said: both readings give the same rows."""
    ours = open_store(address("clickhouse-traces")).spans(trace_ids=[TRACE]).frame.collect()
    text = lambda pairs: [{"key": name, "value": {"stringValue": value}} for name, value in pairs.items()]  # noqa: E731
    start = NANOS + 123_456_789
    span = {
        "traceId": TRACE, "spanId": SPAN, "name": "SELECT promo", "kind": 3, "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 2_000_500), "status": {"code": 2, "message": "no such column"},
        "attributes": text({"db.query.text": "SELECT promo_pct", "server.port": "5432"}),
        "events": [{"timeUnixNano": str(NANOS + 124_000_000), "name": "exception",
                    "attributes": text({"exception.message": "no such column"})}],
    }  # fmt: skip
    resource = {"attributes": text({"service.name": "pricing", "deployment.environment": "production"})}
    rows = span_rows()
    message = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    read_request(json.dumps(message).encode(), "", rows)
    theirs = rows.frame().select(ours.columns)
    assert rows.refused == []
    assert ours.drop("attributes").equals(theirs.drop("attributes"))
    assert json.loads(ours["attributes"][0]) == json.loads(theirs["attributes"][0])


def test_spans_of_a_window(address):
    store = open_store(address("clickhouse-traces"))
    late = store.spans(window=Window(NOON + timedelta(seconds=60), NOON + timedelta(seconds=61))).frame.collect()
    assert late.select(
        "name", "kind", "status", "http_method", "http_status", "http_route", "parent_span_id"
    ).rows() == [("GET /cart", "server", "unset", "GET", 200, "/cart", SPAN)]
    assert store.spans(window=Window()).report.rows == 2
    assert store.check().ok


def test_recordings_are_put_together(address):
    store = open_store(address("hyperdx"))
    replays = store.replays(Window()).frame.collect()
    assert replays.select("replay_id", "started_at", "ended_at").rows() == [
        ("s1", NOON, NOON + timedelta(seconds=3)),
        ("s2", NOON + timedelta(seconds=90), NOON + timedelta(seconds=90)),
    ]
    events, report = store.replay_events("s1")
    rows = events.collect()
    assert rows["type"].to_list() == [4, 2, 3]
    assert json.loads(rows["data"][1]) == json.loads(WHOLE)["data"]
    assert [refused.reason for refused in report.refused] == ["an event of session s1 lacks its last chunks"]
    assert store.check().says == "recordings and errors can be read"


def test_spans_of_an_exporter_that_writes_json(address, engine):
    """The exporter's `json: true` (traces_json_table.sql): attributes are columns of JSON, objects within objects."""
    session, _ = engine
    named = TABLES.split(";")[0].replace(
        "CREATE TABLE otel.otel_traces", "CREATE OR REPLACE TABLE otel.otel_traces_json"
    )
    session.query(named.replace("Map(LowCardinality(String), String)", "JSON"))
    rows = "\n".join(map(json.dumps, ROWS["otel_traces"]))
    session.query(f"INSERT INTO otel.otel_traces_json FORMAT JSONEachRow {rows}")
    as_maps = open_store(address("clickhouse-traces")).spans(window=Window())
    as_json = open_store(address("clickhouse-traces", "table=otel_traces_json")).spans(window=Window())
    assert as_json.report.refused == ()
    ours, theirs = (fetched.frame.collect().sort("started_at") for fetched in (as_json, as_maps))
    assert ours.drop("attributes", "events").equals(theirs.drop("attributes", "events"))
    assert [json.loads(text) for text in ours["attributes"]] == [json.loads(text) for text in theirs["attributes"]]


def test_errors_of_hyperdxs_own_sdk_are_spans(address, engine):
    """`eventProcessor.ts` of hyperdx-js: an `exception` event for each of a chain, causes first, stacks as JSON."""
    session, _ = engine
    session.query(
        TABLES.split(";")[0].replace("CREATE TABLE otel.otel_traces", "CREATE OR REPLACE TABLE otel.rum_traces")
    )
    frame = {"function": "pay", "filename": "https://s/app.js", "lineno": 1, "colno": 99, "in_app": True}
    thrown = [
        {"exception.type": "SyntaxError", "exception.message": "bad JSON",
         "exception.parsed_stacktrace": json.dumps({"frames": [{**frame, "function": "parse", "colno": 5}]})},
        {"exception.type": "TypeError", "exception.message": "x is undefined — 大",
         "exception.parsed_stacktrace": json.dumps({"frames": [{**frame, "function": "?", "colno": 7}, frame]}),
         "exception.mechanism": '{"type":"onerror","handled":false}'},
    ]  # fmt: skip
    rum = {"rum.sessionId": "s1", "service.version": "a1b2c3d"}
    row = {
        "Timestamp": _at(2), "TraceId": TRACE, "SpanId": SPAN, "SpanName": "TypeError: x", "ServiceName": "shop",
        "ResourceAttributes": rum, "StatusCode": "Error",
        "SpanAttributes": {"location.href": "https://s/cart?a=1", "userId": "u1"},
        "Events.Timestamp": [_at(2), _at(2), _at(2)], "Events.Name": ["exception", "note", "exception"],
        "Events.Attributes": [thrown[0], {}, thrown[1]],
    }  # fmt: skip
    fetching = {**row, "SpanId": "ab" * 8, "Events.Timestamp": [], "Events.Name": [], "Events.Attributes": []}
    backend = {**row, "SpanId": "cd" * 8, "ResourceAttributes": {"service.name": "pricing"}}
    rows = "\n".join(map(json.dumps, (row, fetching, backend)))
    session.query(f"INSERT INTO otel.rum_traces FORMAT JSONEachRow {rows}")
    store = open_store(address("hyperdx", "traces=rum_traces&logs=no_logs"))
    events, report = store.events(Window(NOON, NOON + timedelta(seconds=60)))
    [one] = events.collect().to_dicts()
    said = ("at", "type", "message", "handled", "mechanism", "session_id", "release", "page_url", "trace_id", "span_id")
    assert tuple(one[name] for name in said) == (
        NOON + timedelta(seconds=2), "TypeError", "x is undefined — 大", False, "onerror", "s1", "a1b2c3d",
        "https://s/cart?a=1", TRACE, SPAN,
    )  # fmt: skip
    frames = store.frames(Window()).frame.collect().sort("exception_index", "frame_index")
    assert frames.select("event_id", "exception_index", "frame_index", "function", "column").rows() == [
        (one["event_id"], 0, 0, "pay", 99), (one["event_id"], 0, 1, None, 7), (one["event_id"], 1, 0, "parse", 5),
    ]  # fmt: skip
    assert "there is no `otel`.`no_logs`, whose errors are not here" in report.note
    with pytest.raises(SourceNotFound):
        open_store(address("hyperdx", "traces=no_traces&logs=no_logs")).events(Window())


def test_errors_are_those_of_browsers(address):
    [row] = open_store(address("hyperdx")).events(Window()).frame.collect().to_dicts()
    assert row["at"] == NOON + timedelta(seconds=2)
    said = ("type", "message", "session_id", "release", "trace_id", "route", "level")
    assert tuple(row[name] for name in said) == (
        "TypeError", "x is undefined", "s1", "a1b2c3d", TRACE, "/cart", "error",
    )  # fmt: skip
    assert row["stack"].endswith("at f (a.js:1:2)")


def test_own_tables_by_a_mapping(address, tmp_path):
    store = open_store(address("clickhouse", f"mapping={tmp_path}/clickhouse.toml"))
    rows = store.vitals(Window()).frame.collect()
    wanted = ["at", "metric", "value", "route", "region", "attribution", "device_class", "environment"]
    assert rows.select(wanted).rows() == [
        (NOON, "LCP", 2500.0, "/cart", "eu", "img", "mobile", "production"),
        (NOON + timedelta(seconds=5), "CLS", 0.1, "/cart", "", None, "desktop", "production"),
    ]
    assert store.vitals(Window(NOON + timedelta(seconds=5))).report.rows == 1
    assert store.name == "shop"
    assert store.has("events")
    assert not store.has("spans")


def test_own_tables_that_have_our_names(address):
    store = open_store(address("clickhouse"))
    assert store.events(Window(end=NOON + timedelta(seconds=1))).frame.collect()["message"].to_list() == ["it's \\ odd"]
    frames = store.frames(Window(NOON + timedelta(seconds=1))).frame.collect()
    assert frames.select("event_id", "frame_index", "line").rows() == [("e2", 0, 7), ("e2", 1, 7)]
    assert store.sessions(Window(NOON + timedelta(minutes=30), NOON + timedelta(hours=9))).report.rows == 1
    assert "events, frames, sessions" in store.check().says


@pytest.mark.parametrize("system", ["clickhouse-traces", "hyperdx", "clickhouse"])
def test_they_keep_the_contract(address, system):
    assert_conforms(open_store(address(system)))


def test_pages_lose_nothing_and_cut_no_moment_apart(address, monkeypatch, tmp_path):
    monkeypatch.setattr("connectors.clickhouse.PAGE", 1)
    for module in ("connectors.traces.clickhouse", "connectors.replay.hyperdx", "connectors.rum.clickhouse"):
        monkeypatch.setattr(f"{module}.PAGE", 1)
    traces = open_store(address("clickhouse-traces")).spans(window=Window())
    assert (traces.report.rows, traces.report.pages) == (2, 3)
    assert open_store(address("hyperdx")).replay_events("s1").frame.collect()["type"].to_list() == [4, 2, 3]
    store = open_store(address("clickhouse", f"mapping={tmp_path}/clickhouse.toml"))
    assert store.vitals(Window()).report.rows == 2
    assert store.frames(Window()).report.rows == 6


def test_what_comes_from_data_never_stands_in_a_statement(address):
    hostile = "s1' OR '1'='1"
    store = open_store(address("hyperdx"))
    assert store.replay_events(hostile).report.rows == 0
    spans = open_store(address("clickhouse-traces")).spans(trace_ids=[TRACE, "x') OR (1=1", "\\"])
    assert spans.report.rows == 1


def test_names_that_are_none_are_refused(address):
    with pytest.raises(AddressError, match="is no name of a table"):
        open_store(address("clickhouse-traces", "table=a;drop")).spans(window=Window())
    with pytest.raises(SourceNotFound, match="nowhere"):
        open_store(address("clickhouse-traces", "table=nowhere")).check()


def test_a_mapping_that_does_not_fit(address):
    columns = {"columns": {"at": {"column": "when", "unit": "s"}}}
    store = ClickHouseTables(address("clickhouse"), mapping={"tables": {"vitals": {"table": "web_vitals", **columns}}})
    report = store.vitals(Window()).report
    assert report.failed.startswith(
        "web_vitals: vitals.at is mapped to the column when, which is not there; there are: "
    )
    assert not report.complete
    gone = ClickHouseTables(address("clickhouse"), mapping={"tables": {"vitals": {"table": "gone"}}})
    with pytest.raises(SourceNotFound, match=r"has no table `otel`.`gone`, which vitals is mapped to; it has: events"):
        gone.vitals(Window())


def test_a_wrong_password_is_said_and_not_shown(engine, httpserver, monkeypatch):
    monkeypatch.setenv("BLINDSPOT_CLICKHOUSE_TOKEN", "wr0ng-secret")
    httpserver.expect_request("/").respond_with_data("Code: 516. DB::Exception: reader: Authentication failed", 403)
    store = open_store(f"clickhouse-traces+http://{httpserver.host}:{httpserver.port}/otel?user=reader")
    with pytest.raises(AuthError, match=r"set BLINDSPOT_CLICKHOUSE_TOKEN__\w+ or BLINDSPOT_CLICKHOUSE_TOKEN") as raised:
        store.check()
    assert "wr0ng-secret" not in str(raised.value)
    assert "wr0ng-secret" not in repr(store)


def test_an_answer_that_is_cut_is_no_empty_window(engine, httpserver):
    httpserver.expect_request("/").respond_with_data(b"PAR1 and then nothing")
    store = open_store(f"clickhouse+http://{httpserver.host}:{httpserver.port}/otel")
    with pytest.raises(FetchError, match="cannot be read"):
        store.check()


def test_the_engine_that_is_not_installed(monkeypatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("connectors.clickhouse.import_module", missing)
    with pytest.raises(MissingExtra, match="pip install chdb"):
        open_store("clickhouse+chdb:///nowhere")


def test_a_window_is_pushed_into_the_question(engine):
    """The engine says itself which parts of the table it would open."""
    session, path = engine
    store = open_store(f"clickhouse-traces+chdb://{path}?database=otel")
    questions = store.paged("TraceId", store.spans_table, TIME, Window(NOON, NOON + timedelta(hours=1)))
    sql, params = next(questions)
    for days, parts in ((0, "Parts: 1/1"), (1, "Parts: 0/1")):
        moved = {name: str(n + days * 86_400 * 10**9) for name, n in params.items()}
        plan = session.query(f"EXPLAIN indexes = 1 {sql}", "TSV", params=moved).bytes().decode()
        assert parts in plan
        assert "Condition" in plan


@pytest.mark.parametrize(
    ("system", "table", "rows"),
    [("clickhouse-traces", "spans", 2), ("hyperdx", "replay_events", 4), ("clickhouse", "events", 2)],
)
def test_sync_brings_it_into_a_lake(address, tmp_path, system, table, rows):
    """Slices are read at once by several threads, and reading again changes nothing."""
    window = {"since": NOON - timedelta(hours=1), "until": NOON + timedelta(hours=1)}
    for _ in range(2):
        sync(open_store(address(system)), tmp_path / "lake", **window)
    assert Lake.open(tmp_path / "lake").scan(table).collect().height == rows
