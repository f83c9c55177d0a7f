"""Systems that watch visits, synced into a lake: it has what the system has, and a second sync changes nothing."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from connectors import http as http_module
from connectors.lake import Lake
from connectors.registry import open_store
from connectors.stores import Window
from connectors.sync import sync
from connectors.tables import TABLES
from tests.connectors import test_datadog, test_faro, test_posthog
from tests.connectors.plays import serving

NOON = test_datadog.NOON
WINDOW = Window(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
SYSTEMS = {
    "datadog": (test_datadog.Datadog, "datadog+{url}"),
    "datadog spans": (test_datadog.Datadog, "datadog-spans+{url}"),
    "posthog": (test_posthog.PostHog, "posthog+{url}/12557"),
    "loki": (test_faro.Loki, "loki+{url}?app=testapp"),
}


@pytest.fixture(autouse=True)
def _setting(monkeypatch):
    for name, secret in (
        ("DATADOG", test_datadog.API_KEY), ("DATADOG_APP", test_datadog.APP_KEY), ("POSTHOG", test_posthog.KEY),
        ("LOKI", test_faro.TOKEN),
    ):  # fmt: skip
        monkeypatch.setenv(f"BLINDSPOT_{name}_TOKEN", secret)
    monkeypatch.setenv("BLINDSPOT_USER_KEY", "a key of the team")
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr("connectors.rum.posthog.CALLS_A_SECOND", 1000)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_lake_has_what_the_system_has(system, tmp_path):
    vendor, address = SYSTEMS[system]
    with serving(vendor()) as server:
        # the server lives two hours after the incident
        server.skew = (NOON + timedelta(hours=2)).timestamp() - time.time()
        store = open_store(address.format(url=server.url))
        # its clock is known from its first answer on
        store.check()
        first = sync(store, tmp_path / "lake", since=WINDOW.start, until=WINDOW.end)
        again = sync(store, tmp_path / "lake", since=WINDOW.start, until=WINDOW.end)
        lake = Lake.open(tmp_path / "lake")
        for name in {table for tables in store.feeds.values() for table in tables} - {"replay_events"}:
            there, here = (
                (one.spans(window=WINDOW) if name == "spans" else getattr(one, name)(WINDOW)).frame.collect()
                for one in (store, lake)
            )
            assert there.height > 0
            key = list(TABLES[name].key)
            assert here.cast(dict(there.schema)).sort(key).equals(there.sort(key)), name
        if store.has("replay_events"):
            assert lake.replay_events(test_posthog.SESSION).report.rows == len(test_posthog.BLOBS)
    assert sum(merged.new for merged in first.tables.values()) > 0
    assert {(merged.new, merged.changed) for merged in again.tables.values()} <= {(0, 0)}
    assert first.truncated == []
