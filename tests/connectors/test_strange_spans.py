"""Any part of a trace, a log, a beacon or a lab result may be of a form that nobody promised: it costs only itself."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats import hyperdx, jaeger, lighthouse, otel_rows, otlp, rrweb, tempo, web_vitals, zipkin
from connectors.formats.attributes import span_rows
from connectors.formats.envelope import Received
from connectors.formats.rows import Rows
from connectors.formats.sentry_tables import SentryTables, read_envelope
from connectors.pages import page_of
from connectors.tables import EVENTS
from tests.connectors.test_strange_answers import ANYTHING, paths, replaced

TRACE, SPAN, PARENT = "4b" * 16, "0a" * 8, "0b" * 8
NANOS = "1741530000000001000"
OTLP = {
    "resourceSpans": [
        {
            "resource": {
                "attributes": [
                    {"key": "service.name", "value": {"stringValue": "pricing"}},
                    {"key": "process.command_args", "value": {"arrayValue": {"values": [{"stringValue": "node"}]}}},
                ]
            },
            "scopeSpans": [
                {
                    "scope": {"name": "http"},
                    "spans": [
                        {
                            "traceId": TRACE, "spanId": SPAN, "parentSpanId": PARENT, "name": "GET", "kind": 2,
                            "startTimeUnixNano": NANOS, "endTimeUnixNano": NANOS,
                            "attributes": [
                                {"key": "http.method", "value": {"stringValue": "GET"}},
                                {"key": "http.status_code", "value": {"intValue": "500"}},
                                {"key": "nested", "value": {"kvlistValue": {"values": [
                                    {"key": "share", "value": {"doubleValue": 1.5}}]}}},
                            ],
                            "events": [{"timeUnixNano": NANOS, "name": "exception", "attributes": []}],
                            "status": {"code": 2, "message": "no such column"},
                        }
                    ],
                }
            ],
        }
    ]
}  # fmt: skip
JAEGER = {
    "traceID": "a1",
    "spans": [
        {
            "traceID": "a1", "spanID": "b2", "operationName": "GET", "startTime": 1741530000000000, "duration": 2000,
            "references": [{"refType": "CHILD_OF", "traceID": "a1", "spanID": "c3"}], "flags": 1,
            "tags": [{"key": "span.kind", "type": "string", "value": "server"}], "processID": "p1", "warnings": None,
            "logs": [{"timestamp": 1741530000000000, "fields": [{"key": "event", "type": "string", "value": "e"}]}],
        }
    ],
    "processes": {"p1": {"serviceName": "pricing", "tags": [{"key": "host", "type": "string", "value": "x"}]}},
    "warnings": None,
}  # fmt: skip
ZIPKIN = {
    "traceId": TRACE, "id": SPAN, "parentId": PARENT, "kind": "SERVER", "name": "get", "timestamp": 1741530000000000,
    "duration": 2000, "localEndpoint": {"serviceName": "pricing", "ipv4": "127.0.0.1"}, "shared": True,
    "annotations": [{"timestamp": 1741530000000000, "value": "ws"}], "tags": {"http.status_code": "500"},
}  # fmt: skip
CLICKHOUSE = {
    "TraceId": TRACE, "SpanId": SPAN, "ParentSpanId": "", "SpanName": "SELECT", "SpanKind": "Client", "_ticks": NANOS,
    "ServiceName": "pricing", "ResourceAttributes": {"host.name": "x"}, "SpanAttributes": {"db.statement": "SELECT 1"},
    "Duration": "2000000", "StatusCode": "Error", "StatusMessage": "no such column", "Events.Timestamp": [NANOS],
    "Events.Name": ["exception"], "Events.Attributes": [{"exception.message": "x"}],
}  # fmt: skip
LOG = {
    "TraceId": TRACE, "SpanId": "", "SeverityText": "error", "ServiceName": "shop", "Body": "x is undefined",
    "ResourceAttributes": {"rum.sessionId": "s1"}, "LogAttributes": {"exception.type": "TypeError"}, "_ticks": NANOS,
}  # fmt: skip
CHUNK = {
    "Body": '{"type":3,"timestamp":1741530000500,"data":{"source":2}}', "ResourceAttributes": {"rum.sessionId": "s1"},
    "LogAttributes": {"rr-web.total-chunks": "1", "rr-web.chunk": "1", "rr-web.offset": "1"}, "_ticks": 7,
}  # fmt: skip
LIGHTHOUSE = {
    "lighthouseVersion": "12.0.0", "fetchTime": "2026-03-02T09:00:00Z", "requestedUrl": "https://shop.example/",
    "configSettings": {"formFactor": "mobile", "throttlingMethod": "simulate"},
    "audits": {"largest-contentful-paint": {"score": 0.6, "numericValue": 3100.5}, "speed-index": {"score": None}},
}  # fmt: skip
BEACON = {
    "time": 1741530000.5,
    "metrics": [{"name": "LCP", "value": 2612.5, "id": "v5-1", "rating": "poor", "attribution": {"target": "#a"}}],
}
SEGMENT = {
    "session_id": "s1", "page_view_id": "p1", "seq": 4,
    "events": [{"type": 3, "timestamp": 1741530000500, "data": {"source": 0, "adds": []}}],
}  # fmt: skip
TRANSACTION = {
    "type": "transaction", "platform": "javascript", "transaction": "/cart", "start_timestamp": 1741530000,
    "timestamp": 1741530002, "release": "a1", "request": {"url": "https://shop.example/cart"},
    "contexts": {"trace": {"trace_id": TRACE, "span_id": SPAN, "op": "pageload", "status": "ok", "data": {"a": 1}}},
    "spans": [
        {"span_id": PARENT, "trace_id": TRACE, "parent_span_id": SPAN, "op": "http.client", "description": "GET /a",
         "start_timestamp": 1741530001, "timestamp": 1741530001.2, "status": "ok", "data": {"http.method": "GET"}}
    ],
}  # fmt: skip
STREAMED = {
    "version": 2,
    "items": [
        {"trace_id": TRACE, "span_id": SPAN, "name": "GET /a", "start_timestamp": 1741530000.1, "status": "ok",
         "end_timestamp": 1741530000.35, "attributes": {"sentry.op": {"value": "http.client", "type": "string"}}}
    ],
}  # fmt: skip


def as_tempo() -> dict[str, Any]:
    said = copy.deepcopy(OTLP)
    span = said["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    for key in ("traceId", "spanId", "parentSpanId"):
        span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    return {"trace": said}


def of_rows(make: Callable[[], Rows], read: Callable[[bytes, Rows], None]) -> Callable[[bytes], list[Rows]]:
    def reader(raw: bytes) -> list[Rows]:
        rows = make()
        read(raw, rows)
        return [rows]

    return reader


def of_envelope(kind: str) -> Callable[[bytes], list[Rows]]:
    def reader(raw: bytes) -> list[Rows]:
        out = SentryTables()
        read_envelope(Received(b'{}\n{"type":"%s"}\n%s' % (kind.encode(), raw), None), "here", out)
        return list(vars(out).values())

    return reader


def of_form(form: Any, read: Callable[[Any, Rows], None]) -> Callable[[bytes, Rows], None]:
    """What a connector asks `Answer.json` for: an answer of another form is one sentence there, and no row."""

    def reader(raw: bytes, rows: Rows) -> None:
        try:
            said = msgspec.json.decode(raw, type=form)
        except msgspec.MsgspecError as error:
            return rows.refuse("here", str(error))
        return read(said, rows)

    return reader


def read_recordings(raw: bytes, rows: Rows) -> None:
    recordings = hyperdx.Recordings(rows)
    recordings.read([raw], "here")
    recordings.end()


CASES: dict[str, tuple[Callable[[bytes], list[Rows]], Any]] = {
    "otlp": (of_rows(span_rows, lambda raw, rows: otlp.read_request(raw, "here", rows)), OTLP),
    "tempo": (
        of_rows(span_rows, of_form(tempo.Answered, lambda said, rows: tempo.read_trace(said, "here", rows))),
        as_tempo(),
    ),
    "jaeger": (of_rows(span_rows, of_form(jaeger.Trace, jaeger.read_trace)), JAEGER),
    "zipkin": (
        of_rows(
            span_rows, of_form(list[msgspec.Raw], lambda spans, rows: zipkin.read_trace(spans, "here", rows))
        ),
        [ZIPKIN],
    ),
    "otel_traces": (of_rows(span_rows, lambda raw, rows: otel_rows.read_span(raw, "here", rows)), CLICKHOUSE),
    "otel_logs": (
        of_rows(lambda: Rows(EVENTS), lambda raw, rows: otel_rows.read_error_log(raw, "here", rows)), LOG
    ),
    "hyperdx": (of_rows(rrweb.replay_event_rows, read_recordings), CHUNK),
    "lighthouse": (
        of_rows(
            lighthouse.lab_rows, lambda raw, rows: lighthouse.read_result(raw, "here", rows, lighthouse.Run("r1"))
        ),
        LIGHTHOUSE,
    ),
    "beacon": (of_rows(web_vitals.vital_rows, lambda raw, rows: web_vitals.read_beacon(raw, "here", rows)), BEACON),
    "rrweb": (of_rows(rrweb.replay_event_rows, lambda raw, rows: rrweb.read_segment(raw, "here", rows)), SEGMENT),
    "transaction": (of_envelope("transaction"), TRANSACTION),
    "streamed spans": (of_envelope("span"), STREAMED),
    "single span": (of_envelope("span"), TRANSACTION["spans"][0]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_they_are_read_as_they_are(name):
    reader, document = CASES[name]
    tables = reader(json.dumps(document).encode())
    assert sum(map(len, tables)) > 0
    assert [refused for rows in tables for refused in rows.refused] == []


@pytest.mark.parametrize("name", list(CASES))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_value_is_something_else(name, data):
    reader, document = CASES[name]
    path = data.draw(st.sampled_from(paths(document)))
    batch = page_of(reader(json.dumps(replaced(document, path, data.draw(ANYTHING))).encode()), "key")
    assert all(refused.place and refused.reason for refused in batch.refused)


@pytest.mark.parametrize(
    "value",
    [{"arrayValue": None}, {"arrayValue": {"values": None}}, {"arrayValue": 1}, {"kvlistValue": {"values": [{}, 1]}},
     {"kvlistValue": {"values": [{"key": None, "value": {"stringValue": "a"}}, {"key": "k", "value": 7}]}}],
)  # fmt: skip
def test_an_attribute_of_another_shape_costs_no_span(value):
    document = replaced(OTLP, ("resourceSpans", 0, "scopeSpans", 0, "spans", 0, "attributes", 2, "value"), value)
    rows = span_rows()
    otlp.read_request(json.dumps(document).encode(), "here", rows)
    assert rows.frame().select("service", "http_status").rows() == [("pricing", 500)]


@pytest.mark.parametrize("broken", [{"p1": 7}, {"p1": {"serviceName": 7}}, {"p1": {"tags": [None]}}, {}, None])
def test_a_process_of_another_shape_costs_its_spans_the_service(broken):
    rows = span_rows()
    jaeger.read_trace(msgspec.json.decode(json.dumps({**JAEGER, "processes": broken}), type=jaeger.Trace), rows)
    assert rows.frame().select("service", "kind").rows() == [(None, "server")]
    assert [refused.place for refused in rows.refused] == (["trace a1 process p1"] if broken else [])


def test_what_go_leaves_null_in_jaegers_answers():
    """A nil slice of Go is `null` in JSON: logs without fields, spans without tags, a trace without spans."""
    span = {**JAEGER["spans"][0], "tags": None, "references": None, "logs": [{"timestamp": 1, "fields": None}]}
    rows = span_rows()
    for spans in ([span], None):
        jaeger.read_trace(msgspec.json.decode(json.dumps({**JAEGER, "spans": spans}), type=jaeger.Trace), rows)
    assert rows.frame().select("service", "kind", "parent_span_id").rows() == [("pricing", "internal", None)]
    assert rows.refused == []


@pytest.mark.parametrize(
    ("change", "started", "lasted"),
    [({}, 1741530000000000, 2000), ({"duration": None}, 1741530000000000, None),
     ({"timestamp": None, "annotations": [{"timestamp": 1741530000000007, "value": "ws"}]}, 1741530000000007, 2000)],
)  # fmt: skip
def test_a_zipkin_span_that_is_incomplete(change, started, lasted):
    """zipkin2-api.yaml: both may be absent where a span is shared or was never finished; annotations have times."""
    rows = span_rows()
    zipkin.read_trace([msgspec.Raw(json.dumps({**ZIPKIN, **change}).encode())], "here", rows)
    [row] = rows.frame().to_dicts()
    assert (int(row["started_at"].timestamp() * 1e6 + 0.5), row["duration_us"]) == (started, lasted)
