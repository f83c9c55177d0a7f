"""The columnar decoder against its naive twin, against hostile bytes, and as a person would use it."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.exceptions import SourceMapError
from tests.naive import symbolicate as naive
from tests.symbolicate.stores import map_bytes
from workbench.symbolicate import vlq
from workbench.symbolicate.compiled import decode_clean, is_worthwhile
from workbench.symbolicate.decode import decode_map
from workbench.symbolicate.vlq import decode_mappings

SMALL, LARGE = st.integers(0, 90), st.integers(0, 2**31 - 1)
NUMBER = st.one_of(SMALL, SMALL, LARGE)
SEGMENT = st.one_of(
    st.tuples(NUMBER),
    st.tuples(NUMBER, st.integers(0, 6), NUMBER, NUMBER),
    st.tuples(NUMBER, st.integers(0, 6), NUMBER, NUMBER, st.integers(0, 4)),
)
LINES = st.lists(st.lists(SEGMENT, max_size=8), max_size=8)
SOURCES, NAMES = [f"src/{i}.ts" for i in range(7)], [f"name{i}" for i in range(5)]


def rows(lines: list[list[naive.Segment]]) -> list[tuple[int | None, ...]]:
    ordered = [sorted(line, key=lambda segment: segment[0]) for line in lines]
    return [(n, *segment, *(None,) * (5 - len(segment))) for n, line in enumerate(ordered) for segment in line]


def _after_separator(text: bytes, start: int) -> int:
    ends = [at + 1 for at in (text.find(b",", start), text.find(b";", start)) if at >= 0]
    return min(ends, default=len(text))


@given(lines=LINES)
@settings(max_examples=80, deadline=None)
def test_decoding_undoes_encoding(lines):
    decoded = decode_map(map_bytes(sources=SOURCES, names=NAMES, mappings=naive.encode_mappings(lines)))
    assert decoded.mappings.rows() == rows(lines)


@given(lines=LINES)
@settings(max_examples=40, deadline=None)
def test_blocks_may_end_anywhere(lines):
    text = naive.encode_mappings(lines).encode()
    with pytest.MonkeyPatch.context() as patch:
        whole = decode_mappings(text, 7, 5)
        patch.setattr(vlq, "_block_end", lambda text, start: min(len(text), _after_separator(text, start)))
        pieces = decode_mappings(text, 7, 5)
    assert all(np.array_equal(a, b) for a, b in zip(whole, pieces, strict=True))


@given(lines=LINES, places=st.lists(st.tuples(st.integers(-1, 9), st.one_of(SMALL, LARGE)), min_size=1, max_size=30))
@settings(max_examples=80, deadline=None)
def test_original_positions(lines, places):
    decoded = decode_map(map_bytes(sources=SOURCES, names=NAMES, mappings=naive.encode_mappings(lines)))
    found = decoded.original([line for line, _ in places], [column for _, column in places])
    wanted = []
    for line, column in places:
        segment = naive.original(naive.decode_mappings(naive.encode_mappings(lines)), line, column)
        source, *place = segment[1:4] if segment else (None, None, None)
        name = NAMES[segment[4]] if segment and len(segment) == 5 else None
        wanted.append((None if source is None else SOURCES[source], *place, name))
    assert found.rows() == wanted


def _either(raw: bytes) -> None:
    for strict in (True, False):
        with suppress(SourceMapError):
            decode_map(raw, strict=strict).original([0, 1], [0, 5])


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
MAPPINGS = st.text(st.sampled_from(naive.DIGITS + ",;,;gghA!é"), max_size=40)


@given(raw=st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(raw):
    _either(raw)


@given(
    fields=st.fixed_dictionaries(
        {"version": st.sampled_from([3, 3, 3, 2, "3"])},
        optional={
            "sources": st.one_of(JSON, st.lists(st.one_of(st.none(), st.text(max_size=4)), max_size=3)),
            "names": st.one_of(JSON, st.lists(st.text(max_size=4), max_size=3)),
            "sourcesContent": JSON, "sourceRoot": JSON, "file": JSON, "ignoreList": JSON, "debugId": JSON,
            "mappings": st.one_of(MAPPINGS, JSON),
            "sections": st.one_of(JSON, st.lists(st.fixed_dictionaries({
                "offset": st.fixed_dictionaries({"line": st.integers(-1, 2**33), "column": st.integers(-1, 2**33)}),
                "map": st.fixed_dictionaries({"version": st.just(3), "sources": st.just(["a"]), "mappings": MAPPINGS}),
            }), max_size=3)),
        },
    )
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_any_json_is_read_or_refused(fields):
    _either(json.dumps(fields).encode("utf-8", "surrogatepass"))


MEGABYTE = 1 << 20
HOSTILE = {
    "deep JSON": b'{"version":3,"x":' + b"[" * (8 * MEGABYTE),
    "deep sources": b'{"version":3,"mappings":"","sources":' + b"[" * (8 * MEGABYTE),
    "a huge number": b'{"version":3,"x":' + b"9" * (8 * MEGABYTE) + b',"sources":[],"mappings":"A!"}',
    "one endless number": b'{"version":3,"sources":[],"mappings":"' + b"g" * (8 * MEGABYTE) + b'"}',
    "many long numbers": b'{"version":3,"sources":[],"mappings":"'
    + (b"g" * 999 + b"A,") * (8 * MEGABYTE // 1001)
    + b'!"}',
    "nothing but separators": b'{"version":3,"sources":[],"mappings":"' + b"," * (8 * MEGABYTE) + b'"}',
    "more segments than are read": b'{"version":3,"sources":[],"mappings":"' + b"A," * (36 * MEGABYTE) + b'A"}',
    "lines without end": b'{"version":3,"sources":[],"mappings":"' + b";" * (8 * MEGABYTE) + b'!"}',
    "an index map of many sections": b'{"version":3,"sections":[' + b"{}," * (2 * MEGABYTE) + b"{}]}",
}


@pytest.fixture(scope="module")
def warm() -> None:
    """What importing numba takes is no map's doing."""
    if is_worthwhile(1 << 30):
        decode_clean(b"AAAA", 1, 0)


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_map_is_refused_within_bounds(kind):
    """In memory of at most four times its size; the time bound is that of the whole suite."""
    raw = HOSTILE[kind]
    tracemalloc.start()
    try:
        with pytest.raises(SourceMapError):
            decode_map(raw)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(raw)
    finally:
        tracemalloc.stop()


