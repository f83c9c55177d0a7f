"""The server of the example's connector, on a real socket: errors by time, in pages, with a clock of its own.

What it knows of an error depends on its clock: some come to be seen minutes after they happened, some come again with
another stack. `faults` may put any answer in the place of a page.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from tests.connectors.plays import JSON, Asked, Play, Player, serving

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
TOKEN = "acme_0123456789abcdef"
PAGE = 100


class Acme:
    """What the server has and how it answers.

    `count` errors lie between NOON and NOON + `hours`, more of them in the second half; every seventh comes to be seen
    up to four minutes late, every eleventh loses frames within four minutes.
    """

    def __init__(self, count: int, hours: float = 6, seed: int = 1) -> None:
        chance = random.Random(seed)
        spread = sorted(chance.random() ** 0.7 for _ in range(count))
        self.errors = [self._error(number, share * hours, chance) for number, share in enumerate(spread)]
        self.now = NOON + timedelta(hours=hours + 1)
        self.faults: Callable[[Asked], Play | None] = lambda asked: None
        self.slowly: Callable[[Asked], bool] = lambda asked: False
        self.calls = 0
        self._lock = threading.Lock()

    @staticmethod
    def _error(number: int, hour: float, chance: random.Random) -> dict:
        at = NOON + timedelta(microseconds=int(hour * 3_600_000_000))
        stack = [(f"https://shop.example/app.{chance.randrange(3)}.js", 1, chance.randrange(9_999)) for _ in range(4)]
        return {
            "id": f"{number:032x}",
            "at": at,
            "kind": chance.choice(["TypeError", "RangeError"]),
            "text": f"Cannot read properties of undefined (reading '{chance.choice('abcdef')}')",
            "stack": stack,
            "seen": at + (timedelta(minutes=4 * chance.random()) if number % 7 == 0 else timedelta()),
            "again": at + timedelta(minutes=4 * chance.random()) if number % 11 == 0 else None,
        }

    def answer(self, asked: Asked) -> Play:
        with self._lock:
            self.calls += 1
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Play(401, b'{"error":"unknown token"}')
        url = urlsplit(asked.path)
        if not url.path.startswith("/api/projects/shop"):
            return Play(404, b'{"error":"no such project"}')
        if (fault := self.faults(asked)) is not None:
            return fault
        if url.path.endswith("/errors"):
            page = self._page({name: values[0] for name, values in parse_qs(url.query).items()})
            return page._replace(drip=0.01, piece=4_000) if self.slowly(asked) else page
        return Play(body=json.dumps({"name": "shop", "oldest": NOON.isoformat()}).encode())

    def _page(self, query: dict[str, str]) -> Play:
        start = datetime.fromisoformat(query["from"]) if "from" in query else NOON
        end = datetime.fromisoformat(query["to"]) if "to" in query else self.now
        skip = int(query.get("cursor") or 0)
        there = [error for error in self.errors if start <= error["at"] < end and error["seen"] <= self.now]
        page = [self._told(error) for error in there[skip : skip + PAGE]]
        following = str(skip + PAGE) if skip + PAGE < len(there) else None
        return Play(body=json.dumps({"errors": page, "next": following}).encode(), headers=JSON)

    def _told(self, error: dict) -> dict:
        again = error["again"] is not None and error["again"] <= self.now
        stack = error["stack"][:2] if again else error["stack"]
        told = {"id": error["id"], "time": error["at"].isoformat(), "kind": error["kind"], "text": error["text"]}
        return {**told, "stack": stack, **error.get("told", {})}

    def rows(self) -> list[tuple[str, int]]:
        """Give (id, number of frames) of every error that the server has by now: what a lake must hold."""
        told = [self._told(error) for error in self.errors if error["seen"] <= self.now]
        return [(error["id"], len(error["stack"])) for error in told]


@contextmanager
def acme_server(acme: Acme) -> Iterator[Player]:
    """Serve `acme`; the Date header tells its clock."""
    with serving(acme.answer) as server:
        server.clock = lambda: acme.now.timestamp()
        yield server
