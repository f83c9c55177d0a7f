"""The tables of a system that watches whole visits: errors, page views, vitals, calls, sessions, recordings."""

from __future__ import annotations

from connectors.formats.attributes import span_rows
from connectors.formats.rows import Rows
from connectors.tables import EVENTS, FRAMES, PAGE_VIEWS, REPLAYS, REQUESTS, SESSIONS, TEXT, VITALS

# what stands behind the canonical columns until sessions and classes of devices are made of it
BEHIND = {"user_agent": TEXT, "user_id": TEXT}


class RumTables:
    """Rows of each of these tables; vitals and page views keep the visitor's agent and id behind the columns.

    Examples
    --------
    >>> RumTables().page_views.frame().columns[-2:]
    ['user_agent', 'user_id']
    """

    def __init__(self) -> None:
        self.events = Rows(EVENTS)
        self.frames = Rows(FRAMES)
        self.requests = Rows(REQUESTS)
        self.vitals = Rows(VITALS, BEHIND)
        self.page_views = Rows(PAGE_VIEWS, BEHIND)
        self.sessions = Rows(SESSIONS)
        self.replays = Rows(REPLAYS)
        self.spans = span_rows()
