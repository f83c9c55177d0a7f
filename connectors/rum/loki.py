"""Faro in Grafana Loki: what Alloy's `faro.receiver` wrote there, by Loki's query API.

`loki+https://logs.example.com?app=shop`, or `?selector=` with a stream selector of your own (`{app="shop"}`, escaped
for an address). The secret `loki` is a bearer token (Grafana Cloud: `<user>:<token>`); `tenant` names one of several.
Traces that Faro collects go to a trace backend, recordings nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from connectors.exceptions import AddressError
from connectors.formats.faro_loki import Entry, entries_of, read_line
from connectors.formats.rum_tables import RumTables
from connectors.http import Http
from connectors.pages import page_of
from connectors.remote import Address, Batch, Check, RemoteStore
from connectors.secrets import secret_of
from connectors.stores import Window

PATH = "loki/api/v1/query_range"
# what a line must hold, in logfmt and in JSON
KINDS = {"errors": "exception", "vitals": "measurement", "visits": "event"}
ANY_KIND = "(exception|measurement|event)"
# Loki's own defaults: lines a query, and how long a range it answers (limits_config)
LINES, SLICE = 5000, timedelta(days=30)
# how far back an open window goes
OLDEST = timedelta(days=365)
MICROSECOND = timedelta(microseconds=1)


class LokiFaro(RemoteStore):
    """Faro's items in one Loki.

    Examples
    --------
    >>> LokiFaro("loki+https://logs.example.com?app=shop").query("errors")
    '{app="shop"} |~ "kind\\\\"?[=:] ?\\\\"?exception"'
    """

    system = "loki"
    form = "?app,selector,tenant"
    feeds: ClassVar = {
        "errors": ("events", "frames"),
        "vitals": ("vitals",),
        "visits": ("page_views", "sessions", "requests"),
    }

    def connect(self, where: Address) -> Http:
        """Make the client."""
        tenant = where.options.get("tenant")
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        return Http(where.base_url, source=self.system, headers=headers, bearer=secret_of(self.system, where.host))

    def query(self, feed: str | None = None) -> str:
        """Write the LogQL of one feed; without one, of all of Faro's lines.

        Raises
        ------
        AddressError
            The address names neither an app nor a selector.
        """
        app, selector = self.where.options.get("app"), self.where.options.get("selector")
        if not app and not selector:
            raise AddressError(
                f"{self.address} does not say which streams are Faro's; add ?app=<the label app> or ?selector=<LogQL>"
            )
        escaped = (app or "").replace("\\", "\\\\").replace('"', '\\"')
        return (selector or f'{{app="{escaped}"}}') + f' |~ "kind\\"?[=:] ?\\"?{KINDS[feed] if feed else ANY_KIND}"'

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give a feed's lines of a window, oldest first, 5,000 at a time.

        Loki knows when a line was received: what happened at a window's end arrives some minutes after it.
        """
        now = self.now()
        end = min(window.end + self.lateness, max(now, window.end)) if window.end else now
        begin = window.start or end - OLDEST
        note = None if window.start else f"without a start, the {OLDEST.days} days before the end were looked at"
        while begin < end:
            until = min(begin + SLICE, end)
            yield from self._slice(feed, begin, until, note)
            begin = until

    def check(self) -> Check:
        """Ask for the oldest line of the last month."""
        now = self.now()
        entries = self._ask(self.query(), _nanoseconds(now - SLICE), _nanoseconds(now), 1)
        since = _time(entries[0].nanoseconds) if entries else None
        says = "Faro's lines are there" if entries else "Loki answers, but has no line of Faro in 30 days there"
        calls = f"one call for {LINES:,} lines, exceptions, measurements and events apart; at least one for 30 days"
        return Check(bool(entries), says, since, calls)

    def _slice(self, feed: str, begin: datetime, until: datetime, note: str | None) -> Iterator[Batch]:
        query, start, end, number = self.query(feed), _nanoseconds(begin), _nanoseconds(until), 0
        while True:
            number += 1
            entries = self._ask(query, start, end, LINES)
            out, full = RumTables(), len(entries) >= LINES
            for index, entry in enumerate(entries, 1):
                read_line(entry.line, f"{feed} page {number} line {index}", out)
            # from the last line's own time on: others of the same nanosecond may not have fitted
            following = entries[-1].nanoseconds if entries else end
            stuck = full and following == start
            rows = [getattr(out, table) for table in self.feeds[feed]]
            rows[0].refused += [one for one in out.events.refused if rows[0] is not out.events]
            yield page_of(rows, self.user_key, truncated=stuck, note=note)
            if not full:
                return
            start = following + 1 if stuck else following

    def _ask(self, query: str, start: int, end: int, limit: int) -> list[Entry]:
        asked: dict[str, Any] = {"query": query, "start": start, "end": end, "limit": limit, "direction": "forward"}
        return entries_of(self.http.get(PATH, asked).json())


def _nanoseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND * 1000


def _time(nanoseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + nanoseconds // 1000 * MICROSECOND
