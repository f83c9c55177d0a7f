"""An alert that nobody had, replayed over the captured incident."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from connectors.registry import open_store
from connectors.stores import Window
from workbench.alerts.backtest import backtest
from workbench.alerts.rules import known_rules

SAMPLE = Path(__file__).parents[2] / "sample-data"


@pytest.fixture(scope="module")
def shop():
    return open_store(SAMPLE)


def test_it_would_have_rung_between_the_deploy_and_the_first_call_for_support(shop):
    tables = {name: getattr(shop, name)(Window()).frame.collect() for name in ("events", "page_views", "sessions")}
    deployed_at = shop.releases(Window()).frame.collect().sort("deployed_at")["deployed_at"][1]
    support_at = tables["sessions"]["support_at"].min()
    assert timedelta(minutes=30) < support_at - deployed_at < timedelta(minutes=90), "README: about an hour"
    lines = map(json.loads, (SAMPLE / "truth.ndjson").read_text("utf-8").splitlines())
    bugs = [line["event_id"] for line in lines if line["kind"] == "event" and line["bug"]]
    crashes = tables["events"].filter(pl.col("event_id").is_in(bugs))
    assert crashes.height == len(bugs) > 50
    row = backtest(known_rules(), crashes, tables["page_views"], support_at, incident_at=deployed_at)
    five = row.filter(rule="errors-5x").row(0, named=True)
    assert deployed_at < five["fired_at"] < support_at
    assert five["lead"] == support_at - five["fired_at"]
    assert five["false_alarms"] == 0
    assert five["watched"] > timedelta(days=1)
    assert five["times_usual"] > 5


def test_on_all_events_noise_included_it_would_have_slept(shop):
    """Why noise has to be told apart first: it is most of the events, at the same rate in every release."""
    events = shop.events(Window()).frame.collect()
    page_views = shop.page_views(Window()).frame.collect()
    deployed_at, next_deploy = shop.releases(Window()).frame.collect().sort("deployed_at")["deployed_at"][1:3]
    table = backtest(known_rules(), events, page_views, None, incident_at=deployed_at)
    fired = table.filter(rule="errors-5x")["fired_at"].item()
    assert fired is None or fired > next_deploy
