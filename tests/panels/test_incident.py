"""The incident page over little, over much and over broken evidence: what it says, and what it must not."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.panels.incident_store import Errors
from tests.panels.test_markup import Read
from workbench.panels.incident import Incident
from workbench.panels.incident.sections import rates_view
from workbench.panels.markup import Markup

SECTIONS = ("header", "headline", "completeness", "funnel", "rates", "bugs", "details", "vitals", "noise", "leaks",
            "source_maps", "ledger")  # fmt: skip


def text(html: Markup) -> str:
    return " ".join(Read(html).text.split())


@pytest.fixture(scope="module")
def many() -> Incident:
    fields = (f"Cannot read properties of undefined (reading 'field{i}x')" for i in range(30))
    return Incident(Errors(messages=tuple(fields), releases_=tuple(f"{i:040x}" for i in range(1, 13)), times=2))


def test_nothing_is_claimed_of_what_was_not_there() -> None:
    page = Incident(Errors(messages=()))
    said = {name: text(getattr(page, name).html()) for name in SECTIONS}
    assert said["headline"].startswith("No errors reached the tracker in this window")
    assert said["completeness"].count("Looked for") == 0
    assert "either there were none, or this source does not hold them" in said["completeness"]
    assert said["funnel"] == said["rates"] == "No errors were reported in this window."
    assert said["vitals"] == "Nothing to compare: no bug names a release."
    assert said["leaks"] == "There is no recording in which anything could have leaked."
    assert said["details"] == "No bug hit anybody in this window."


def test_one_error_is_counted_in_the_singular_in_a_stretch_that_is_told() -> None:
    page = Incident(Errors(times=1))
    assert "1 raw error1 shape1 issue" in text(page.funnel.html())
    assert "1 bug that hit users" in text(page.funnel.html())
    assert "at most 1 error in 5 min" in text(page.rates.html())
    assert "over time" in text(page.bugs.html())


def test_a_minute_is_drawn_in_seconds_within_the_window() -> None:
    page = Incident(Errors(times=20, span=timedelta(minutes=2)), start="2026-03-09T08:00", end="2026-03-09T08:02")
    rates = rates_view(page.case()).rates
    assert 12 <= rates.height <= 81
    assert f"{rates['at'].min():%H:%M:%S}" >= "08:00:00"
    assert f"{rates['at'].max():%H:%M:%S}" < "08:02:00"


def test_of_many_bugs_the_worst_have_a_card_and_all_have_a_row(many: Incident) -> None:
    assert many.case().bugs.height == 30
    table, cards = many.bugs.html(), many.details.html()
    assert table.count("<tr>") == 31
    assert cards.count("<article") == 20
    linked = [value for name, value in Read(table).attributes if name == "href"]
    assert set(linked) == {f"#{value}" for name, value in Read(cards).attributes if name == "id"}
    assert text(table).startswith("The first 20 have a card below")


def test_of_many_releases_without_maps_a_few_are_named(many: Incident) -> None:
    said = text(many.completeness.html())
    assert said.count("could not be mapped (no source map was uploaded)") == 5
    assert "more errors of other releases could not be mapped" in said


def test_a_fetch_that_broke_off_is_told_as_partial_and_one_that_gave_nothing_as_failed() -> None:
    page = Incident(Errors(broken={"spans": 2, "lab_runs": 0}))
    assert 'data-outages="2"' in page.completeness.html()
    said = text(page.completeness.html())
    assert "Spans could be read only in part (2 rows came): the second page broke off." in said
    assert "Lab runs could not be read: the second page broke off." in said
    ledger = text(page.ledger.html())
    assert "invented · spansall20in part" in ledger
    assert "invented · lab runsall00failed" in ledger


def test_errors_of_which_only_some_came_are_a_finding_that_says_so() -> None:
    said = text(Incident(Errors(broken={"events": 2})).headline.html())
    assert "Not all errors could be read, so this is the least that happened." in said
    none = text(Incident(Errors(broken={"events": 0})).headline.html())
    assert none.startswith("The error tracker could not be read")


def test_a_release_that_nobody_names_is_answered_with_those_that_are_named() -> None:
    said = text(Incident(Errors(releases_=("a" * 40,)), release="deadbeef").headline.html())
    assert said.startswith("No errors of release deadbeef reached the tracker")
    assert "Errors of this window name aaaaaaa." in said


def test_a_deploy_is_known_under_the_name_that_events_give_the_release() -> None:
    store = Errors(releases_=("shop@0123456789ab",))
    commit = {"release": "0123456789ab" + "c" * 28, "deployed_at": store._releases()[0]["deployed_at"]}
    store._releases = lambda: [commit]  # type: ignore[method-assign]
    page = Incident(store)
    assert page.case().deploys["release"].to_list() == ["shop@0123456789ab"]
    assert "deploy 0123456" in text(page.rates.html())
    assert "after the deploy" in text(page.headline.html())


def test_a_source_without_an_error_tracker_is_not_a_site_without_errors(tmp_path: Path) -> None:
    beacon = {"name": "LCP", "value": 900, "id": "v5-1", "rating": "good", "navigationType": "navigate",
              "pageViewId": "p1", "sessionId": "s1", "timestamp": 1773000000000, "url": "https://a.test/"}  # fmt: skip
    (tmp_path / "beacons.ndjson").write_text(json.dumps(beacon) + "\n", encoding="utf-8")
    said = text(Incident(tmp_path).headline.html())
    assert said.startswith("This source holds no errors at all")
    assert "vitals" in said
    assert "reached the tracker" not in said
