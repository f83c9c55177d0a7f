"""One small incident, brought in through several systems: what it is, what each system is given, what is compared.

Every third session of the sample's broken release, as the real SDK sent it. A system is given the same events in the
form that its documentation describes (`sentry_server`, `as_datadog`) or, where the system runs in the tests, the SDK's
own envelopes. `CARRIES` says which columns a system brings; the rest it does not have, and nothing is made up for it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from connectors.stores import Window
from tests.connectors.sentry_server import iso

SAMPLE = Path(__file__).resolve().parents[2] / "sample-data" / "raw" / "envelopes.ndjson.gz"
RELEASE = "bd8d9518049a0893d11b47a4134858b506bb5de9"
FIRST_PARTY = ["shop.localhost"]

EVENTS = (
    "event_id", "at", "environment", "release", "level", "type", "message", "handled", "mechanism", "page_url", "route",
    "session_id", "page_view_id", "replay_id", "trace_id", "span_id", "user_id", "user_agent", "browser",
    "browser_version", "os", "device_class", "region",
)  # fmt: skip
FRAMES = ("event_id", "exception_index", "frame_index", "url", "function", "line", "column")
REQUESTS = ("event_id", "session_id", "at", "method", "url", "endpoint", "status", "initiator")
SENTRY = {
    "events": EVENTS,
    "frames": (*FRAMES, "in_app", "debug_id"),
    "breadcrumbs": ("event_id", "at", "category", "message", "data"),
    "requests": REQUESTS,
}
CARRIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # every column that the SDK filled, but for the project's number
    "bugsink": {
        **SENTRY,
        "events": (*EVENTS, "tags", "client_fingerprint"),
        "breadcrumbs": (*SENTRY["breadcrumbs"], "level"),
    },
    # times of events to the second; the list has hashes where the SDK's fingerprint was; breadcrumbs without a level
    # get one; tags of the server's own stand among those of the SDK
    "sentry": {**SENTRY, "events": tuple(name for name in EVENTS if name != "at")},
    "glitchtip": SENTRY,
    # the page's own address for the query's, no breadcrumbs; requests are resources of the session, not of the event;
    # no debug ids, nor whose code a frame is
    "datadog": {
        "events": (
            "event_id", "at", "environment", "release", "type", "message", "handled", "page_url", "session_id",
            "route", "page_view_id", "user_id", "user_agent", "device_class", "region",
        ),
        "frames": FRAMES,
    },
}  # fmt: skip


class Sent(NamedTuple):
    """One event as the SDK sent it, with its envelope's header, and when the collector got it (seconds)."""

    header: dict[str, Any]
    event: dict[str, Any]
    received: float

    @property
    def envelope(self) -> bytes:
        return "\n".join(json.dumps(part) for part in (self.header, {"type": "event"}, self.event)).encode()


@cache
def incident() -> tuple[Sent, ...]:
    """All errors of every third session of the broken release, in order of time."""
    sent = []
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as lines:
        for line in lines:
            wrapped = json.loads(line)
            header, *rest = wrapped["envelope"].split("\n")
            for item, payload in zip(rest[::2], rest[1::2], strict=False):
                if json.loads(item).get("type") != "event":
                    continue
                event = json.loads(payload)
                if event.get("release") == RELEASE:
                    sent.append(Sent(json.loads(header), event, wrapped["received_at"] / 1000))
    sessions = sorted({one.event["tags"]["session_id"] for one in sent})[::3]
    return tuple(
        sorted(
            (one for one in sent if one.event["tags"]["session_id"] in sessions), key=lambda one: one.event["timestamp"]
        )
    )


def group_of(event: Mapping[str, Any]) -> str:
    """A number for a tracker's group, by the event's type and text: any tracker's grouping will do here."""
    thrown = ((event.get("exception") or {}).get("values") or [{}])[-1]
    return str(int(hashlib.sha256(f"{thrown.get('type')} {thrown.get('value')}".encode()).hexdigest()[:8], 16))


def as_envelopes(folder: Path) -> Path:
    """The incident as a folder of envelopes, one a file."""
    for number, one in enumerate(incident()):
        (folder / f"{number:04d}.envelope").write_bytes(one.envelope)
    return folder


