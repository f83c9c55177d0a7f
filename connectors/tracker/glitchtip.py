"""GlitchTip over Sentry's REST interface, as far as it speaks it: `glitchtip+https://host/org/project`.

What differs: the list takes no window, so it is read from the newest event back to the window's start; a server that
lists events without their sections is asked for each one; there are no deploys, recordings or spans. The token wants
`event:read` and `project:releases`. Source: the schema that a server gives at `/api/docs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from connectors.exceptions import SourceNotFound
from connectors.formats.sentry_event import EventTables
from connectors.formats.sentry_rest import read_rest_event
from connectors.formats.values import as_hex_id, as_text
from connectors.narrow import in_environment, is_before, is_outside, time_of
from connectors.pages import page_of
from connectors.paging import linked_pages
from connectors.releases.sentry import read_releases
from connectors.remote import Batch, Check, RemoteStore
from connectors.stores import Window

PER_PAGE = 100


class _Dated(msgspec.Struct):
    eventID: Any = None
    id: Any = None
    dateCreated: Any = None
    dateReceived: Any = None
    groupID: Any = None
    groupId: Any = None
    entries: msgspec.Raw = msgspec.Raw()

    @property
    def event(self) -> str | None:
        """The event's id, as our tables have it."""
        return as_hex_id(self.eventID, 32) or as_hex_id(self.id, 32)

    @property
    def issue(self) -> str | None:
        """The issue that it is of."""
        return as_text(self.groupID) or as_text(self.groupId)


_dated = msgspec.json.Decoder(_Dated)


class GlitchTipStore(RemoteStore):
    """A project in GlitchTip: errors and releases.

    Examples
    --------
    >>> store = GlitchTipStore.open("glitchtip+https://errors.example.com/acme/shop")
    >>> store.name, store.has("releases"), store.has("replays")
    ('glitchtip acme/shop', True, False)
    """

    system = "glitchtip"
    form = "org/project"
    feeds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "events": ("events", "frames", "breadcrumbs", "requests"),
        "releases": ("releases",),
    }
    in_one = frozenset({"events", "releases"})

    @property
    def project_path(self) -> str:
        """The path of the project, below which its events lie."""
        org, project = (quote(self.where.parts[part], safe="") for part in ("org", "project"))
        return f"api/0/projects/{org}/{project}/"

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give a feed's rows of a window, page by page, newest first."""
        if feed == "events":
            yield from self._read_events(window)
        else:
            org, project = self.where.parts["org"], self.where.parts["project"]
            yield from read_releases(self.http, org, project, window, deploys=False)

    def check(self) -> Check:
        """Ask for the project, and for its newest event."""
        project = self.http.get(self.project_path).json(dict[str, Any])
        return Check(
            True,
            f"project {project.get('slug')} opens; how far back it goes is the server's setting",
            time_of(project.get("dateCreated")),
            f"one call for {PER_PAGE} events from the newest back to the window, on older servers one more an event",
        )

    def _read_events(self, window: Window) -> Iterator[Batch]:
        for page, answer in enumerate(linked_pages(self.http, f"{self.project_path}events/", {"limit": PER_PAGE}), 1):
            out, calls, last = EventTables(), 1, None
            inside: list[tuple[str, msgspec.Raw, _Dated]] = []
            for number, raw in enumerate(answer.json(list[msgspec.Raw]), 1):
                place = f"events page {page} event {number}"
                try:
                    dated = _dated.decode(raw)
                except msgspec.MsgspecError as error:
                    out.events.refuse(place, f"the event cannot be read ({error})")
                    continue
                last = dated.dateReceived or last
                if not is_outside(dated.dateCreated, window):
                    inside.append((place, raw, dated))
            # what was fetched alone before a sync was stopped is not fetched again; events do not change once stored
            known = self.known_events({one.event: one.issue for *_, one in inside if one.event and not one.entries})
            for place, raw, dated in inside:
                if not dated.entries:
                    if dated.event in known:
                        continue
                    event_id = quote(as_text(dated.eventID) or as_text(dated.id) or "", safe="")
                    calls += 1
                    try:
                        raw = self.http.get(f"{self.project_path}events/{event_id}/").body
                    except SourceNotFound:
                        out.events.refuse(place, "it was listed, and gone when it was fetched")
                        continue
                read_rest_event(raw, place, out, source="glitchtip")
            tables = (out.events, out.frames, out.breadcrumbs, out.requests)
            batch = in_environment(page_of(tables, self.user_key, calls=calls), self.environment)
            yield batch._replace(known=len(known))
            if is_before(last, window):
                return
