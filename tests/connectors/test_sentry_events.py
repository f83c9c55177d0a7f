"""Sentry's shapes as SDKs of several versions and languages send them."""

import json
import zlib

import pytest

from connectors.formats.envelope import Received, parse_envelope
from connectors.formats.sentry_event import About, EventTables, read_event
from connectors.formats.sentry_tables import SentryTables, read_envelope

BASE = {"event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "timestamp": "2026-03-09T15:21:52.250Z"}


def read(about: About | None = None, **event) -> EventTables:
    out = EventTables()
    read_event(json.dumps({**BASE, **event}).encode(), "e:1", out, *([about] if about else []))
    return out


def row(**event) -> dict:
    out = read(**event)
    assert out.events.refused == []
    return out.events.frame().row(0, named=True)


def test_the_event_is_the_last_of_its_exceptions_and_frames_are_turned_round():
    # causes come first in `exception.values`, and callers first in `frames` (develop.sentry.dev)
    cause = {
        "type": "TypeError",
        "value": "fetch failed",
        "stacktrace": {"frames": [{"filename": "a.js", "lineno": 1}]},
    }
    shown = {
        "type": "CheckoutError",
        "value": "no price",
        "mechanism": {"type": "generic", "handled": True, "exception_id": 0},
        "stacktrace": {
            "frames": [
                {"filename": "/b.js", "abs_path": "https://shop/b.js", "function": "?", "lineno": 0, "colno": 3},
                {"filename": "c.js", "function": "price", "lineno": 7, "colno": 12, "in_app": False},
            ]
        },
    }
    out = read(exception={"values": [cause, shown]})
    event = out.events.frame().row(0, named=True)
    assert (event["type"], event["message"], event["handled"], event["mechanism"]) == (
        "CheckoutError",
        "no price",
        True,
        "generic",
    )
    columns = ("exception_index", "frame_index", "url", "function", "line", "column", "in_app")
    assert out.frames.frame().select(columns).sort("exception_index", "frame_index").rows() == [
        (0, 0, "c.js", "price", 7, 12, False),
        (0, 1, "https://shop/b.js", None, None, 3, None),
        (1, 0, "a.js", None, 1, None, None),
    ]


@pytest.mark.parametrize("wrap", [lambda values: {"values": values}, lambda values: values])
def test_lists_with_and_without_an_interface_around(wrap):
    out = read(
        exception=wrap([{"type": "E", "value": "v"}]),
        breadcrumbs=wrap([{"timestamp": 1773069711, "category": "ui.click", "message": "a"}, None]),
        tags=[["session_id", "s1"], ["n", 3], None],
    )
    assert out.events.frame().select("type", "session_id").rows() == [("E", "s1")]
    assert out.breadcrumbs.frame()["message"].to_list() == ["a"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"message": "hello"}, "hello"),
        ({"logentry": {"message": "hello %s", "params": ["Maya"], "formatted": "hello Maya"}}, "hello Maya"),
        ({"message": {"message": "hello %s"}}, "hello %s"),
        ({}, None),
    ],
)
def test_a_message_without_an_exception_is_an_event_too(event, message):
    event = row(level="info", **event)
    assert (event["type"], event["message"], event["level"]) == (None, message, "info")


@pytest.mark.parametrize(
    ("event", "about", "replay_id"),
    [
        ({"contexts": {"replay": {"replay_id": "r1"}}, "tags": {"replayId": "r2"}}, About(replay_id="r3"), "r1"),
        ({"tags": {"replayId": "r2"}}, About(replay_id="r3"), "r2"),
        ({}, About(replay_id="r3"), "r3"),
        ({}, About(), None),
    ],
)
def test_where_a_replay_id_stands_and_which_counts(event, about, replay_id):
    assert read(about, **event).events.frame()["replay_id"].to_list() == [replay_id]


