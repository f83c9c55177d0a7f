"""What became of groups: worked out by hand, and against a walk from event to event."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive.errors import touched_parts
from workbench.errors.changes import KINDS, changes


def rows(pairs, *columns):
    return changes(pl.DataFrame(pairs, schema=["old", "new"], orient="row")).select(*columns).rows()


def test_each_kind_of_change():
    pairs = [
        ("a", "1"), ("a", "1"), ("a", "2"),  # split
        ("b", "3"), ("c", "3"),  # merged
        ("e", "5"), ("e", "6"), ("f", "6"),  # moved: both
        ("g", None), ("g", "g"),  # partly noise now
        ("h", None),  # all of it
        (None, "i"),  # was noise
        ("j", "9"), ("j", "9"), ("j", "9"),  # the same events, another name
        ("k", "k"), (None, None),
    ]  # fmt: skip
    assert rows(pairs, "change", "n_events", "n_moved", "n_old", "n_new") == [
        ("split", 3, 1, 1, 2),
        ("merged", 2, 1, 2, 1),
        ("moved", 3, 2, 2, 2),
        ("to noise", 2, 1, 1, 1),
        ("to noise", 1, 1, 1, 0),
        ("from noise", 1, 1, 0, 1),
        ("renamed", 3, 0, 1, 1),
    ]
    assert {row[0] for row in rows(pairs, "change")} == set(KINDS)


def test_two_issues_merged_into_one_that_keeps_a_name_are_merged():
    assert rows([("a", "a"), ("b", "a")], "change", "old", "new") == [("merged", ["a", "b"], ["a"])]


def test_a_weight_counts_events_of_a_cell():
    pairs = pl.DataFrame({"old": ["a", "a"], "new": ["x", "y"], "n": [40, 2]})
    assert changes(pairs, weight="n").select("n_events", "n_moved").row(0) == (42, 2)


def test_ten_thousand_issues_put_into_one_are_one_row_and_named_by_the_largest():
    pairs = pl.DataFrame({"old": [f"{n:05}" for n in range(10_000)], "new": "all", "n": range(10_000)})
    row = changes(pairs, weight="n").row(0, named=True)
    assert (row["n_old"], len(row["old"]), row["old"][0]) == (10_000, 12, "09999")


def test_nothing_changed_and_nothing_there():
    assert rows([("a", "a"), ("b", "b"), (None, None)], "change") == []
    assert changes(pl.DataFrame(schema={"old": pl.String, "new": pl.String})).is_empty()


GROUP = st.one_of(st.none(), st.sampled_from("abcde"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(GROUP, GROUP), max_size=25))
def test_changes_are_the_parts_of_a_graph(pairs):
    table = changes(pl.DataFrame(pairs, schema={"old": pl.String, "new": pl.String}, orient="row"))
    got = [(sorted(row["old"] or ()), sorted(row["new"] or ()), row["n_events"]) for row in table.iter_rows(named=True)]
    assert sorted(got) == sorted((sorted(olds), sorted(news), n) for olds, news, n in touched_parts(pairs))