def as_datadog(one: Sent) -> dict[str, Any]:
    """The same error as Datadog's RUM search answers it (rum-events-format, and the reference's Search RUM events).

    A stack is the text that its SDK makes of it: `Type: message`, then `  at function @ address:line:column` a frame.
    """
    event = one.event
    chain = list(reversed((event.get("exception") or {}).get("values") or []))
    last = chain[0] if chain else {}
    texts = [_stack_text(thrown) for thrown in chain]
    handled = (last.get("mechanism") or {}).get("handled")
    tags = event["tags"]
    return {
        "id": f"AQ{event['event_id']}",
        "type": "rum",
        "attributes": {
            "timestamp": iso(event["timestamp"], "milliseconds"),
            "service": "shop",
            "tags": [f"env:{event['environment']}", f"version:{event['release']}", "service:shop"],
            "attributes": {
                "type": "error",
                "service": "shop",
                "version": event["release"],
                "session": {
                    "id": tags["session_id"], "type": "user", "has_replay": True,
                    "useragent": event["request"]["headers"]["User-Agent"],
                },
                "view": {"id": tags["page_id"], "url": event["request"]["url"], "name": tags["route"]},
                "device": {"type": tags["device_class"].capitalize()},
                "usr": {"id": (event.get("user") or {}).get("id")},
                "context": {"region": tags["region"]},
                "error": {
                    "id": event["event_id"], "type": last.get("type"), "source": "source",
                    "message": last.get("value") if chain else event.get("message"),
                    "handling": None if handled is None else "handled" if handled else "unhandled",
                    "stack": texts[0] if texts else None,
                    "causes": [
                        {"type": thrown.get("type"), "message": thrown.get("value"), "stack": text, "source": "source"}
                        for thrown, text in zip(chain[1:], texts[1:], strict=True)
                    ] or None,
                },
                "issue": {"id": group_of(event)},
            },
        },
    }  # fmt: skip


def as_datadog_resources(sent: Iterable[Sent]) -> list[dict[str, Any]]:
    """The calls among the breadcrumbs as resources of their session, each once: Datadog keeps no breadcrumbs."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in sent:
        tags = one.event["tags"]
        for crumb in one.event.get("breadcrumbs") or []:
            if crumb.get("category") not in ("fetch", "xhr"):
                continue
            data, session = crumb["data"], tags["session_id"]
            called = {"type": crumb["category"], "method": data["method"], "url": data["url"]}
            found[(session, crumb["timestamp"], *called.values())] = {
                "id": f"AR{len(found):030d}",
                "type": "rum",
                "attributes": {
                    "timestamp": iso(crumb["timestamp"], "milliseconds"),
                    "service": "shop",
                    "tags": [f"env:{one.event['environment']}", f"version:{one.event['release']}", "service:shop"],
                    "attributes": {
                        "type": "resource", "service": "shop", "session": {"id": session, "type": "user"},
                        "view": {"id": tags["page_id"], "url": one.event["request"]["url"]},
                        "resource": {**called, "status_code": data.get("status_code", 0)},
                    },
                },
            }  # fmt: skip
    return list(found.values())


def _stack_text(thrown: Mapping[str, Any]) -> str:
    lines = [f"{thrown.get('type')}: {thrown.get('value')}"]
    for frame in reversed((thrown.get("stacktrace") or {}).get("frames", [])):
        name = frame.get("function")
        place = ":".join(str(frame[key]) for key in ("filename", "lineno", "colno") if frame.get(key) is not None)
        lines.append(f"  at {'<anonymous>' if name in (None, '?', '') else name} @ {place}")
    return "\n".join(lines)


def canonical(store: Any, window: Window | None = None) -> dict[str, pl.DataFrame]:
    """The tables that an incident's errors fill, each in an order of its own, JSON spelled one way."""
    window = window or Window()
    tables = {name: getattr(store, name)(window).frame.collect() for name in SENTRY}
    return {name: _spelled_one_way(frame) for name, frame in tables.items()}


def comparable(tables: Mapping[str, pl.DataFrame], carries: Mapping[str, Iterable[str]]) -> dict[str, list[tuple]]:
    """What is left of the tables when only some columns count: rows, sorted."""
    return {name: sorted(tables[name].select(list(columns)).rows(), key=repr) for name, columns in carries.items()}


def _spelled_one_way(frame: pl.DataFrame) -> pl.DataFrame:
    if "data" in frame.columns:
        texts = [None if text is None else json.dumps(json.loads(text), sort_keys=True) for text in frame["data"]]
        frame = frame.with_columns(pl.Series("data", texts, dtype=pl.String))
    if "tags" in frame.columns:
        frame = frame.with_columns(pl.col("tags").list.eval(pl.element().sort_by(pl.element().struct.field("key"))))
    return frame
