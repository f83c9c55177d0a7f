"""A server on a real socket that plays what it is told: answers, cut bodies, slow bodies, resets, in order."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

JSON = {"content-type": "application/json"}


class Play(NamedTuple):
    """One answer: `cut` bytes are missing from its end, `reset` tears the connection down, `drip` seconds a `piece`."""

    status: int = 200
    body: bytes = b"[]"
    headers: dict[str, str] = JSON
    cut: int = 0
    reset: bool = False
    drip: float = 0.0
    piece: int = 1
    unframed: bool = False


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class Player(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[Asked], Play]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[Asked] = []
        self.clock: Callable[[], float] = time.time
        self.skew = 0.0
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Player

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.rfile.read(length), time.monotonic())
        self.server.asked.append(asked)
        play = self.server.answer(asked)
        if play.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.send_response(play.status)
        for name, value in play.headers.items():
            self.send_header(name, value)
        if play.unframed or play.cut:
            self.close_connection = True
        if not play.unframed:
            self.send_header("content-length", str(len(play.body)))
        self.end_headers()
        body = play.body[: len(play.body) - play.cut]
        if not play.drip:
            self.wfile.write(body)
            return
        for start in range(0, len(body), play.piece):
            self.wfile.write(body[start : start + play.piece])
            self.wfile.flush()
            time.sleep(play.drip)

    do_POST = do_GET

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (ConnectionError, ValueError, OSError):
            self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.clock() + self.server.skew)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(answer: Callable[[Asked], Play]) -> Iterator[Player]:
    """Serve until the block ends."""
    server = Player(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def playing(*plays: Play) -> Iterator[Player]:
    """Serve these answers one after the other, the last one again and again."""
    left = list(plays)
    with serving(lambda _: left.pop(0) if len(left) > 1 else left[0]) as server:
        yield server
