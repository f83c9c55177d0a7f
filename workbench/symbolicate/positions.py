"""Distinct positions of bundles to original positions: the part of symbolication that looks things up.

All positions are answered into arrays of numbers, map by map; texts are put in once at the end.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workbench.rules.loader import load
from workbench.symbolicate.decode import SourceMap
from workbench.symbolicate.in_app import is_own_source
from workbench.symbolicate.maps import Maps, Unreadable
from workbench.symbolicate.matching import Artifact, Match

READ = {"position": pl.UInt32(), "expected": pl.String(), "receiver": pl.String(), "property": pl.String()}
NO_CONTENT = "the map does not carry the content of this source"
NO_SOURCE_NAME = "the map gives the source of this position no name"
NO_POSITION = "the frame has no line and column"


class Answers(NamedTuple):
    """What is known of every position, and of the properties that were read at some.

    `positions`, one row a position: `source`, `source_line`, `source_column` (1-based), `source_function`,
    `source_in_app`, `map_status`, `map_detail`, `map_location`. `reads`: the columns of `READ`. `tokens`: for each
    position the name in its mapping, as a number for `token_text`; -1 for none.
    """

    positions: pl.DataFrame
    reads: pl.DataFrame
    tokens: NDArray[np.int64]
    names: Sequence[Sequence[str]]

    def token_text(self, token: int) -> str | None:
        """The name that a token stands for: most are never asked for."""
        return None if token < 0 else self.names[token >> 32][token & 0xFFFFFFFF]


class Words:
    """Texts by number: each text once, -1 for none."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {None: -1}
        self.texts: list[str] = []

    def number(self, text: str | None) -> int:
        """The number of a text, a new one when it was not seen before."""
        known = self.numbers.get(text)
        if known is None:
            known = self.numbers[text] = len(self.texts)
            self.texts.append(str(text))
        return known

    def series(self, name: str, numbers: NDArray[np.integer]) -> pl.Series:
        """The texts of many numbers."""
        texts = pl.Series(name, [*self.texts, None], dtype=pl.String)
        return texts.gather(np.where(numbers < 0, len(self.texts), numbers))


def number_matches(matches: Sequence[Match]) -> tuple[list[Match], NDArray[np.int64]]:
    """Distinct matches, and the number of each bundle's: bundles with equal verdicts share their positions.

    Matches of one map stand together; those without a map come last.
    """

    def by_map(match: Match) -> tuple[bool, str]:
        return match.artifact is None, match.artifact.map_location if match.artifact else ""

    distinct = sorted(dict.fromkeys(matches), key=by_map)
    numbers = {match: number for number, match in enumerate(distinct)}
    return distinct, np.array([numbers[match] for match in matches], np.int64)


def look_up(
    distinct: pl.DataFrame,
    matches: Sequence[Match],
    maps: Maps,
    reads: pl.DataFrame,
    last_seen: datetime | None = None,
) -> Answers:
    """Answer every distinct position.

    Parameters
    ----------
    distinct
        `group` (the number of a match), `line`, `column` (1-based, 0 for none), sorted by all three.
    matches, maps
        What was found for each group, as `number_matches` orders them, and the store's maps.
    reads
        `position` (row number in `distinct`) and `expected`: where to look for the property that was read.
    last_seen
        Time of the newest event, to tell a map that ran out from one that was taken away.
    """
    table = _Table(distinct, matches)
    asked = reads.sort("position")
    at = asked["position"].to_numpy()
    found: list[tuple[int, str | None, str, str]] = []
    for artifact, rows in table.by_map():
        opened = maps.open(artifact)
        if isinstance(opened, Unreadable):
            table.unreadable(rows, opened, artifact, last_seen)
            continue
        table.mapped(rows, opened)
        asked_here = asked[slice(*np.searchsorted(at, (rows.start, rows.stop)))]
        found += table.functions(rows, opened, maps, asked_here)
    names = [decoded.names for decoded in table.maps]
    return Answers(table.frame(), pl.DataFrame(found, schema=READ, orient="row"), table.tokens(), names)


