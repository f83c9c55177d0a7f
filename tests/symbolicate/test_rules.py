"""Every rule of ECMA-426, held against two other readers of source maps."""

from __future__ import annotations

import pytest

from connectors.exceptions import SourceMapError
from tests.symbolicate.peers import symbolic_view, trace_mapping
from tests.symbolicate.rules import CASES, NOTHING, Case
from workbench.symbolicate.decode import decode_map


def ours(case: Case) -> list[tuple[int | None, ...] | None]:
    decoded = decode_map(case.raw)
    lines, columns = [answer[0] for answer in case.answers], [answer[1] for answer in case.answers]
    at = decoded.find(lines, columns)
    found = decoded.take(at)
    sources = [int(decoded.columns.source[i]) if i >= 0 else -1 for i in at]
    return [
        (source, *row) if source >= 0 else (None,) * 4
        for source, row in zip(sources, found.select("line", "column", "name").iter_rows(), strict=True)
    ]


@pytest.mark.parametrize("case", [case for case in CASES if case.valid], ids=lambda case: case.name)
def test_a_valid_map_answers(case):
    assert ours(case) == [answer[2:] for answer in case.answers]


@pytest.mark.parametrize("case", [case for case in CASES if not case.valid], ids=lambda case: case.name)
def test_an_invalid_map_is_refused_in_one_sentence(case):
    with pytest.raises(SourceMapError) as refused:
        decode_map(case.raw)
    said = str(refused.value)
    assert said
    assert "\n" not in said
    assert len(said) < 200


@pytest.mark.parametrize("case", [case for case in CASES if case.valid], ids=lambda case: case.name)
def test_lenient_reading_changes_no_valid_map(case):
    strict, lenient = decode_map(case.raw), decode_map(case.raw, strict=False)
    assert strict.sources == lenient.sources
    assert strict.mappings.equals(lenient.mappings)


PEERS = {
    # what a peer refuses although it is valid, and how many broken maps it reads all the same
    "trace-mapping": (
        {"guard-against-inclusion", "guard-and-mark", "guard-on-the-line-of-the-map", "guard-with-more"},
        78,
    ),
    "symbolic": (
        {
            "byte-order-mark", "guard-and-mark", "guard-on-the-line-of-the-map", "half-a-surrogate-pair",
            "half-a-surrogate-pair-at-the-end", "version-with-a-fraction-of-nothing", "very-padded-number",
        },
        35,
    ),
}  # fmt: skip


@pytest.mark.parametrize("peer", PEERS)
def test_the_peers_agree_where_they_can_read(peer):
    cases = [case for case in CASES if case.name != "section-line-huge"]  # trace-mapping dies of its 2^40 empty lines
    questions = [(case.raw, [(line, column) for line, column, *_ in case.answers]) for case in cases]
    said = trace_mapping(questions) if peer == "trace-mapping" else [symbolic_view(*asked) for asked in questions]
    refused, lax = set(), set()
    for case, answers in zip(cases, said, strict=True):
        if isinstance(answers, str):
            refused |= {case.name} if case.valid else set()
        elif case.valid:
            assert [answer or NOTHING for answer in answers] == [answer[2:] for answer in case.answers], case.name
        else:
            lax.add(case.name)
    assert (refused, len(lax)) == PEERS[peer], sorted(lax)
