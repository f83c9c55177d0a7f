"""Sentry's REST interface on a real socket, as docs.sentry.io/api describes it, and GlitchTip's dialect of it.

Written from the public documentation, and from nothing in `connectors`: events (`EventSerializer`: sections as
`entries`, frames in camelCase, `dateCreated` in whole seconds), pages by `Link` with `results`, rate-limit headers,
bodies of errors.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

from tests.connectors.plays import JSON, Asked, Play

TOKEN = "sntryu_0123456789abcdef"
ORG, PROJECT, NUMBER = "acme", "shop", "4507"
FRAME = {
    "module": None, "package": None, "platform": None, "instructionAddr": None, "symbolAddr": None, "trust": None,
    "symbol": None, "context": [], "errors": None, "vars": None, "lock": None, "sourceLink": None,
}  # fmt: skip


def iso(seconds: float, digits: str = "microseconds") -> str:
    time = datetime.fromtimestamp(seconds, UTC)
    return time.isoformat(timespec=digits).replace("+00:00", "Z")


def rest_frame(frame: dict) -> dict:
    """A frame after normalisation: `?` is no name, the whole address is `absPath`, its path is `filename`."""
    address = frame.get("abs_path") or frame.get("filename")
    is_url = bool(address) and address.startswith(("http:", "https:", "file:"))
    function = frame.get("function")
    return {
        "filename": urlsplit(address).path or address if is_url else address,
        "absPath": address,
        "function": None if function == "?" else function,
        "lineNo": frame.get("lineno"),
        "colNo": frame.get("colno"),
        "inApp": frame.get("in_app"),
        **FRAME,
    }


def rest_exception(one: dict, symbolicated: bool) -> dict:
    frames = [rest_frame(frame) for frame in (one.get("stacktrace") or {}).get("frames", [])]
    minified = {"frames": frames, "framesOmitted": None, "registers": None, "hasSystemFrames": False}
    shown = minified
    if symbolicated and frames:
        sources = [
            {**frame, "absPath": "webpack:///./src/cart.ts", "filename": "./src/cart.ts", "lineNo": 12, "colNo": 5}
            for frame in frames
        ]
        shown = {**minified, "frames": sources}
    return {
        "type": one.get("type"), "value": one.get("value"), "mechanism": one.get("mechanism"), "threadId": None,
        "module": None, "stacktrace": shown if frames else None,
        "rawStacktrace": minified if symbolicated and frames else None,
    }  # fmt: skip


def rest_breadcrumb(crumb: dict) -> dict:
    return {
        "type": crumb.get("type") or "default", "timestamp": iso(crumb["timestamp"]),
        "level": crumb.get("level") or "info", "message": crumb.get("message"), "category": crumb.get("category"),
        "data": crumb.get("data") or None, "event_id": None,
    }  # fmt: skip


def rest_request(request: dict) -> dict:
    """The page: its query and fragment stand apart from its address, headers are pairs."""
    url = urlsplit(request.get("url") or "")
    return {
        "url": url._replace(query="", fragment="").geturl(), "method": None, "data": None, "cookies": [], "env": None,
        "query": [list(pair) for pair in parse_qsl(url.query, keep_blank_values=True)], "inferredContentType": None,
        "headers": [list(pair) for pair in (request.get("headers") or {}).items()], "fragment": url.fragment or None,
    }  # fmt: skip


def rest_entries(event: dict, symbolicated: bool) -> list[dict]:
    entries = []
    if thrown := (event.get("exception") or {}).get("values"):
        values = [rest_exception(one, symbolicated) for one in thrown]
        entries.append({"type": "exception", "data": {"values": values, "hasSystemFrames": False, "excOmitted": None}})
    elif event.get("message"):
        entries.append({"type": "message", "data": {"formatted": event["message"], "message": None, "params": None}})
    if event.get("breadcrumbs"):
        entries.append(
            {"type": "breadcrumbs", "data": {"values": [rest_breadcrumb(crumb) for crumb in event["breadcrumbs"]]}}
        )
    if event.get("request"):
        entries.append({"type": "request", "data": rest_request(event["request"])})
    if event.get("debug_meta"):
        entries.append({"type": "debugmeta", "data": {"images": event["debug_meta"]["images"], "sdk_info": None}})
    return entries


def rest_event(event: dict, received: float, group: str, *, symbolicated: bool = False) -> dict:
    """What `GET .../events/?full=true` lists for an event that an SDK sent."""
    thrown = (event.get("exception") or {}).get("values") or [{}]
    mechanism = thrown[-1].get("mechanism") or {}
    user = event.get("user") or {}
    derived = {
        "environment": event.get("environment"), "release": event.get("release"), "dist": event.get("dist"),
        "level": event.get("level") or "error", "transaction": event.get("transaction"),
        "mechanism": mechanism.get("type"), "handled": {True: "yes", False: "no"}.get(mechanism.get("handled")),
        "url": (event.get("request") or {}).get("url"), "user": f"id:{user['id']}" if user.get("id") else None,
    }  # fmt: skip
    tags = {**(event.get("tags") or {}), **{key: value for key, value in derived.items() if value is not None}}
    return {
        "id": event["event_id"], "eventID": event["event_id"], "groupID": group, "projectID": NUMBER, "size": 4711,
        "entries": rest_entries(event, symbolicated), "dist": event.get("dist"), "message": event.get("message") or "",
        "title": f"{thrown[-1].get('type')}: {thrown[-1].get('value')}", "location": None, "culprit": "?(assets/shop)",
        "user": {**user, "email": None, "username": None, "ip_address": None, "name": None, "geo": None, "data": None},
        "contexts": {name: {**context, "type": name} for name, context in (event.get("contexts") or {}).items()},
        "sdk": {"name": "sentry.javascript.react", "version": "11.12.0"}, "context": {}, "packages": {},
        "type": "error" if thrown != [{}] else "default", "metadata": {}, "platform": "javascript", "errors": [],
        "tags": [{"key": key, "value": str(value)} for key, value in sorted(tags.items())],
        "dateReceived": iso(received), "dateCreated": iso(event["timestamp"], "seconds"), "crashFile": None,
        "fingerprints": ["0f3a" * 8], "groupingConfig": {"id": "newstyle:2026-01-20"}, "occurrence": None, "_meta": {},
    }  # fmt: skip


def glitchtip_event(event: dict, received: float, group: str) -> dict:
    """The same event as GlitchTip lists it: breadcrumbs as they were sent, times as they are, frames in camelCase."""
    whole = rest_event(event, received, group)
    for entry in whole["entries"]:
        if entry["type"] == "breadcrumbs":
            entry["data"] = {"values": event["breadcrumbs"]}
    kept = (
        "id", "eventID", "groupID", "entries", "dist", "message", "title", "culprit", "user", "contexts", "sdk", "type",
        "metadata", "platform", "tags", "dateReceived",
    )  # fmt: skip
    return {
        **{name: whole[name] for name in kept}, "id": f"0197{event['event_id'][4:]}", "projectID": 7,
        "dateCreated": iso(event["timestamp"]),
    }  # fmt: skip


class SentryServer:
    """Answers as the documentation says; `trouble` is answered first, one a call.

    Parameters
    ----------
    events
        What the list of events holds, in any form; newest first by `dateCreated`.
    page
        The largest page that it gives, whatever is asked for.
    """

    def __init__(
        self, events=(), *, page=25, releases=(), deploys=None, replays=(), segments=None, spans=(), trees=None
    ):
        self.events = sorted(events, key=lambda event: event["dateCreated"], reverse=True)
        self.page, self.trouble = page, []
        self.releases, self.deploys, self.replays = list(releases), deploys or {}, list(replays)
        self.segments, self.spans, self.trees = segments or {}, list(spans), trees or {}
        self.remaining, self.reset = 40, 4102444800
        self.outcomes = {"accepted": len(self.events)}

    def __call__(self, asked: Asked) -> Play:
        if self.trouble:
            return self.trouble.pop(0)
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"detail": "Invalid token"})
        url = urlsplit(asked.path)
        query = parse_qs(url.query)
        path = [unquote(part) for part in url.path.strip("/").split("/")]
        match path:
            case ["api", "0", "projects", org, project, *rest] if (org, project) == (ORG, PROJECT):
                return self.of_project(asked, rest, query)
            case ["api", "0", "organizations", org, *rest] if org == ORG:
                return self.of_org(asked, rest, query)
        return self.answer(404, {"detail": "The requested resource does not exist"})

    def of_project(self, asked: Asked, rest: list[str], query: dict) -> Play:
        match rest:
            case []:
                return self.answer(200, {"id": NUMBER, "slug": PROJECT, "dateCreated": "2026-01-05T08:00:00.123Z"})
            case ["events"] if ("start" in query) != ("end" in query):
                return self.answer(400, {"detail": "Invalid date range parameters provided"})
            case ["events"]:
                full = query.get("full") == ["true"]
                rows = self.within(self.events, query, "dateCreated")
                return self.listed(asked, rows if full else [{**row, "entries": []} for row in rows], query)
            case ["replays", replay_id, "recording-segments"] if replay_id in self.segments:
                if "download" not in query:
                    return self.answer(200, {"data": [{"replayId": replay_id, "segmentId": 0, "projectId": NUMBER}]})
                return self.listed(asked, self.segments[replay_id], query)
        return self.answer(404, {"detail": "The requested resource does not exist"})

    def of_org(self, asked: Asked, rest: list[str], query: dict) -> Play:
        match rest:
            case ["stats_v2"] if query.get("project") == [NUMBER] and query.get("groupBy") == ["outcome"]:
                groups = [
                    {
                        "by": {"outcome": outcome},
                        "totals": {"sum(quantity)": count},
                        "series": {"sum(quantity)": [count]},
                    }
                    for outcome, count in self.outcomes.items()
                ]
                return self.answer(200, {"start": "", "end": "", "intervals": [""], "groups": groups})
            case ["releases"]:
                return self.listed(asked, self.releases, query)
            case ["releases", version, "deploys"]:
                return self.listed(asked, self.deploys.get(version, []), query)
            case ["replays"] if query.get("project") == [NUMBER]:
                return self.listed(asked, self.within(self.replays, query, "started_at"), query, wrapped=True)
            case ["events"] if not {sort.lstrip("-") for sort in query.get("sort", [])} <= set(query["field"]):
                return self.answer(400, {"detail": "orderby must also be in the selected columns or groupby"})
            case ["events"] if query.get("dataset") == ["spans"] and len(query["field"]) <= 20:
                rows = [{name: span.get(name) for name in query["field"]} for span in self.spans]
                return self.listed(asked, rows, query, wrapped=True)
            case ["trace", trace_id] if trace_id in self.trees:
                return self.answer(200, self.trees[trace_id])
        return self.answer(404, {"detail": "The requested resource does not exist"})

    def within(self, rows: list, query: dict, time: str) -> list:
        if "start" not in query:
            return rows
        start, end = query["start"][0], query["end"][0]
        return [row for row in rows if row[time] and start <= row[time].rstrip("Z") < end]

    def listed(self, asked: Asked, rows: list, query: dict, wrapped: bool = False) -> Play:
        """One page; the header names a previous and a next page always, and says whether they hold anything."""
        offset = int(query.get("cursor", ["0:0:0"])[0].split(":")[1])
        size = min(self.page, int(query.get("per_page", query.get("limit", ["100"]))[0]))
        page, more = rows[offset : offset + size], offset + size < len(rows)
        here = f"http://{asked.headers['host']}{urlsplit(asked.path).path}"
        links = [
            f'<{here}?&cursor={quote(cursor)}>; rel="{rel}"; results="{str(there).lower()}"; cursor="{cursor}"'
            for rel, there, cursor in (
                ("previous", offset > 0, f"0:{max(offset - size, 0)}:1"),
                ("next", more, f"0:{offset + size}:0"),
            )
        ]
        return self.answer(200, {"data": page} if wrapped else page, {"link": ", ".join(links)})

    def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> Play:
        limits = {
            "x-sentry-rate-limit-limit": "40", "x-sentry-rate-limit-remaining": str(self.remaining),
            "x-sentry-rate-limit-reset": str(self.reset), "x-sentry-rate-limit-concurrentlimit": "25",
            "x-sentry-rate-limit-concurrentremaining": "24",
        }  # fmt: skip
        return Play(status, json.dumps(body).encode(), {**JSON, **limits, **(headers or {})})


class GlitchTipServer(SentryServer):
    """GlitchTip: no window, no `full`; the list is by the time received, and on older servers without sections."""

    def __init__(self, events=(), *, sections: bool = True, **more):
        super().__init__(events, **more)
        self.events.sort(key=lambda event: event["dateReceived"], reverse=True)
        self.sections = sections

    def of_project(self, asked: Asked, rest: list[str], query: dict) -> Play:
        match rest:
            case ["events"]:
                rows = self.events
                if not self.sections:
                    rows = [{key: value for key, value in row.items() if key != "entries"} for row in rows]
                return self.listed(asked, rows, query)
            case ["events", event_id]:
                found = [event for event in self.events if event["eventID"] == event_id]
                return self.answer(200, found[0]) if found else self.answer(404, {"detail": "Not Found"})
        return super().of_project(asked, rest, query)

    def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> Play:
        return Play(status, json.dumps(body).encode(), {**JSON, **(headers or {})})
