"""FullStory segment exports in a folder, by the fields and event types of its developer documentation.

What an export holds, and what it does not, is what these tests say: no stacks, no recordings, failed calls only.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.folder import FolderSource
from connectors.stores import Window
from connectors.testing import assert_conforms

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
    "Mobile/15E148 Safari/604.1"
)


def event(second: int, kind: str, **said) -> dict:
    return {
        "IndvId": 5046452514, "UserId": 6171717171717171717, "SessionId": 5916567459329906423, "PageId": 3,
        "SessionStart": "2026-03-09T11:58:00Z", "UserAppKey": "customer-77", "UserEmail": "someone@example.com",
        "EventStart": (NOON + timedelta(seconds=second)).isoformat().replace("+00:00", "Z"), "EventType": kind,
        "PageStart": "2026-03-09T11:59:30Z", "PageUrl": "https://shop.example/cart/17?x=1", "PageDuration": 90000,
        "PageUserAgent": AGENT, "PageBrowser": "Mobile Safari", "PageBrowserVersion": "17.0", "PageDevice": "Mobile",
        "PageOperatingSystem": "iOS", "PageNumErrors": 2, "page_release_str": "a1b2c3d", "EventModFrustrated": 0,
        **said,
    }  # fmt: skip


SESSION = "6171717171717171717:5916567459329906423"
EVENTS = [
    event(-30, "navigate", EventSubType="reload"),
    event(-29, "load", LoadDomContentTime=812, LoadFirstPaintTime=900, LoadLargestPaintTime=4100, LoadEventTime=5000),
    event(0, "click", EventTargetText="Pay", EventTargetSelector="button#pay", EventModError=1),
    event(1, "exception", EventSubType="uncaught", EventTargetText="Cannot read properties of undefined",
          EventVarErrorKind="TypeError", EventWebSourceFileUrl="https://shop.example/assets/app.js"),
    event(2, "console_message", EventSubType="error", EventTargetText="payment failed"),
    event(3, "request", ReqUrl="https://shop.example/api/cart/17", ReqMethod="POST", ReqStatus=502, EventDuration=41),
    event(4, "cumulative_layout_shift", EventCumulativeLayoutShift=0.31),
    event(5, "navigate", EventSubType="navigate", PageId=4, PageUrl="https://shop.example/done",
          PageStart="2026-03-09T12:00:05Z"),
    event(6, "first_input_delay", EventFirstInputDelay=12),
]  # fmt: skip


@pytest.fixture(params=["ndjson", "json", "ndjson.gz"])
def source(request, tmp_path) -> FolderSource:
    listed = json.dumps(EVENTS) if request.param == "json" else "\n".join(map(json.dumps, EVENTS))
    raw = gzip.compress(listed.encode()) if request.param.endswith("gz") else listed.encode()
    (tmp_path / f"segment.{request.param}").write_bytes(raw)
    return FolderSource(tmp_path)


def test_it_keeps_the_contract(source):
    assert_conforms(source)


def test_errors_have_a_text_and_a_file_and_no_stack(source):
    events = source.events(Window()).frame.select("type", "message", "handled", "mechanism", "stack", "release")
    assert events.collect().rows() == [
        ("TypeError", "Cannot read properties of undefined", False, "exception", None, "a1b2c3d"),
        (None, "payment failed", None, "console", None, "a1b2c3d"),
    ]
    assert source.frames(Window()).report.rows == 0
    tags = source.events(Window()).frame.collect()["tags"].to_list()
    assert {"key": "EventWebSourceFileUrl", "value": "https://shop.example/assets/app.js"} in tags[0]
    assert {"key": "page_release_str", "value": "a1b2c3d"} in tags[0]


def test_what_an_extension_threw_is_told_by_its_address(tmp_path):
    extension = "chrome-extension://abcdefghijklmnop/content.js"
    (tmp_path / "segment.json").write_text(json.dumps([{**EVENTS[3], "EventWebSourceFileUrl": extension}]))
    frames = FolderSource(tmp_path).frames(Window()).frame.select("url", "line").collect()
    assert frames.rows() == [(extension, None)]


def test_pages_sessions_and_vitals(source):
    views = source.page_views(Window()).frame.select("page_view_id", "at", "route", "navigation_type", "device_class")
    assert views.collect().rows() == [
        (f"{SESSION}:3", NOON - timedelta(seconds=30), "/cart/:id", "reload", "mobile"),
        (f"{SESSION}:4", NOON + timedelta(seconds=5), "/done", "navigate", "mobile"),
    ]
    session = source.sessions(Window()).frame.collect().row(0, named=True)
    assert session["session_id"] == SESSION
    assert session["user_id"] not in (None, "customer-77")
    vitals = source.vitals(Window()).frame.select("metric", "value", "rating", "page_view_id").sort("metric").collect()
    assert vitals.rows() == [
        ("CLS", 0.31, "poor", f"{SESSION}:3"),
        ("FCP", 900.0, "good", f"{SESSION}:3"),
        ("FID", 12.0, None, f"{SESSION}:3"),
        ("LCP", 4100.0, "poor", f"{SESSION}:3"),
    ]


def test_failed_calls_are_requests(source):
    calls = source.requests(Window()).frame.select("method", "endpoint", "status", "duration_ms", "session_id")
    assert calls.collect().rows() == [("POST", "POST /api/cart/:id", 502, 41.0, SESSION)]


def test_there_are_no_recordings(source):
    report = source.replays(Window()).report
    assert report.rows == 0
    assert "looked for replays" in report.note


def test_a_line_without_a_time_costs_itself(tmp_path):
    lines = [*EVENTS, {**EVENTS[3], "EventStart": "yesterday"}]
    (tmp_path / "segment.ndjson").write_text("\n".join(map(json.dumps, lines)) + '\n{"EventType": "cli')
    report = FolderSource(tmp_path).events(Window()).report
    assert report.rows == 2
    assert [refused.place for refused in report.refused] == ["segment.ndjson:10", "segment.ndjson:11"]
    assert "skipped by design: " in report.note
