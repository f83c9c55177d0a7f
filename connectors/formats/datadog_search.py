"""Datadog's searches as they are asked and answered: queries, bodies, cursors, rate-limit headers.

Source: the API reference (Search RUM events, Search spans, Rate limits). RUM events are asked with the search itself as
the body; for spans it stands in `{"data": {"type": "search_request", "attributes": ...}}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.exceptions import FetchError
from connectors.formats.nested import dig
from connectors.formats.values import as_int, as_number, as_text, shown

PAGE = 1000  # the most that a page may hold
BARE = re.compile(r"[\w.-]+")
MILLISECOND = timedelta(milliseconds=1)


def term(name: str, value: str) -> str:
    """Write one term of a search, in quotes where it needs them.

    Examples
    --------
    >>> term("service", "shop"), term("@view.name", '/cart "now"')
    ('service:shop', '@view.name:"/cart \\\\"now\\\\""')
    """
    if BARE.fullmatch(value):
        return f"{name}:{value}"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}:"{quoted}"'


def search(query: str, start: datetime | None, end: datetime | None, oldest: str, cursor: str | None) -> dict[str, Any]:
    """Write a search for one page, oldest first.

    The window's end is rounded up by a millisecond: whether the vendor counts an event at `to` is not documented, and
    what is too much is cut off later. Without a start the search begins at `oldest` ("now-30d").

    Examples
    --------
    >>> noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    >>> search("@type:error", noon, None, "now-30d", "abc")["filter"]
    {'query': '@type:error', 'from': '2026-03-09T12:00:00.000Z', 'to': 'now'}
    """
    page = {"limit": PAGE} if cursor is None else {"limit": PAGE, "cursor": cursor}
    return {
        "filter": {
            "query": query,
            "from": oldest if start is None else _time(start),
            "to": "now" if end is None else _time(end + MILLISECOND),
        },
        "sort": "timestamp",
        "page": page,
        "options": {"timezone": "UTC"},
    }


def spans_search(body: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap a search as the spans API wants it.

    Examples
    --------
    >>> spans_search({"sort": "timestamp"})
    {'data': {'type': 'search_request', 'attributes': {'sort': 'timestamp'}}}
    """
    return {"data": {"type": "search_request", "attributes": dict(body)}}


def events_of(answer: Any, place: str) -> tuple[list[Any], str | None]:
    """Give the events of a page and the cursor of the next; None when this was the last.

    Raises
    ------
    FetchError
        The answer is of another form.

    Examples
    --------
    >>> events_of({"data": [1], "meta": {"page": {"after": "abc"}}}, "page 1"), events_of({"data": []}, "page 2")
    (([1], 'abc'), ([], None))
    """
    data = dig(answer, "data")
    if not isinstance(data, list):
        raise FetchError(f"datadog answered {place} without a list of events ({shown(answer)}); is this its API?")
    return data, as_text(dig(answer, "meta", "page", "after")) if data else None


def warnings_of(answer: Any) -> str | None:
    """Say what the search itself says is amiss with its answer.

    Examples
    --------
    >>> warnings_of({"meta": {"status": "timeout", "warnings": [{"title": "Slow", "detail": "partial results"}]}})
    'the search timed out; partial results'
    """
    said = ["the search timed out"] if dig(answer, "meta", "status") == "timeout" else []
    warnings = dig(answer, "meta", "warnings")
    for warning in warnings if isinstance(warnings, list) else ():
        said += [text for text in (as_text(dig(warning, "detail")) or as_text(dig(warning, "title")),) if text]
    return "; ".join(said) or None


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Say how long to hold the next call back, by the rate-limit headers: nothing while calls are left.

    Examples
    --------
    >>> seconds_to_wait({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "41"}), seconds_to_wait({})
    (41.0, None)
    >>> seconds_to_wait({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "41"}) is None
    True
    """
    if as_int(headers.get("x-ratelimit-remaining")) != 0:
        return None
    return as_number(headers.get("x-ratelimit-reset"))


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
