"""The canonical tables: what every store gives and every room takes. Read this file first.

A wire format is turned into these rows once, at the border, by `connectors.formats`; nothing behind the border knows
a vendor's field names. Times are `Datetime("us", "UTC")`; ids are strings; null means unknown; NaN and infinite values
are refused. Lines and columns are 1-based, columns count UTF-16 units.

`conform` brings a frame into a table's form, `require` says what is missing in one sentence; both stand in
`connectors.table`, which says what a table is.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from connectors.table import BOOL, FLOAT, INT, SPAN_EVENTS, TAGS, TEXT, TIME, Table, conform, require

__all__ = [
    "ARTIFACTS", "BOOL", "BREADCRUMBS", "EVENTS", "FLOAT", "FRAMES", "INT", "LAB_RUNS", "PAGE_VIEWS", "RELEASES",
    "REPLAYS", "REPLAY_EVENTS", "REQUESTS", "SESSIONS", "SPANS", "SPAN_EVENTS", "TABLES", "TAGS", "TEXT", "TIME",
    "VITALS", "Table", "conform", "require",
]  # fmt: skip

# fmt: off
EVENTS = Table(
    "events",
    {
        "event_id": TEXT, "at": TIME, "received_at": TIME, "source": TEXT, "vendor_issue_id": TEXT, "project": TEXT,
        "environment": TEXT, "release": TEXT, "dist": TEXT, "level": TEXT, "type": TEXT, "message": TEXT,
        "handled": BOOL, "mechanism": TEXT, "stack": TEXT, "page_url": TEXT, "route": TEXT, "session_id": TEXT,
        "page_view_id": TEXT, "replay_id": TEXT, "trace_id": TEXT, "span_id": TEXT, "user_id": TEXT,
        "user_agent": TEXT, "browser": TEXT, "browser_version": TEXT, "os": TEXT, "device_class": TEXT,
        "region": TEXT, "tags": TAGS, "client_fingerprint": pl.List(pl.String()), "sample_rate": FLOAT,
    },
    key=("event_id",),
    required=("event_id", "at"),
    dimensions=(
        "source", "project", "environment", "release", "dist", "level", "type", "mechanism", "route", "user_agent",
        "browser", "browser_version", "os", "device_class", "region",
    ),
)

FRAMES = Table(
    "frames",
    {
        "event_id": TEXT, "exception_index": INT, "frame_index": INT, "url": TEXT, "function": TEXT, "line": INT,
        "column": INT, "in_app": BOOL, "debug_id": TEXT,
    },
    key=("event_id", "exception_index", "frame_index"),
    required=("event_id", "exception_index", "frame_index"),
    dimensions=("url", "function", "debug_id"),
    time=None,
)

REQUESTS = Table(
    "requests",
    {
        "event_id": TEXT, "session_id": TEXT, "at": TIME, "method": TEXT, "url": TEXT, "endpoint": TEXT,
        "status": INT, "duration_ms": FLOAT, "trace_id": TEXT, "initiator": TEXT,
    },
    key=("event_id", "session_id", "at", "method", "url", "initiator"),
    required=("at",),
    dimensions=("method", "endpoint", "initiator"),
)

BREADCRUMBS = Table(
    "breadcrumbs",
    {
        "event_id": TEXT, "at": TIME, "category": TEXT, "level": TEXT, "message": TEXT, "data": TEXT,
    },
    key=("event_id", "at", "category", "message", "data"),
    required=("event_id", "at"),
    dimensions=("category", "level"),
)

SESSIONS = Table(
    "sessions",
    {
        "session_id": TEXT, "started_at": TIME, "ended_at": TIME, "user_id": TEXT, "release": TEXT,
        "environment": TEXT, "browser": TEXT, "browser_version": TEXT, "os": TEXT, "device_class": TEXT,
        "region": TEXT, "user_agent": TEXT, "contacted_support": BOOL, "support_at": TIME, "sample_rate": FLOAT,
    },
    key=("session_id",),
    required=("session_id", "started_at"),
    dimensions=("release", "environment", "browser", "browser_version", "os", "device_class", "region", "user_agent"),
    time="started_at",
)

PAGE_VIEWS = Table(
    "page_views",
    {
        "page_view_id": TEXT, "session_id": TEXT, "at": TIME, "page_url": TEXT, "route": TEXT, "release": TEXT,
        "environment": TEXT, "device_class": TEXT, "region": TEXT, "browser": TEXT, "navigation_type": TEXT,
        "trace_id": TEXT,
    },
    key=("page_view_id",),
    required=("page_view_id", "at"),
    dimensions=("route", "release", "environment", "device_class", "region", "browser", "navigation_type"),
)

VITALS = Table(
    "vitals",
    {
        "at": TIME, "page_view_id": TEXT, "session_id": TEXT, "metric": TEXT, "value": FLOAT, "rating": TEXT,
        "navigation_type": TEXT, "page_url": TEXT, "route": TEXT, "release": TEXT, "environment": TEXT,
        "device_class": TEXT, "region": TEXT, "browser": TEXT, "connection": TEXT, "attribution": TEXT,
        "trace_id": TEXT, "sample_rate": FLOAT,
    },
    key=("page_view_id", "session_id", "metric", "navigation_type"),
    required=("at", "metric"),
    dimensions=(
        "metric", "rating", "navigation_type", "route", "release", "environment", "device_class", "region",
        "browser", "connection",
    ),
)

REPLAYS = Table(
    "replays",
    {
        "replay_id": TEXT, "session_id": TEXT, "started_at": TIME, "ended_at": TIME, "segment_count": INT,
        "event_count": INT, "bytes": INT, "kept_because": TEXT,
    },
    key=("replay_id",),
    required=("replay_id",),
    dimensions=("kept_because",),
    time="started_at",
)

REPLAY_EVENTS = Table(
    "replay_events",
    {
        "replay_id": TEXT, "session_id": TEXT, "page_view_id": TEXT, "segment": INT, "at": TIME, "type": INT,
        "source": INT, "data": TEXT,
    },
    key=("replay_id", "page_view_id", "segment", "at", "type", "data"),
    required=("replay_id", "at", "type"),
)

SPANS = Table(
    "spans",
    {
        "trace_id": TEXT, "span_id": TEXT, "parent_span_id": TEXT, "service": TEXT, "name": TEXT, "kind": TEXT,
        "side": TEXT, "started_at": TIME, "duration_us": INT, "status": TEXT, "status_message": TEXT,
        "http_method": TEXT, "http_route": TEXT, "http_status": INT, "db_statement": TEXT, "attributes": TEXT,
        "events": SPAN_EVENTS,
    },
    key=("trace_id", "span_id", "kind", "service"),
    required=("trace_id", "span_id", "started_at"),
    dimensions=("service", "name", "kind", "side", "status", "http_method", "http_route", "db_statement"),
    time="started_at",
)

LAB_RUNS = Table(
    "lab_runs",
    {
        "run_id": TEXT, "at": TIME, "page_url": TEXT, "route": TEXT, "form_factor": TEXT, "release": TEXT,
        "branch": TEXT, "metric": TEXT, "value": FLOAT, "score": FLOAT, "tool_version": TEXT, "throttling": TEXT,
    },
    key=("run_id", "metric"),
    required=("run_id", "at", "metric"),
    dimensions=("route", "form_factor", "release", "branch", "metric", "tool_version", "throttling"),
)

RELEASES = Table(
    "releases",
    {
        "release": TEXT, "environment": TEXT, "deployed_at": TIME, "previous_release": TEXT, "commit": TEXT,
    },
    key=("release", "environment"),
    required=("release",),
    time="deployed_at",
)

ARTIFACTS = Table(
    "artifacts",
    {
        "release": TEXT, "dist": TEXT, "url": TEXT, "debug_id": TEXT,
        "map_location": TEXT, "uploaded_at": TIME, "sha256": TEXT, "bytes": INT,
    },
    key=("release", "dist", "url"),
    required=("map_location",),
    time="uploaded_at",
)  # fmt: skip

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        EVENTS, FRAMES, REQUESTS, BREADCRUMBS, SESSIONS, PAGE_VIEWS, VITALS,
        REPLAYS, REPLAY_EVENTS, SPANS, LAB_RUNS, RELEASES, ARTIFACTS,
    )
}
# fmt: on
