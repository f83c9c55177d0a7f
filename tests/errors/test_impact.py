"""Impact on a day small enough to count by hand."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from workbench.errors.impact import bug_impact
from workbench.rules.loader import load

NINE = datetime(2026, 3, 9, 9, tzinfo=UTC)


@pytest.fixture
def day():
    """Ten sessions from nine to six, an hour each; B1 hits four of the six from noon to five, B2 one."""
    sessions = pl.DataFrame(
        {
            "session_id": [f"s{k}" for k in range(10)],
            "started_at": [NINE + timedelta(hours=k) for k in range(10)],
            "ended_at": [NINE + timedelta(hours=k, minutes=50) for k in range(10)],
            "contacted_support": [k in (4, 9) for k in range(10)],
        }
    )
    hits = [("B1", 3), ("B1", 4), ("B1", 4), ("B1", 6), ("B1", 8), ("B2", 2)]
    events = pl.DataFrame(
        {
            "event_id": [f"e{k}" for k in range(len(hits))],
            "at": [NINE + timedelta(hours=session, minutes=10) for _, session in hits],
            "session_id": [f"s{session}" for _, session in hits],
            "user_id": [f"u{session % 3}" for _, session in hits],
            "route": ["/cart", "/checkout", "/checkout", "/cart", "/checkout", "/about"],
            "release": "b",
            "handled": [False, False, False, False, True, True],
        }
    )
    return events, pl.DataFrame({"event_id": events["event_id"], "bug_id": [bug for bug, _ in hits]}), sessions


def test_counts_shares_and_routes(day):
    events, groups, sessions = day
    b1 = bug_impact(groups, events, sessions, blank_sessions=["s3", "s6", "s0"]).row(0, named=True)
    assert (b1["bug_id"], b1["events"], b1["sessions"], b1["users"]) == ("B1", 5, 4, 3)
    # Under way between 12:10 and 17:10 were the sessions s3 to s8: six, of which four were hit.
    assert b1["share_of_sessions"] == pytest.approx(4 / 6)
    assert b1["low"] == pytest.approx(0.300, abs=0.001)
    assert b1["high"] == pytest.approx(0.903, abs=0.001)
    assert b1["routes"] == ["/checkout", "/cart"]
    assert b1["support_contacts"] == 1
    assert b1["blank_sessions"] == 2


def test_the_priority_is_the_sum_of_its_terms_and_says_what_they_are(day):
    events, groups, sessions = day
    table = bug_impact(groups, events, sessions, blank_sessions=["s3", "s6"])
    assert table["bug_id"].to_list() == ["B1", "B2"]
    for row in table.iter_rows(named=True):
        assert row["priority"] == pytest.approx(sum(term["points"] for term in row["priority_terms"]), abs=0.05)
        assert 0 <= row["priority"] <= 100
    terms = {term["term"]: term for term in table["priority_terms"][0].to_list()}
    full = {term["id"]: term["points"] for term in load("impact", "priority").data["term"]}
    assert terms["sessions"]["points"] == full["sessions"]  # two thirds of the sessions: as many as it can get
    assert terms["blank"]["points"] == full["blank"]  # two of four
    assert sum(full.values()) == 100
    assert terms["unhandled"]["text"].endswith("80.0 %")


def test_without_sessions_shares_are_unknown_not_zero(day):
    events, groups, _ = day
    row = bug_impact(groups, events).row(0, named=True)
    assert row["share_of_sessions"] is None
    assert row["support_contacts"] is None
    assert {term["term"]: term["text"] for term in row["priority_terms"]}["support"].endswith("unknown")


def test_page_views_of_the_hit_routes_while_it_lived(day):
    events, groups, sessions = day
    views = pl.DataFrame({"route": ["/cart", "/cart", "/about"], "at": [NINE + timedelta(hours=h) for h in (4, 12, 4)]})
    assert bug_impact(groups, events, sessions, views).filter(pl.col("bug_id") == "B1")["page_views"].item() == 1
