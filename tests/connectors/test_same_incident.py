"""The same small incident through every tracker: equal tables, as far as each carries them, and the same bugs."""

from __future__ import annotations

import json
from collections import defaultdict

import polars as pl
import pytest

from connectors.registry import open_store
from tests.connectors.bugsink_server import running
from tests.connectors.plays import JSON, Play, serving
from tests.connectors.same_incident import (
    CARRIES,
    FIRST_PARTY,
    as_datadog,
    as_datadog_resources,
    as_envelopes,
    canonical,
    comparable,
    group_of,
    incident,
)
from tests.connectors.sentry_server import TOKEN, GlitchTipServer, SentryServer, glitchtip_event, rest_event
from workbench.errors.grouping import group_events


@pytest.fixture(scope="module")
def setting():
    with pytest.MonkeyPatch.context() as patch:
        # users are hashed under one key everywhere, or nobody could say that two systems speak of one
        patch.setenv("BLINDSPOT_USER_KEY", "a key of the team")
        yield patch


@pytest.fixture(scope="module")
def envelopes(setting, tmp_path_factory) -> dict[str, pl.DataFrame]:
    return canonical(open_store(as_envelopes(tmp_path_factory.mktemp("envelopes"))))


@pytest.fixture(scope="module")
def sentry(setting) -> dict[str, pl.DataFrame]:
    setting.setenv("BLINDSPOT_SENTRY_TOKEN", TOKEN)
    # the server has maps of its own for every other event
    events = [
        rest_event(one.event, one.received, group_of(one.event), symbolicated=number % 2 == 0)
        for number, one in enumerate(incident())
    ]
    with serving(SentryServer(events)) as server:
        return canonical(open_store(f"sentry+{server.url}/acme/shop"))


@pytest.fixture(scope="module")
def glitchtip(setting) -> dict[str, pl.DataFrame]:
    setting.setenv("BLINDSPOT_GLITCHTIP_TOKEN", TOKEN)
    events = [glitchtip_event(one.event, one.received, group_of(one.event)) for one in incident()]
    with serving(GlitchTipServer(events)) as server:
        return canonical(open_store(f"glitchtip+{server.url}/acme/shop"))


@pytest.fixture(scope="module")
def bugsink(setting, request, tmp_path_factory) -> dict[str, pl.DataFrame]:
    with running(request.config.cache.mkdir("bugsink"), tmp_path_factory.mktemp("bugsink")) as server:
        setting.setenv("BLINDSPOT_BUGSINK_TOKEN", server.token)
        project = server.make_project("shop")
        for one in incident():
            server.send(project, one.envelope)
        return canonical(open_store(f"bugsink+{server.url}/shop"))


@pytest.fixture(scope="module")
def datadog(setting) -> dict[str, pl.DataFrame]:
    for name in ("DATADOG", "DATADOG_APP"):
        setting.setenv(f"BLINDSPOT_{name}_TOKEN", "0123456789abcdef")
    found = {"error": [as_datadog(one) for one in incident()], "resource": as_datadog_resources(incident())}

    def answer(asked) -> Play:
        wanted = json.loads(asked.body)["filter"]["query"]
        rows = next((rows for kind, rows in found.items() if f"@type:{kind}" in wanted), [])
        return Play(body=json.dumps({"data": rows, "meta": {}}).encode(), headers=JSON)

    with serving(answer) as server:
        return canonical(open_store(f"datadog+{server.url}?service=shop"))


@pytest.fixture(scope="module", params=sorted(CARRIES))
def system(request) -> tuple[str, dict[str, pl.DataFrame]]:
    return request.param, request.getfixturevalue(request.param)


def test_the_incident_is_small_and_has_several_causes():
    sent = incident()
    assert len({one.event["tags"]["session_id"] for one in sent}) == 41
    assert len(sent) == 150
    assert len({group_of(one.event) for one in sent}) >= 8


def test_what_each_system_carries_is_equal(system, envelopes):
    name, brought = system
    ours, theirs = comparable(envelopes, CARRIES[name]), comparable(brought, CARRIES[name])
    for table, columns in CARRIES[name].items():
        different = [(one, other) for one, other in zip(ours[table], theirs[table], strict=False) if one != other]
        assert not different, (name, table, columns, different[0])
        assert len(ours[table]) == len(theirs[table]) > 100


def test_the_trackers_own_grouping_comes_along(system):
    name, brought = system
    events = brought["events"]
    assert events["vendor_issue_id"].null_count() == 0
    assert events["source"].unique().to_list() == [name]
    if name != "bugsink":
        told = dict(events.select("event_id", "vendor_issue_id").iter_rows())
        assert told == {one.event["event_id"]: group_of(one.event) for one in incident()}


def test_nobody_is_named(system):
    """Users are hashed on the way in; trackers put them into tags of their own as well."""
    _, brought = system
    users = {one.event["user"]["id"] for one in incident() if "user" in one.event}
    assert len(users) > 30
    for name, frame in brought.items():
        text = frame.write_json()
        assert not [user for user in users if user in text], name


def partition(tables: dict[str, pl.DataFrame], column: str) -> set[frozenset[str]]:
    grouped = group_events(tables["events"], tables["frames"], tables["requests"], first_party=FIRST_PARTY)
    groups = defaultdict(set)
    for event_id, group in grouped.select("event_id", column).drop_nulls().iter_rows():
        groups[group].add(event_id)
    return {frozenset(group) for group in groups.values()}


@pytest.mark.parametrize("column", ["noise_class", "issue_id", "bug_id"])
def test_the_same_bugs(system, envelopes, column):
    _, brought = system
    assert partition(brought, column) == partition(envelopes, column)
    assert len(partition(brought, column)) > 2
