"""Numbers for distinct values, against numpy's sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.symbolicate import numbering
from workbench.symbolicate.numbering import number, number_together


@pytest.mark.parametrize("bits", [20, 3, 1])
@given(values=st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2**62)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_numbers_stand_for_their_values(values, bits):
    """A table of two places: every value meets another, so that every round and the way out are used."""
    given_values = np.array(values, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "_FEW", 0 if bits < 20 else 1 << 16)
        patch.setattr(numbering, "_BITS", (bits, bits, 20))
        numbers, distinct = number(given_values)
    wanted, inverse = np.unique(given_values, return_inverse=True)
    assert distinct.tolist() == wanted.tolist()
    assert numbers.tolist() == inverse.tolist()


@pytest.mark.parametrize("many", [3, 50_000, 400_000, 1_000_000])
def test_a_million_rows_of_few_and_of_many_values(many):
    values = np.random.default_rng(7).integers(0, 1 << 40, many)[np.random.default_rng(8).integers(0, many, 1_000_000)]
    numbers, distinct = number(values)
    assert np.array_equal(distinct[numbers], values)
    assert (distinct[1:] > distinct[:-1]).all()


@pytest.mark.parametrize("many", [2**31 + 1, 2**20], ids=["too many for one integer", "packed"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_combined_numbers_stand_for_their_parts(many, data):
    rows = data.draw(st.lists(st.tuples(*[st.integers(0, many - 1)] * 3, st.integers(0, 2)), max_size=30))
    parts = [(np.array([row[i] for row in rows], np.int64), many if i < 3 else 3) for i in range(4)]
    numbers, told = number_together(parts)
    assert [tuple(int(part[place]) for part in told) for place in numbers.tolist()] == rows
    assert len(told[0]) == len(set(rows))
