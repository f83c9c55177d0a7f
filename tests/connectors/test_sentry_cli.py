"""Artifact bundles as Sentry's own uploader makes them: its program sends one to a server here, and we read the zip."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from connectors.registry import open_store
from tests.symbolicate.peers import BUNDLERS, packages, run_node
from workbench.artifacts import check_maps
from workbench.symbolicate.leaks import debug_id_of

BUILDS = {
    "linux-x86_64": "linux-x64",
    "linux-aarch64": "linux-arm64",
    "darwin-x86_64": "darwin",
    "darwin-arm64": "darwin",
}
RELEASE, DIST = "shop@1.0.0", "7"


class Receiving(BaseHTTPRequestHandler):
    """What the uploader talks to: it asks how to send, sends chunks, has them assembled."""

    chunks: dict[str, bytes]
    bundles: list[bytes]

    def do_GET(self) -> None:
        self.answer({
            "url": f"http://127.0.0.1:{self.server.server_address[1]}/chunks", "chunkSize": 8_388_608,
            "chunksPerRequest": 64, "maxFileSize": 1 << 31, "maxRequestSize": 1 << 25, "concurrency": 1,
            "hashAlgorithm": "sha1", "compression": [], "accept": ["artifact_bundles", "artifact_bundles_v2"],
        })  # fmt: skip

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/chunks":
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            for part in BytesParser(policy=HTTP).parsebytes(head + raw).iter_parts():
                chunk = part.get_payload(decode=True)
                self.chunks[hashlib.sha1(chunk).hexdigest()] = chunk
            return self.answer({})
        wanted = json.loads(raw)["chunks"]
        missing = [digest for digest in wanted if digest not in self.chunks]
        if not missing:
            self.bundles.append(b"".join(self.chunks[digest] for digest in wanted))
        return self.answer({"state": "not_found" if missing else "ok", "missingChunks": missing})

    def answer(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def uploaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A build with the uploader's debug IDs in it, and the artifact bundle that it sent."""
    build = BUILDS.get(f"{sys.platform}-{platform.machine()}")
    if build is None:
        pytest.skip(f"Sentry's uploader is not made for {sys.platform} on {platform.machine()}")
    program = (
        packages(f"@sentry/cli-{build}@3.8.0") / "node_modules" / "@sentry" / f"cli-{build}" / "bin" / "sentry-cli"
    )
    folder = tmp_path_factory.mktemp("sentry-cli")
    run_node("build_maps.mjs", packages(*BUNDLERS), str(folder / "bundles"))
    shutil.copytree(folder / "bundles" / "esbuild", folder / "build" / "assets")

    handler = type("Handler", (Receiving,), {"chunks": {}, "bundles": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    settings = {**os.environ, "HOME": str(folder), "SENTRY_URL": f"http://127.0.0.1:{server.server_port}",
                "SENTRY_AUTH_TOKEN": "not-a-token"}  # fmt: skip
    try:
        for command in (
            ["inject", folder / "build"],
            ["upload", "--org", "acme", "--project", "shop", "--release", RELEASE, "--dist", DIST, folder / "build"],
        ):
            subprocess.run(
                [program, "sourcemaps", *command], env=settings, check=True, capture_output=True, timeout=120
            )
    finally:
        server.shutdown()
        server.server_close()
    (folder / "maps.zip").write_bytes(handler.bundles[-1])
    return folder / "build", folder / "maps.zip"


def test_every_script_of_the_upload_is_listed_with_its_debug_id(uploaded: tuple[Path, Path]) -> None:
    build, bundle = uploaded
    fetched = open_store(bundle).artifacts()
    wanted = {
        (RELEASE, DIST, f"~/assets/{path.name}", debug_id_of(path.read_text("utf-8")))
        for path in (build / "assets").glob("*.js")
    }
    assert len(wanted) == 3
    assert set(fetched.frame.collect().select("release", "dist", "url", "debug_id").rows()) == wanted
    assert fetched.report.complete


def test_a_build_passes_against_it_and_fails_after_a_change(uploaded: tuple[Path, Path], tmp_path: Path) -> None:
    build, bundle = uploaded
    site = shutil.copytree(build, tmp_path / "site", ignore=shutil.ignore_patterns("*.map"))
    for path in site.rglob("*.js"):
        path.write_text(re.sub(r"(?m)^//# sourceMappingURL=.*\n?", "", path.read_text("utf-8")), "utf-8")
    checked = check_maps(site, RELEASE, bundle, dist=DIST)
    assert checked.findings.rows() == []
    assert checked.positions > 20_000
    assert check_maps(site, RELEASE, bundle, dist="8").findings["verdict"].unique().to_list() == ["dist_mismatch"]
    view = site / "assets" / "view.js"
    code = view.read_text("utf-8")
    view.write_text(f"let early=1;{code}", "utf-8")  # before the uploader's own lines, on which no mapping stands
    assert check_maps(site, RELEASE, bundle, dist=DIST).passed
    view.write_text(code.replace("\nimport{", "\nlet early=1;import{", 1), "utf-8")
    assert check_maps(site, RELEASE, bundle, dist=DIST).findings["verdict"].to_list() == ["other_build"]
