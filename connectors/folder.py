"""Any folder of files as a store: envelopes, beacons, recordings, traces, lab results, source maps, side by side.

What is where stands in its `source.toml`, or is seen by looking (`connectors.layout`). Each file is read once for each
store object, when a table is first asked for that needs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import polars as pl

from connectors.derive import (
    page_views_of,
    requests_of,
    sessions_of,
    with_hashed_users,
    with_http_routes,
    with_replays,
    with_routes,
)
from connectors.exceptions import SourceNotFound
from connectors.files import SourceFile, each_document
from connectors.formats.releases import read_releases, release_rows
from connectors.formats.user_agents import with_agents
from connectors.lab.lighthouse import read_lab_runs
from connectors.layout import Layout, read_layout
from connectors.loaded import Loaded, in_window, join_notes, once_a_key
from connectors.redaction import redact
from connectors.replay.segments import Recordings
from connectors.rum.beacons import read_contacts, read_page_views, read_vitals
from connectors.sourcemaps.directory import MapDirectory
from connectors.stores import Fetched, Window
from connectors.tables import (
    ARTIFACTS,
    BREADCRUMBS,
    EVENTS,
    FRAMES,
    LAB_RUNS,
    PAGE_VIEWS,
    RELEASES,
    REPLAY_EVENTS,
    REPLAYS,
    REQUESTS,
    SESSIONS,
    SPANS,
    VITALS,
    Table,
    conform,
)
from connectors.traces.otlp import read_traces
from connectors.tracker.envelopes import read_envelopes

USER_KEY = "BLINDSPOT_USER_KEY"
# which kinds of files a table is made of; the first is the one that has it as such
MADE_OF: Mapping[str, tuple[str, ...]] = {
    "events": ("envelopes",),
    "frames": ("envelopes",),
    "breadcrumbs": ("envelopes",),
    "requests": ("envelopes",),
    "vitals": ("beacons",),
    "page_views": ("page_views", "beacons", "envelopes"),
    "sessions": ("page_views", "beacons", "envelopes", "support"),
    "replays": ("replays", "replay_index"),
    "replay_events": ("replays",),
    "spans": ("traces", "envelopes"),
    "lab_runs": ("lab",),
    "releases": ("releases",),
    "artifacts": ("sourcemaps",),
}


class FolderSource:
    """A folder of files as tracker, RUM, replay, trace, lab, release and source-map store.

    Attributes
    ----------
    name, environment, first_party
        As `source.toml` says; else the folder's name, None, and no hosts.
    address
        The folder, without secrets.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "vitals.log").write_text('{"ts":1741530000500,"name":"LCP","value":2612.5,"page_view_id":"p1"}')
    >>> source = FolderSource(root)
    >>> source.vitals(Window()).frame.select("metric", "value").collect().rows()
    [('LCP', 2612.5)]
    >>> source.events(Window()).report.note
    'looked for envelopes in every file of the folder by its content, found none'
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root)
        if not self._root.is_dir():
            raise SourceNotFound(f"there is no folder at {redact(os.fspath(root))}")
        self.address = redact(os.fspath(root))
        self._layout: Layout = read_layout(self._root)
        self.name = self._layout.name
        self.environment = self._layout.environment
        self.first_party = self._layout.first_party
        self._tables: dict[str, Loaded] = {}

    @classmethod
    def open(cls, address: str) -> FolderSource:
        """Open the folder at `address`, a path or a `file:` address."""
        return cls(address)

    def __repr__(self) -> str:
        return f"FolderSource({self.address!r})"

    def has(self, table_name: str) -> bool:
        """Say whether there are files that this table is made of; nothing is read for it."""
        return any(self._layout.of(kind) for kind in MADE_OF[table_name] if kind != "support")

    def events(self, window: Window) -> Fetched:
        """Error events of the window."""
        return self._fetch(EVENTS, window)

    def frames(self, window: Window) -> Fetched:
        """Frames of the window's events."""
        return self._fetch(FRAMES, window, self._of_events)

    def breadcrumbs(self, window: Window) -> Fetched:
        """Breadcrumbs of the window's events, also those from before the window."""
        return self._fetch(BREADCRUMBS, window, self._of_events)

    def requests(self, window: Window) -> Fetched:
        """Requests of the window's events, and the browser's other requests in the window."""
        return self._fetch(REQUESTS, window, self._of_events)

    def vitals(self, window: Window) -> Fetched:
        """Web vitals of the window, the last report of each metric of a page view."""
        return self._fetch(VITALS, window)

    def page_views(self, window: Window) -> Fetched:
        """Page views of the window."""
        return self._fetch(PAGE_VIEWS, window)

    def sessions(self, window: Window) -> Fetched:
        """Sessions that overlap the window."""
        return self._fetch(SESSIONS, window)

    def replays(self, window: Window) -> Fetched:
        """Recordings that overlap the window."""
        return self._fetch(REPLAYS, window)

    def replay_events(self, replay_id: str) -> Fetched:
        """All events of one recording, in order of time."""
        loaded = self._recordings.events(replay_id)
        query = f"replay_id = {replay_id}"
        return loaded.fetched(REPLAY_EVENTS, source=self.name, query=query, window=Window(), frame=loaded.frame)

    def spans(self, *, trace_ids: Sequence[str] | None = None, window: Window | None = None) -> Fetched:
        """Spans of browser and backend: of some traces, of a window, or of both."""
        if trace_ids is None:
            return self._fetch(SPANS, window or Window())
        wanted = pl.Series(trace_ids, dtype=pl.String).implode()
        return self._fetch(
            SPANS,
            window or Window(),
            lambda frame, when: in_window(frame, SPANS, when).filter(pl.col("trace_id").is_in(wanted)),
            f"{len(trace_ids)} traces",
        )

    def lab_runs(self, window: Window) -> Fetched:
        """Lab runs of the window."""
        return self._fetch(LAB_RUNS, window)

    def releases(self, window: Window) -> Fetched:
        """Deploys of the window."""
        return self._fetch(RELEASES, window)

    def artifacts(self, release: str | None = None) -> Fetched:
        """Bundles and their source maps, of one release or of all."""
        query = "all releases" if release is None else f"release = {release}"
        of_release = pl.lit(True) if release is None else pl.col("release") == release
        return self._fetch(ARTIFACTS, Window(), lambda frame, _: frame.filter(of_release), query)

    def open_map(self, map_location: str) -> bytes:
        """Give the bytes of one source map of `artifacts`."""
        return self._maps.open(map_location)

    def _fetch(
        self,
        table: Table,
        window: Window,
        keep: Callable[[pl.DataFrame, Window], pl.DataFrame] | None = None,
        query: str | None = None,
    ) -> Fetched:
        loaded = self._table(table)
        frame = keep(loaded.frame, window) if keep else in_window(loaded.frame, table, window)
        return loaded.fetched(table, source=self.name, query=query or window.describe(), window=window, frame=frame)

    def _of_events(self, frame: pl.DataFrame, window: Window) -> pl.DataFrame:
        if window == Window():
            return frame
        events = in_window(self._table(EVENTS).frame, EVENTS, window).select("event_id")
        mine = frame.join(events, on="event_id", how="semi", maintain_order="left")
        if "session_id" not in frame.columns:
            return mine
        nobodys = frame.filter(pl.col("event_id").is_null())
        return pl.concat([mine, in_window(nobodys, REQUESTS, window)])

    def _table(self, table: Table) -> Loaded:
        if table.name not in self._tables:
            loaded = getattr(self, f"_load_{table.name}")()
            kinds = MADE_OF[table.name]
            if not any(self._layout.of(kind) for kind in kinds if kind != "support"):
                loaded = loaded.with_frame(loaded.frame, self._layout.looked_for(kinds[0]))
            lost = [self._layout.looked_for(kind) for kind in kinds if kind in self._layout.missing]
            frame = self._in_environment(conform(loaded.frame, table))
            failed = "; ".join(lost) or None
            self._tables[table.name] = Loaded(
                frame, loaded.refused, loaded.notes, loaded.sampling, loaded.files, failed
            )
        return self._tables[table.name]

    def _in_environment(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.environment is None or "environment" not in frame.columns:
            return frame
        return frame.with_columns(pl.col("environment").fill_null(self.environment))

    def _users(self, frame: pl.DataFrame) -> pl.DataFrame:
        return with_hashed_users(frame, os.environ.get(USER_KEY) or self.name)

    # Each kind of file, read once.

    @cached_property
    def _envelopes(self) -> Mapping[str, Loaded]:
        tables = dict(read_envelopes(self._files("envelopes")))
        events = tables["events"]
        tables["events"] = events.with_frame(self._users(events.frame))
        return tables

    @cached_property
    def _beacons(self) -> Loaded:
        loaded = read_vitals(self._files("beacons"))
        return loaded.with_frame(self._users(loaded.frame))

    @cached_property
    def _views(self) -> Loaded:
        loaded = read_page_views(self._files("page_views"))
        return loaded.with_frame(self._users(loaded.frame))

    @cached_property
    def _contacts(self) -> Loaded | None:
        files = self._files("support")
        return read_contacts(files) if files else None

    @cached_property
    def _otlp(self) -> Loaded:
        return read_traces(self._files("traces"))

    @cached_property
    def _recordings(self) -> Recordings:
        return Recordings(self._files("replays"), self._files("replay_index"))

    @cached_property
    def _maps(self) -> MapDirectory:
        return MapDirectory(self._files("sourcemaps"))

    def _files(self, kind: str) -> Sequence[SourceFile]:
        return self._layout.of(kind)

    # Each table, made of them.

    def _load_events(self) -> Loaded:
        loaded = self._envelopes["events"]
        replays = self._table(REPLAYS).frame
        return loaded.with_frame(with_replays(with_routes(with_agents(loaded.frame)), replays))

    def _load_frames(self) -> Loaded:
        return self._envelopes["frames"]

    def _load_breadcrumbs(self) -> Loaded:
        return self._envelopes["breadcrumbs"]

    def _load_requests(self) -> Loaded:
        loaded = self._envelopes["requests"]
        spans = pl.concat([self._envelopes["spans"].frame, self._otlp.frame])
        known = [self._views.frame, self._beacons.frame, self._envelopes["events"].frame]
        frame, _ = once_a_key(requests_of(loaded.frame, spans, known), REQUESTS)
        return loaded.with_frame(frame)

    def _load_vitals(self) -> Loaded:
        return self._beacons.with_frame(with_agents(with_routes(self._beacons.frame)))

    def _load_page_views(self) -> Loaded:
        if self._files("page_views"):
            return self._views.with_frame(with_agents(with_routes(self._views.frame)))
        frame = page_views_of(self._beacons.frame, self._envelopes["events"].frame)
        note = "no page views are recorded: made of the beacons and events that name one"
        return Loaded(with_agents(with_routes(frame)), notes=(note,))

    def _load_sessions(self) -> Loaded:
        parts = [self._views, self._beacons, self._envelopes["events"]]
        contacts = self._contacts
        frame = sessions_of([part.frame for part in parts], contacts.frame if contacts else None)
        notes = ["made of page views, beacons and events, first to last sign of life"]
        if contacts is None:
            notes.append("nothing says which sessions contacted support")
            return Loaded(frame, notes=tuple(notes))
        unknown = contacts.frame.join(frame, on="session_id", how="anti").height
        if unknown:
            notes.append(f"{unknown} contacts with support name sessions that left no other trace")
        return Loaded(frame, contacts.refused, (*notes, *contacts.notes), files=contacts.files)

    def _load_replays(self) -> Loaded:
        return self._recordings.read()

    def _load_spans(self) -> Loaded:
        parts = [self._otlp, self._envelopes["spans"]]
        frame, twice = once_a_key(pl.concat([part.frame for part in parts]), SPANS)
        notes = [*join_notes(parts), *([f"{twice} spans came from both sides and were counted once"] if twice else [])]
        refused = tuple(refused for part in parts for refused in part.refused)
        return Loaded(with_http_routes(frame), refused, tuple(notes), files=sum(p.files for p in parts))

    def _load_lab_runs(self) -> Loaded:
        known = self._table(RELEASES).frame["release"].to_list()
        loaded = read_lab_runs(self._files("lab"), known)
        return loaded.with_frame(with_routes(loaded.frame))

    def _load_releases(self) -> Loaded:
        rows = release_rows()
        files = self._files("releases")
        for _, place, raw in each_document(files, rows.refuse):
            read_releases(raw, place, rows)
        return Loaded.of(rows, len(files))

    def _load_artifacts(self) -> Loaded:
        return self._maps.read()
