"""The lab's panels without a browser: what they say of edits, faults, labels, and where labels are kept."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from connectors.exceptions import ParameterError, RuleError
from connectors.lake import Lake
from workbench.case import Case, open_case
from workbench.errors.explain import explain_event
from workbench.errors.grouping import prepare
from workbench.panels.lab import GroupingLab
from workbench.panels.lab.bench import labels_path
from workbench.panels.lab.explaining import Explaining, ExplainView


@pytest.fixture(scope="module")
def case() -> Case:
    return open_case("sample-data")


@pytest.fixture
def lab(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GroupingLab:
    monkeypatch.setenv("BLINDSPOT_STATIC", "0")
    return GroupingLab(case, labels=str(tmp_path / "labels.jsonl"))


def test_an_edit_is_seen_by_every_panel_and_a_fault_leaves_the_last_good_rules_at_work(lab: GroupingLab) -> None:
    seen = []
    lab.bench.on_change(lambda: seen.append(lab.bench.text))
    assert "No change from rules in force to edited rules" in lab.changes.html()
    lab.bench.edit("type:TypeError -> everything")
    assert "merged" in lab.changes.html()
    assert "edited rules" in lab.scores.html()
    lab.bench.edit("type:TypeError ->")
    assert "rules 1:18" in lab.editor.faults()
    assert "expected a fingerprint" in lab.editor.faults()
    assert "merged" in lab.changes.html()
    assert seen == ["type:TypeError -> everything", "type:TypeError ->"]


def test_known_noise_that_has_ended_is_said_beside_the_editor_and_in_the_report(lab: GroupingLab) -> None:
    entry = '[[known]]\nid = "amounts"\nauthor = "lena"\nreason = "Until the fix"\nexpires = 2026-01-01\n'
    lab.bench.edit(known=f"{entry}pattern = 'amount'")
    for said in (lab.editor.faults(), lab.editor.html()):
        assert "Known noise amounts (lena) ended on 2026-01-01" in said
        assert "events that it names count again" in said
    lab.bench.edit(known=f"{entry.replace('2026-01', '2027-01')}pattern = 'amount'")
    assert "ended on" not in lab.editor.html()


def test_what_a_stranger_s_browser_sent_is_escaped(lab: GroupingLab) -> None:
    lab.bench.edit('message:"<img src=x onerror=alert(1)>*" -> x')
    assert "<img" not in lab.export.html()
    assert "<img" not in lab.explain.html()
    assert "<img" not in lab.editor.html()


def test_a_cause_stands_under_a_heading_of_its_own(lab: GroupingLab) -> None:
    stack = (
        "Error: order failed\n    at order (https://s.example/a.js:1:1)\n"
        "Caused by: TypeError: no rate\n    at rate (https://s.example/b.js:3:1)"
    )
    event = pl.DataFrame({"event_id": ["e"], "type": ["Error"], "message": ["order failed"], "stack": [stack]})
    told = explain_event(prepare(event, None, None, first_party=["s.example"]), "e")
    html = Explaining(lab.bench).static_html(ExplainView(told, None, ()))
    shown, cause = html.split("Cause 1, or the next of an aggregate")
    assert "The error shown" in shown
    assert "order @ https://s.example/a.js:1:1" in shown
    assert "rate @ https://s.example/b.js:3:1" in cause
    assert "top of ours" not in cause


def test_labels_that_cannot_be_read_are_said_where_a_button_was_pressed(lab: GroupingLab, tmp_path: Path) -> None:
    sweep, suggestions = lab.sweep.widget(), lab.suggestions.widget()
    (tmp_path / "labels.jsonl").mkdir()
    for button, view in ((sweep.children[0].children[1], sweep.children[1]), suggestions.children[:2]):
        button.click()
        assert "bs-fault" in view.html
        assert "labels.jsonl" in view.html
        assert not button.disabled


def test_a_label_is_read_by_the_next_lab(lab: GroupingLab, case: Case, tmp_path: Path) -> None:
    shape = lab.labels.compute().shapes["shape_id"][0]
    lab.bench.label("bug", [shape], "discount missing")
    again = GroupingLab(case, labels=str(tmp_path / "labels.jsonl"))
    assert again.bench.labels.bug_of == {shape: "discount missing"}
    assert "discount missing" in again.labels.html()
    assert "labels.jsonl" in again.labels.html()
    assert str(tmp_path) not in again.labels.html()
    with pytest.raises(ParameterError, match="pick two shapes or more"):
        again.bench.label("same", [shape])


def test_labels_lie_in_a_lake_beside_a_folder_or_where_they_are_told(case: Case, tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake")
    folder = Path(case.store.address)
    in_lake = Case(Lake.open(str(tmp_path / "lake")), case.window)
    assert labels_path(in_lake, None) == tmp_path / "lake" / "labels.jsonl"
    assert labels_path(case, None) == folder.with_name("sample-data.labels.jsonl")
    assert labels_path(case, "mine.jsonl") == Path("mine.jsonl")
    with pytest.raises(ParameterError, match="labels are kept in a local file"):
        labels_path(case, "s3://bucket/labels.jsonl")


def test_rules_that_cannot_be_read_stop_the_lab_with_line_and_column(case: Case, tmp_path: Path) -> None:
    (tmp_path / "shop.rules").write_text("type:E -> a\ntyp:E -> b\n")
    with pytest.raises(RuleError, match=r"rules:2:1: no matcher typ; there are"):
        GroupingLab(case, rules=str(tmp_path / "shop.rules"))


def test_a_report_holds_the_rules_in_force_against_the_default(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLINDSPOT_STATIC", "1")
    (tmp_path / "shop.rules").write_text("type:TypeError -> everything\n")
    lab = GroupingLab(case, rules=str(tmp_path / "shop.rules"), labels=str(tmp_path / "none.jsonl"))
    assert "from default, no rules to rules in force" in lab.changes.html()
    assert not (tmp_path / "none.jsonl").exists()