def test_debug_ids_join_frames_by_their_file():
    out = read(
        exception={
            "values": [
                {"stacktrace": {"frames": [{"filename": "https://shop/a.js"}, {"filename": "https://shop/b.js"}]}}
            ]
        },
        debug_meta={
            "images": [
                {
                    "type": "sourcemap",
                    "code_file": "https://shop/a.js",
                    "debug_id": "85314830-023F-4CF1-A267-535F4E37BB17",
                },
                None,
            ]
        },
    )
    assert dict(out.frames.frame().select("url", "debug_id").iter_rows()) == {
        "https://shop/a.js": "85314830-023f-4cf1-a267-535f4e37bb17",
        "https://shop/b.js": None,
    }


def test_who_where_and_in_what():
    event = row(
        release="a1b2c3d",
        dist=7,
        environment="production",
        fingerprint=["{{ default }}", "cart", None],
        user={"id": 42, "geo": {"country_code": "IE"}},
        request={"url": "https://shop/cart", "headers": [["user-agent", "Mozilla/5.0 Mobile"]]},
        transaction="/cart",
        contexts={"trace": {"trace_id": "4BF92F3577B34DA6A3CE929D0E0E4736", "span_id": "00f067aa0ba902b7"}},
    )
    assert event["dist"] == "7"
    assert event["user_id"] == "42"
    assert event["region"] == "IE"
    assert event["client_fingerprint"] == ["{{ default }}", "cart"]
    assert event["user_agent"] == "Mozilla/5.0 Mobile"
    assert event["route"] == "/cart"
    assert event["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert event["at"].isoformat() == "2026-03-09T15:21:52.250000+00:00"


def test_an_envelope_says_project_time_of_receipt_and_replay():
    header = {
        "event_id": BASE["event_id"],
        "dsn": "https://k@o1.ingest.example/4507",
        "trace": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "replay_id": "r9"},
    }
    payload = json.dumps({"timestamp": 1773069712, "message": "ü"})  # the id stands in the header only
    item = {"type": "event", "length": len(payload.encode())}
    out = SentryTables()
    text = "\n".join([json.dumps(header), json.dumps(item), payload, ""])
    read_envelope(Received(text.encode(), 1773069713000000), "e:1", out)
    event = out.events.frame().row(0, named=True)
    assert (event["event_id"], event["project"], event["replay_id"]) == (BASE["event_id"], "4507", "r9")
    assert (event["received_at"] - event["at"]).total_seconds() == 1


def test_payloads_with_newlines_and_bytes_are_cut_by_length():
    recording = b'{"segment_id":0}\n' + zlib.compress(b"[]") + b"\n\n"
    raw = b"".join(
        [
            b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n',
            b'{"type":"attachment","length":5,"filename":"a\\n.txt"}\na\nb\nc\n',
            b'{"type":"replay_recording","length":%d}\n' % len(recording) + recording + b"\n",
            b'{"type":"event"}\n{"message":"hi"}',
        ]
    )
    envelope = parse_envelope(raw)
    assert [(item.type, item.payload) for item in envelope.items] == [
        ("attachment", b"a\nb\nc"),
        ("replay_recording", recording),
        ("event", b'{"message":"hi"}'),
    ]
    assert envelope.broken == []


def test_requests_among_breadcrumbs():
    out = read(
        tags={"session_id": "s1"},
        breadcrumbs=[
            {
                "timestamp": 1773069711,
                "category": "fetch",
                "data": {"method": "post", "url": "/api/cart", "status_code": 200},
            },
            {
                "timestamp": 1773069711,
                "category": "xhr",
                "data": {"method": "GET", "url": "/api/x", "status_code": "503"},
            },
            {
                "timestamp": 1773069711,
                "category": "fetch",
                "level": "error",
                "data": {"method": "GET", "url": "/api/y"},
            },
            {"timestamp": 1773069711, "category": "fetch", "data": None},
            {"timestamp": 1773069711, "category": "navigation", "data": {"from": "/", "to": "/cart"}},
        ],
    )
    assert out.requests.frame().select("session_id", "method", "url", "status", "initiator").rows() == [
        ("s1", "POST", "/api/cart", 200, "breadcrumb"),
        ("s1", "GET", "/api/x", 503, "breadcrumb"),
        ("s1", "GET", "/api/y", None, "breadcrumb"),
    ]
    assert json.loads(out.breadcrumbs.frame()["data"][4]) == {"from": "/", "to": "/cart"}


