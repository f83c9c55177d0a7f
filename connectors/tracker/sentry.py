"""Sentry, SaaS or self-hosted, over its REST interface: `sentry+https://host/org/project`.

The token wants the scopes `org:read`, `project:read`, `event:read` and `project:releases`. Sources: docs.sentry.io/api
(events, releases, replays, explore), pagination and ratelimits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from connectors.exceptions import AuthError, CallRefused, SourceNotFound
from connectors.formats.sentry_event import EventTables
from connectors.formats.sentry_outcomes import QUANTITY, Outcomes, counts_of, sampling_of
from connectors.formats.sentry_rest import read_rest_event
from connectors.formats.values import as_int
from connectors.http import Answer, Http
from connectors.narrow import in_environment, time_of
from connectors.pages import page_of
from connectors.paging import linked_pages
from connectors.releases.sentry import read_releases
from connectors.remote import Address, Batch, Check, RemoteStore
from connectors.replay import sentry as replays
from connectors.secrets import secret_of
from connectors.stores import Window
from connectors.traces import sentry as traces

PER_PAGE = 100
# where a server sets no limit of its own
MOST_AT_ONCE = 64
# The interface wants both ends of a window or none.
BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
HOURLY = timedelta(days=14)
RETENTION = timedelta(days=90)
"""How long Sentry keeps errors on its larger plans (docs.sentry.io, data retention periods)."""


class SentryStore(RemoteStore):
    """A project in Sentry: errors, releases, recordings and spans.

    Examples
    --------
    >>> store = SentryStore.open("sentry+https://sentry.example.com/acme/shop?environment=production")
    >>> store.name, store.has("replays"), store.has("vitals")
    ('sentry acme/shop', True, False)
    """

    system = "sentry"
    form = "org/project"
    feeds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "events": ("events", "frames", "breadcrumbs", "requests"),
        "releases": ("releases",),
        "replays": ("replays",),
        "replay_events": ("replay_events",),
        "spans": ("spans",),
    }
    in_one = frozenset({"releases"})

    @property
    def project_path(self) -> str:
        """The path of the project, below which its events lie."""
        org, project = (quote(self.where.parts[part], safe="") for part in ("org", "project"))
        return f"api/0/projects/{org}/{project}/"

    @property
    def org_path(self) -> str:
        """The path of the organization, below which releases, recordings and traces lie."""
        return f"api/0/organizations/{quote(self.where.parts['org'], safe='')}/"

    @cached_property
    def project(self) -> Mapping[str, Any]:
        """What the server says of the project; its number is what other calls want."""
        return self.http.get(self.project_path).json(dict[str, Any])

    @cached_property
    def turns(self) -> Turns:
        """The client for the list of full events, of which the server answers a few calls at a time, or one."""
        return Turns(self.http)

    def connect(self, where: Address) -> Http:
        """Make a client that waits out the window of Sentry's own rate limit before it is refused."""
        return Http(where.base_url, source=self.system, bearer=secret_of(self.system, where.host), pace=rest_of_window)

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give a feed's rows of a window, page by page."""
        if feed == "events":
            yield from self._read_events(window)
        elif feed == "releases":
            yield from read_releases(self.http, self.where.parts["org"], self.where.parts["project"], window)
        elif feed == "replays":
            yield from replays.read_replays(self.http, self.org_path, self._asked(window))
        elif feed == "replay_events":
            yield from replays.read_all(self.http, self.org_path, self.project_path, self._asked(window))
        else:
            yield from traces.read_spans(self.http, self.org_path, self._asked(window), self.user_key)

    def read_recording(self, replay_id: str) -> Iterator[Batch]:
        """Give the replay events of one recording."""
        yield from replays.read_recording(self.http, self.project_path, replay_id)

    def read_traces(self, trace_ids: Sequence[str], window: Window) -> Iterator[Batch]:
        """Give the spans of some traces, one call a trace."""
        yield from traces.read_traces(self.http, self.org_path, trace_ids, between(window), self.user_key)

    def check(self) -> Check:
        """Ask for the project: does the token open it?"""
        since, kept = time_of(self.project.get("dateCreated")), self.now() - RETENTION
        return Check(
            True,
            f"project {self.project.get('slug')} (number {self.project.get('id')}) opens",
            max(since, kept) if since else kept,
            f"one call for {PER_PAGE} replays or spans, and for as many events or fewer (some servers cap full ones, "
            "and answer 60 calls a minute, one at a time); one for a release's deploys, a recording, a trace",
        )

    def _read_events(self, window: Window) -> Iterator[Batch]:
        asked = {"full": "true", "per_page": PER_PAGE, **between(window)}
        for page, answer in enumerate(linked_pages(self.turns, f"{self.project_path}events/", asked), 1):
            out = EventTables()
            for number, raw in enumerate(answer.json(list[msgspec.Raw]), 1):
                read_rest_event(raw, f"events page {page} event {number}", out)
            tables = (out.events, out.frames, out.breadcrumbs, out.requests)
            yield in_environment(page_of(tables, self.user_key), self.environment)
        yield self._what_was_not_kept(window)

    def _what_was_not_kept(self, window: Window) -> Batch:
        """Ask what became of the errors that were sent: a quota that ran out must not look like fewer errors."""
        asked = between(window) or {"statsPeriod": f"{RETENTION.days}d"}
        about = {"groupBy": "outcome", "field": QUANTITY, "category": "error", "project": self.project.get("id")}
        try:
            answer = self.http.get(f"{self.org_path}stats_v2/", {**asked, **about, "interval": _interval(window)})
        except (AuthError, SourceNotFound, CallRefused) as error:
            return Batch({}, note=f"how many errors were dropped on the way is not known ({error})")
        return Batch({}, sampling=sampling_of(counts_of(answer.json(Outcomes).groups)))

    def _asked(self, window: Window) -> dict[str, Any]:
        return {
            "project": self.project.get("id"),
            "environment": window.environment or self.environment,
            "per_page": PER_PAGE,
            **between(window),
        }


