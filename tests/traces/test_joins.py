"""Every reason for a missing trace or recording, each from a case made for it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from connectors.tables import EVENTS, REPLAYS, REQUESTS, SESSIONS, SPANS, conform
from tests.traces.spans import NOON, browser, span, spans, swallowed_failure
from workbench.traces.joins import all_2xx, replay_joins, trace_joins

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def event(**more: object) -> pl.DataFrame:
    row = {"event_id": "e1", "at": NOON, "user_agent": CHROME, "trace_id": TRACE, **more}
    return conform(pl.DataFrame([row]), EVENTS)


def said(*, in_trace: list[dict], event: pl.DataFrame, requests: pl.DataFrame | None = None) -> tuple[bool, str]:
    other = [span("other", trace_id="another", kind="server"), browser("other page", trace_id="another")]
    joined = trace_joins(event, spans(*in_trace, *other), requests)
    assert joined["event_id"].to_list() == event["event_id"].to_list()
    return joined.select("has_backend", "reason").row(0)


@pytest.mark.parametrize(
    ("change", "in_trace", "expected"),
    [
        ({}, [span("api", trace_id=TRACE)], "joined"),
        ({}, [span("api", trace_id="0" * 16 + TRACE[16:])], "joined"),  # Datadog keeps the low 64 bits
        ({}, [span("api", trace_id="1" + TRACE[1:])], "unsampled"),  # equal low bits are not enough for 128-bit ids
        ({"trace_id": None}, [], "no_trace_id"),
        ({"trace_id": None, "user_agent": GOOGLEBOT}, [], "bot_not_traced"),
        ({"user_agent": GOOGLEBOT}, [], "bot_not_traced"),
        ({"user_agent": GOOGLEBOT}, [span("api", trace_id=TRACE)], "joined"),
        ({"user_agent": None}, [], "unsampled"),
        ({}, [], "unsampled"),
        (
            {"tags": [{"key": "sampled", "value": "False"}]},
            [browser("fetch", trace_id=TRACE, kind="client")],
            "unsampled",
        ),
        ({}, [browser("fetch", trace_id=TRACE, kind="client")], "not_in_backend"),
        ({}, [browser("page", trace_id=TRACE)], "no_backend_call"),
        ({"at": NOON - timedelta(hours=2)}, [], "outside_window"),
    ],
)
def test_every_reason_for_a_missing_trace(change, in_trace, expected):
    assert said(in_trace=in_trace, event=event(**change)) == (expected == "joined", expected)


def test_requests_tell_of_calls_whose_browser_spans_were_not_sent():
    requests = conform(pl.DataFrame({"at": [NOON], "trace_id": [TRACE], "url": ["/api/cart"]}), REQUESTS)
    assert said(in_trace=[], event=event(), requests=requests) == (False, "not_in_backend")


def test_without_browser_spans_nobody_knows_whether_it_was_sampled():
    only_backend = spans(span("api", trace_id="another"))
    assert trace_joins(event(), only_backend)["reason"].to_list() == ["not_in_backend"]


def test_an_empty_backend_is_said_to_be_empty():
    joined = trace_joins(event(), SPANS.empty())
    assert joined.select("reason", "detail").rows() == [("no_backend_spans", "the trace backend gave no span at all")]


def test_one_row_an_event_in_their_order():
    three = pl.concat([event(event_id="e3"), event(event_id="e1", trace_id=None), event(event_id="e2", trace_id="x")])
    joined = trace_joins(three, spans(*swallowed_failure(TRACE), *swallowed_failure(TRACE)))
    assert joined.select("event_id", "has_backend").rows() == [("e3", True), ("e1", False), ("e2", False)]
    assert trace_joins(three.clear(), SPANS.empty()).is_empty()


def replays(**more: object) -> pl.DataFrame:
    row = {
        "replay_id": "r1", "session_id": "s1", "started_at": NOON - timedelta(seconds=30),
        "ended_at": NOON + timedelta(seconds=30), **more,
    }  # fmt: skip
    return conform(pl.DataFrame([row]), REPLAYS)


SESSION = conform(pl.DataFrame({"session_id": ["s1", "s2"], "started_at": [NOON, NOON]}), SESSIONS)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"session_id": "s1"}, ("r1", "joined", "the recording shows it", 30_000)),
        ({"replay_id": "r1"}, ("r1", "joined", "the recording shows it", 30_000)),
        (
            {"session_id": "s1", "at": NOON + timedelta(seconds=34)},
            ("r1", "joined", "the recording shows it", 64_000),
        ),
        (
            {"session_id": "s1", "at": NOON + timedelta(seconds=42)},
            (None, "outside_recording", "the recording ended 12.0 s before it", None),
        ),
        (
            {"session_id": "s1", "at": NOON - timedelta(seconds=40)},
            (None, "outside_recording", "the recording began 10.0 s after it", None),
        ),
        ({}, (None, "no_session_id", "it names neither a session nor a recording", None)),
        (
            {"session_id": "s2", "replay_id": "gone"},
            (None, "not_kept", "it names recording gone, which the store does not have", None),
        ),
        (
            {"session_id": "s2", "replay_id": "s2"},  # the session's own id says nothing of a recording
            (
                None,
                "not_recorded",
                "the store has no recording of its session: sampled out, too short, or never begun",
                None,
            ),
        ),
        (
            {"session_id": "s2", "user_agent": GOOGLEBOT},
            (None, "bot_not_recorded", "the user agent is a crawler's", None),
        ),
        ({"session_id": "s9"}, (None, "unknown_session", "nothing else knows its session", None)),
    ],
)
def test_every_reason_for_a_missing_recording(change, expected):
    joined = replay_joins(event(**change), replays(), SESSION)
    assert joined.select("replay_id", "reason", "detail", "offset_ms").row(0) == expected
    assert joined["has_replay"].to_list() == [expected[1] == "joined"]


def test_of_two_recordings_of_a_session_the_one_that_shows_it():
    later = replays(replay_id="r2", started_at=NOON + timedelta(minutes=5), ended_at=NOON + timedelta(minutes=6))
    both = pl.concat([later, replays()])
    assert replay_joins(event(session_id="s1"), both)["replay_id"].to_list() == ["r1"]


def requests(*rows: tuple[str, int | None, str]) -> pl.DataFrame:
    frame = pl.DataFrame(
        [
            {
                "session_id": session, "at": NOON + timedelta(seconds=n), "method": "GET", "url": url,
                "endpoint": f"GET {url}", "status": status, "trace_id": f"trace of {session}",
            }
            for n, (session, status, url) in enumerate(rows)
        ],
        infer_schema_length=None,
    )  # fmt: skip
    return conform(frame, REQUESTS)


def test_an_inner_500_behind_a_200_is_all_2xx():
    rows = spans(*swallowed_failure("trace of s1"))
    (row,) = all_2xx(["s1"], requests(("s1", 200, "/api/cart")), rows).to_dicts()
    assert (row["all_2xx"], row["browser_answers"], row["backend_answers"], row["worst_status"]) == (True, 1, 1, 200)


def test_one_bad_answer_on_either_end_is_enough():
    seen = requests(("s1", 200, "/api/cart"), ("s1", 502, "/api/pay"), ("s2", 200, "/api/cart"))
    at_server = spans(
        span("a", trace_id="x", kind="server", http_status=404, name="GET /gone", attributes='{"session.id":"s2"}')
    )
    told = all_2xx(["s2", "s1"], seen, at_server)
    assert told.select("session_id", "all_2xx", "failing").rows() == [
        ("s2", False, ["GET /gone"]), ("s1", False, ["GET /api/pay"]),
    ]  # fmt: skip


def test_redirects_and_aborted_requests_are_no_failures():
    told = all_2xx(["s1", "s2"], requests(("s1", 303, "/login"), ("s1", 499, "/a"), ("s2", None, "/b")), SPANS.empty())
    assert told.select("all_2xx", "unanswered").rows() == [(True, 1), (None, 1)]


def test_other_peoples_hosts_can_be_left_out():
    seen = requests(("s1", 200, "/api"), ("s1", 200, "https://www.shop.test/a"), ("s1", 503, "https://ads.test/px"))
    assert all_2xx(["s1"], seen, SPANS.empty(), hosts=["shop.test"])["all_2xx"].to_list() == [True]
    assert all_2xx(["s1"], seen, SPANS.empty())["all_2xx"].to_list() == [False]


def test_a_trace_that_two_sessions_share_belongs_to_neither():
    shared = requests(("s1", 200, "/a"), ("s2", 200, "/b")).with_columns(trace_id=pl.lit("x"))
    failing = spans(span("a", trace_id="x", kind="server", http_status=500))
    assert all_2xx(["s1", "s2"], shared, failing)["all_2xx"].to_list() == [True, True]
