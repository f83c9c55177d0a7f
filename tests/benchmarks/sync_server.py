"""A server that gives errors as fast as a socket takes them: pages rendered once, ids and times put in their places."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

START = datetime(2026, 3, 9, tzinfo=UTC)
ID, TIME = "0" * 32, "2026-03-09T00:00:00.000000+00:00"
STACK = [[f"https://shop.example/assets/chunk-{n}.4f2a9c.min.js", 1, 1000 + 7 * n] for n in range(6)]
TEXT = "Cannot read properties of undefined (reading 'items') while the cart of 3 articles was drawn"


class Server:
    """`count` errors at equal distances over `hours`, in pages of `size`."""

    def __init__(self, count: int, hours: float, size: int) -> None:
        self.count, self.size = count, size
        self.step = timedelta(hours=hours) / count
        error = {"id": ID, "time": TIME, "kind": "TypeError", "text": TEXT, "stack": STACK}
        self.page = bytearray(json.dumps({"errors": [error] * size, "next": None})[: -len("null}")].encode())
        self.ids = [found.start() for found in re.finditer(ID.encode(), self.page)]
        self.times = [found.start() for found in re.finditer(re.escape(TIME).encode(), self.page)]

    def answer(self, path: str) -> bytes:
        url = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if not url.path.endswith("/errors"):
            return json.dumps({"name": "shop", "oldest": START.isoformat()}).encode()
        first, last = (self._number(query[name]) for name in ("from", "to"))
        at = first + int(query.get("cursor") or 0)
        following = f'"{at + self.size - first}"' if at + self.size < last else "null"
        if last - at < self.size:
            body = json.loads(self._filled(at) + b"null}")
            return json.dumps({"errors": body["errors"][: max(0, last - at)], "next": None}).encode()
        return self._filled(at) + following.encode() + b"}"

    def _filled(self, at: int) -> bytes:
        page = bytearray(self.page)
        for place, number in zip(self.ids, range(at, at + self.size), strict=True):
            page[place : place + 32] = b"%032x" % number
        for place, number in zip(self.times, range(at, at + self.size), strict=True):
            time = START + self.step * number
            page[place : place + 32] = f"{time:%Y-%m-%dT%H:%M:%S.%f}+00:00".encode()
        return bytes(page)

    def _number(self, time: str) -> int:
        return min(self.count, max(0, -((START - datetime.fromisoformat(time)) // self.step)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            body = self.answer(head.split(b" ", 2)[1].decode())
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Thu, 31 Dec 2026 00:00:00 GMT\r\n"
                b"content-length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def main(count: int, hours: float, size: int) -> None:
    """Serve until killed; the port goes to stdout."""
    server = await asyncio.start_server(Server(count, hours, size).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
