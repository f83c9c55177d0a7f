"""A window of a remote system in a lake: all of it, once, whatever was there before."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from connectors import http as http_module
from connectors.lake import Lake
from connectors.registry import open_store
from connectors.sync import sync
from connectors.testing import assert_conforms
from tests.connectors.acme_server import NOON, TOKEN, Acme, acme_server

EXAMPLE = Path(__file__).with_name("example_store")
HOURS = timedelta(hours=6)


@pytest.fixture(autouse=True)
def _example(monkeypatch):
    """The example's package is installed: its folder with its dist-info is on the path."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.setenv("BLINDSPOT_ACME_TOKEN", TOKEN)
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(http_module, "LONGEST_WAIT", 0.05)
    yield
    for name in [name for name in sys.modules if name.startswith("acme_blindspot")]:
        sys.modules.pop(name)


@pytest.fixture
def shop():
    acme = Acme(3_000)
    with acme_server(acme) as server:
        yield acme, f"acme+{server.url}/shop"


def held(lake) -> list[tuple[str, int]]:
    """Events of a lake with how many frames each has, read from its files."""
    lake = Lake.open(lake)
    frames = lake.scan("frames").group_by("event_id").len()
    events = lake.scan("events").join(frames, on="event_id", how="left").sort("event_id")
    return events.select("event_id", pl.col("len").fill_null(0)).collect().rows()


def files(lake) -> dict[str, bytes]:
    """Every file of a lake but the empty lock."""
    return {str(path.relative_to(lake)): path.read_bytes() for path in Path(lake).rglob("*") if path.is_file()}


def test_the_example_keeps_the_contract(shop):
    _, address = shop
    store = open_store(address)
    assert type(store).__module__ == "acme_blindspot.store"
    assert_conforms(store)


def test_a_window_comes_whole_and_a_second_run_changes_nothing(shop, tmp_path):
    acme, address = shop
    report = sync(address, tmp_path / "lake", since=NOON)
    assert held(tmp_path / "lake") == acme.rows()
    assert report.tables["events"].new == 3_000
    before, calls = files(tmp_path / "lake"), acme.calls
    again = sync(address, tmp_path / "lake", since=NOON, until=NOON + HOURS)
    assert (again.read, again.rows, again.tables) == (timedelta(), 0, {})
    assert acme.calls == calls + 1  # the check
    assert files(tmp_path / "lake") == before
    # read anew to the last page: nothing is new, so nothing is written
    anew = sync(address, tmp_path / "lake", since=NOON, until=NOON + HOURS, again=True)
    assert anew.rows == report.rows
    assert {name: (merged.new, merged.changed) for name, merged in anew.tables.items()} == {
        "events": (0, 0),
        "frames": (0, 0),
    }
    assert files(tmp_path / "lake") == before
