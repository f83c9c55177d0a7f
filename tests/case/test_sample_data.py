"""The whole path over the captured incident, held against what the driver of the browsers did."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.exceptions import ParameterError
from workbench.case import Case

RAW = Path(__file__).parents[2] / "sample-data" / "raw"
STATIC = ("/assets/", "/img/", "/style", "/healthz", "/favicon")
BROWSER_LEFT = 499  # before the server had answered: no answer of the backend
Truth = dict[str, pl.DataFrame]


def labelled(case: Case, truth: Truth) -> pl.DataFrame:
    return case.grouping.events.join(
        truth["event"].rename({"noise_class": "true_class", "bug": "true_bug"}), on="event_id"
    )


def test_every_event_of_the_raw_files_is_in_the_case(case: Case, truth: Truth) -> None:
    assert sorted(case.events["event_id"]) == sorted(truth["event"]["event_id"])


def test_every_true_bug_is_one_bug_and_no_two_are_merged(case: Case, truth: Truth) -> None:
    pairs = labelled(case, truth).filter(pl.col("true_bug").is_not_null() & pl.col("bug_id").is_not_null())
    seen = pairs.select("true_bug", "bug_id").unique()
    assert sorted(seen["true_bug"]) == sorted(truth["bug"]["bug"]), seen
    assert seen["bug_id"].is_unique().all(), seen


def test_there_is_no_bug_that_the_driver_did_not_cause(case: Case, truth: Truth) -> None:
    invented = labelled(case, truth).filter(pl.col("bug_id").is_not_null() & pl.col("true_bug").is_null())
    assert invented.is_empty(), invented


def test_noise_by_class(case: Case, truth: Truth) -> None:
    rows = labelled(case, truth)
    for noise_class in truth["event"]["noise_class"].drop_nulls().unique():
        ours, true = pl.col("noise_class") == noise_class, pl.col("true_class") == noise_class
        both = rows.filter(ours & true).height
        assert both / max(rows.filter(true).height, 1) >= 0.97, noise_class
        assert both / max(rows.filter(ours).height, 1) >= 0.97, noise_class


def test_the_funnel_narrows_to_the_true_bugs(case: Case, truth: Truth) -> None:
    n = case.funnel["n"].to_list()
    assert n == sorted(n, reverse=True)
    assert n[0] == truth["event"].height
    assert n[1] == truth["event"]["noise_class"].null_count()
    assert n[-1] == truth["bug"].height


def test_hit_sessions_are_those_in_which_a_person_met_a_bug(case: Case, truth: Truth) -> None:
    people = truth["session"].filter(~pl.col("bot"))["session_id"]
    met = truth["event"].filter(pl.col("bug").is_not_null() & pl.col("session_id").is_in(people.implode()))
    assert set(case.hit["session_id"]) == set(met["session_id"])
    page_views = gzip.decompress((RAW / "page_views.ndjson.gz").read_bytes()).splitlines()
    told = {json.loads(line)["session_id"] for line in page_views}  # a page that never loaded told nobody
    assert set(case.sessions["session_id"]) == set(people) & told


def test_blank_pages_are_those_that_the_driver_saw(case: Case, truth: Truth) -> None:
    blank = truth["session"].filter(pl.col("blank") & ~pl.col("bot"))["session_id"]
    assert set(case.blank["session_id"]) == set(blank)


def test_each_story_error_joins_its_backend_trace(case: Case, truth: Truth) -> None:
    joined = truth["trace"].join(case.trace_joins, on="event_id", suffix="_ours")
    assert joined.height == truth["trace"].height
    assert (joined["trace_id"] == joined["trace_id_ours"]).all()
    assert joined["has_backend"].all()


def test_the_share_of_clean_backend_answers_agrees_with_the_access_log(case: Case) -> None:
    answers = defaultdict(list)
    for line in gzip.decompress((RAW / "access.ndjson.gz").read_bytes()).splitlines():
        request = json.loads(line)
        if request["status"] == BROWSER_LEFT or request["path"].startswith(STATIC):
            continue
        answers[request["session_id"]].append(request["status"])
    hit = set(case.hit["session_id"])
    clean = {session: all(status < 400 for status in answers[session]) for session in hit}
    ours = dict(case.answers.select("session_id", "all_2xx").iter_rows())
    assert {session: ours[session] for session in hit} == clean


def test_the_breaking_release_is_the_one_that_broke_it(case: Case, truth: Truth) -> None:
    letters = dict(truth["deploy"].select("letter", "release").iter_rows())
    assert case.breaking_release == letters["B"]
    assert case.previous_release == letters["A"]


def test_the_failing_query_stands_behind_the_missing_field(case: Case) -> None:
    [bug_id] = case.bugs.filter(pl.col("missing_field") == "discount")["bug_id"]
    failing = case.bug(bug_id).failing_spans
    assert failing["service"].unique().to_list() == ["pricing-service"]
    assert failing["status_message"].str.contains("promo_pct").all()
    assert failing["swallowed_by"].str.starts_with("shop-web").all()


def test_the_moment_of_a_bug_plays_and_shows_the_error(case: Case) -> None:
    for bug_id in case.bugs["bug_id"]:
        bug = case.bug(bug_id)
        assert bug.moment is not None
        assert [event["type"] for event in bug.moment.events[:2]] == [4, 2]
        assert any(kind == "error" and abs(t - bug.moment.at_ms) < 50 for t, kind, _ in bug.marks)


def test_find_tells_the_session_of_any_id(case: Case) -> None:
    example = case.bug("B1").example
    for any_id in (example["event_id"], example["session_id"], example["trace_id"]):
        told = case.find(any_id)
        assert "error" in told["kind"].to_list()
        assert told["at"].is_sorted()
    with pytest.raises(ParameterError):
        case.find("no-such-id")


def test_an_unknown_bug_names_those_there_are(case: Case) -> None:
    with pytest.raises(ParameterError, match="there are: B1"):
        case.bug("B99")


def test_a_release_can_be_looked_at_alone(case: Case) -> None:
    one = Case(case.store, case.window, case.breaking_release[:7])
    assert one.events["release"].unique().to_list() == [case.breaking_release]
    assert one.sessions["release"].unique().to_list() == [case.breaking_release]


def test_every_fetch_stands_in_the_ledger(case: Case) -> None:
    assert case.events.height
    rows = dict(case.ledger.select("table", "rows").iter_rows())
    assert rows["events"] == case.events.height


def test_a_store_that_is_down_is_not_a_store_without_errors(case: Case) -> None:
    from connectors.exceptions import FetchError
    from connectors.stores import Window
    from workbench.panels.incident.findings import headline_view

    class Down:
        name = "tracker"

        def events(self, window: Window) -> None:
            raise FetchError("tracker.example.org answered 503 four times; try again later")

    down = Case(Down(), Window())
    assert down.events.is_empty()
    assert "503" in headline_view(down).sub
    assert down.ledger.filter(pl.col("table") == "events")["complete"].to_list() == ["failed"]


def test_an_empty_window_says_what_the_source_holds(case: Case) -> None:
    from workbench.panels.incident.findings import headline_view

    empty = Case(case.store, type(case.window)(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)))
    view = headline_view(empty)
    assert "No errors" in view.title
    assert "8 Mar" in view.sub
    assert empty.bugs.is_empty()
    assert empty.funnel["n"].sum() == 0