class _Table:
    """Answers to all positions, as arrays; -1 for none.

    What a map says of its positions is kept as numbers and read together when all maps are done: a release has
    hundreds of maps, most with few positions each.
    """

    def __init__(self, distinct: pl.DataFrame, matches: Sequence[Match]) -> None:
        n = distinct.height
        self.matches = matches
        self.group = distinct["group"].to_numpy()
        self.lines, self.columns = distinct["line"].to_numpy() - 1, distinct["column"].to_numpy() - 1
        self.words = Words()
        status = np.array([self.words.number(match.status) for match in matches] or [0])
        detail = np.array([self.words.number(match.detail) for match in matches] or [0])
        place = [match.artifact.map_location if match.artifact else None for match in matches]
        self.status, self.detail = status[self.group], detail[self.group]
        self.location = np.array([self.words.number(text) for text in place] or [0])[self.group]
        self.map = np.full(n, -1, np.int64)
        self.maps: list[SourceMap] = []
        self.source, self.line, self.column, self.name = (np.full(n, -1, np.int32) for _ in range(4))
        self.key = np.zeros(n, np.int64)
        self.function = np.full(n, -1, np.int64)

    def by_map(self) -> list[tuple[Artifact, slice]]:
        """Each artifact with its rows, which stand together."""
        bounds: dict[str, tuple[Artifact, int, int]] = {}
        starts = np.searchsorted(self.group, np.arange(len(self.matches) + 1))
        for number, match in enumerate(self.matches):
            if match.artifact is not None and starts[number] < starts[number + 1]:
                location = match.artifact.map_location
                _, start, _ = bounds.get(location, (None, int(starts[number]), 0))
                bounds[location] = (match.artifact, start, int(starts[number + 1]))
        return [(artifact, slice(start, stop)) for artifact, start, stop in bounds.values()]

    def unreadable(self, rows: slice, reason: Unreadable, artifact: Artifact, last_seen: datetime | None) -> None:
        """Positions on a map that could not be used."""
        status, detail = reason
        if status == "expired" and (artifact.uploaded_at is not None or not detail):
            status, detail = _gone(artifact, last_seen)
        self.status[rows], self.detail[rows] = self.words.number(status), self.words.number(detail)

    def mapped(self, rows: slice, decoded: SourceMap) -> None:
        """Positions on a map that was read."""
        self.map[rows] = len(self.maps)
        self.maps.append(decoded)
        columns = decoded.columns
        if columns.key.size:
            at = decoded.find(self.lines[rows], self.columns[rows])
            self.source[rows] = np.where(at >= 0, columns.source[at], -1)
            for told, says in ((self.line, columns.line), (self.column, columns.column), (self.name, columns.name)):
                told[rows] = says[at]
            self.key[rows] = columns.key[at]

    def functions(
        self, rows: slice, decoded: SourceMap, maps: Maps, asked: pl.DataFrame
    ) -> list[tuple[int, str | None, str, str]]:
        """Parse each source that was hit and that the map carries, once; give the properties that were read."""
        if not decoded.carried.any():
            return []
        index = self.source[rows]
        read_in = self.source[asked["position"].to_numpy()]
        reads = []
        for source in np.flatnonzero(np.bincount(index + 1)[1:]).tolist():
            outline = maps.outline(decoded, source)
            if outline is None:
                continue
            hits = np.flatnonzero(index == source) + rows.start
            names = outline.functions_at(self.line[hits], self.column[hits])
            self.function[hits] = [self.words.number(name) for name in names]
            for position, expected in asked.filter(pl.Series(read_in == source)).iter_rows():
                line, column = int(self.line[position]), int(self.column[position])
                behind = int(self.columns[position] - (self.key[position] & 0xFFFFFFFF))
                read = outline.read_at(line, column, after=behind, expected=expected)
                if read and read[0]:
                    reads.append((position, expected, read[0], read[1]))
        return reads

    def tokens(self) -> NDArray[np.int64]:
        """The name in each position's mapping, as `Answers.tokens`."""
        return np.where((self.source >= 0) & (self.name >= 0), (self.map << 32) | self.name, -1)

    def frame(self) -> pl.DataFrame:
        """All answers as `Answers.positions`."""
        found = self.source >= 0
        path, carried, own = self._sources(found)
        self._judge(found, path, carried)
        numbers = {"source_line": self.line, "source_column": self.column}
        texts = {
            "source_function": self.function, "map_status": self.status,
            "map_detail": self.detail, "map_location": self.location,
        }  # fmt: skip
        return pl.DataFrame([path, *(self.words.series(name, values) for name, values in texts.items())]).with_columns(
            *(pl.when(pl.Series(found)).then(pl.Series(at) + 1).cast(pl.Int64).alias(name)
              for name, at in numbers.items()),
            own,
        )  # fmt: skip

    def _sources(self, found: NDArray[np.bool_]) -> tuple[pl.Series, NDArray[np.bool_], pl.Series]:
        """For each position its source's path, whether the map carries that, and whether it is the team's own."""
        first = np.cumsum([0, *(len(decoded.sources) for decoded in self.maps)])
        none = int(first[-1])
        place = np.where(found, first[self.map] + self.source, none)
        hit = np.zeros(none + 1, np.bool_)
        hit[place] = True
        hit[none] = True
        paths = pl.concat([*(decoded.source_texts for decoded in self.maps), pl.Series([None], dtype=pl.String)])
        carried, ignored = (np.zeros(none + 1, np.bool_) for _ in range(2))
        for start, decoded in zip(first, self.maps, strict=False):
            carried[start : start + len(decoded.sources)] = decoded.carried
            ignored[start + np.array(decoded.ignore_list, np.int64)] = True
        hits = paths.filter(pl.Series(hit))
        own = [
            not skip and is_own_source(text or "")
            for text, skip in zip(hits.to_list(), ignored[hit].tolist(), strict=True)
        ]
        own[-1] = None
        number = (np.cumsum(hit) - 1)[place]
        in_app = pl.Series("source_in_app", own, dtype=pl.Boolean).gather(number)
        return hits.gather(number).alias("source"), carried[place], in_app

    def _judge(self, found: NDArray[np.bool_], path: pl.Series, carried: NDArray[np.bool_]) -> None:
        """The verdicts on positions whose maps were read."""
        bare = found & ~carried & (self.status == self.words.number("mapped"))
        self.status[bare], self.detail[bare] = self.words.number("no_source_content"), self.words.number(NO_CONTENT)
        self.detail[found & path.is_null().to_numpy()] = self.words.number(NO_SOURCE_NAME)
        outside = ~found & (self.map >= 0)
        self.status[outside] = self.words.number("outside_map")
        why = np.full(len(self.maps) + 1, -1)
        for number in np.unique(self.map[outside]).tolist():
            why[number] = self.words.number(_why_outside(self.maps[number]))
        self.detail[outside] = why[self.map[outside]]
        self.detail[outside & ((self.lines < 0) | (self.columns < 0))] = self.words.number(NO_POSITION)


def _gone(artifact: Artifact, last_seen: datetime | None) -> tuple[str, str]:
    """A listed map that the store no longer has: its time ran out, or somebody took it away."""
    days = load("symbolicate", "releases").data["retention_days"]
    uploaded = artifact.uploaded_at
    if uploaded is not None and last_seen is not None and last_seen - uploaded < timedelta(days=days):
        return "no_artifact", f"{artifact.map_location} is listed, uploaded {uploaded:%Y-%m-%d}, but not in the store"
    when = f", uploaded {uploaded:%Y-%m-%d}," if uploaded is not None else ""
    return "expired", f"{artifact.map_location}{when} is no longer in the store; maps are kept {days} days by default"


def _why_outside(decoded: SourceMap) -> str:
    keys = decoded.columns.key
    if not keys.size:
        return "the map maps nothing"
    return f"the map has no original position here; its mappings end at line {int(keys[-1] >> 32) + 1}"