def test_one_span_in_both_forms_is_one_row():
    ids = {
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "b7ad6b7169203331",
        "parent_span_id": "00f067aa0ba902b7",
    }
    streamed = {
        **ids,
        "name": "GET /api/cart",
        "start_timestamp": 1773069711.1,
        "end_timestamp": 1773069711.4,
        "status": "error",
        "is_segment": False,
        "attributes": {
            "sentry.op": {"value": "http.client", "type": "string"},
            "http.request.method": {"value": "GET", "type": "string"},
            "http.response.status_code": {"value": 500, "type": "integer"},
            "url.full": {"value": "https://shop/api/cart", "type": "string"},
        },
    }
    child = {
        **ids,
        "description": "GET /api/cart",
        "op": "http.client",
        "start_timestamp": 1773069711.1,
        "timestamp": 1773069711.4,
        "status": "internal_error",
        "data": {"http.method": "GET", "http.response.status_code": 500, "url": "https://shop/api/cart"},
    }
    transaction = {
        "type": "transaction",
        "transaction": "/cart",
        "start_timestamp": 1773069711,
        "timestamp": 1773069712,
        "contexts": {"trace": {"trace_id": ids["trace_id"], "span_id": ids["parent_span_id"], "op": "pageload"}},
        "spans": [child],
    }
    out = SentryTables()
    for kind, payload in (("span", {"version": 2, "items": [streamed]}), ("transaction", transaction)):
        text = "\n".join(["{}", json.dumps({"type": kind}), json.dumps(payload)])
        read_envelope(Received(text.encode(), None), kind, out)
    spans = out.spans.frame().drop("attributes", "status_message").filter(span_id=ids["span_id"])
    assert spans.row(0) == spans.row(1)
    assert spans.row(0, named=True)["url"] == "https://shop/api/cart"
    assert (spans["kind"][0], spans["side"][0], spans["status"][0], spans["duration_us"][0]) == (
        "client",
        "browser",
        "error",
        300_000,
    )
    assert len(out.spans) == 3


@pytest.mark.parametrize(
    ("sdk", "side"),
    [
        ("sentry.javascript.react", "browser"),
        ("sentry.javascript.node", "backend"),
        ("sentry.java", "backend"),
        (None, "browser"),
    ],
)
def test_a_servers_spans_stand_on_the_backend_side(sdk, side):
    span = {
        "trace_id": "4" * 32,
        "span_id": "5" * 16,
        "name": "GET /",
        "start_timestamp": 1773069711,
        "end_timestamp": 1773069712,
    }
    span["attributes"] = {"sentry.sdk.name": {"value": sdk, "type": "string"}}
    out = SentryTables()
    text = "\n".join(["{}", '{"type":"span"}', json.dumps({"items": [span]})])
    read_envelope(Received(text.encode(), None), "e", out)
    assert out.spans.frame()["side"].to_list() == [side]


def test_a_single_span_as_versions_8_to_10_send_inp():
    """`createSpanEnvelopeItem` of sentry-javascript: no container, and no content type in the item's header."""
    span = {
        "trace_id": "4" * 32, "span_id": "5" * 16, "op": "ui.interaction.click", "description": "button#pay",
        "start_timestamp": 1773069711, "timestamp": 1773069711.24, "exclusive_time": 240, "is_segment": True,
        "origin": "auto.http.browser.inp", "measurements": {"inp": {"value": 240, "unit": "millisecond"}},
        "data": {"sentry.origin": "auto.http.browser.inp", "release": "a1b2c3d", "transaction": "/cart/:id"},
    }  # fmt: skip
    out = SentryTables()
    read_envelope(Received("\n".join(["{}", '{"type":"span"}', json.dumps(span)]).encode(), None), "e", out)
    assert out.spans.frame().select("name", "side", "kind", "duration_us", "parent_span_id").rows() == [
        ("button#pay", "browser", "internal", 240_000, None),
    ]
    assert out.spans.refused == []
