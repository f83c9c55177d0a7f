"""PostHog over its API: exceptions, web vitals, page views and sessions by query, recordings by its snapshot API.

`posthog+https://us.posthog.com/12557`: the host of the app and the project's id. The secret `posthog` is a personal API
key with the scopes `query:read` and `session_recording:read`. PostHog says of the snapshot API that it "was never built
for public use": when it changes, recordings are what stops working here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.exceptions import AddressError, CallRefused, FetchError, SourceNotFound
from connectors.formats.nested import dig
from connectors.formats.posthog_events import (
    read_exception,
    read_page_view,
    read_session,
    read_web_vitals,
)
from connectors.formats.posthog_queries import FEEDS, PAGE, last_of, query_of, rows_of, visitors_of
from connectors.formats.posthog_replay import (
    KEPT_LONGER,
    PREFERRED,
    blob_keys_of,
    long_term_key_of,
    read_recording,
    read_snapshots,
    replay_rows,
)
from connectors.formats.rrweb import replay_event_rows
from connectors.formats.rum_tables import RumTables
from connectors.formats.values import as_micros, as_text
from connectors.http import Http
from connectors.pages import page_of
from connectors.remote import Address, Batch, Check, RemoteStore
from connectors.secrets import secret_of
from connectors.stores import Window

READERS: dict[str, Callable[[list[Any], str, RumTables], None]] = {
    "errors": read_exception,
    "vitals": read_web_vitals,
    "page views": read_page_view,
}
CALLS_A_SECOND = 4  # 240 a minute (API queries: rate limits)
RECORDINGS_A_PAGE = 100
# as many blobs as one call may ask for (snapshot API)
BLOBS_A_CALL = 20
# before there was a PostHog; without a start its list of recordings begins three days ago
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOT_STORED_YET = "the recording is not in permanent storage yet; PostHog writes it there within some minutes"


class PosthogStore(RemoteStore):
    """One PostHog project.

    Examples
    --------
    >>> PosthogStore("posthog+https://eu.posthog.com/12557").name
    'posthog 12557'
    """

    system = "posthog"
    form = "project"
    feeds: ClassVar = {
        "errors": ("events", "frames"),
        "vitals": ("vitals",),
        "page views": ("page_views",),
        "sessions": ("sessions",),
        "recordings": ("replays",),
        "snapshots": ("replay_events",),
    }
    # sessions and recordings go on for a day at most
    lateness: ClassVar = timedelta(hours=24)

    def connect(self, where: Address) -> Http:
        """Make the client, at the pace that is allowed.

        Raises
        ------
        AddressError
            The host is the one that events are sent to.
        """
        if ".i." in where.host:
            raise AddressError(f"{where.text} takes events in; they are read at {where.host.replace('.i.', '.')}")
        bearer = secret_of(self.system, where.host)
        return Http(where.base_url, source=self.system, bearer=bearer, per_second=CALLS_A_SECOND)

    def read(self, feed: str, window: Window) -> Iterator[Batch]:
        """Give a feed's rows of a window, page by page."""
        if feed == "recordings":
            return self._recordings(window)
        if feed == "snapshots":
            return self._snapshots(window)
        return self._rows(feed, window)

    def read_recording(self, replay_id: str) -> Iterator[Batch]:
        """Give the events of one recording, twenty blobs a call."""
        recording = quote(replay_id, safe="")
        path = f"api/projects/{self.where.parts['project']}/session_recordings/{recording}/snapshots"
        try:
            sources = self.http.get(path, {"blob_v2": "true"}).json()
            keys, kept = blob_keys_of(sources), long_term_key_of(sources)
            asked = [
                (part[0], {"source": PREFERRED, "start_blob_key": part[0], "end_blob_key": part[-1]})
                for part in (keys[begin : begin + BLOBS_A_CALL] for begin in range(0, len(keys), BLOBS_A_CALL))
            ]
            if kept and not keys:
                asked = [(0, {"source": KEPT_LONGER, "blob_key": kept})]
            if not asked:
                yield Batch({}, note=NOT_STORED_YET, truncated=True)
            for number, (first, of) in enumerate(asked):
                answer = self.http.get(path, of, {"accept": "application/jsonl"})
                rows = replay_event_rows()
                read_snapshots(answer.body, f"{replay_id} blobs from {first}", replay_id, first, rows)
                yield page_of([rows], self.user_key, calls=1 if number else 2)
        except SourceNotFound as nothing:  # never recorded, or deleted since it was listed
            yield Batch({}, note=str(nothing))

    def check(self) -> Check:
        """Ask for the oldest exception."""
        rows = rows_of(self._ask(query_of(FEEDS["errors"], None, None, limit=1)))
        micros = as_micros(rows[0][1]) if rows else None
        since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros) if micros else None
        says = "the project can be queried" if rows else "the project can be queried, and has no exceptions"
        calls = f"one query for {PAGE:,} rows, two or more calls a recording; 240 calls a minute, 2,400 an hour"
        return Check(True, says, since, calls)

    def _ask(self, body: dict[str, Any]) -> Any:
        return self.http.post(f"api/projects/{self.where.parts['project']}/query/", body).json()

    def _rows(self, name: str, window: Window) -> Iterator[Batch]:
        feed, after, number = FEEDS[name], None, 0
        while True:
            number += 1
            answer = self._ask(query_of(feed, window.start, window.end, after))
            rows = rows_of(answer)
            out = RumTables()
            visitors = self._visitors(rows) if name == "sessions" else {}
            for index, row in enumerate(rows, 1):
                place = f"{name} page {number} row {index}"
                if name == "sessions":
                    session = as_text(row[0]) if isinstance(row, list) and row else None
                    read_session(row, place, out, visitors.get(session, ()))
                else:
                    READERS[name](row, place, out)
            tables = [getattr(out, table) for table in self.feeds[name]]
            yield page_of(tables, self.user_key, calls=2 if visitors else 1)
            if len(rows) < PAGE and not (rows and dig(answer, "hasMore") is True):
                return
            following = last_of(feed, rows[-1])
            if following is None or following == after:
                raise FetchError(f"posthog's {name} cannot be followed behind page {number}; the rest was not read")
            after = following

    def _visitors(self, sessions: list[Any]) -> dict[str | None, list[Any]]:
        """Ask who came in these sessions: session id to what its page views say."""
        query = visitors_of(sessions)
        rows = rows_of(self._ask(query)) if query else []
        return {row[0]: row[1:] for row in rows if isinstance(row, list) and row and isinstance(row[0], str)}

    def _recordings(self, window: Window) -> Iterator[Batch]:
        # one that began before the window may reach into it
        start = window.start and window.start - self.lateness
        for number, recordings in enumerate(self._listed(start, window.end), 1):
            rows = replay_rows()
            for index, recording in enumerate(recordings, 1):
                read_recording(recording, f"recordings page {number} entry {index}", rows)
            yield page_of([rows], self.user_key)

    def _listed(self, start: datetime | None, end: datetime | None) -> Iterator[list[Any]]:
        path, offset = f"api/projects/{self.where.parts['project']}/session_recordings", 0
        asked = {
            "date_from": f"{start or LONG_AGO:%Y-%m-%dT%H:%M:%SZ}",
            "date_to": f"{end + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}" if end else None,
            "limit": RECORDINGS_A_PAGE,
        }
        while True:
            answer = self.http.get(path, {**asked, "offset": offset}).json()
            results = rows_of(answer)
            yield results
            if not results or not (dig(answer, "has_next") or dig(answer, "next")):
                return
            offset += len(results)

    def _snapshots(self, window: Window) -> Iterator[Batch]:
        """Give the events of all recordings that began in the window, whenever they end."""
        for recordings in self._listed(window.start, window.end):
            for recording in recordings:
                if replay_id := as_text(dig(recording, "id")):
                    try:
                        for batch in self.read_recording(replay_id):
                            # one that is still being written is read again: `lateness` is as long as a recording lasts
                            yield batch._replace(truncated=False)
                    except CallRefused as refused:
                        yield Batch({}, note=f"recording {replay_id} was not given: {refused}", truncated=True)