class Turns:
    """Calls of one kind, as many at a time as the server says that it answers; one more would be refused, and count.

    The list of full events is answered one call at a time (its `concurrent_limit`), and readers ask for several parts
    of a window at once. What the limit is stands in the first answer.

    Examples
    --------
    >>> class Server:
    ...     source = "sentry"
    ...     def get(self, path, params):
    ...         return Answer(200, b"[]", {"x-sentry-rate-limit-concurrentlimit": "1"})
    >>> turns = Turns(Server())
    >>> turns.get("events/", []).status, turns.at_once
    (200, 1)
    """

    def __init__(self, http: Http) -> None:
        self.source = http.source
        self.at_once: int | None = None
        self._http, self._free = http, threading.Semaphore(MOST_AT_ONCE)
        self._learning = threading.Lock()

    def get(self, path: str, params: Sequence[tuple[str, Any]]) -> Answer:
        """Ask when it is our turn."""
        with self._learning:
            if self.at_once is None:
                answer = self._http.get(path, params)
                said = as_int(answer.header("X-Sentry-Rate-Limit-ConcurrentLimit"))
                self.at_once = said if said and said > 0 else MOST_AT_ONCE
                self._free = threading.Semaphore(self.at_once)
                return answer
        with self._free:
            return self._http.get(path, params)


def between(window: Window) -> dict[str, str]:
    """Give a window as the interface wants it: UTC without a zone, whole seconds, both ends or none.

    Examples
    --------
    >>> between(Window(datetime(2026, 3, 9, 12, 0, 0, 500, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)))
    {'start': '2026-03-09T12:00:00', 'end': '2026-03-10T00:00:00'}
    >>> between(Window())
    {}
    """
    if window.start is None and window.end is None:
        return {}
    start, end = window.start or BEGINNING, window.end or datetime.now(UTC) + timedelta(days=1)
    if end.microsecond:
        end += timedelta(seconds=1)
    return {name: f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" for name, time in (("start", start), ("end", end))}


def _interval(window: Window) -> str:
    """Give the grain of statistics: days for long windows, of which hours would be too many for one answer."""
    length = RETENTION if window.start is None else (window.end or datetime.now(UTC)) - window.start
    return "1d" if length > HOURLY else "1h"


def rest_of_window(answer: Answer) -> float | None:
    """Say how long the rest of a rate-limit window is when no call is left in it; its end is in epoch seconds.

    Examples
    --------
    >>> left = {"x-sentry-rate-limit-remaining": "0", "x-sentry-rate-limit-reset": "1773014460"}
    >>> rest_of_window(Answer(200, b"", {**left, "date": "Mon, 09 Mar 2026 00:00:30 GMT"}))
    30.0
    """
    remaining = as_int(answer.header("X-Sentry-Rate-Limit-Remaining"))
    reset = as_int(answer.header("X-Sentry-Rate-Limit-Reset"))
    if remaining is None or remaining > 0 or reset is None:
        return None
    return max(0.0, reset - (answer.at or datetime.now(UTC)).timestamp())
