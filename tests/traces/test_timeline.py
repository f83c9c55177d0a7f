"""One order of everything: what is told once, what is found by which id, and where offsets count from."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest

from connectors.exceptions import ParameterError
from connectors.tables import (
    BREADCRUMBS,
    EVENTS,
    PAGE_VIEWS,
    RELEASES,
    REPLAYS,
    REQUESTS,
    SESSIONS,
    TIME,
    VITALS,
    Table,
    conform,
)
from tests.replay.pages import at as when
from tests.replay.pages import click, element, entry, meta, mutation, recording, snapshot, text
from tests.traces.spans import NOON, spans, swallowed_failure
from workbench.replay.dom import blank_pages, replay_marks
from workbench.traces.timeline import TIMELINE, timeline

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def rows(table: Table, *given: dict) -> pl.DataFrame:
    """Canonical rows; times are milliseconds from noon."""
    timed = [{key: when(value) if table.schema[key] == TIME else value for key, value in row.items()} for row in given]
    return conform(pl.DataFrame(timed, infer_schema_length=None), table)


def everything() -> dict[str, pl.DataFrame]:
    """A session: a page, a click, a request that hides a failure, an error, a call to support; and another session."""
    mine = {"session_id": "s1", "page_view_id": "p1"}
    button = element(10, "button", text(11, "Pay now"))
    field = element(12, "input", name="email")
    replay = recording(
        meta(120), snapshot(130, button, field), click(3000, 10), entry(2000, 12, "****"), entry(2100, 12, "*****"),
        mutation(5100, removes=[(6, 10), (6, 12)]), replay_id="r1",
    )  # fmt: skip
    replay = replay.with_columns(session_id=pl.lit("s1"))
    crumb = {"event_id": "e1", "category": "ui.click", "message": "main > form > button.pay"}
    return {
        "events": rows(
            EVENTS,
            {"event_id": "e1", "at": 5000, "type": "TypeError", "message": "x is undefined", "trace_id": TRACE, **mine},
            {"event_id": "e2", "at": 5000, "type": "Error", "message": "of another session", "session_id": "s2"},
            {"event_id": "e3", "at": 9000, "type": "Error", "message": "of no session"},
        ),
        "requests": rows(
            REQUESTS,
            {
                "session_id": "s1", "at": 3200, "method": "GET", "url": "http://shop.test/api/cart", "status": 200,
                "endpoint": "GET /api/cart", "duration_ms": 900.0, "trace_id": TRACE, "initiator": "span",
            },
            {
                "session_id": "s1", "event_id": "e1", "at": 4130, "method": "GET", "url": "/api/cart", "status": 200,
                "endpoint": "GET /api/cart", "initiator": "breadcrumb",
            },
            {
                "session_id": "s1", "event_id": "e1", "at": 4140, "method": "GET", "url": "/api/stock/7", "status": 404,
                "endpoint": "GET /api/stock/:id", "initiator": "breadcrumb",
            },
        ),
        "breadcrumbs": rows(
            BREADCRUMBS,
            {**crumb, "at": 3010},
            {**crumb, "at": 3010},
            {"event_id": "e1", "at": 4130, "category": "fetch", "data": json.dumps({"url": "/api/cart"})},
            {
                "event_id": "e1", "at": 4995, "category": "console", "level": "error",
                "message": "TypeError: x is undefined at a.js",
            },
            {"event_id": "e1", "at": 4300, "category": "console", "level": "warning", "message": "slow"},
            {"event_id": "e1", "at": 110, "category": "navigation", "data": json.dumps({"from": "/", "to": "/cart"})},
        ),
        "page_views": rows(PAGE_VIEWS, {"at": 100, "page_url": "http://shop.test/", "trace_id": TRACE, **mine}),
        "vitals": rows(
            VITALS,
            {"at": 1000, "metric": "LCP", "value": 2600.0, "rating": "needs-improvement", "page_url": "/", **mine},
            {"at": 5500, "metric": "LCP", "value": 4100.0, "rating": "poor", "page_url": "/", **mine},
            {"at": 5500, "metric": "CLS", "value": 0.123, "rating": "needs-improvement", "page_url": "/", **mine},
        ),
        "sessions": rows(
            SESSIONS, {"session_id": "s1", "started_at": 0, "ended_at": 6000, "contacted_support": True},
            {"session_id": "s2", "started_at": 0, "contacted_support": True},
        ),
        "replays": rows(REPLAYS, {"replay_id": "r1", "session_id": "s1", "started_at": 120, "ended_at": 5100}),
        "releases": rows(
            RELEASES, {"release": "a" * 40, "deployed_at": -90_000}, {"release": "b" * 40, "deployed_at": 2500},
        ),
        "spans": spans(*swallowed_failure(TRACE)),
        "marks": replay_marks(replay),
        "blank_pages": blank_pages(replay),
    }  # fmt: skip


EXPECTED = [
    (-4900, "page", "page /", ["page_views", "replay"]),
    (-4890, "page", "page /cart", ["breadcrumbs"]),
    (-4860, "span", "pricing SELECT shop failed", ["spans"]),
    (-3000, "input", "entry in field email", ["replay"]),
    (-2500, "deploy", "release bbbbbbbbbbbb deployed", ["releases"]),
    (-2000, "click", "click on button Pay now", ["replay", "breadcrumbs"]),
    (-1800, "request", "GET /api/cart → 200", ["requests (span)", "requests (breadcrumb)"]),
    (-860, "request", "GET /api/stock/:id → 404", ["requests (breadcrumb)"]),
    (-700, "breadcrumb", "console: slow", ["breadcrumbs"]),
    (0, "error", "TypeError: x is undefined", ["events", "breadcrumbs"]),
    (100, "page", "the page goes blank", ["replay"]),
    (500, "vital", "LCP 4.1 s", ["vitals"]),
    (500, "vital", "CLS 0.12", ["vitals"]),
    (1000, "support", "contacted support", ["sessions"]),
]


@pytest.mark.parametrize(
    "any_id", ["e1", "s1", "r1", TRACE, TRACE.upper(), "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "p1"]
)
def test_each_thing_is_told_once_whatever_id_is_given(any_id):
    told = timeline(any_id, zero=NOON + timedelta(seconds=5), **everything())
    assert told.select("offset_ms", "kind", "title", "sources").rows() == EXPECTED
    assert told.schema == TIMELINE


@pytest.mark.parametrize(
    ("any_id", "zero"),
    [("e1", 5000), ("s1", 5000), ("r1", 5000), ("p1", 100), (TRACE, 0), ("select", 140)],
)
def test_offsets_count_from_what_was_asked_for(any_id, zero):
    told = timeline(any_id, **everything())
    at_zero = told.with_columns(at=pl.col("at") - pl.duration(milliseconds="offset_ms"))["at"].unique()
    assert at_zero.to_list() == [when(zero)]


def test_the_swallowed_failure_says_who_answered_200():
    told = timeline("e1", **everything()).filter(kind="span")
    assert told["detail"].to_list() == ["no such column: promo_pct · shop GET /api/cart answered 200 all the same"]
    assert told["severity"].to_list() == ["error"]


def test_ids_lead_on():
    told = timeline("e1", **everything()).filter(kind="error")
    assert told["ids"].to_list() == [
        {
            "event_id": "e1",
            "session_id": "s1",
            "page_view_id": "p1",
            "trace_id": TRACE,
            "span_id": None,
            "replay_id": None,
        }
    ]


def test_an_event_of_no_session_stands_alone():
    told = timeline("e3", **everything())
    assert told.select("offset_ms", "title").rows() == [(0, "Error: of no session")]


def test_a_trace_of_no_session_tells_its_failures():
    told = timeline(TRACE, spans=everything()["spans"])
    assert told["title"].to_list() == ["pricing SELECT shop failed"]


def test_support_tells_its_own_time_where_it_is_known():
    tables = everything()
    support = pl.DataFrame({"session_id": ["s1", "s2"], "at": [when(5800), when(1)]})
    told = timeline("e1", support=support, **tables).filter(kind="support")
    assert told.select("offset_ms", "sources", "detail").rows() == [(800, ["support"], None)]
    told = timeline("e1", support=support, events=tables["events"]).filter(kind="support")
    assert told["offset_ms"].to_list() == [800]


def test_two_equal_requests_stay_two():
    polled = [
        {"session_id": "s1", "at": at, "method": "GET", "url": "/poll", "duration_ms": 5.0, "initiator": "span"}
        for at in (0, 400)
    ]
    echo = [
        {"session_id": "s1", "event_id": "e", "at": at, "method": "GET", "url": "/poll", "initiator": "breadcrumb"}
        for at in (6, 406)
    ]
    told = timeline("s1", requests=rows(REQUESTS, *polled, *echo))
    assert told["offset_ms"].to_list() == [0, 400]
    assert told["sources"].list.len().to_list() == [2, 2]


def test_an_unknown_id_says_where_it_was_looked_for():
    with pytest.raises(ParameterError, match=r"nothing has the id 'nope'; looked in events, requests, .*spans"):
        timeline("nope", **everything())
