"""The queries that PostHog is asked, in its SQL (HogQL), paged by time as its documentation advises.

Source: posthog.com/docs/api/queries (at most 50,000 rows a query; "use timestamp-based pagination instead of OFFSET").
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from connectors.exceptions import FetchError
from connectors.formats.nested import dig
from connectors.formats.posthog_events import COLUMNS, SESSION_COLUMNS, VISITOR
from connectors.formats.values import as_text, shown

PAGE = 1000


class Feed(NamedTuple):
    """What one feed selects: its columns, its table, its time, its id, and what else must hold."""

    columns: tuple[str, ...]
    table: str
    time: str
    id: str
    where: str | None = None


FEEDS = {
    "errors": Feed(COLUMNS, "events", "timestamp", "uuid", "event = '$exception'"),
    "vitals": Feed(COLUMNS, "events", "timestamp", "uuid", "event = '$web_vitals'"),
    "page views": Feed(COLUMNS, "events", "timestamp", "uuid", "event = '$pageview'"),
    "sessions": Feed(SESSION_COLUMNS, "sessions", "$start_timestamp", "session_id"),
}


class After(NamedTuple):
    """The last row of a page: the next one begins behind it."""

    time: str
    id: str


def query_of(
    feed: Feed, start: datetime | None, end: datetime | None, after: After | None = None, *, limit: int = PAGE
) -> dict[str, Any]:
    """Write the body of one query: the rows of a window in order of time and id, behind the last row of a page.

    Examples
    --------
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> body = query_of(FEEDS["errors"], noon, None, limit=2)
    >>> print(body["query"]["query"])
    SELECT uuid, timestamp, distinct_id, properties FROM events WHERE event = '$exception'
    AND timestamp >= toDateTime('2026-03-09T12:00:00.000000Z') ORDER BY timestamp, toString(uuid) LIMIT 2
    """
    conditions = [feed.where] if feed.where else []
    if start is not None:
        conditions.append(f"{feed.time} >= {_time(start)}")
    if end is not None:
        conditions.append(f"{feed.time} < {_time(end)}")
    if after is not None:
        at = f"toDateTime({_quoted(after.time)})"
        conditions.append(f"({feed.time} > {at} OR ({feed.time} = {at} AND toString({feed.id}) > {_quoted(after.id)}))")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    sql = (
        f"SELECT {', '.join(feed.columns)} FROM {feed.table}{where} "
        f"ORDER BY {feed.time}, toString({feed.id}) LIMIT {limit}"
    )
    return _body(sql)


def visitors_of(sessions: Sequence[Any]) -> dict[str, Any] | None:
    """Write the query for who came in some sessions: `sessions` itself knows no browser, their page views do.

    Returns
    -------
    The body of a query for rows of session id and `VISITOR`, or None when no session has an id and its times.

    Examples
    --------
    >>> body = visitors_of([["s1", "u1", "2026-03-09T14:00:00Z", "2026-03-09T14:09:00Z"]])
    >>> print(body["query"]["query"].partition(" FROM ")[2])
    events WHERE event = '$pageview' AND timestamp >= toDateTime('2026-03-09T14:00:00Z')
    AND timestamp <= toDateTime('2026-03-09T14:09:00Z') AND properties.$session_id IN ('s1')
    GROUP BY properties.$session_id LIMIT 1000
    """
    told = [row[:4] for row in sessions if isinstance(row, list) and len(row) >= 4 and all(map(as_text, row[:4]))]
    if not told:
        return None
    ids = ", ".join(_quoted(str(row[0])) for row in told)
    begin, end = min(str(row[2]) for row in told), max(str(row[3]) for row in told)
    chosen = ", ".join(f"any(properties.{name})" for name in VISITOR)
    sql = (
        f"SELECT properties.$session_id, {chosen} FROM events WHERE event = '$pageview' "
        f"AND timestamp >= toDateTime({_quoted(begin)}) AND timestamp <= toDateTime({_quoted(end)}) "
        f"AND properties.$session_id IN ({ids}) GROUP BY properties.$session_id LIMIT {PAGE}"
    )
    return _body(sql)


def rows_of(answer: Any) -> list[Any]:
    """Give the rows of an answer.

    Raises
    ------
    FetchError
        It has none, or the query failed.

    Examples
    --------
    >>> rows_of({"results": [["a"]], "columns": ["uuid"]})
    [['a']]
    """
    results = dig(answer, "results")
    if not isinstance(results, list):
        said = as_text(dig(answer, "error")) or as_text(dig(answer, "detail")) or shown(answer)
        raise FetchError(f"posthog answered a query without rows ({said}); is this its API?")
    return results


def last_of(feed: Feed, row: Any) -> After | None:
    """Give the place behind which the next page begins.

    Examples
    --------
    >>> last_of(FEEDS["errors"], ["019295b1", "2026-03-09T14:00:00Z", "u1", "{}"])
    After(time='2026-03-09T14:00:00Z', id='019295b1')
    """
    if not isinstance(row, list) or len(row) < len(feed.columns):
        return None
    time, row_id = as_text(row[feed.columns.index(feed.time)]), as_text(row[feed.columns.index(feed.id)])
    return After(time, row_id) if time and row_id else None


def _body(sql: str) -> dict[str, Any]:
    return {"query": {"kind": "HogQLQuery", "query": sql}, "refresh": "force_blocking", "name": "blindspot"}


def _time(time: datetime) -> str:
    return f"toDateTime('{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z')"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
