"""LogRocket exports in a folder: rows of the streaming export's table, lines of the session data export.

Of the table, its documentation as it could be read names the columns of navigation, of users and of sessions; those of
an exception and of a response are known by their groups (`exception_...`, `network_response_...`), and read so.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from connectors.folder import FolderSource
from connectors.stores import Window
from connectors.testing import assert_conforms

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
STACK = "TypeError: x is undefined\n    at pay (https://shop.example/app.js:1:99)"
TABLE = [
    {"event_type": "session", "app_id": "acme/shop", "user_id": "u1", "user_email": "someone@example.com",
     "session_id": "5-018f", "tab_id": 0, "seq_id": 1, "session_time": "2026-03-09T11:59:00Z",
     "updated_at": "2026-03-09T12:09:00Z"},
    {"event_type": "navigation", "user_id": "u1", "session_id": "5-018f", "tab_id": 0, "seq_id": 2,
     "session_time": "2026-03-09T11:59:01.250Z", "navigation_href": "https://shop.example/cart/17"},
    {"event_type": "networkResponse", "user_id": "u1", "session_id": "5-018f", "tab_id": 0, "seq_id": 7,
     "session_time": "2026-03-09T12:00:00Z", "network_response_url": "https://shop.example/api/pay",
     "network_response_method": "post", "network_response_status_code": 500, "network_response_duration": 120},
    {"event_type": "exception", "user_id": "u1", "session_id": "5-018f", "tab_id": 0, "seq_id": 8,
     "session_time": "2026-03-09T12:00:01Z", "exception_type": "TypeError", "exception_message": "x is undefined"},
    {"event_type": "click", "user_id": "u1", "session_id": "5-018f", "tab_id": 0, "seq_id": 9,
     "session_time": "2026-03-09T12:00:02Z", "click_href": "https://shop.example/cart/17"},
]  # fmt: skip
AT = int(NOON.timestamp() * 1000)
ABOUT = {
    "sessionId": "5-0190", "user": {"userId": "u2"},
    "metadata": {"release": "a1b2c3d", "country": "Ireland", "region": "Leinster", "browser": "Chrome",
                 "deviceType": "desktop"},
}  # fmt: skip
LINES = [
    {"eventType": "lr.Metadata", "timestamp": AT, **ABOUT},
    {"eventType": "network", "timestamp": AT + 500, **ABOUT,
     "network": {"url": "https://shop.example/api/cart/9", "method": "GET", "statusCode": 200, "duration": 30}},
    {"eventType": "error", "timestamp": AT + 1000, **ABOUT,
     "error": {"message": "x is undefined", "stack": STACK, "source": "https://shop.example/app.js"}},
    {"eventType": "console", "timestamp": AT + 2000, **ABOUT, "console": {"level": "error", "message": "no luck"}},
    {"eventType": "console", "timestamp": AT + 3000, **ABOUT, "console": {"level": "info", "message": "hello"}},
]  # fmt: skip


@pytest.fixture
def source(tmp_path) -> FolderSource:
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, TABLE)))
    (tmp_path / "session.jsonl").write_text("\n".join(map(json.dumps, LINES)))
    return FolderSource(tmp_path)


def test_it_keeps_the_contract(source):
    assert_conforms(source)


def test_errors_of_both_exports(source):
    rows = source.events(Window()).frame.select("at", "session_id", "type", "message", "stack", "release", "region")
    assert rows.collect().rows() == [
        (NOON.replace(second=1), "5-018f", "TypeError", "x is undefined", None, None, None),
        (NOON.replace(second=1), "5-0190", "TypeError", "x is undefined", STACK, "a1b2c3d", "Leinster"),
        (NOON.replace(second=2), "5-0190", None, "no luck", None, "a1b2c3d", "Leinster"),
    ]
    assert source.frames(Window()).report.rows == 0


def test_calls_and_pages(source):
    calls = source.requests(Window()).frame.select("session_id", "method", "endpoint", "status", "duration_ms")
    assert calls.collect().rows() == [
        ("5-018f", "POST", "POST /api/pay", 500, 120.0),
        ("5-0190", "GET", "GET /api/cart/:id", 200, 30.0),
    ]
    views = source.page_views(Window()).frame.select("page_view_id", "session_id", "route").collect()
    assert views.rows() == [("5-018f-0-2", "5-018f", "/cart/:id")]
    sessions = source.sessions(Window()).frame.select("session_id").collect()
    assert sorted(sessions["session_id"]) == ["5-018f", "5-0190"]


def test_what_these_exports_do_not_give(source):
    for table in ("vitals", "replays", "breadcrumbs"):
        assert getattr(source, table)(Window()).report.rows == 0


def test_a_broken_line_costs_itself(tmp_path):
    broken = [{**TABLE[3], "session_time": "noonish"}, {**LINES[2], "timestamp": None}]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, [*TABLE, *broken])))
    report = FolderSource(tmp_path).events(Window()).report
    assert report.rows == 1
    assert [refused.reason for refused in report.refused] == [
        "the event happened at 'noonish', not a time",
        "the event happened at None, not a time",
    ]
