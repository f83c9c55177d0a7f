"""The same event in the shapes that SDKs of other years and pages of other makes give it, through each way in.

Each variation changes events of the incident as they were sent; then envelopes, Sentry's and GlitchTip's REST forms,
Bugsink's, and (as far as it carries them) Datadog's must still give equal rows.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from connectors.formats.bugsink import read_detail
from connectors.formats.datadog_rum import read_rum_event
from connectors.formats.envelope import Received
from connectors.formats.rum_tables import RumTables
from connectors.formats.sentry_event import EventTables
from connectors.formats.sentry_rest import read_rest_event
from connectors.formats.sentry_tables import SentryTables, read_envelope
from connectors.pages import page_of
from tests.connectors.same_incident import CARRIES, as_datadog, comparable, group_of, incident
from tests.connectors.sentry_server import glitchtip_event, rest_event
from workbench.errors.grouping import group_events

Event = dict[str, Any]
VARIATIONS: dict[str, Callable[[Event], None]] = {}


def variation(change: Callable[[Event], None]) -> Callable[[Event], None]:
    VARIATIONS[change.__name__.replace("_", " ")] = change
    return change


@variation
def as_it_was(event: Event) -> None:
    """Nothing changed."""


@variation
def a_chain_of_causes(event: Event) -> None:
    """`LinkedErrors`: causes stand before the error that was thrown last, with ids of the chain in their mechanism."""
    for thrown in (event.get("exception") or {}).get("values", [])[-1:]:
        causes = []
        for number, kind in ((2, "SyntaxError"), (1, "DOMException")):
            cause = copy.deepcopy(thrown)
            cause |= {
                "type": kind,
                "value": f"cause {number}",
                "mechanism": {
                    "type": "chained",
                    "handled": True,
                    "source": "cause",
                    "exception_id": number,
                    "parent_id": number - 1,
                },
            }
            causes.append(cause)
        event["exception"]["values"] = [*causes, thrown]


@variation
def without_stacks(event: Event) -> None:
    for thrown in (event.get("exception") or {}).get("values", []):
        thrown.pop("stacktrace", None)


@variation
def frames_without_columns_or_names(event: Event) -> None:
    for thrown in (event.get("exception") or {}).get("values", []):
        for frame in (thrown.get("stacktrace") or {}).get("frames", []):
            frame.pop("colno", None)
            frame["function"] = "?"


@variation
def in_other_scripts(event: Event) -> None:
    for thrown in (event.get("exception") or {}).get("values", []):
        thrown["value"] = f"Füße \U0001f6d2 大 «{thrown.get('value')}» \u2028 \x7f"
        for frame in (thrown.get("stacktrace") or {}).get("frames", []):
            frame["function"] = "größeÄndern大"
    event["tags"]["Straße"] = "Zürich 大 \U0001f6d2"


@variation
def without_session_trace_user_or_breadcrumbs(event: Event) -> None:
    for name in ("contexts", "user", "breadcrumbs"):
        event.pop(name, None)
    for name in ("session_id", "page_id", "replayId"):
        event["tags"].pop(name, None)


@variation
def breadcrumbs_that_say_all_was_well(event: Event) -> None:
    """Fetches that were answered 200, with the fields that later SDKs add to them."""
    event["breadcrumbs"] = [
        {"timestamp": event["timestamp"] - seconds, "type": "http", "category": category,
         "data": {"method": "GET", "url": f"https://shop.localhost/api/cart/{number}", "status_code": 200,
                  "response_body_size": 14, "__span": "b7ad6b7169203331"}}
        for number, (seconds, category) in enumerate([(1.5, "fetch"), (1.25, "xhr"), (0.5, "fetch")])
    ]  # fmt: skip


@variation
def a_message_and_nothing_thrown(event: Event) -> None:
    event.pop("exception", None)
    event["message"] = "checkout: no button — 大"
    event["level"] = "warning"


@pytest.fixture(scope="module")
def sent() -> list:
    return [one for one in incident() if (one.event.get("exception") or {}).get("values")][:40]


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("BLINDSPOT_USER_KEY", "a key of the team")


def tables_of(out: EventTables | SentryTables) -> dict[str, pl.DataFrame]:
    batch = page_of((out.events, out.frames, out.breadcrumbs, out.requests), "k")
    assert batch.refused == ()
    return dict(batch.tables)


def through_envelopes(varied: list) -> dict[str, pl.DataFrame]:
    out = SentryTables()
    for one in varied:
        read_envelope(Received(one.envelope, None), "e", out)
    return tables_of(out)


def through_bugsink(varied: list) -> dict[str, pl.DataFrame]:
    out = EventTables()
    for one in varied:
        detail = {"event_id": one.event["event_id"], "issue": group_of(one.event), "project": 1, "data": one.event}
        read_detail(json.dumps(detail).encode(), "e", out)
    return tables_of(out)


def through_sentry(varied: list) -> dict[str, pl.DataFrame]:
    out = EventTables()
    for number, one in enumerate(varied):
        told = rest_event(one.event, one.received, group_of(one.event), symbolicated=number % 2 == 0)
        read_rest_event(json.dumps(told).encode(), "e", out)
    return tables_of(out)


def through_glitchtip(varied: list) -> dict[str, pl.DataFrame]:
    out = EventTables()
    for one in varied:
        told = glitchtip_event(one.event, one.received, group_of(one.event))
        read_rest_event(json.dumps(told).encode(), "e", out, source="glitchtip")
    return tables_of(out)


WAYS = {"sentry": through_sentry, "glitchtip": through_glitchtip, "bugsink": through_bugsink}
GROUPED = ("a chain of causes", "without stacks", "in other scripts", "breadcrumbs that say all was well")


def varied(sent: list, name: str) -> list:
    changed = [one._replace(event=copy.deepcopy(one.event)) for one in sent]
    for one in changed:
        VARIATIONS[name](one.event)
        if one.event.get("breadcrumbs") == []:
            del one.event["breadcrumbs"]
    return changed


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", VARIATIONS)
def test_a_variation_gives_equal_rows_through_each_way(way, name, sent):
    events = varied(sent, name)
    ours, theirs = through_envelopes(events), WAYS[way](events)
    carried = CARRIES[way]
    one, other = comparable(spelled(ours), carried), comparable(spelled(theirs), carried)
    for table in carried:
        assert other[table] == one[table], (way, name, table)
    assert len(one["events"]) == len(events)


# every event of Datadog has a session and a view
IN_SESSIONS = [name for name in VARIATIONS if "without session" not in name]


@pytest.mark.parametrize("name", IN_SESSIONS)
def test_a_variation_gives_equal_errors_through_datadog(name, sent):
    events = varied(sent, name)
    ours, out = through_envelopes(events), RumTables()
    for one in events:
        read_rum_event(as_datadog(one), "e", out)
    batch = page_of((out.events, out.frames), "k")
    assert batch.refused == ()
    columns = {"events": ("event_id", "type", "message", "session_id", "user_id", "route"),
               "frames": CARRIES["datadog"]["frames"]}  # fmt: skip
    one, other = comparable(ours, columns), comparable(dict(batch.tables), columns)
    assert other["events"] == one["events"]
    assert other["frames"] == one["frames"]


@pytest.mark.parametrize("name", GROUPED)
def test_a_variation_is_grouped_alike(name, sent):
    events = varied(sent, name)
    groups = []
    for tables in (through_envelopes(events), through_sentry(events)):
        grouped = group_events(tables["events"], tables["frames"], tables["requests"], first_party=["shop.localhost"])
        parts = grouped.group_by("bug_id").agg(pl.col("event_id").cast(pl.String).sort())
        groups.append(sorted(parts["event_id"].to_list()))
    assert groups[0] == groups[1]
    assert 1 < len(groups[0]) < len(events)


def spelled(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """JSON in one order of keys, tags in one order."""
    data = [
        None if text is None else json.dumps(json.loads(text), sort_keys=True) for text in tables["breadcrumbs"]["data"]
    ]
    sorted_tags = pl.col("tags").list.eval(pl.element().sort_by(pl.element().struct.field("key")))
    return {
        **tables,
        "breadcrumbs": tables["breadcrumbs"].with_columns(pl.Series("data", data, dtype=pl.String)),
        "events": tables["events"].with_columns(sorted_tags),
    }


OLD = {
    "event_id": "9EC79C33EC9942AB8353589FCB2E04DC", "timestamp": "2026-03-09T15:21:52.250Z", "platform": "javascript",
    "exception": [{"type": "TypeError", "value": "x is undefined", "stacktrace": {"frames": [
        {"filename": "https://s/a.js", "function": "?", "lineno": "1", "colno": "7", "in_app": True}]}}],
    "breadcrumbs": [{"timestamp": 1773069711.5, "category": "fetch", "data": {"url": "/a", "status_code": "200"}}],
    "tags": [["session_id", "s1"], ["empty", None]], "sdk": {"name": "sentry.javascript.browser", "version": "7.120.0"},
    "request": {"url": "https://s/cart", "headers": [["User-Agent", "Mozilla/5.0"]]}, "level": "fatal",
}  # fmt: skip
NEW = {
    **OLD, "event_id": OLD["event_id"].lower(), "timestamp": 1773069712.25,
    "exception": {"values": [{**OLD["exception"][0], "stacktrace": {"frames": [
        {"filename": "https://s/a.js", "function": "?", "lineno": 1, "colno": 7, "in_app": True}]}}]},
    "breadcrumbs": {"values": [{**OLD["breadcrumbs"][0], "data": {"url": "/a", "status_code": 200}}]},
    "tags": {"session_id": "s1"}, "request": {**OLD["request"], "headers": {"User-Agent": "Mozilla/5.0"}},
    "sdk": {"name": "sentry.javascript.browser", "version": "10.5.0", "settings": {"infer_ip": "never"}},
}  # fmt: skip


def test_old_and_new_forms_of_the_sdk_are_one():
    """Lists or `values`, pairs or objects, texts or numbers: versions 7 to 10 and what proxies make of them."""
    read = []
    for event in (OLD, NEW):
        out = SentryTables()
        payload = json.dumps(event).encode()
        read_envelope(Received(b'{}\n{"type":"event"}\n' + payload, None), "e", out)
        read.append(tables_of(out))
    for table in ("events", "frames", "requests"):
        assert read[0][table].equals(read[1][table]), table
    assert read[0]["frames"].select("line", "column").rows() == [(1, 7)]
