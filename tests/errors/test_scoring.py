"""Scores against counting pair by pair, against scikit-learn, and on the examples of the papers."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import v_measure_score

from tests.naive.errors import bcubed, pair_scores
from workbench.errors.grouping import prepare
from workbench.errors.regroup import Regrouping
from workbench.errors.score_table import VENDOR, score_table
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


def test_a_grouping_is_held_against_the_trackers_own_issues():
    # The tracker has one issue for both messages; ours are two, of three and one events.
    events = pl.DataFrame(
        {"event_id": ["a", "b", "c", "d", "e"], "type": "Error", "vendor_issue_id": ["7", "7", "7", "7", "8"],
         "message": ["No rate", "No rate", "No rate", "No stock", "Script error."]}
    )  # fmt: skip
    prepared = prepare(events, None, None, first_party=["shop.example"])
    now, joined = Regrouping(prepared).under("", "type:Error -> all")
    table = score_table({"now": now, "then": joined}, prepared.distinct, {}).filter(pl.col("against") == VENDOR)
    of = {(row["way"], row["weight"]): row for row in table.iter_rows(named=True)}
    assert {way for way, _ in of} >= {"now", "then"}
    ours, shapes, rule = of["now", "events"], of["now", "shapes"], of["then", "events"]
    # Three of the tracker's six pairs are together in ours; no pair of ours is apart in the tracker's.
    assert (ours["groups"], ours["truths"], ours["n"], ours["noise"]) == (2, 1, 4, 1)
    assert (ours["pair_precision"], ours["pair_recall"]) == (1.0, 0.5)
    assert (ours["bcubed_precision"], ours["bcubed_recall"]) == pytest.approx((1.0, (3 * 3 / 4 + 1 / 4) / 4))
    # As shapes there are two, and their one pair is apart.
    assert (shapes["n"], shapes["pair_recall"]) == (2, 0.0)
    assert (rule["pair_precision"], rule["pair_recall"]) == (1.0, 1.0)
