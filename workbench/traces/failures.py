"""Where a trace failed first, and who answered 200 all the same."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl

from connectors.tables import INT, TEXT, TIME
from workbench.traces.forest import NO_PARENT, depths, distinct_spans, marked_below, parent_rows

FAILING_SPANS = {
    "trace_id": TEXT,
    "span_id": TEXT,
    "service": TEXT,
    "name": TEXT,
    "side": TEXT,
    "started_at": TIME,
    "status_message": TEXT,
    "db_statement": TEXT,
    "http_status": INT,
    "depth": INT,
    "failures": INT,
    "swallowed_by": TEXT,
    "swallowed_status": INT,
    "signature": TEXT,
}

SQL_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
SQL_LITERAL = re.compile(
    r"'(?:[^']|'')*'|\$\d+|(?<![\w:]):\w+|@\w+|(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b", re.IGNORECASE
)
SQL_LIST = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)(?:\s*,\s*\(\s*\?(?:\s*,\s*\?)*\s*\))*")
QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|`([^`]*)`")
NUMBER = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b|(?<![\w.])-?\d+(?:\.\d+)?",
    re.IGNORECASE,
)


def is_error() -> pl.Expr:
    """Say which spans failed: their status says so, or their answer was 5xx and nothing says otherwise."""
    return (pl.col("status").eq_missing("error")) | (
        (pl.col("http_status") >= 500).fill_null(False) & ~pl.col("status").eq_missing("ok")
    )


def _is_on(side: str) -> pl.Expr:
    """Say which spans are on a side; what names none is the backend's: browsers say that they are browsers."""
    in_browser = pl.col("side").eq_missing("browser")
    return in_browser if side == "browser" else ~in_browser


class Failure(NamedTuple):
    """The root cause of one trace, and the span that swallowed it (-1: nobody did), as rows."""

    row: int
    swallowed_by: int


def failing_spans(spans: pl.DataFrame, *, side: str | None = "backend", every: bool = False) -> pl.DataFrame:
    """Find in each trace the span that failed first: the deepest failing one, which no failing span is below.

    An error is swallowed by the nearest ancestor that answered as if nothing had happened: its HTTP status is 2xx or
    3xx, or it has none and its status is not an error. Ancestors that failed themselves only passed it on. Browser
    spans swallow nothing: what reaches them has left the backend.

    Parameters
    ----------
    spans
        Canonical `spans` of any number of traces.
    side
        Look for failures on this side only; None for both, the backend's first.
    every
        Give every such span, and not only the deepest (then earliest) of each trace.

    Returns
    -------
    One row a trace that failed (or a failure, with `every`): trace_id, span_id, service, name, side, started_at,
    status_message, db_statement, http_status, `depth`, `failures` (how many such spans the trace has), `swallowed_by`
    ("service name" of that ancestor, null when the error reached the browser), `swallowed_status` (what it answered),
    `signature`: service, name, statement and message without literals, equal for equal failures in any trace.

    Examples
    --------
    >>> from connectors.tables import SPANS, conform
    >>> spans = conform(pl.DataFrame({
    ...     "trace_id": "a", "span_id": ["1", "2"], "parent_span_id": [None, "1"], "started_at": 0, "service": "shop",
    ...     "name": ["GET /api/cart", "SELECT"], "status": ["unset", "error"], "http_status": [200, None],
    ... }), SPANS)
    >>> failing_spans(spans).select("name", "swallowed_by", "swallowed_status", "signature").row(0)
    ('SELECT', 'shop GET /api/cart', 200, 'shop · SELECT')
    """
    frame = distinct_spans(spans)
    parents = parent_rows(frame)
    found = _causes(frame, parents, depths(parents), side)
    if not every:
        found = found.unique("trace_id", keep="first", maintain_order=True)
    rows = found["row"].to_numpy()
    swallowers = _swallowers(frame, parents, rows)
    said = pl.concat_str(pl.col("service").fill_null("?"), pl.lit(" "), pl.col("name").fill_null("?"))
    above = frame.select(said.alias("swallowed_by"), pl.col("http_status").alias("swallowed_status"))
    taken = above[np.where(swallowers == NO_PARENT, 0, swallowers)] if len(rows) else above.clear()
    nobody = pl.Series(swallowers == NO_PARENT, dtype=pl.Boolean)
    result = found.with_columns(
        *(pl.select(pl.when(nobody).then(None).otherwise(column)).to_series().alias(column.name) for column in taken)
    )
    return result.with_columns(_signatures(result)).select(FAILING_SPANS.keys()).sort("trace_id", maintain_order=True)


