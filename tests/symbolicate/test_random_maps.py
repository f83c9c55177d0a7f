"""Random maps, regular and of sections, disordered, with gaps: read as `@jridgewell/trace-mapping` reads them."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.naive.symbolicate import Segment, encode_mappings
from tests.symbolicate.peers import trace_mapping
from workbench.symbolicate.decode import decode_map

SOURCES = [None, "a.ts", "src/b.ts", "../c.ts", "/srv/d.ts", "https://cdn.example/e.ts", "webpack://shop/f.ts", "🛒.ts"]
NAMES = ["total", "名", "$", "constructor", "x🛒"]


def regular(chance: random.Random) -> tuple[dict[str, Any], int]:
    """A map and how many lines it may reach."""
    lines: list[list[Segment]] = []
    for _ in range(chance.randrange(9)):
        column, segments = 0, []
        for _ in range(chance.randrange(10)):
            column = chance.choice([column, column + 1, column + chance.randrange(30), chance.randrange(200)])
            place = (column, chance.randrange(len(SOURCES)), chance.randrange(1 << 20), chance.randrange(900))
            kinds = [(column,), place, place, (*place, chance.randrange(len(NAMES)))]
            segments.append(chance.choice(kinds))
        lines.append(segments)
    mappings = encode_mappings(lines) + chance.choice(["", ";", ";;"])
    return {"version": 3, "sources": SOURCES, "names": NAMES, "mappings": mappings}, len(lines) + 3


def in_sections(chance: random.Random) -> tuple[dict[str, Any], int]:
    sections, line = [], 0
    for _ in range(chance.randrange(5)):
        inner, height = regular(chance)
        sections.append({"offset": {"line": line, "column": chance.choice([0, chance.randrange(60)])}, "map": inner})
        line += height
    return {"version": 3, "sections": sections}, line + 3


def test_random_maps_are_read_as_the_reference_reads_them() -> None:
    chance, questions = random.Random(7), []
    for number in range(150):
        made, height = in_sections(chance) if number % 3 == 0 else regular(chance)
        raw = json.dumps(made, ensure_ascii=number % 2 == 0).encode()
        keys = decode_map(raw).columns.key.tolist()
        places = [(key >> 32, (key & 0xFFFFFFFF) + beside) for key in keys for beside in (-1, 0, 1)]
        anywhere = [(chance.randrange(height), chance.randrange(260)) for _ in range(20)]
        questions.append((raw, [place for place in [*places, *anywhere] if place[1] >= 0]))
    asked = 0
    for (raw, places), theirs in zip(questions, trace_mapping(questions), strict=True):
        decoded = decode_map(raw)
        at = decoded.find([line for line, _ in places], [column for _, column in places])
        rows = decoded.take(at).select("line", "column", "name").rows()
        sources = [int(decoded.columns.source[i]) if i >= 0 else -1 for i in at]
        assert theirs == [(source, *row) if source >= 0 else None for source, row in zip(sources, rows, strict=True)]
        asked += len(places)
    assert asked > 10_000


def test_a_column_of_sections_moves_only_their_first_line() -> None:
    """The reference moves nested sections of later lines as well; the standard moves what is on the first line."""
    inner = {"version": 3, "sources": ["a.ts"], "mappings": "AAAA"}
    nested = {"version": 3, "sections": [{"offset": {"line": 2, "column": 5}, "map": inner}]}
    raw = json.dumps({"version": 3, "sections": [{"offset": {"line": 3, "column": 36}, "map": nested}]}).encode()
    assert decode_map(raw).mappings.select("generated_line", "generated_column").rows() == [(5, 5)]
    assert trace_mapping([(raw, [(5, 5), (5, 41)])]) == [[None, (0, 0, 0, None)]]
