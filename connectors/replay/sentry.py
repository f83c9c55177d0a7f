"""Recordings from Sentry: the list of an organization's replays, and the segments of one.

Source: docs.sentry.io/api/replays. The list counts segments; how many events they hold is seen when they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from connectors.exceptions import SourceNotFound
from connectors.formats.rrweb import Whose, read_segment, replay_event_rows
from connectors.formats.sentry_replay import read_listed_replay, replay_rows
from connectors.formats.sentry_rest import Wrapped
from connectors.formats.values import as_hex_id
from connectors.http import Http
from connectors.paging import linked_pages
from connectors.remote import Batch


def read_replays(http: Http, org_path: str, asked: Mapping[str, Any]) -> Iterator[Batch]:
    """List the recordings of a window, page by page."""
    for page, answer in enumerate(linked_pages(http, f"{org_path}replays/", asked), 1):
        rows = replay_rows()
        for number, raw in enumerate(answer.json(Wrapped).data, 1):
            read_listed_replay(raw, f"replays page {page} replay {number}", rows)
        note = "; ".join(f"{count} {what} left out" for what, count in rows.skipped.items())
        yield Batch({"replays": rows.frame()}, tuple(rows.refused), note=note or None)


def read_recording(http: Http, project_path: str, replay_id: str, session_id: str | None = None) -> Iterator[Batch]:
    """Give the segments of one recording, page by page."""
    if (known := as_hex_id(replay_id, 32)) is None:
        yield Batch({}, calls=0, note=f"{replay_id!r} is no id of a Sentry replay: 32 hex digits")
        return
    before = 0
    segments = f"{project_path}replays/{known}/recording-segments/"
    for answer in linked_pages(http, segments, {"download": "true", "per_page": 100}):
        rows = replay_event_rows()
        listed = answer.json(list[msgspec.Raw])
        for number, raw in enumerate(listed, before):
            read_segment(bytes(raw), f"replay {known} segment {number}", rows, Whose(known, session_id, number))
        before += len(listed)
        yield Batch({"replay_events": rows.frame()}, tuple(rows.refused))


def read_all(http: Http, org_path: str, project_path: str, asked: Mapping[str, Any]) -> Iterator[Batch]:
    """Give the events of every recording of a window, one recording after the other; a call brings 100 segments."""
    for listed in read_replays(http, org_path, asked):
        yield Batch({}, listed.refused, listed.calls, note=listed.note)
        for replay_id, session_id in listed.tables["replays"].select("replay_id", "session_id").iter_rows():
            try:
                yield from read_recording(http, project_path, replay_id, session_id)
            except SourceNotFound as gone:  # its segments are kept for less long than the list is
                yield Batch({}, note=f"recording {replay_id} was listed, and its segments are not there ({gone})")
