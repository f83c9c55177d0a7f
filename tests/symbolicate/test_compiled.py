"""Compiled code against the array way: it may give up, but it never says something else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.exceptions import SourceMapError
from tests.naive.symbolicate import encode_mappings
from workbench.symbolicate import vlq
from workbench.symbolicate.compiled import decode_clean
from workbench.symbolicate.vlq import decode_mappings

CHARACTERS = st.text(",;;AACCDEgghB/+9!", max_size=40).map(str.encode)


def by_arrays(text: bytes, n_sources: int, n_names: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vlq, "is_worthwhile", lambda size: False)
        return decode_mappings(text, n_sources, n_names)


@given(text=CHARACTERS, n_sources=st.integers(0, 3), n_names=st.integers(0, 2))
@example(text=b"B", n_sources=0, n_names=0)
@example(text=b"+/////D", n_sources=0, n_names=0)
@example(text=b"gggggggA", n_sources=0, n_names=0)
@example(text=b"A,", n_sources=0, n_names=0)
@example(text=b"A,;", n_sources=0, n_names=0)
@settings(max_examples=500, deadline=None)
def test_it_gives_up_where_a_rule_is_broken_and_is_equal_elsewhere(text, n_sources, n_names):
    quick = decode_clean(text, n_sources, n_names)
    try:
        exact = by_arrays(text, n_sources, n_names)
    except SourceMapError:
        assert quick is None
        return
    if quick is None:
        assert b"g" in text  # numbers padded with zeros are left to the arrays
        return
    assert [part.tolist() for part in vlq.Mappings(*quick).in_order()] == [part.tolist() for part in exact]


def test_a_long_text_is_read_by_it(monkeypatch):
    rows = [[(n * 3, n % 7, n, n % 90, n % 5) for n in range(400)] for _ in range(50)]
    text = encode_mappings(rows).encode()
    exact = by_arrays(text, 7, 5)
    read = []
    monkeypatch.setattr(vlq, "is_worthwhile", lambda size: True)
    monkeypatch.setattr(vlq, "decode_clean", lambda *given: read.append(decode_clean(*given)) or read[-1])
    assert all(np.array_equal(a, b) for a, b in zip(decode_mappings(text, 7, 5), exact, strict=True))
    assert read[0] is not None
