"""Rules tried over cells of equal events give what grouping all events anew gives."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.errors.simulate import simulate
from workbench.errors.baselines import IN_APP_STACK, TOP_FRAME, baseline_groups
from workbench.errors.changes import changes
from workbench.errors.explain import explain_event
from workbench.errors.grouping import fingerprint, prepare
from workbench.errors.known import parse_known
from workbench.errors.regroup import Regrouping
from workbench.errors.rule_faults import faults_of
from workbench.errors.score_table import score_table
from workbench.errors.suggest import suggest
from workbench.errors.sweep import sweep
from workbench.errors.templates import common_glob

RULES = {
    "type": "type:TypeError -> everything",
    "request": 'status:200 endpoint:"GET /api/*" -> {{ default }}, {{ endpoint }}',
    "release": "type:SyntaxError -> json, {{ release }}",
    "route": 'transaction:"/*" message:"*is not a function*" -> {{ default }}, {{ transaction }}',
    "frames": 'type:TypeError path:"**/assets/**" -app\npath:"**/node_modules/**" -group',
    "caller": 'function:Qn ^-app\n[ function:Qn ] | function:Xe -group\nmessage:"Invalid*" -> dates',
}
KNOWN = """
[[known]]
id = "orders"
author = "lena"
reason = "Orders of the old shop"
expires = 2026-05-05
pattern = "No .* for order"
"""


@pytest.fixture(scope="module")
def day():
    return simulate(11, n_events=900)


@pytest.fixture(scope="module")
def prepared(day):
    return prepare(day.events, day.frames, day.requests, releases=day.releases)


@pytest.fixture(scope="module")
def trial(prepared):
    return Regrouping(prepared)


@pytest.fixture(scope="module")
def truth(day, prepared):
    facts = prepared.errors.select("error_id", "shape_id").join(prepared.distinct.of_event, on="error_id")
    known = facts.join(day.labels.drop_nulls("cause"), on="event_id")
    return known.unique("shape_id").select("shape_id", truth="cause")


@pytest.mark.parametrize("name", RULES)
def test_cells_give_what_all_events_give(name, trial, prepared):
    scratch = changes(
        pl.DataFrame(
            {
                "old": fingerprint(prepared, None)[0]["issue_id"],
                "new": fingerprint(prepared, RULES[name])[0]["issue_id"],
            }
        )
    )
    quick = trial.diff("", RULES[name])
    assert quick.select(scratch.columns).equals(scratch)
    assert len(quick), "each of these rules changes something on this day"
    assert quick["n_shapes"].null_count() == 0
    assert quick["examples"].list.len().min() >= 1


def test_a_known_noise_list_counts_until_its_last_day(trial, prepared):
    listed = parse_known(KNOWN)
    before, after = trial.under("", "", known=((), listed))
    told = trial.compare(before, after)
    assert set(told["change"]) == {"to noise"}
    rows, _ = fingerprint(prepared, None, listed)
    assert told["to_noise"].sum() == rows.filter(pl.col("noise_class") == "known").height
    ended = parse_known(KNOWN.replace("2026-05-05", "2026-05-04"))
    assert prepared.events["at"].dt.date().min() == date(2026, 5, 4)
    assert trial.diff("", "", known_new=ended).is_empty()


def test_a_merge_shows_examples_of_the_issues_that_it_joins(trial):
    (row,) = trial.diff("", "type:TypeError -> everything").filter(pl.col("change") == "merged").to_dicts()
    assert len(set(row["examples"])) == 3
    assert row["rules"] == ["rule in line 1: type:TypeError -> everything"]


def test_scores_stand_beside_two_usual_ways(trial, prepared, truth):
    before, after = trial.under("", "type:TypeError -> everything")
    table = score_table({"now": before, "then": after}, prepared.distinct, dict(truth.rows()))
    labels = table.filter((pl.col("against") == "labels") & (pl.col("weight") == "events"))
    scores = {row["way"]: row for row in labels.iter_rows(named=True)}
    assert list(scores) == ["now", "then", TOP_FRAME, IN_APP_STACK]
    assert scores["now"]["pair_precision"] > 0.97 > scores["then"]["pair_precision"]
    assert scores["then"]["pair_recall"] > scores["now"]["pair_recall"]
    assert all(row["f1_low"] <= row["pair_f1"] + 0.15 and row["f1_low"] < row["f1_high"] for row in scores.values())
    old = table.filter(pl.col("against") == "now")["way"].unique().to_list()
    assert old == ["then"]


def test_the_usual_ways_are_those_that_the_simulated_days_are_held_against(day, prepared):
    from tests.errors.test_simulated_days import like_sentry, type_and_top_frame

    ours = prepared.distinct.of_event.join(baseline_groups(prepared.distinct), on="error_id")
    for way, oracle in ((TOP_FRAME, type_and_top_frame(day)), (IN_APP_STACK, like_sentry(day))):
        both = ours.join(oracle, on="event_id").filter(pl.col("event_id").is_in(day.frames["event_id"].implode()))
        assert changes(both.select(old=way, new="group")).filter(pl.col("change") != "renamed").is_empty()


def test_a_sweep_is_judged_on_stretches_that_had_no_part_in_the_choice(day, prepared):
    cause = day.events.select("event_id").join(day.labels, on="event_id", how="left", maintain_order="left")["cause"]
    told = sweep(prepared, cause, [0.5, 2.0, 50.0], releases=day.releases)
    assert told.folds == "stretches of 6.0 h"
    assert told.low <= told.held_out <= told.high
    by_value = told.table.group_by("value").agg(pl.col("bugs").sum(), pl.col("pair_recall").mean()).sort("value")
    # The higher the bar, the less is joined: more bugs, less recall.
    assert by_value["bugs"].is_sorted()
    assert by_value["pair_recall"].is_sorted(descending=True)


def test_nothing_known_is_no_sweep_and_no_suggestion(trial, prepared):
    nothing = pl.repeat(None, len(prepared.events), dtype=pl.String, eager=True)
    told = sweep(prepared, nothing, [1.0])
    assert (told.chosen, told.held_out, told.table.height) == (None, None, 0)
    assert suggest(trial, "", pl.DataFrame(schema={"shape_id": pl.String, "truth": pl.String})).is_empty()


def test_a_suggested_rule_does_what_it_says(trial, truth):
    bad = "type:TypeError -> everything"
    found = suggest(trial, bad, truth, most=2)
    assert found["gain"].is_sorted(descending=True)
    assert found["gain"].min() > 0
    for row in found.iter_rows(named=True):
        told = trial.diff(bad, f"{row['rule']}\n{bad}")
        assert told["n_events"].sum() == row["n_events"]
        assert told["change"].is_in(["split", "moved"]).sum() == row["splits"]
        assert told["change"].is_in(["merged", "moved"]).sum() == row["merges"]


@pytest.mark.parametrize(
    ("messages", "glob"),
    [
        (["Order 812 not found", "Order 9 not found"], "Order * not found"),
        (["a [x] b", "a [y] b"], r"a \[*\] b"),
        (["same"], "same"),
        (["one", "two"], "*"),
        ([], "*"),
    ],
)
def test_what_messages_have_in_common(messages, glob):
    assert common_glob(messages) == glob


def test_every_fault_of_a_text_has_its_line_and_column():
    text = 'typ:E -> a\ntype:E -> b\n  type:"E -> c\ntype:E ->\n'
    assert [(fault.line, fault.column) for fault in faults_of(text)] == [(1, 1), (3, 8), (4, 10)]
    (fault,) = faults_of("[[known]]\nid = 1\n[[known]]\nid = 2 2\n", known=True)
    assert (fault.line, fault.column) == (4, 8)
    (fault,) = faults_of(KNOWN.replace('author = "lena"\n', ""), known=True)
    assert (fault.line, "has no author" in fault.message) == (2, True)


def test_an_event_is_explained_from_its_words_to_its_issue(day, prepared):
    cause = day.labels.filter(pl.col("cause").str.starts_with("custom"))["event_id"][0]
    told = explain_event(prepared, cause, 'type:TypeError -> a\nmessage:"No * for order *" -> orders, {{ type }}')
    assert told.message[0][1].startswith("Error: No ")
    assert "<int>" in told.message[-1][1]
    assert [(rule.fits, rule.why) for rule in told.rules][:2] == [(False, "type is Error"), (True, "all hold")]
    rows, _ = fingerprint(prepared, 'message:"No * for order *" -> orders, {{ type }}')
    assert told.issue_id == rows.filter(pl.col("event_id") == cause)["issue_id"].item()
    assert told.frames.filter("top").height <= 1
    noise = day.labels.filter(pl.col("cause").is_null())["event_id"][0]
    told = explain_event(prepared, noise)
    assert told.issue_id is None
    assert [rule.rule.split("/")[0] for rule in told.noise if rule.fits] == [told.noise_class]
