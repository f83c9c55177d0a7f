"""A real Chromium, and a page that notes whatever goes wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import chromium_path

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield started
        started.close()


@dataclass
class Watched:
    """A page, the requests it tried to make beyond its own file, and the errors it wrote."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Open a file from disk, with the network cut unless told otherwise."""
    contexts = []

    def open_file(file: Path, *, offline: bool = True, width: int = 1120, height: int = 1000) -> Watched:
        context = browser.new_context(offline=offline, viewport={"width": width, "height": height})
        contexts.append(context)
        watched = Watched(context.new_page())
        inside = ("file:", "data:", "blob:", "about:")
        watched.page.on(
            "request", lambda request: None if request.url.startswith(inside) else watched.requests.append(request.url)
        )
        watched.page.on(
            "console", lambda message: watched.errors.append(message.text) if message.type == "error" else None
        )
        watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
        watched.page.goto(file.as_uri())
        return watched

    yield open_file
    for context in contexts:
        context.close()


@dataclass
class Server:
    """A real server on this machine that notes who asked for what."""

    address: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    noted = Server("")

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            noted.asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Type", "image/svg+xml")
            self.end_headers()
            self.wfile.write(b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')

        do_POST = do_HEAD = do_OPTIONS = do_GET

        def log_message(self, *_: object) -> None:
            return

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    noted.address = f"http://127.0.0.1:{listening.server_port}"
    Thread(target=listening.serve_forever, daemon=True).start()
    yield noted
    listening.shutdown()
    listening.server_close()
