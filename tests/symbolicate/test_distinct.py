"""Rows to distinct values and back, against dictionaries."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.symbolicate import distinct
from workbench.symbolicate.distinct import encode, positions

TEXT = st.sampled_from([None, "", "a", "b", "https://shop.example/app.js", "é"])
COLUMNS = ("release", "dist", "url", "debug_id")


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
@pytest.mark.parametrize("largest", [1 << 24, 3])
@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), max_size=30))
@settings(max_examples=25, deadline=None)
def test_codes_stand_for_their_rows(rows, largest, dtype):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row").cast(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "_LARGEST_TABLE", largest)
        codes, values = encode(frame, COLUMNS)
    assert [values.row(code) for code in codes.tolist()] == rows
    assert values.height == len(set(rows))


PLACE = st.one_of(st.none(), st.integers(-2, 6))
HUGE = st.one_of(PLACE, st.integers(2**22, 2**40))


@pytest.mark.parametrize("place", [PLACE, HUGE], ids=["packed", "column by column"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_positions_stand_for_their_rows(data, place):
    rows = data.draw(st.lists(st.tuples(st.integers(0, 4), place, place), max_size=30))
    group = np.array([row[0] for row in rows], np.int64)
    lines, columns = (pl.Series([row[i] for row in rows], dtype=pl.Int64) for i in (1, 2))
    found = positions(group, np.arange(5), lines, columns, mapped=3)
    wanted = [
        (group, max(line or 0, 0), max(column or 0, 0)) if group < 3 else (group, 0, 0) for group, line, column in rows
    ]
    assert [found.distinct.row(number) for number in found.rows.tolist()] == wanted
    assert found.distinct.rows() == sorted(set(wanted))
