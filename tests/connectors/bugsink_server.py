"""A real Bugsink in an environment of its own: installed once, its empty database migrated once, started for a module.

It pins an old `symbolic`, so it cannot live beside our own packages. What was installed stays in pytest's cache folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

VERSION = "2.6.1"
INSTALL = f"bugsink {VERSION} cannot be installed here; run the tests where `pip install bugsink=={VERSION}` works"
API = "/api/canonical/0/"


class Bugsink:
    """A running server: its address, and a token that may do everything."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the canonical interface with nothing but the standard library."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        with urlopen(Request(self.url + API + path, data, headers), timeout=30) as answer:
            return json.load(answer)

    def make_project(self, name: str) -> dict[str, Any]:
        """Make a project in a team of its own name; gives it with its DSN."""
        team = self.call("teams/", {"name": name})
        self.call("projects/", {"team": team["id"], "name": name})
        return next(one for one in self.call("projects/")["results"] if one["name"] == name)

    def send(self, project: Mapping[str, Any], envelope: bytes) -> None:
        """Send an envelope as an SDK does that has this project's DSN: to its endpoint, the key in a header."""
        header, rest = envelope.split(b"\n", 1)
        envelope = json.dumps({**json.loads(header), "dsn": project["dsn"]}).encode() + b"\n" + rest
        key = project["dsn"].partition("//")[2].partition("@")[0]
        headers = {"x-sentry-auth": f"Sentry sentry_version=7, sentry_key={key}", "content-type": "text/plain"}
        urlopen(Request(f"{self.url}/api/{project['id']}/envelope/", envelope, headers), timeout=30).read()


@contextmanager
def running(cache: Path, folder: Path) -> Iterator[Bugsink]:
    """Start Bugsink in `folder`, from what is installed in `cache`."""
    home = installed(cache, folder)
    port = _free_port()
    _run(home, folder, "bugsink-create-conf", "--template=local", "--host=127.0.0.1", f"--port={port}")
    for database in ("db.sqlite3", "snappea.sqlite3"):
        shutil.copy(home / "empty" / database, folder / database)
    token = _run(home, folder, "bugsink-manage", "create_auth_token").stdout.split()[-1]
    command = [home / "bin" / "gunicorn", f"--bind=127.0.0.1:{port}", "--workers=1", "--threads=4"]
    command += ["--graceful-timeout=1", "bugsink.wsgi"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=_environment(home), stdout=log, stderr=log, start_new_session=True
        )
    bugsink = Bugsink(f"http://127.0.0.1:{port}", token)
    try:
        _wait(bugsink, server, folder / "log")
        yield bugsink
    finally:
        # kept-alive connections would have it wait for its clients
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(30)


def installed(cache: Path, folder: Path) -> Path:
    """Give the environment, made if it is not there; two workers that come at once do not meet.

    The installer runs in `folder`, for the constraints of our own project are not Bugsink's.
    """
    home = cache / f"bugsink-{VERSION}-python{sys.version_info.major}.{sys.version_info.minor}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "bugsink.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "empty" / "snappea.sqlite3").exists():
            shutil.rmtree(home, ignore_errors=True)
            uv = shutil.which("uv")
            python = home / "bin" / "python"
            if uv:
                commands = [[uv, "venv", "-q", "--python", sys.executable, home],
                            [uv, "pip", "install", "-q", "--python", python, f"bugsink=={VERSION}"]]  # fmt: skip
            else:
                commands = [[sys.executable, "-m", "venv", home],
                            [python, "-m", "pip", "install", "-q", f"bugsink=={VERSION}"]]  # fmt: skip
            for command in commands:
                made = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=_environment(home))
                if made.returncode:
                    shutil.rmtree(home, ignore_errors=True)
                    pytest.skip(f"{INSTALL}: {made.stderr.strip()[-300:]}")
            empty = home / "migrating"
            empty.mkdir()
            _run(home, empty, "bugsink-create-conf", "--template=local", "--host=127.0.0.1", "--port=1")
            _run(home, empty, "bugsink-manage", "migrate")
            _run(home, empty, "bugsink-manage", "migrate", "--database=snappea")
            empty.rename(home / "empty")
    return home


def _run(home: Path, folder: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [home / "bin" / command, *arguments],
        cwd=folder, env=_environment(home), check=True, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def _environment(home: Path) -> dict[str, str]:
    """What of our environment another Python may see: not our packages."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "DJANGO", "VIRTUAL_ENV"))}
    return {**kept, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}", "PYTHONDONTWRITEBYTECODE": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(bugsink: Bugsink, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            bugsink.call("projects/")
        except HTTPError as error:
            raise AssertionError(f"bugsink answers {error.code}: {error.read()[:500]!r}") from error
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"bugsink did not start: {log.read_text()[-2000:]}")
