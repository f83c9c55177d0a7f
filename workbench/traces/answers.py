"""What the backend answered: whether every answer of a session looked fine while its user saw a broken page."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from connectors.tables import REQUESTS, SPANS, TEXT, require

SESSION_ATTRIBUTE = r'"session[._]?[iI]d"\s*:\s*"([^"]+)"'

CLIENT_CLOSED = 499  # nginx's word for a client that went away before it was answered


def all_2xx(
    hit_sessions: Sequence[str] | pl.Series,
    requests: pl.DataFrame,
    spans: pl.DataFrame,
    *,
    hosts: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Say for each session whether every answer of the backend was 2xx.

    Answers are taken from both ends: requests as the browser saw them, and the backend's server spans that answered
    the browser. A server span below another backend span is an inner call and does not count: its failure is just
    what the outer 200 hides. A redirect (3xx) is neither good nor bad, the answer that it leads to counts; a request
    without an answer (aborted, offline, 499) is no answer of the backend.

    Parameters
    ----------
    hit_sessions
        Ids of the sessions to look at.
    requests, spans
        Canonical tables, of these sessions and of any others. A span belongs to the session that its attributes
        name (`session.id`), else to the one whose requests are in its trace.
    hosts
        Count only requests to these hosts and their subdomains, and relative ones; None counts all.

    Returns
    -------
    One row a session, in the order given: session_id, `browser_answers`, `backend_answers`, `unanswered`,
    `not_2xx` (how many answers were 4xx or 5xx), `worst_status`, `failing` (their endpoints, sorted), `all_2xx` (null
    where nothing is known of any answer).

    Examples
    --------
    >>> from connectors.tables import conform
    >>> requests = conform(pl.DataFrame({"session_id": ["s1", "s2"], "at": [0, 0], "status": [200, 502]}), REQUESTS)
    >>> all_2xx(["s1", "s2", "s3"], requests, SPANS.empty())["all_2xx"].to_list()
    [True, False, None]
    """
    require(requests, REQUESTS, ["session_id", "at", "method", "url", "endpoint", "status", "trace_id"])
    require(
        spans, SPANS, ["trace_id", "span_id", "parent_span_id", "side", "kind", "http_status", "attributes", "name"]
    )
    sessions = pl.DataFrame({"session_id": pl.Series(list(hit_sessions), dtype=TEXT)}).unique(maintain_order=True)
    seen = requests.unique(["session_id", "at", "method", "url"], maintain_order=True)
    if hosts is not None:
        seen = seen.filter(_is_of(hosts))
    from_browser = seen.select(
        "session_id", pl.col("endpoint").cast(TEXT).fill_null(pl.col("url")).alias("endpoint"), "status",
        pl.lit("browser").alias("end"),
    )  # fmt: skip
    from_backend = _entries(spans, requests).select(
        "session_id", pl.col("name").cast(TEXT).alias("endpoint"), pl.col("http_status").alias("status"),
        pl.lit("backend").alias("end"),
    )  # fmt: skip
    answers = pl.concat([from_browser, from_backend]).join(sessions, on="session_id", how="semi")
    answered = (pl.col("status") >= 100) & (pl.col("status") != CLIENT_CLOSED)
    bad = answered & (pl.col("status") >= 400)
    told = answers.group_by("session_id").agg(
        (answered & (pl.col("end") == "browser")).sum().cast(pl.Int64).alias("browser_answers"),
        (answered & (pl.col("end") == "backend")).sum().cast(pl.Int64).alias("backend_answers"),
        (~answered.fill_null(False)).sum().cast(pl.Int64).alias("unanswered"),
        bad.sum().cast(pl.Int64).alias("not_2xx"),
        pl.col("status").filter(answered).max().alias("worst_status"),
        pl.col("endpoint").filter(bad).unique().sort().alias("failing"),
    )
    counts = ("browser_answers", "backend_answers", "unanswered", "not_2xx")
    known = pl.col("browser_answers") + pl.col("backend_answers") > 0
    return (
        sessions.join(told, on="session_id", how="left", maintain_order="left")
        .with_columns(pl.col(counts).fill_null(0))
        .with_columns(pl.when(known).then(pl.col("not_2xx") == 0).alias("all_2xx"))
    )


def _is_of(hosts: Sequence[str]) -> pl.Expr:
    host = pl.col("url").str.extract(r"^(?:https?:)?//([^/:?#]+)").str.to_lowercase()
    mine = [(host == name) | host.str.ends_with(f".{name}") for name in hosts]
    return host.is_null() | pl.any_horizontal(pl.lit(False), *mine)


def _entries(spans: pl.DataFrame, requests: pl.DataFrame) -> pl.DataFrame:
    """Give the server spans that answered the browser, each with its session."""
    backend = spans.filter(~pl.col("side").cast(TEXT).eq_missing("browser"))
    inner = backend.select("trace_id", pl.col("span_id").alias("parent_span_id")).unique()
    entries = backend.filter(pl.col("kind").cast(TEXT) == "server", pl.col("http_status").is_not_null()).join(
        inner, on=["trace_id", "parent_span_id"], how="anti"
    )
    pairs = requests.select("trace_id", pl.col("session_id").alias("of_trace")).drop_nulls().unique()
    of_trace = pairs.filter(pl.len().over("trace_id") == 1)
    said = pl.col("attributes").str.extract(SESSION_ATTRIBUTE)
    if "session_id" in entries.columns:
        said = pl.coalesce("session_id", said)
    return (
        entries.unique(["trace_id", "span_id", "kind"], maintain_order=True)
        .join(of_trace, on="trace_id", how="left", maintain_order="left")
        .with_columns(pl.coalesce(said, "of_trace").alias("session_id"))
        .filter(pl.col("session_id").is_not_null())
    )
