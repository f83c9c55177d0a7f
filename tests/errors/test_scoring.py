"""Scores against counting pair by pair, against scikit-learn, and on the examples of the papers."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import v_measure_score

from tests.naive.errors import bcubed, pair_scores
from workbench.errors.scoring import score

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


@settings(max_examples=100, deadline=None)
@given(LABELS)
def test_scores_are_those_of_counting_one_by_one(rows):
    found, truth = [a for a, _ in rows], [b for _, b in rows]
    got = score(pl.DataFrame({"found": found, "truth": truth}))
    assert (got.pair_precision, got.pair_recall) == pytest.approx(pair_scores(found, truth))
    assert (got.bcubed_precision, got.bcubed_recall) == pytest.approx(bcubed(found, truth))
    assert got.v_measure == pytest.approx(v_measure_score(truth, found), abs=1e-9)


def test_weights_count_shapes_as_their_events():
    shapes = pl.DataFrame({"found": [1, 1, 2], "truth": ["a", "b", "b"], "n": [3, 1, 2]})
    events = pl.DataFrame({"found": [1, 1, 1, 1, 2, 2], "truth": ["a", "a", "a", "b", "b", "b"]})
    assert score(shapes, weight="n") == pytest.approx(score(events))


def test_bcubed_of_bagga_and_baldwins_example():
    # A coreference example of their paper: entities of 5, 2 and 5; the second and third were put together.
    truth = ["a"] * 5 + ["b"] * 2 + ["c"] * 5
    found = [1] * 5 + [2] * 7
    got = score(pl.DataFrame({"found": found, "truth": truth}))
    assert got.bcubed_precision == pytest.approx(0.76, abs=0.005)
    assert got.bcubed_recall == 1.0
