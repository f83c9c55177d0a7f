"""Labels: what people said, folded; and the file that holds it through crashes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.exceptions import SourceError
from connectors.journal import Journal
from workbench.errors.labels import fold, record


def test_later_acts_stand_above_earlier_ones():
    said = [
        record("bug", ["a", "b"], "discount"),
        record("bug", ["c"], "stock"),
        record("same", ["c", "a"]),  # a's whole bug is c's bug now
        record("different", ["a", "b"]),
        record("clear", ["c"]),
    ]
    assert fold(said[:3]).bug_of == {"a": "stock", "b": "stock", "c": "stock"}
    assert fold(said[:4]).bug_of == {"a": "stock", "b": "bug b", "c": "stock"}
    assert fold(said).bug_of == {"a": "stock", "b": "bug b"}


def test_same_and_different_need_no_names():
    assert fold([record("same", ["a", "b"]), record("same", ["c", "b"])]).bug_of == dict.fromkeys("abc", "bug a")
    assert len(set(fold([record("different", ["a", "b", "c"])]).bug_of.values())) == 3


@pytest.mark.parametrize(
    ("act", "shapes", "bug", "said"),
    [("bug", [], "x", "pick a shape"), ("same", ["a", "a"], None, "two shapes"), ("bug", ["a"], "  ", "a name"),
     ("merge", ["a"], None, "no act 'merge'; there are: bug, same")],
)  # fmt: skip
def test_what_cannot_be_recorded_is_said(act, shapes, bug, said):
    with pytest.raises(ValueError, match=said):
        record(act, shapes, bug)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["act", "shapes", "bug", "at"]),
            st.one_of(
                st.none(), st.sampled_from(["bug", "same", "different", "clear", "x"]), st.lists(st.sampled_from("abc"))
            ),
        )
    )
)
def test_no_record_breaks_the_fold(records):  # fmt: skip
    told = fold(records)
    assert all(isinstance(name, str) and name for name in told.bug_of.values())
    assert told.refused <= len(records)


def test_a_torn_last_line_is_passed_over_counted_and_written_past(tmp_path):
    path = tmp_path / "deep" / "labels.jsonl"
    journal = Journal(path)
    assert journal.read() == ([], 0)
    journal.append({"n": 1}, {"n": 2})
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        journal.append({"n": 3})
        records, torn = journal.read()
        assert records[-1] == {"n": 3}
        complete = [json.loads(line) for line in whole[:cut].split(b"\n") if line.endswith(b"}")]
        assert records[:-1] == complete
        assert torn == (0 if whole[:cut].endswith((b"\n", b"}")) or not cut else 1)


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match=r"folder cannot be written: .*; nothing was kept"):
        Journal(tmp_path / "folder").append({"n": 1})
