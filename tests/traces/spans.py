"""Spans written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from connectors.tables import SPANS, conform

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def span(span_id: str, parent: str | None = None, ms: float = 0, took: float | None = 1, **more: object) -> dict:
    """One span: start and duration in ms from noon."""
    return {
        "trace_id": "t1",
        "span_id": span_id,
        "parent_span_id": parent,
        "service": "shop",
        "name": span_id,
        "kind": "internal",
        "side": "backend",
        "started_at": NOON + timedelta(milliseconds=ms),
        "duration_us": None if took is None else round(took * 1000),
        "status": "unset",
        "status_message": None,
        "http_status": None,
        "db_statement": None,
        **more,
    }


def spans(*rows: dict) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), SPANS)


def browser(span_id: str, parent: str | None = None, ms: float = 0, took: float | None = 1, **more: object) -> dict:
    return span(span_id, parent, ms, took, **{"side": "browser", "service": "browser", **more})


def swallowed_failure(trace_id: str = "t1") -> list[dict]:
    """A click whose request answered 200, although a statement failed two services away."""
    rows = [
        browser("page", None, 0, 900),
        browser("fetch", "page", 100, 300, kind="client", http_status=200, status="ok"),
        span("cart", "fetch", 110, 280, kind="server", name="GET /api/cart", http_status=200),
        span("call", "cart", 120, 200, kind="client", name="POST /v2/promotions", http_status=500, status="error"),
        span("pricing", "call", 130, 180, service="pricing", kind="server", http_status=500, status="error"),
        span(
            "select", "pricing", 140, 5, service="pricing", kind="client", name="SELECT shop", status="error",
            status_message="no such column: promo_pct",
            db_statement="select promo_pct as pct from promo_rule where category=?",
        ),
        span("other", "pricing", 150, 5, service="pricing", kind="client", name="SELECT shop"),
    ]  # fmt: skip
    return [{**row, "trace_id": trace_id} for row in rows]
