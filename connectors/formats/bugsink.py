"""Bugsink's canonical interface: issues, events as they were sent, releases.

Source: the interface's own schema at `/api/canonical/0/schema/` of a Bugsink 2.6 server. Every list is
`{"next": address or null, "results": [...]}`; an event of a list leaves its payload out, the one that is fetched alone
has it under `data`, as the SDK sent it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.formats.rows import Rows
from connectors.formats.sentry_event import About, EventTables, read_event
from connectors.formats.values import BAD_JSON, as_micros, as_text, shown


class Page(msgspec.Struct):
    """One page of a list, and the address of the next one."""

    results: list[dict[str, Any]]
    next: str | None = None


class _Detail(msgspec.Struct):
    event_id: Any = None
    issue: Any = None
    project: Any = None
    ingested_at: Any = None
    data: msgspec.Raw = msgspec.Raw()


_detail = msgspec.json.Decoder(_Detail)


def read_detail(body: bytes, place: str, out: EventTables) -> None:
    """Read one event, fetched alone, into `out`.

    Examples
    --------
    >>> out = EventTables()
    >>> read_detail(
    ...     b'{"event_id":"9ec79c33-ec99-42ab-8353-589fcb2e04dc","issue":"7b1f","project":1,"ingested_at":'
    ...     b'"2026-03-09T15:20:01Z","data":{"timestamp":1773069600,"message":"hi"}}',
    ...     "event 9ec7",
    ...     out,
    ... )
    >>> out.events.frame().select("source", "vendor_issue_id", "project", "message").rows()
    [('bugsink', '7b1f', '1', 'hi')]
    """
    try:
        detail = _detail.decode(body)
    except BAD_JSON as error:
        return out.events.refuse(place, f"the event cannot be read ({error})")
    if not detail.data:
        return out.events.refuse(place, "the event has no data, where what the SDK sent ought to be")
    about = About(
        received_us=as_micros(detail.ingested_at),
        event_id=as_text(detail.event_id),
        project=as_text(detail.project),
        source="bugsink",
        issue_id=as_text(detail.issue),
    )
    return read_event(bytes(detail.data), place, out, about)


def read_release(release: Any, place: str, rows: Rows) -> None:
    """Read one release; the tracker dates it by its first event, or by what was told when it was made.

    Examples
    --------
    >>> from connectors.formats.releases import release_rows
    >>> rows = release_rows()
    >>> read_release({"version": "a1b2c3d", "date_released": "2026-03-09T14:20:00Z"}, "page 1", rows)
    >>> rows.frame().select("release", "deployed_at").rows()
    [('a1b2c3d', datetime.datetime(2026, 3, 9, 14, 20, tzinfo=zoneinfo.ZoneInfo(key='UTC')))]
    """
    version = as_text(release.get("version")) if isinstance(release, dict) else None
    if version is None:
        return rows.refuse(place, f"{shown(release)} names no release")
    return rows.add((version, None, as_micros(release.get("date_released")), None, None))
