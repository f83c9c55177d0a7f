"""200 syncs killed at random moments against a server that fails in every way: the lake is that of a calm day."""

from __future__ import annotations

import io
import multiprocessing
import random
import re
import signal
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from connectors import http as http_module
from connectors.lake import Lake
from connectors.sync import sync
from connectors.tables import TABLES
from tests.connectors import sentry_server
from tests.connectors.acme_server import NOON, TOKEN, Acme, acme_server
from tests.connectors.killed import DONE, FAILED, sync_and_die
from tests.connectors.plays import JSON, Asked, Play, serving
from tests.connectors.same_incident import group_of, incident
from tests.connectors.sentry_server import SentryServer, rest_event

KILLS = 200
HOURS = 6
# each child is forked from a process that has imported everything and run nothing
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["connectors.sync", "tests.connectors.killed"])
EXAMPLE = Path(__file__).with_name("example_store")

EXPIRED = Play(400, b'{"error": "this cursor has expired"}', JSON)


class Faults:
    """One answer in six is one of these, by a seed; of later pages another one in eight has an expired cursor."""

    PLAYS = (
        Play(429, b"slow down", {"retry-after": "0"}),
        Play(429, b"slow down", {"retry-after": "0.02"}),
        Play(500, b"database is away", {}),
        Play(503, b"<html>", {}),
        Play(200, b'{"errors": [{"id": "', JSON),
        Play(200, b"<html>maintenance</html>", JSON),
        Play(200, b'{"errors": "none", "next": null}', JSON),
        Play(200, b'{"errors": [{"id": 7}], "next": null}', JSON, cut=9),
        Play(reset=True),
    )

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.played: Counter[bytes] = Counter()

    def __call__(self, asked: Asked) -> Play | None:
        if re.search(r"cursor=\d", asked.path) and self.chance.random() < 1 / 8:
            self.played[EXPIRED.body] += 1
            return EXPIRED
        if self.chance.random() > 1 / 6:
            return None
        play = self.PLAYS[self.chance.randrange(len(self.PLAYS))]
        self.played[play.body] += 1
        return play

    def slowly(self, _: Asked) -> bool:
        return self.chance.random() < 0.05


class Never(random.Random):
    """A chance that never comes."""

    def random(self) -> float:
        return 1.0


def tables_of(lake: Path) -> dict[str, bytes]:
    """Every table of a lake, sorted by all it says, as the bytes of a Parquet file."""
    opened, written = Lake.open(lake), {}
    for name, table in TABLES.items():
        rows = opened.scan(name).collect()
        if rows.height:
            rows = rows.with_columns(pl.col(one).cast(pl.String) for one in table.dimensions).sort(table.key)
            out = io.BytesIO()
            rows.write_parquet(out)
            written[name] = out.getvalue()
    return written


def synced(
    address: str, lake: Path, token: tuple[str, str], *, at_step: int | None = None, seconds: float | None = None
) -> int | None:
    """Sync in a process of its own that is killed, and give its exit code."""
    child = PROCESSES.Process(target=sync_and_die, args=(address, str(lake), NOON, at_step, token))
    child.start()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
    return child.exitcode


def killed(number: int, chance: random.Random, address: str, lake: Path, token: tuple[str, str]) -> int | None:
    """Kill a sync: every other one at a random step of its work with files and sockets, the others after some time."""
    if number % 2:
        return synced(address, lake, token, at_step=chance.randrange(1, 120))
    return synced(address, lake, token, seconds=0.8 * chance.random() ** 2)


def calm_again(address: str, lake: Path, calm: Path, token: tuple[str, str]) -> None:
    """Hold the lake against one that was brought undisturbed; then read all of it once more, and nothing is new."""
    assert sum(merged.new for merged in sync(address, calm, since=NOON).tables.values())
    before = tables_of(lake)
    assert before == tables_of(calm)
    again = sync(address, lake, since=NOON, again=True)
    assert {(merged.new, merged.changed) for merged in again.tables.values()} == {(0, 0)}
    assert tables_of(lake) == before
    listed = {part.path for part in Lake.open(lake).manifest.parts()}
    assert listed <= {str(path.relative_to(lake)) for path in lake.rglob("*.parquet")}


@pytest.fixture
def _ready(monkeypatch):
    monkeypatch.setenv("BLINDSPOT_ACME_TOKEN", TOKEN)
    monkeypatch.setenv("BLINDSPOT_SENTRY_TOKEN", sentry_server.TOKEN)
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.setattr(http_module, "FIRST_WAIT", 0.002)
    monkeypatch.setattr(http_module, "LONGEST_WAIT", 0.01)


@pytest.mark.usefixtures("_ready")
def test_two_hundred_syncs_that_are_killed_leave_the_lake_of_a_calm_day(tmp_path):
    chance, token = random.Random(20260309), ("BLINDSPOT_ACME_TOKEN", TOKEN)
    acme, faults = Acme(4_000, HOURS), Faults(7)
    acme.faults, acme.slowly = faults, faults.slowly
    lake = tmp_path / "killed"
    ends: Counter[int | None] = Counter()
    with acme_server(acme) as server:
        address = f"acme+{server.url}/shop"
        for number in range(KILLS):
            # it is a little later each time, as for a sync that is started every few minutes
            late = timedelta(hours=HOURS * (0.3 + 0.7 * number / KILLS), seconds=chance.randrange(60))
            acme.now = NOON + late
            ends[killed(number, chance, address, lake, token)] += 1
        acme.now = NOON + timedelta(hours=HOURS + 1)
        assert DONE in (synced(address, lake, token) for _ in range(50))
        assert set(ends) <= {DONE, FAILED, -signal.SIGKILL}
        assert ends[-signal.SIGKILL] > KILLS / 2
        assert {*faults.played} == {play.body for play in (*Faults.PLAYS, EXPIRED)}
        acme.faults, acme.slowly = lambda _: None, lambda _: False
        calm_again(address, lake, tmp_path / "calm", token)
    frames = Lake.open(lake).scan("frames").group_by("event_id").len().sort("event_id").collect()
    assert frames.rows() == acme.rows()


@pytest.mark.usefixtures("_ready")
def test_sentry_brought_by_syncs_that_are_killed(tmp_path):
    chance, token = random.Random(4), ("BLINDSPOT_SENTRY_TOKEN", sentry_server.TOKEN)
    rows = [rest_event(one.event, one.received, group_of(one.event)) for one in incident()]
    sentry, faults, lake = SentryServer(rows, page=20), Faults(5), tmp_path / "killed"
    with serving(lambda asked: faults(asked) or sentry(asked)) as server:
        end = datetime.fromisoformat(sentry.events[0]["dateCreated"]) + timedelta(hours=1)
        server.clock = end.timestamp
        address = f"sentry+{server.url}/acme/shop"
        ends = Counter(killed(number, chance, address, lake, token) for number in range(40))
        assert DONE in (synced(address, lake, token) for _ in range(50))
        assert set(ends) <= {DONE, FAILED, -signal.SIGKILL}
        faults.chance = Never()
        calm_again(address, lake, tmp_path / "calm", token)
    assert Lake.open(lake).scan("events").collect()["event_id"].sort().to_list() == sorted(row["id"] for row in rows)
