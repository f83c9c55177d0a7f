"""Maps of real bundlers, made in the test run: all our answers are those of `@jridgewell/trace-mapping`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.symbolicate.peers import BUNDLERS, packages, run_node, symbolic_view, trace_mapping
from workbench.symbolicate.decode import decode_map

POSITIONS = 4000


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    run_node("build_maps.mjs", packages(*BUNDLERS), str(folder))
    return folder


@pytest.mark.parametrize("bundler", ["esbuild", "terser", "rollup", "webpack"])
def test_random_positions(built, bundler):
    maps = sorted((built / bundler).glob("**/*.map"))
    assert maps
    chance = random.Random(bundler)
    questions = []
    for path in maps:
        lines = path.with_suffix("").read_text("utf-8").split("\n")
        units = [len(line.encode("utf-16-le")) // 2 for line in lines]
        rows = chance.choices(range(len(lines)), weights=[unit + 1 for unit in units], k=POSITIONS // len(maps))
        questions.append((path.read_bytes(), [(row, chance.randrange(units[row] + 2)) for row in rows]))
    answered = 0
    for (raw, positions), wanted in zip(questions, trace_mapping(questions), strict=True):
        decoded = decode_map(raw)
        at = decoded.find([line for line, _ in positions], [column for _, column in positions])
        named = decoded.take(at).select("line", "column", "name").rows()
        sources = [int(decoded.columns.source[i]) if i >= 0 else -1 for i in at]
        ours = [(source, *row) if source >= 0 else None for source, row in zip(sources, named, strict=True)]
        assert ours == wanted
        answered += sum(answer is not None for answer in wanted)
    assert answered > POSITIONS / 2


def test_symbolic_agrees_but_for_two_mappings_at_one_place(built):
    """symbolic takes another of several mappings at one position; everywhere else it answers the same."""
    raw = next((built / "esbuild").glob("view.js.map")).read_bytes()
    decoded = decode_map(raw)
    keys = decoded.columns.key
    alone = [int(key) for i, key in enumerate(keys[1:-1], 1) if keys[i - 1] != key != keys[i + 1]]
    positions = [(key >> 32, key & 0xFFFFFFFF) for key in alone]
    found = decoded.original([line for line, _ in positions], [column for _, column in positions])
    theirs = symbolic_view(raw, positions)
    assert [answer[1:3] if answer else (None, None) for answer in theirs] == found.select("line", "column").rows()
