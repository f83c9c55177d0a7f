"""Bugsink over its canonical interface: `bugsink+https://host/project`, the project by its number or its slug.

Events are listed by issue and without their payload, and no list takes a window: issues are read from the one seen last
back to the window's start, each one's events likewise, and what lies in the window is fetched, one call an event.
Source: the interface's schema at `/api/canonical/0/schema/` of Bugsink 2.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cached_property
from typing import Any, ClassVar

from connectors.exceptions import FetchError, SourceNotFound
from connectors.formats.bugsink import Page, read_detail, read_release
from connectors.formats.releases import release_rows
from connectors.formats.sentry_event import EventTables
from connectors.formats.sentry_releases import with_previous
from connectors.formats.values import as_hex_id, as_int, as_text
from connectors.narrow import in_environment, is_before, is_outside
from connectors.pages import page_of
from connectors.remote import Batch, Check, RemoteStore
from connectors.stores import Window

API = "api/canonical/0/"
AT_ONCE = 250
"""Events in a batch: as many as a page of the list has."""
PARALLEL = 4
"""Events that are fetched at a time: as many as a small server has threads for."""


class BugsinkStore(RemoteStore):
    """A project in Bugsink: errors, and the releases that it has seen.

    Examples
    --------
    >>> store = BugsinkStore.open("bugsink+https://bugsink.example.com/shop")
    >>> store.name, store.has("events"), store.has("spans")
    ('bugsink shop', True, False)
    """

    system = "bugsink"
    form = "project"
    feeds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "events": ("events", "frames", "breadcrumbs", "requests"),
        "releases": ("releases",),
    }
    in_one = frozenset({"events", "releases"})

    @cached_property
    def project(self) -> Mapping[str, Any]:
        """The project that the address names.

        Raises
        ------
        SourceNotFound
            The server has no such project; the message lists those there are.
        """
        named = self.where.parts["project"]
        there = [project for page in self._pages("projects/") for project in page.results]
        for project in there:
            if named in (as_text(project.get("id")), project.get("slug")):
                return project
        slugs = ", ".join(sorted(str(project.get("slug")) for project in there)[:20]) or "none that this token may see"
        raise SourceNotFound(f"bugsink has no project {named!r} at {self.where.base_url}; there are: {slugs}")

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give a feed's rows of a window, batch by batch, the issue seen last first."""
        if feed == "events":
            yield from self._read_events(window)
        else:
            yield from self._read_releases()

    def check(self) -> Check:
        """Ask for the project, and say how many events it keeps."""
        kept, limit = (as_int(self.project.get(key)) for key in ("stored_event_count", "retention_max_event_count"))
        return Check(
            True,
            f"project {self.project.get('slug')} opens; it keeps {kept} events, {limit} at most, then drops old ones",
            None,
            "one call for 250 issues, one for 250 events of an issue, and one for each event in the window",
        )

    def _read_events(self, window: Window) -> Iterator[Batch]:
        with ThreadPoolExecutor(PARALLEL) as pool:
            ids, calls, known = [], 0, 0
            for event_id, there in self._called_for(window):
                calls += 1
                known += there
                if event_id is not None:
                    ids.append(event_id)
                if len(ids) >= AT_ONCE or known >= AT_ONCE:
                    yield self._fetched(pool, ids, calls)._replace(known=known)
                    ids, calls, known = [], 0, 0
            yield self._fetched(pool, ids, calls)._replace(known=known)

    def _fetched(self, pool: Executor, ids: list[str], calls: int) -> Batch:
        """Fetch some events, a few at a time; one that the server dropped meanwhile is refused."""
        out = EventTables()
        for event_id, body in zip(ids, pool.map(self._detail, ids), strict=True):
            if body is None:
                out.events.refuse(f"event {event_id}", "it was listed, and gone when it was fetched")
            else:
                read_detail(body, f"event {event_id}", out)
        return self._batch(out, calls)

    def _detail(self, event_id: str) -> bytes | None:
        try:
            return self.http.get(f"{API}events/{event_id}/").body
        except SourceNotFound:
            return None

    def _called_for(self, window: Window) -> Iterator[tuple[str | None, int]]:
        """Give the ids of the events to fetch, and None with the known ones for each call that it took to find them.

        An event never changes once it is stored, other than by going to another issue.
        """
        about = {"project": self.project.get("id"), "sort": "last_seen", "order": "desc"}
        for issues in self._back_to(window, "issues/", about, "last_seen"):
            yield None, 0
            for issue in issues:
                of_issue = {"issue": issue.get("id"), "order": "desc"}
                for events in self._back_to(window, "events/", of_issue, "ingested_at"):
                    young = {
                        as_text(one.get("id")): (as_hex_id(one.get("event_id"), 32), as_text(one.get("issue")))
                        for one in events
                        if not is_outside(one.get("timestamp"), window)
                    }
                    there = self.known_events({event: issue for event, issue in young.values() if event is not None})
                    yield None, len(there)
                    yield from ((one, 0) for one, (event, _) in young.items() if event not in there)

    def _back_to(self, window: Window, path: str, about: Mapping[str, Any], received: str) -> Iterator[list[Any]]:
        """Give a list that is sorted newest first, page by page, until it is older than the window."""
        for page in self._pages(path, about):
            young = [one for one in page.results if not is_before(one.get(received), window)]
            yield young
            if len(young) < len(page.results):
                return

    def _batch(self, out: EventTables, calls: int) -> Batch:
        stored, seen = (as_int(self.project.get(key)) for key in ("stored_event_count", "digested_event_count"))
        evicted = None if stored is None or seen is None or stored >= seen else f"{stored} of {seen} events are kept"
        tables = (out.events, out.frames, out.breadcrumbs, out.requests)
        return in_environment(page_of(tables, self.user_key, calls=calls, sampling=evicted), self.environment)

    def _read_releases(self) -> Iterator[Batch]:
        rows, calls = release_rows(), 0
        for page in self._pages("releases/", {"project": self.project.get("id")}):
            calls += 1
            for number, release in enumerate(page.results, 1):
                read_release(release, f"releases page {calls} release {number}", rows)
        note = "dated by the first event of each release, unless a deploy told its own time"
        yield Batch({"releases": with_previous(rows.frame())}, tuple(rows.refused), calls, note=note)

    def _pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Page]:
        page = self.http.get(API + path, params).json(Page)
        seen: set[str] = set()
        while True:
            yield page
            if page.next is None:
                return
            if page.next in seen:
                raise FetchError(f"bugsink answers {path} with a page that leads back to itself")
            seen.add(page.next)
            page = self.http.get(page.next).json(Page)
