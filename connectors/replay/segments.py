"""rrweb recordings in files: one segment a file or a line, one session or one segment a file; with or without an index.

An index (one line a recording: replay_id, session_id, kept, started_at, ...) is believed, so that listing recordings
opens none of them. Without one every recording is read once, and only its summary kept.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePosixPath

import msgspec
import polars as pl

from connectors.files import SourceFile, each_document
from connectors.formats.fields import Fields
from connectors.formats.rows import Rows
from connectors.formats.rrweb import Whose, read_segment, replay_event_rows
from connectors.formats.values import BAD_JSON, as_int, as_micros, as_text, shown
from connectors.loaded import Loaded
from connectors.stores import Refused
from connectors.tables import REPLAYS

NUMBERED = re.compile(r"(?P<whose>.+?)(?:[_.](?:seg(?:ment)?[_-]?)?|-seg(?:ment)?[_-]?)(?P<segment>\d{1,6})")
NAMELESS = re.compile(r"(?:seg(?:ment)?|part|chunk)?[_-]?(?P<segment>\d{1,6})")
GENERIC = frozenset({"session", "replay", "recording", "segment", "events", "rrweb"})

SUMMARISED_AT_ONCE = 50_000
_json = msgspec.json.Decoder()
_fields = Fields(
    (
        "replay_id", "session_id", "started_at", "ended_at", "segment_count", "event_count", "bytes", "kept_because",
        "kept", "dropped_because",
    )
)  # fmt: skip


class Recordings:
    """The recordings among `files`, and what the files of `index` say about them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from connectors.files import find_files
    >>> root = Path(tempfile.mkdtemp())
    >>> text = '[{"type":4,"timestamp":1741530000000,"data":{}},{"type":2,"timestamp":1741530000900,"data":{}}]'
    >>> _ = (root / "s1_0.json").write_text(text)
    >>> recordings = Recordings(find_files(root, root))
    >>> recordings.read().frame.select("replay_id", "segment_count", "event_count").rows()
    [('s1', 1, 2)]
    >>> recordings.events("s1").frame["type"].to_list()
    [4, 2]
    """

    def __init__(self, files: Sequence[SourceFile], index: Sequence[SourceFile] = ()) -> None:
        self._files = tuple(files)
        self._index = tuple(index)

    def read(self) -> Loaded:
        """List the recordings that were kept; the note counts what was dropped and why."""
        return self._listed if self._index else self._scanned[0]

    def events(self, replay_id: str) -> Loaded:
        """Read all events of one recording, in order of time."""
        files = self._files_of(replay_id)
        rows = replay_event_rows()
        for file, place, raw in each_document(files, rows.refuse):
            read_segment(raw, place, rows, _whose(file))
        loaded = Loaded.of(rows, len(files))
        frame = loaded.frame.filter(pl.col("replay_id") == replay_id).sort("at", maintain_order=True)
        return loaded.with_frame(
            frame, *(() if files else (f"looked for recordings of {replay_id}: no file is named after it",))
        )

    def _files_of(self, replay_id: str) -> Sequence[SourceFile]:
        named = self._by_name.get(replay_id)
        if named is None:
            session = self._session_of.get(replay_id)
            named = self._by_name.get(session) if session else None
        return named if named is not None else self._scanned[1].get(replay_id, ())

    @cached_property
    def _by_name(self) -> dict[str, list[SourceFile]]:
        named: dict[str, list[SourceFile]] = defaultdict(list)
        for file in self._files:
            whose = _whose(file).replay_id
            if whose is not None:
                named[whose].append(file)
        return dict(named)

    @cached_property
    def _session_of(self) -> dict[str, str]:
        frame = self.read().frame.filter(pl.col("session_id").is_not_null())
        return dict(frame.select("replay_id", "session_id").iter_rows())

    @cached_property
    def _listed(self) -> Loaded:
        rows = Rows(REPLAYS)
        dropped: Counter[str] = Counter()
        for _, place, raw in each_document(self._index, rows.refuse):
            try:
                line = _json.decode(raw)
            except BAD_JSON as error:
                rows.refuse(place, f"the line is not JSON ({error})")
                continue
            for entry in line if isinstance(line, list) else [line]:
                _list(entry, place, rows, dropped)
        loaded = Loaded.of(rows, len(self._index))
        there = set(self._by_name) or self._scanned[1].keys()
        frame = loaded.frame
        missing = frame.filter(~pl.col("replay_id").is_in(there) & ~pl.col("session_id").is_in(there).fill_null(False))
        notes = []
        if missing.height:
            notes.append(f"{missing.height} recordings of the index are not there (first: {missing['replay_id'][0]})")
        sampling = None
        if dropped:
            total = frame.height + dropped.total()
            reasons = ", ".join(f"{count} {why}" for why, count in dropped.most_common())
            sampling = f"{frame.height} of {total} recordings were kept; not kept: {reasons}"
        listed = loaded.with_frame(frame, *notes)
        return Loaded(listed.frame, listed.refused, listed.notes, sampling, listed.files)

    @cached_property
    def _scanned(self) -> tuple[Loaded, dict[str, list[SourceFile]]]:
        """Read every recording once: its summary, and which files it is in."""
        parts: list[pl.DataFrame] = []
        refused: list[Refused] = []
        rows, counts = replay_event_rows(), []
        for number, file in enumerate(self._files):
            before = len(rows)
            for _, place, raw in each_document([file], rows.refuse):
                read_segment(raw, place, rows, _whose(file))
            counts.append((number, len(rows) - before))
            if len(rows) >= SUMMARISED_AT_ONCE:
                parts.append(_segments(rows, counts))
                refused += rows.refused
                rows, counts = replay_event_rows(), []
        segments = pl.concat([*parts, _segments(rows, counts)])
        frame = segments.group_by("replay_id", maintain_order=True).agg(
            pl.col("session_id").drop_nulls().first(),
            pl.col("started_at").min(),
            pl.col("ended_at").max(),
            pl.struct("file", "page_view_id", "segment").n_unique().cast(pl.Int64).alias("segment_count"),
            pl.col("event_count", "bytes").sum(),
            pl.lit(None, pl.String).alias("kept_because"),
        )
        where: dict[str, list[SourceFile]] = defaultdict(list)
        for replay_id, number in segments.select("replay_id", "file").unique(maintain_order=True).iter_rows():
            where[replay_id].append(self._files[number])
        return Loaded(frame, (*refused, *rows.refused), files=len(self._files)), dict(where)


def _segments(rows: Rows, counts: Sequence[tuple[int, int]]) -> pl.DataFrame:
    """Sum the events up by segment; `counts` says how many of the rows came from which file."""
    files = pl.DataFrame(counts, schema={"file": pl.UInt32, "n": pl.UInt32}, orient="row")
    of_file = files.select(pl.col("file").repeat_by("n").explode(empty_as_null=False))["file"]
    return (
        rows.frame()
        .with_columns(of_file)
        .group_by("replay_id", "session_id", "page_view_id", "segment", "file", maintain_order=True)
        .agg(
            pl.col("at").min().alias("started_at"),
            pl.col("at").max().alias("ended_at"),
            pl.len().cast(pl.Int64).alias("event_count"),
            pl.col("data").str.len_bytes().sum().cast(pl.Int64).alias("bytes"),
        )
    )


def _list(entry: object, place: str, rows: Rows, dropped: Counter[str]) -> None:
    if not isinstance(entry, dict):
        return rows.refuse(place, f"{shown(entry)} is not a recording")
    replay, session, started, ended, segments, events, size, because, kept, why = _fields.of(entry)
    replay = as_text(replay) or as_text(session)
    if replay is None:
        return rows.refuse(place, "the recording has no id")
    if kept is False:
        dropped[as_text(why) or "no reason given"] += 1
        return None
    times = as_micros(started, "guess"), as_micros(ended, "guess")
    numbers = as_int(segments), as_int(events), as_int(size)
    return rows.add((replay, as_text(session), *times, *numbers, as_text(because)))


def _whose(file: SourceFile) -> Whose:
    """Tell from a file's name whose recording it is: `<id>.ndjson.gz`, `<id>_<n>.json`, `<id>/<n>.json`."""
    stem = file.stem
    if nameless := NAMELESS.fullmatch(stem):
        folder = PurePosixPath(file.name).parent.name or stem
        return Whose(folder, folder, int(nameless["segment"]))
    if (numbered := NUMBERED.fullmatch(stem)) and numbered["whose"].lower() not in GENERIC:
        return Whose(numbered["whose"], numbered["whose"], int(numbered["segment"]))
    return Whose(stem, stem)
