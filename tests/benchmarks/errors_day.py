"""A generated day of a million errors, 7 % of them distinct, for measuring only: rows, not evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

START = datetime(2026, 5, 4, tzinfo=UTC)
SITE = "https://www.bazaar.example"
MESSAGES = [
    ("TypeError", "Cannot read properties of undefined (reading '{p}')"),
    ("TypeError", "undefined is not an object (evaluating 'e.{p}')"),
    ("TypeError", 'can\'t access property "{p}", e is undefined'),
    ("TypeError", "e.{p} is not a function"),
    ("Error", "Order {n} of customer {h} not found"),
    ("Error", "GET https://api.bazaar.example/v1/{p}/{n}?cursor={h} took {n}ms"),
    ("Error", "Timeout of {n}ms for trace {h} at 2026-05-04T10:{m}:17Z"),
    ("Error", "Request failed with status code 503"),
    ("Error", "Script error."),
    ("AbortError", "The user aborted a request."),
    ("Error", "ResizeObserver loop completed with undelivered notifications."),
    ("ReferenceError", "fbq is not defined"),
    ("ChunkLoadError", "Loading chunk {n} failed."),
]
AGENTS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
    for v in range(100, 160)
]


def million(n_events: int = 1_000_000, distinct_share: float = 0.07, seed: int = 3) -> pl.DataFrame:
    """Canonical events with raw stacks of eight to twelve frames."""
    rng = np.random.default_rng(seed)
    n_distinct = int(n_events * distinct_share)
    words = [f"field{k}" for k in range(300)]
    lines = [f"    at {chr(97 + k % 26)}{k % 7} ({SITE}/assets/app-3f2a9c1b.js:1:{1000 + 37 * k})" for k in range(6000)]
    stacks = [
        "\n".join(lines[i] for i in rng.integers(0, 6000, int(rng.integers(8, 13)))) for _ in range(n_distinct // 3)
    ]
    errors = []
    for _ in range(n_distinct):
        type_, text = MESSAGES[int(rng.integers(len(MESSAGES)))]
        text = text.replace("{p}", words[int(rng.integers(300))]).replace("{n}", str(int(rng.integers(10_000, 99_999))))
        text = text.replace("{h}", rng.bytes(6).hex()).replace("{m}", str(int(rng.integers(10, 59))))
        errors.append((type_, text, f"{type_}: {text}\n{stacks[int(rng.integers(len(stacks)))]}"))
    distinct = pl.DataFrame(errors, schema=["type", "message", "stack"], orient="row")
    # Few errors are most of the events, and every distinct one occurs.
    rank = np.minimum(rng.zipf(1.3, n_events - n_distinct) - 1, n_distinct - 1)
    picked = rng.permutation(np.concatenate([np.arange(n_distinct), rank]))
    return distinct[picked].with_columns(
        event_id=pl.int_range(pl.len()).cast(pl.String),
        at=pl.lit(START) + pl.int_range(pl.len()) * timedelta(milliseconds=86),
        session_id=(pl.int_range(pl.len()) // 3).cast(pl.String),
        user_agent=pl.Series(AGENTS).gather(pl.Series(rng.integers(0, len(AGENTS), n_events))),
        page_url=pl.lit(SITE + "/cart"),
        release=pl.lit("1.0.0"),
    )
