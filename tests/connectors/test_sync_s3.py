"""A lake on S3, brought by sync: the same rows, a second run that writes nothing, and a lock that outlives no crash."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.exceptions import FetchError
from connectors.lake import Lake
from connectors.objects import Objects
from connectors.stores import Window
from connectors.sync import sync
from connectors.sync_lock import SyncLock
from tests.connectors.acme_server import NOON, TOKEN, Acme, acme_server
from tests.connectors.s3_servers import moto

pytest.importorskip("obstore", reason="needs obstore: uv sync --group heavy")
EXAMPLE = Path(__file__).with_name("example_store")


@pytest.fixture(scope="module")
def bucket(pytestconfig, tmp_path_factory):
    with moto(Path(pytestconfig.cache.mkdir("servers")), tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(autouse=True)
def _owner(bucket, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in bucket.environment(HOME="/nowhere", BLINDSPOT_ACME_TOKEN=TOKEN).items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(EXAMPLE))


def test_a_window_comes_into_a_lake_on_s3(bucket):
    lake = f"s3://{bucket.bucket}/synced"
    acme = Acme(600)
    with acme_server(acme) as server:
        address = f"acme+{server.url}/shop"
        sync(address, lake, since=NOON, until=NOON + timedelta(hours=6))
        kept = {one.name: one.modified for one in Objects.open(lake).names(hidden=True)}
        sync(address, lake, since=NOON, until=NOON + timedelta(hours=6), again=True)
    assert {one.name: one.modified for one in Objects.open(lake).names(hidden=True)} == kept
    assert not [name for name in kept if name.endswith(".lock")]
    opened = Lake.open(lake)
    frames = opened.frames(Window()).frame.collect().group_by("event_id").len().sort("event_id")
    assert frames.rows() == acme.rows()
    assert "was not read for" in opened.events(Window(NOON, NOON + timedelta(hours=8))).report.note
    assert TOKEN.encode() not in b"".join(Objects.open(lake).read(name) for name in kept)


def test_a_lock_on_s3_holds_until_its_time_is_over(bucket):
    objects = Objects.open(f"s3://{bucket.bucket}/locked")
    with SyncLock(objects, ".sync/acme") as lock:
        with pytest.raises(FetchError, match=rf"another sync of this source writes to .* \(process {os.getpid()} on"):
            SyncLock(objects, ".sync/acme").__enter__()
        lock.renew()
    assert not objects.exists(".sync/acme.lock")
    dead = {"pid": 1, "host": "gone", "since": "", "until": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()}
    objects.create(".sync/acme.lock", json.dumps(dead).encode())
    with SyncLock(objects, ".sync/acme") as lock:
        # somebody took it for dead in turn: this one must end, not write on
        objects.write(".sync/acme.lock", json.dumps(dead).encode())
        with pytest.raises(FetchError, match="another sync took over"):
            lock.renew()