LENIENT = [
    (
        "AAAA,C!AA,EAAA",
        [(0, 0, 0, 0, 0, None), (0, 1, None, None, None, None)],
    ),  # reading ends at the foreign character
    ("AAAA,CAA", [(0, 0, 0, 0, 0, None), (0, 1, None, None, None, None)]),
    ("AAAA,CCAA,CDAA", [(0, 0, 0, 0, 0, None), (0, 1, None, None, None, None), (0, 2, 0, 0, 0, None)]),
    ("AAAAC", [(0, 0, 0, 0, 0, None)]),
    ("AAAA,,CAAA", [(0, 0, 0, 0, 0, None), (0, 1, 0, 0, 0, None)]),
    ("AAAAAAA", [(0, 0, 0, 0, 0, 0)]),
    ("DAAA,EAAA", [(0, 1, 0, 0, 0, None)]),
]


@pytest.mark.parametrize(("mappings", "kept"), LENIENT)
def test_lenient_reading_keeps_what_can_be_read(mappings, kept):
    raw = map_bytes(sources=["a.ts"], names=["a"], mappings=mappings)
    with pytest.raises(SourceMapError):
        decode_map(raw)
    assert decode_map(raw, strict=False).mappings.rows() == kept


def test_fields_of_a_map():
    raw = map_bytes(
        sources=["a.ts", None], sourceRoot="/src/", sourcesContent=["let a"], names=["a"], mappings="AAAAA",
        ignoreList=[1], debugId="85314830-023f-4cf1-a267-535f4e37bb17",
    )  # fmt: skip
    decoded = decode_map(raw)
    assert decoded.sources == ("/src/a.ts", None)
    assert list(decoded.contents) == ["let a", None]
    assert decoded.names == ("a",)
    assert decoded.ignore_list == (1,)
    assert decoded.debug_id == "85314830-023f-4cf1-a267-535f4e37bb17"
    assert decoded.content_of("/src/a.ts") == "let a"
    assert decode_map(map_bytes(debug_id="x")).debug_id == "x"


@pytest.mark.parametrize(
    ("root", "joined"),
    [
        ("src", "src/a.ts"), ("src/", "src/a.ts"), ("", "a.ts"), (None, "a.ts"), ("/", "/a.ts"), ("..", "../a.ts"),
        ("https://shop.example/src", "https://shop.example/src/a.ts"), ("webpack://shop/", "webpack://shop/a.ts"),
    ],
)  # fmt: skip
def test_the_root_stands_before_relative_sources_only(root, joined):
    absolute = ["/srv/a.ts", "https://cdn.example/a.ts", "webpack://shop/./a.ts", "file:///a.ts", "node:fs"]
    decoded = decode_map(map_bytes(sources=["a.ts", None, *absolute], sourceRoot=root))
    assert decoded.sources == (joined, None, *absolute)


def test_invalid_text_and_broken_escapes_at_once_are_read_leniently():
    raw = map_bytes(sources=["a"], names=["\ud83d!"], mappings="AAAAA").replace(b'["a"]', b'["\xff"]')
    with pytest.raises(SourceMapError, match="not UTF-8"):
        decode_map(raw)
    decoded = decode_map(raw, strict=False)
    assert (decoded.sources, decoded.names) == (("\ufffd",), ("\ufffd!",))


def test_the_error_says_where():
    with pytest.raises(SourceMapError, match="generated line 3 has source 4, not within 0 and 0"):
        decode_map(map_bytes(sources=["a"], mappings="AAAA;;AIAA"))


def test_positions_come_in_pairs():
    decoded = decode_map(map_bytes(sources=["a"], mappings="AAAA;;;AACA"))
    with pytest.raises(ValueError, match="not equally long: 2 and 1"):
        decoded.original([0, 1], [0])
    assert decoded.original([], []).rows() == []
    far = [(2**40, 0), (0, 2**40), (-1, 0), (0, -1)]
    found = decoded.original(*zip(*far, strict=True))
    assert found.rows() == [(None,) * 4, ("a", 0, 0, None), (None,) * 4, (None,) * 4]
