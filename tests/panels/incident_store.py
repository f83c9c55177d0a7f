"""A store of invented errors, for the incident page: as many bugs, releases and routes as a test asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import TABLES, conform

FIRST = datetime(2026, 3, 9, 8, tzinfo=UTC)


@dataclass
class Errors:
    """Each message is a bug of its own: its file, its endpoint, `times` sessions that it hit, spread over `span`.

    `broken` names tables that fail, with how many rows came before they did.
    """

    messages: tuple[str, ...] = ("Cannot read properties of undefined (reading 'discount')",)
    releases_: tuple[str, ...] = ("a" * 40, "b" * 40)
    times: int = 3
    span: timedelta = timedelta(hours=20)
    broken: dict[str, int] = field(default_factory=dict)
    name: str = "invented"
    first_party: tuple[str, ...] = ("shop.example",)

    def __getattr__(self, name: str) -> Callable[..., Fetched]:
        if name not in TABLES:
            raise AttributeError(name)
        return lambda *_, **__: self._answer(name)

    def _answer(self, name: str) -> Fetched:
        rows = getattr(self, f"_{name}", list)()
        frame = conform(pl.DataFrame(rows, infer_schema_length=None), TABLES[name]) if rows else TABLES[name].empty()
        failed = None
        if name in self.broken:
            frame, failed = frame.head(self.broken[name]), "the second page broke off"
        return Fetched(frame.lazy(), FetchReport(self.name, name, "all", frame.height, Window(), failed=failed))

    def _sessions(self) -> list[dict[str, Any]]:
        n = max(len(self.messages) * self.times, 1) * 2
        return [
            {"session_id": f"s{i}", "user_id": f"u{i}", "started_at": FIRST + self.span * (i / n),
             "release": self._at(i, n), "device_class": "desktop", "browser": "Chrome", "environment": "production"}
            for i in range(n)
        ]  # fmt: skip

    def _page_views(self) -> list[dict[str, Any]]:
        kept = ("session_id", "release", "environment", "device_class", "browser")
        return [
            {**{key: row[key] for key in kept}, "page_view_id": f"p{i}", "at": row["started_at"], "route": "/cart",
             "page_url": "https://shop.example/cart"} for i, row in enumerate(self._sessions())
        ]  # fmt: skip

    def _events(self) -> list[dict[str, Any]]:
        views = self._page_views()[: len(self.messages) * self.times]
        return [
            {**view, "event_id": f"e{i}", "type": "TypeError", "message": self.messages[i % len(self.messages)],
             "at": view["at"] + timedelta(seconds=3)} for i, view in enumerate(views)
        ]  # fmt: skip

    def _by_bug(self) -> list[tuple[int, dict[str, Any]]]:
        return [(i % len(self.messages), row) for i, row in enumerate(self._events())]

    def _frames(self) -> list[dict[str, Any]]:
        return [
            {"event_id": row["event_id"], "exception_index": 0, "frame_index": 0, "line": 1, "column": 100,
             "in_app": True, "function": f"f{bug}", "url": f"https://shop.example/assets/part{bug}.js"}
            for bug, row in self._by_bug()
        ]  # fmt: skip

    def _requests(self) -> list[dict[str, Any]]:
        return [
            {"event_id": row["event_id"], "session_id": row["session_id"], "at": row["at"] - timedelta(seconds=1),
             "method": "GET", "endpoint": f"GET /api/thing{bug}", "status": 200, "initiator": "breadcrumb",
             "url": f"https://shop.example/api/thing{bug}"} for bug, row in self._by_bug()
        ]  # fmt: skip

    def _spans(self) -> list[dict[str, Any]]:
        return [
            {"trace_id": f"{i:032x}", "span_id": f"{i:016x}", "service": "web", "name": "GET /", "side": "backend",
             "started_at": FIRST, "duration_us": 10} for i in range(1, 6)
        ]  # fmt: skip

    def _releases(self) -> list[dict[str, Any]]:
        known, n = self.releases_, len(self.releases_)
        return [
            {"release": known[i], "environment": "production", "deployed_at": FIRST + self.span * (i / n),
             "previous_release": known[i - 1] if i else None} for i in range(n)
        ]  # fmt: skip

    def _at(self, i: int, n: int) -> str:
        return self.releases_[int(i / n * len(self.releases_))]
