"""Datadog RUM and its Error Tracking over the search API: errors, views with their vitals, sessions, requests.

`datadog+https://api.datadoghq.eu?service=shop`: the host is the site's API. It wants two keys: the API key as the
secret `datadog`, and an application key that has the scope `rum_apps_read` as the secret `datadog_app`.

Recordings are listed, not read: the API reference has an endpoint for their segments but does not say what it answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

import polars as pl

from connectors.datadog import application_key, datadog_client
from connectors.exceptions import AuthError, CallRefused, FetchError
from connectors.formats.datadog_rum import read_rum_event
from connectors.formats.datadog_search import PAGE, events_of, search, term, warnings_of
from connectors.formats.nested import dig
from connectors.formats.rum_tables import RumTables
from connectors.formats.values import as_micros
from connectors.http import Http
from connectors.pages import page_of
from connectors.remote import Address, Batch, Check, RemoteStore
from connectors.stores import Window
from connectors.tables import TIME

PATH = "api/v2/rum/events/search"
QUERIES = {
    "errors": "@type:error",
    "views": "@type:view",
    "sessions": "@type:session",
    "requests": "@type:resource @resource.type:(xhr OR fetch OR beacon)",
}
# what is kept longest; a window that is open begins there (docs: RUM data retention)
OLDEST = "now-30d"
NO_SEGMENTS = (
    "datadog lists recordings, but its documentation does not say what its segments look like; "
    "open the session at Datadog to watch it"
)


class DatadogRum(RemoteStore):
    """RUM events of one Datadog site, narrowed to a service or an application if the address names one.

    Examples
    --------
    >>> store = DatadogRum("datadog+https://api.datadoghq.eu?service=shop&environment=production")
    >>> store.query("errors")
    '@type:error @session.type:user service:shop env:production'
    """

    system = "datadog"
    form = "?service,application"
    feeds: ClassVar = {
        "errors": ("events", "frames"),
        "views": ("page_views", "vitals"),
        "sessions": ("sessions", "replays"),
        "requests": ("requests",),
    }
    # a session lasts four hours at most, and its views are written anew while they last
    lateness: ClassVar = timedelta(hours=4)

    def connect(self, where: Address) -> Http:
        """Make the client, with both keys as headers."""
        return datadog_client(where)

    def query(self, feed: str, environment: str | None = None) -> str:
        """Write the search for one feed."""
        options = self.where.options
        terms = [QUERIES[feed], "@session.type:user"]
        for name, value in (
            ("service", options.get("service")),
            ("@application.id", options.get("application")),
            ("env", self.environment or environment),
        ):
            if value:
                terms.append(term(name, value))
        return " ".join(terms)

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give the events of a feed, a page of a thousand at a time, oldest first.

        A cursor that is refused on the way (they expire) is replaced by a new search from the last event's time on.
        """
        query, start, cursor, number = self.query(feed, window.environment), window.start, None, 0
        last: datetime | None = None
        while True:
            number += 1
            place = f"{feed} page {number}"
            try:
                answer = self._ask(search(query, start, window.end, OLDEST, cursor))
            except CallRefused:
                if cursor is None or last is None or last == start:
                    raise
                start, cursor = last, None
                continue
            events, following = events_of(answer, place)
            yield self._page(feed, events, place, answer)
            if following is None:
                return
            if following == cursor:
                raise FetchError(f"datadog gives the cursor of {place} again; what comes after it was not read")
            cursor, last = following, _last_time(events) or last

    def read_recording(self, replay_id: str) -> Iterator[Batch]:
        """Say that the events of a recording are not to be had."""
        yield Batch({}, calls=0, note=NO_SEGMENTS)

    def check(self) -> Check:
        """Ask for the oldest event that there is."""
        body = search(self.query("views"), None, None, OLDEST, None)
        events, _ = events_of(self._ask({**body, "page": {"limit": 1}}), "the check")
        since = _last_time(events)
        says = "RUM events can be read" if events else "the keys are good, but no view matches the address"
        calls = f"one call for {PAGE:,} errors, views, sessions or requests each"
        return Check(bool(events), says, since, calls)

    def _ask(self, body: dict[str, Any]) -> Any:
        try:
            return self.http.post(PATH, body).json()
        except AuthError as error:
            raise AuthError(
                f"{error} to the API key, and {application_key(self.where)} to an application key"
            ) from None

    def _page(self, feed: str, events: list[Any], place: str, answer: Any) -> Batch:
        out = RumTables()
        for number, event in enumerate(events, 1):
            read_rum_event(event, f"{place} event {number}", out)
        rows = [getattr(out, name) for name in self.feeds[feed]]
        # what was of no form at all is refused under events, whatever was asked for
        rows[0].refused += [one for one in out.events.refused if rows[0] is not out.events]
        warned = warnings_of(answer)
        page = page_of(rows, self.user_key, truncated=warned is not None, note=warned)
        return page._replace(sampling=_sampling(page.tables.values()))


def _last_time(events: list[Any]) -> datetime | None:
    at = as_micros(dig(events[-1], "attributes", "timestamp")) if events else None
    return None if at is None else pl.Series([at]).cast(TIME).item()


def _sampling(frames: Iterable[pl.DataFrame]) -> str | None:
    rates = {rate for frame in frames if "sample_rate" in frame.columns for rate in frame["sample_rate"].unique()}
    kept = ", ".join(f"{rate * 100:g} %" for rate in sorted(rates - {None}) if rate < 1)
    return f"the browser SDK keeps {kept} of sessions" if kept else None
