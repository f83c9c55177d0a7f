"""Recordings written by hand, in rrweb's form."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl

from connectors.tables import REPLAY_EVENTS, conform

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def text(node_id: int, content: str) -> dict:
    return {"type": 3, "id": node_id, "textContent": content}


def element(node_id: int, tag: str, *children: dict, **attributes: object) -> dict:
    attributes = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    return {"type": 2, "id": node_id, "tagName": tag, "attributes": attributes, "childNodes": list(children)}


def document(*body: dict, first: int = 1) -> dict:
    head = element(first + 2, "head", element(first + 3, "title", text(first + 4, "Title")))
    whole = element(first + 1, "html", head, element(first + 5, "body", *body))
    return {"type": 0, "id": first, "childNodes": [whole]}


BODY = 6


def meta(ms: int, href: str = "http://shop.test/", width: int = 800, height: int = 600) -> tuple:
    return ms, 4, None, {"href": href, "width": width, "height": height}


def snapshot(ms: int, *body: dict, first: int = 1) -> tuple:
    return ms, 2, None, {"node": document(*body, first=first), "initialOffset": {"top": 0, "left": 0}}


def mutation(ms: int, *, adds=(), removes=(), texts=(), attributes=()) -> tuple:
    data = {
        "source": 0,
        "adds": [{"parentId": parent, "nextId": following, "node": node} for parent, following, node in adds],
        "removes": [{"parentId": parent, "id": node_id} for parent, node_id in removes],
        "texts": [{"id": node_id, "value": value} for node_id, value in texts],
        "attributes": [{"id": node_id, "attributes": values} for node_id, values in attributes],
    }
    return ms, 3, 0, data


def click(ms: int, node_id: int, x: float = 10, y: float = 10) -> tuple:
    return ms, 3, 2, {"source": 2, "type": 2, "id": node_id, "x": x, "y": y}


def entry(ms: int, node_id: int, value: str) -> tuple:
    return ms, 3, 5, {"source": 5, "id": node_id, "text": value, "isChecked": False}


def mouse(ms: int) -> tuple:
    return ms, 3, 1, {"source": 1, "positions": [{"x": 1, "y": 1, "id": BODY, "timeOffset": 0}]}


def recording(*events: tuple, replay_id: str = "r1", page_view_id: str | None = "p1") -> pl.DataFrame:
    """Canonical `replay_events`; times are milliseconds from noon."""
    rows = {
        "replay_id": replay_id,
        "session_id": f"session of {replay_id}",
        "page_view_id": page_view_id,
        "segment": 0,
        "at": [NOON + timedelta(milliseconds=event[0]) for event in events],
        "type": [event[1] for event in events],
        "source": [event[2] for event in events],
        "data": [event[3] if isinstance(event[3], str) else json.dumps(event[3]) for event in events],
    }
    return conform(pl.DataFrame(rows), REPLAY_EVENTS)


def at(ms: int) -> datetime:
    return NOON + timedelta(milliseconds=ms)