def failure_of(trace: pl.DataFrame, parents: np.ndarray, depth: np.ndarray) -> Failure | None:
    """Give the root cause of one trace, of either side; None when nothing failed."""
    found = _causes(trace, parents, depth, None)
    if found.is_empty():
        return None
    row = found["row"].to_numpy()[:1]
    return Failure(int(row[0]), int(_swallowers(trace, parents, row)[0]))


def _causes(frame: pl.DataFrame, parents: np.ndarray, depth: np.ndarray, side: str | None) -> pl.DataFrame:
    """Give the failing spans with no failing span below, of each trace the most telling first."""
    wrong = frame.select(is_error()).to_series().to_numpy() if frame.height else np.zeros(0, dtype=bool)
    if side is not None:
        wrong = wrong & frame.select(_is_on(side)).to_series().to_numpy()
    leaves = wrong & ~marked_below(parents, wrong)
    return (
        frame.with_columns(pl.Series("depth", depth, dtype=pl.Int64))
        .filter(pl.Series(leaves, dtype=pl.Boolean))
        .with_columns(pl.len().over("trace_id").cast(pl.Int64).alias("failures"))
        .sort(
            "trace_id", _is_on("backend"), "depth", "started_at",
            descending=[False, True, True, False], maintain_order=True,
        )
    )  # fmt: skip


def _swallowers(frame: pl.DataFrame, parents: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Climb from failing spans, all at a time, until an ancestor answers well."""
    status = frame["http_status"].fill_null(0).to_numpy()
    answered_well = (status >= 200) & (status < 400)
    failed = frame.select(is_error() | (pl.col("http_status") >= 400).fill_null(False)).to_series().to_numpy()
    in_browser = frame["side"].eq_missing("browser").to_numpy()
    swallower = np.full(len(rows), NO_PARENT, dtype=np.int64)
    current = parents[rows] if len(rows) else np.zeros(0, dtype=np.int64)
    while (going := current != NO_PARENT).any():
        at = np.where(going, current, 0)
        going &= ~in_browser[at]
        passed_on = going & failed[at]
        swallower[passed_on] = NO_PARENT
        quiet = going & ~failed[at] & (swallower == NO_PARENT)
        swallower[quiet] = current[quiet]
        current = np.where(going & ~(answered_well[at] & ~failed[at]), parents[at], NO_PARENT)
    return swallower


def _signatures(found: pl.DataFrame) -> pl.Series:
    parts = found.select("service", "name", "db_statement", "status_message")
    distinct = parts.unique()
    written = pl.Series("signature", [signature(*row) for row in distinct.iter_rows()], dtype=pl.String)
    known = distinct.with_columns(written)
    return parts.join(known, on=parts.columns, how="left", maintain_order="left", nulls_equal=True)["signature"]


def signature(service: str | None, name: str | None, db_statement: str | None, status_message: str | None) -> str:
    """Write down what failed, without what differs from one time to the next.

    Quoted words of a message stay where the statement has them too (a column, a table); else they are data.

    Examples
    --------
    >>> signature("pricing", "SELECT", "select pct from rule where id in (1, 2, 3)", "no such column: pct")
    'pricing · SELECT · select pct from rule where id in (?) · no such column: pct'
    >>> signature("db", "INSERT", "INSERT INTO users VALUES ('ann')", "Duplicate entry 'ann' for key 'users', 31 ms")
    "db · INSERT · INSERT INTO users VALUES (?) · Duplicate entry ? for key 'users', ? ms"
    """
    statement = normalised_statement(db_statement or "")
    words = set(re.findall(r"\w+", statement.lower()))

    def keep(match: re.Match[str]) -> str:
        inner = next(group for group in match.groups() if group is not None)
        named = set(re.findall(r"\w+", inner.lower()))
        return match.group() if named and named <= words else "?"

    message = " ".join(NUMBER.sub("?", QUOTED.sub(keep, status_message or "")).split())
    parts = (service or "?", NUMBER.sub("?", name or "?"), statement, message)
    return " · ".join(part for part in parts if part)


def normalised_statement(statement: str) -> str:
    """Take literals, bind parameters, comments and line breaks out of a database statement.

    Examples
    --------
    >>> normalised_statement("SELECT *\\n FROM cart  WHERE id = 42 AND name = 'O''Hara' /* trace 00-4bf9 */")
    'SELECT * FROM cart WHERE id = ? AND name = ?'
    """
    without = SQL_LITERAL.sub("?", SQL_COMMENT.sub(" ", statement))
    return " ".join(SQL_LIST.sub("(?)", without).split())
