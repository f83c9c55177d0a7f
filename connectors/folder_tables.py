"""The tables of a folder, made of its files: each kind of file is read once, each table made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property

import polars as pl

from connectors.derive import (
    page_views_of,
    requests_of,
    sessions_of,
    with_hashed_users,
    with_http_routes,
    with_releases,
    with_replays,
    with_routes,
)
from connectors.files import SourceFile, each_document
from connectors.formats.releases import read_releases, release_rows
from connectors.formats.user_agents import with_agents
from connectors.lab.lighthouse import read_lab_runs
from connectors.layout import Layout
from connectors.loaded import Loaded, join_notes, once_a_key
from connectors.map_files import MapFiles
from connectors.replay.segments import Recordings
from connectors.rum.beacons import read_contacts, read_page_views, read_vitals
from connectors.rum.exports import read_exports, together
from connectors.tables import EVENTS, RELEASES, REPLAYS, REQUESTS, SPANS, TABLES, Table, conform
from connectors.traces.otlp import read_traces
from connectors.tracker.envelopes import read_envelopes

# which kinds of files a table is made of; the first is the one that has it as such
MADE_OF: Mapping[str, tuple[str, ...]] = {
    "events": ("envelopes", "exports"),
    "frames": ("envelopes", "exports"),
    "breadcrumbs": ("envelopes",),
    "requests": ("envelopes", "exports"),
    "vitals": ("beacons", "exports"),
    "page_views": ("page_views", "beacons", "envelopes", "exports"),
    "sessions": ("page_views", "beacons", "envelopes", "exports", "support"),
    "replays": ("replays", "replay_index", "envelopes"),
    "replay_events": ("replays", "envelopes"),
    "spans": ("traces", "envelopes", "exports"),
    "lab_runs": ("lab",),
    "releases": ("releases",),
    "artifacts": ("sourcemaps",),
}


# read out of the same envelopes as events: what a broken envelope held is refused there, once
BESIDE_EVENTS = ("frames", "breadcrumbs", "requests", "spans")


class FolderTables:
    """The tables that the files of a layout make.

    Parameters
    ----------
    layout
        What is where.
    user_key
        The key under which `user_id` is hashed.

    Examples
    --------
    >>> from connectors.tables import EVENTS
    >>> tables = FolderTables(Layout("shop", described=True), "key")
    >>> tables.table(EVENTS).notes, tables.has("events")
    (('source.toml names no envelopes',), False)
    """

    def __init__(self, layout: Layout, user_key: str) -> None:
        self._layout = layout
        self._user_key = user_key
        self._tables: dict[str, Loaded] = {}

    def has(self, table_name: str) -> bool:
        """Say whether there are files that a table is made of."""
        return any(self._files(kind) for kind in MADE_OF[table_name] if kind != "support")

    def table(self, table: Table) -> Loaded:
        """Give a table in canonical form, with what its reading left to say."""
        if table.name not in self._tables:
            loaded: Loaded = getattr(self, f"_load_{table.name}")()
            kinds = MADE_OF[table.name]
            if not self.has(table.name):
                loaded = loaded.with_frame(loaded.frame, self._layout.looked_for(kinds[0]))
            if table is EVENTS and self._layout.passed_over:
                names = self._layout.passed_over
                note = f"{len(names)} files are of no kind that is known (first: {names[0]})"
                loaded = loaded.with_frame(loaded.frame, note)
            if table.name in BESIDE_EVENTS and (count := len(self._envelopes["events"].refused)):
                note = f"{count} refusals in the report of events may have cost rows here too"
                loaded = loaded.with_frame(loaded.frame, note)
            lost = [self._layout.looked_for(kind) for kind in kinds if kind in self._layout.missing]
            frame = self._in_environment(conform(loaded.frame, table))
            self._tables[table.name] = replace(loaded, frame=frame, failed="; ".join(lost) or None)
        return self._tables[table.name]

    def recording(self, replay_id: str) -> Loaded:
        """Read the events of one recording, in order of time, wherever they lie."""
        loaded = self._envelopes["replay_events"]
        sent = loaded.frame.filter(pl.col("replay_id") == replay_id)
        if sent.is_empty():
            return self._recordings.events(replay_id)
        sessions = self.table(REPLAYS).frame.select("replay_id", pl.col("session_id").alias("__session"))
        sent = sent.join(sessions, on="replay_id", how="left", maintain_order="left")
        sent = sent.with_columns(pl.coalesce("session_id", "__session").alias("session_id")).drop("__session")
        return loaded.with_frame(sent.sort("at", maintain_order=True))

    @cached_property
    def maps(self) -> MapFiles:
        """The source maps, of which single ones can be opened."""
        return MapFiles(self._files("sourcemaps"))

    def with_maps_of(self, layout: Layout) -> FolderTables:
        """Give the same tables with the source maps of a newer look at the folder; nothing else is read again."""
        again = copy(self)
        again._layout = layout
        again._tables = {name: loaded for name, loaded in self._tables.items() if name != "artifacts"}
        again.__dict__.pop("maps", None)
        return again

    def _files(self, kind: str) -> Sequence[SourceFile]:
        return self._layout.of(kind)

    def _in_environment(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self._layout.environment is None or "environment" not in frame.columns:
            return frame
        return frame.with_columns(pl.col("environment").fill_null(self._layout.environment))

    def _users(self, frame: pl.DataFrame) -> pl.DataFrame:
        return with_hashed_users(frame, self._user_key)

    # Each kind of file, read once.

    @cached_property
    def _recordings(self) -> Recordings:
        return Recordings(self._files("replays"), self._files("replay_index"))

    @cached_property
    def _envelopes(self) -> Mapping[str, Loaded]:
        tables = {name: self._exported(name, table) for name, table in read_envelopes(self._files("envelopes")).items()}
        events = tables["events"]
        tables["events"] = events.with_frame(self._users(events.frame))
        return tables

    @cached_property
    def _beacons(self) -> Loaded:
        loaded = self._exported("vitals", read_vitals(self._files("beacons")))
        return loaded.with_frame(self._users(loaded.frame))

    @cached_property
    def _views(self) -> Loaded:
        loaded = self._exported("page_views", read_page_views(self._files("page_views")))
        return loaded.with_frame(self._users(loaded.frame))

    @cached_property
    def _exports(self) -> Mapping[str, Loaded]:
        return read_exports(self._files("exports")) if self._files("exports") else {}

    def _exported(self, name: str, loaded: Loaded) -> Loaded:
        """Add what exports have of a table."""
        return together(loaded, self._exports[name], TABLES[name]) if name in self._exports else loaded

    @cached_property
    def _contacts(self) -> Loaded | None:
        files = self._files("support")
        return read_contacts(files) if files else None

    @cached_property
    def _otlp(self) -> Loaded:
        return read_traces(self._files("traces"))

    # Each table, made of them.

    def _load_events(self) -> Loaded:
        loaded = self._envelopes["events"]
        replays = self.table(REPLAYS).frame
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
        if self._files("page_views") or self._views.frame.height:
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
        sent = self._envelopes["replays"]
        refused = (*sent.refused, *self._envelopes["replay_events"].refused)
        if not (self._files("replays") or self._files("replay_index")):
            notes = [] if sent.frame.height else [self._layout.looked_for("replays")]
            rows = _with_sessions(sent.frame, self._envelopes["events"].frame)
            return replace(sent.with_frame(rows, *notes), refused=refused)
        kept = self._recordings.read()
        both = pl.concat([kept.frame, _with_sessions(sent.frame, self._envelopes["events"].frame)])
        frame, _ = once_a_key(both, REPLAYS)
        files = kept.files + sent.files
        return replace(
            kept, frame=frame, refused=(*kept.refused, *refused), notes=join_notes([kept, sent]), files=files
        )

    def _load_spans(self) -> Loaded:
        parts = [self._otlp, self._envelopes["spans"]]
        frame, twice = once_a_key(pl.concat([part.frame for part in parts]), SPANS)
        notes = [*join_notes(parts), *([f"{twice} spans came from both sides and were counted once"] if twice else [])]
        refused = tuple(refused for part in parts for refused in part.refused)
        return Loaded(with_http_routes(frame), refused, tuple(notes), files=sum(p.files for p in parts))

    def _load_lab_runs(self) -> Loaded:
        releases = self.table(RELEASES).frame
        loaded = read_lab_runs(self._files("lab"), releases["release"].to_list())
        frame, told = with_releases(loaded.frame, releases)
        note = f"{told} runs name no release: taken for the one deployed within 30 minutes, else the one live"
        return loaded.with_frame(with_routes(frame), *([note] if told else []))

    def _load_releases(self) -> Loaded:
        rows = release_rows()
        files = self._files("releases")
        for _, place, raw in each_document(files, rows.refuse):
            read_releases(raw, place, rows)
        return Loaded.of(rows, len(files))

    def _load_artifacts(self) -> Loaded:
        return self.maps.read()


def _with_sessions(replays: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Fill the session of recordings that name none from the events that name the recording."""
    named = events.select("replay_id", pl.col("session_id").alias("__session")).drop_nulls().unique("replay_id")
    joined = replays.join(named, on="replay_id", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("session_id", "__session").alias("session_id")).drop("__session")
