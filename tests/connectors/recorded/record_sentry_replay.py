"""Record what Sentry's browser SDK sends for two visits with session replay, one packed and one plain.

    npm install @sentry/browser@11.12.0 esbuild@0.28.0      # in a folder that has a copy of sentry_replay.js
    npx esbuild sentry_replay.js --bundle --minify --outfile=bundle.js
    python record_sentry_replay.py bundle.js

`sentry_replay.ndjson` is what came out: the envelopes of events and recordings, each beside the replay id that the
SDK itself told in the page.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PAGE = (
    b"<!doctype html><title>Shop</title><h1>Cart</h1><p id=total>1 item</p><button id=buy>Buy</button>"
    b"<script src=/bundle.js></script>"
)


class Collector(ThreadingHTTPServer):
    def __init__(self, bundle: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bundle = bundle
        self.envelopes: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_GET(self) -> None:
        kinds = {"/": ("text/html", PAGE), "/bundle.js": ("text/javascript", self.server.bundle)}
        self.give(*kinds.get(self.path.partition("?")[0], ("application/json", b'{"ok":true}')))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        self.server.envelopes.append(gzip.decompress(raw) if self.headers.get("content-encoding") == "gzip" else raw)
        self.give("application/json", b"{}")

    def give(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main(bundle: str) -> None:
    server = Collector(Path(bundle).read_bytes())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lines = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        for query in ("", "?plain"):
            server.envelopes.clear()
            page = browser.new_page(viewport={"width": 412, "height": 300})
            page.goto(f"http://127.0.0.1:{server.server_port}/{query}")
            page.wait_for_timeout(1500)
            page.click("#buy")
            for _ in range(2):
                page.wait_for_timeout(1000)
                page.evaluate("replay().flush()")
            page.wait_for_timeout(1000)
            replay_id = page.evaluate("replay().getReplayId()")
            page.goto("about:blank")
            page.wait_for_timeout(1000)
            page.close()
            for envelope in server.envelopes:
                if b'{"type":"session"}' not in envelope:
                    line = {"replay_id": replay_id, "envelope_b64": base64.b64encode(envelope).decode()}
                    lines.append(json.dumps(line))
        browser.close()
    (HERE / "sentry_replay.ndjson").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
