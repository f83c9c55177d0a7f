"""`workbench sync` as a person runs it: what it says, where, its exit code, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from connectors.lake import Lake
from tests.connectors.acme_server import TOKEN, Acme, acme_server
from tests.connectors.plays import Play

EXAMPLE = Path(__file__).parents[1] / "connectors" / "example_store"
COMMAND = [sys.executable, "-c", "from workbench.cli import main; main()", "sync"]
WINDOW = ["--since", "2026-03-09T12:00", "--until", "2026-03-09T18:00"]


def environment(token: str = TOKEN) -> dict[str, str]:
    paths = os.pathsep.join([str(EXAMPLE), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": paths, "BLINDSPOT_ACME_TOKEN": token}


def run(*arguments: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, encoding="utf-8", env=environment(token)
    )


@pytest.fixture(scope="module")
def shop():
    acme = Acme(500)
    with acme_server(acme) as server:
        yield f"acme+{server.url}/shop"


def test_a_window_is_brought_and_a_second_run_says_that_nothing_is_new(shop, tmp_path):
    lake = str(tmp_path / "lake")
    done = run("--source", shop, "--lake", lake, *WINDOW)
    assert done.stderr.strip() == (
        "acme shop, 2026-03-09 12:00 – 2026-03-09 18:00 UTC, is in the lake; new: 500 events, "
        f"{sum(frames for _, frames in Acme(500).rows()):,} frames."
    )
    assert (done.stdout.strip(), done.returncode) == (lake, 0)
    again = run("--source", shop, "--lake", lake, *WINDOW)
    assert again.stderr.strip().endswith("is in the lake; nothing is new.")
    assert again.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "token", "code", "says"),
    [
        (WINDOW, "acme_wrong", 1, "workbench: acme refuses our token for "),
        (["--since", "2026-03-08", "--until", "2026-03-09"], TOKEN, 1, "acme shop has nothing in 2026-03-08 00:00"),
        (["--since", "2026-03-08", "--until", "2026-03-09", "--allow-empty"], TOKEN, 0, "has nothing in"),
        (["--since", "0h"], TOKEN, 2, "there is no time between 2026-03-09 19:00:"),
        (["--since", "yesterday"], TOKEN, 2, "since is 'yesterday', which is neither a length of time (90m, 24h"),
        (["--tables", "spans"], TOKEN, 2, "acme shop gives no spans; it gives events, frames"),
        (["--sinse", "1h"], TOKEN, 2, "There are: --source, --since, --until, --lake"),
    ],
)
def test_each_failure_is_one_sentence_and_an_exit_code(shop, tmp_path, arguments, token, code, says):
    done = run("--source", shop, "--lake", str(tmp_path / "lake"), *arguments, token=token)
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.returncode == code
    assert TOKEN not in done.stderr + done.stdout


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_sync_that_is_stopped_says_how_to_go_on_and_does(tmp_path, stop):
    acme = Acme(2_000)
    half, leave = threading.Event(), threading.Event()

    def stall(_):
        if acme.calls > 12:
            half.set()
            leave.wait(30)

    acme.faults = stall
    with acme_server(acme) as server:
        arguments = ["--source", f"acme+{server.url}/shop", "--lake", str(tmp_path / "lake"), *WINDOW]
        with subprocess.Popen(
            [*COMMAND, *arguments], stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment()
        ) as child:
            assert half.wait(60)
            child.send_signal(stop)
            _, said = child.communicate(timeout=60)
        assert said.strip() == (
            "workbench: stopped. What was read so far is in the lake; the same command goes on from there."
        )
        assert child.returncode == 130
        kept = Lake.open(tmp_path / "lake").scan("events").collect().height
        assert 0 < kept < 2_000
        leave.set()
        acme.faults = lambda _: None
        assert run(*arguments).returncode == 0
    assert Lake.open(tmp_path / "lake").scan("events").collect()["event_id"].n_unique() == 2_000


def test_a_source_that_dies_half_way_says_what_is_kept(tmp_path):
    acme = Acme(2_000)
    acme.faults = lambda _: Play(400, b"no more today", {}) if acme.calls > 12 else None
    with acme_server(acme) as server:
        done = run("--source", f"acme+{server.url}/shop", "--lake", str(tmp_path / "lake"), *WINDOW)
    first, second = done.stderr.strip().splitlines()
    assert first.startswith("workbench: acme refused http://127.0.0.1:")
    assert first.endswith("(400: no more today)")
    assert second == "What was read so far is in the lake; the same command goes on from there."
    assert done.returncode == 1


def test_all_remote_systems_of_a_named_source_come_into_one_lake(tmp_path):
    shops = [Acme(300, seed=1), Acme(300, seed=2)]
    for error in shops[1].errors:
        error["id"] = f"{int(error['id'], 16) + 1_000:032x}"
    (tmp_path / "files").mkdir()
    with acme_server(shops[0]) as one, acme_server(shops[1]) as other:
        parts = f'tracker = ["acme+{one.url}/shop", "acme+{other.url}/shop"]\nreplays = "files"'
        (tmp_path / "workbench.toml").write_text(f"[sources.team]\n{parts}\n")
        done = subprocess.run(
            [*COMMAND, "--source", "team", *WINDOW],
            cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8",
            env={**environment(), "PYTHONPATH": os.pathsep.join([str(EXAMPLE), str(EXAMPLE.parents[2])])},
        )  # fmt: skip
        other.answer = lambda _: Play(401)
        failed = subprocess.run(
            [*COMMAND, "--source", "team", *WINDOW],
            cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8",
            env={**environment(), "PYTHONPATH": os.pathsep.join([str(EXAMPLE), str(EXAMPLE.parents[2])])},
        )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == ("lake", 0), done.stderr
    assert Lake.open(tmp_path / "lake").scan("events").collect()["event_id"].n_unique() == 600
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 2
    assert "nothing is new." in failed.stderr
    assert "acme refuses our token" in failed.stderr


def test_stdout_names_the_lake_only_when_the_window_is_in_it(shop, tmp_path):
    failed = run("--source", shop, "--lake", str(tmp_path / "lake"), *WINDOW, token="acme_wrong")
    assert (failed.stdout, failed.returncode) == ("", 1)
    (tmp_path / "file").write_text("")
    failed = run("--source", shop, "--lake", str(tmp_path / "file" / "lake"), *WINDOW)
    assert failed.stderr.startswith("workbench: lake.json at ")
    assert failed.stderr.count("\n") == 1
    assert (failed.stdout, failed.returncode) == ("", 1)


def test_a_nightly_job_reads_json_of_what_was_done_and_of_what_failed(shop, tmp_path):
    lake = str(tmp_path / "lake")
    done = run("--source", shop, "--lake", lake, *WINDOW, "--json")
    (told,) = json.loads(done.stdout)
    assert done.returncode == 0
    assert told["new"] == {"events": 500, "frames": sum(frames for _, frames in Acme(500).rows())}
    assert told["window"] == ["2026-03-09T12:00:00+00:00", "2026-03-09T18:00:00+00:00"]
    assert (told["source"], told["lake"], told["error"], told["stopped"]) == (shop, lake, None, False)
    assert (told["held"], told["truncated"], told["refused"], told["reasons"]) == (500, [], 0, [])
    failed = run("--source", shop, "--lake", lake, *WINDOW, "--json", token="acme_wrong")
    (told,) = json.loads(failed.stdout)
    assert told["error"] in failed.stderr
    assert "acme refuses our token" in told["error"]
    assert failed.returncode == 1
    assert "overlap is 'soon', which is no length of time" in run("--source", shop, "--overlap", "soon").stderr


def test_a_table_that_no_system_of_a_source_gives_is_no_success(shop, tmp_path):
    parts = f'tracker = ["{shop}", "{shop}?environment=production"]'
    (tmp_path / "workbench.toml").write_text(f"[sources.team]\n{parts}\n")
    done = subprocess.run(
        [*COMMAND, "--source", "team", *WINDOW, "--tables", "evnts"],
        cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8",
        env={**environment(), "PYTHONPATH": os.pathsep.join([str(EXAMPLE), str(EXAMPLE.parents[2])])},
    )  # fmt: skip
    assert "acme shop gives no evnts; it gives events, frames" in done.stderr
    assert (done.stdout, done.returncode) == ("", 2)
