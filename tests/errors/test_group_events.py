"""The one call, as other programs make it: its signature, and tables that lack nearly everything."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import polars as pl
import pytest

from connectors.exceptions import TableError
from connectors.tables import FRAMES, REQUESTS
from workbench.errors.grouping import group_events

COLUMNS = ["event_id", "noise_class", "noise_reason", "shape_id", "issue_id", "bug_id"]
CRASH = "Cannot read properties of undefined (reading 'amount')"
# Not in order of anything, and one of them noise.
EVENTS = pl.DataFrame(
    {"event_id": ["c", "a", "d", "b"], "type": ["TypeError", "TypeError", "Error", "Error"],
     "message": [CRASH, CRASH, "Script error.", "No rate for EUR"]}
)  # fmt: skip
AT = [datetime(2026, 3, 9, hour, tzinfo=UTC) for hour in (3, 1, 4, 2)]
SCRIPT = "https://www.shop.example/assets/app.js"
STACKS = [f"total@{SCRIPT}:1:2000", f"E: x\n    at total ({SCRIPT}:1:2000)", None, f"rate@{SCRIPT}:1:9000"]
FULL = EVENTS.with_columns(
    at=pl.Series(AT), stack=pl.Series(STACKS), session_id=pl.Series(["s", "t", "s", "t"]), trace_id=pl.lit("1" * 32),
    release=pl.lit("1"), page_url=pl.lit("https://www.shop.example/cart"), browser=pl.lit("Chrome"),
    browser_version=pl.lit("140.0"), user_agent=pl.lit("Mozilla/5.0 Chrome/140.0"), route=pl.lit("/cart"),
)  # fmt: skip
GIVEN = pl.DataFrame(
    {"event_id": ["a", "c", "b"], "exception_index": 0, "frame_index": 0, "function": ["total", "total", "rate"],
     "url": SCRIPT, "line": 1, "column": [2000, 2000, 9000], "in_app": True}
)  # fmt: skip
ASKED = pl.DataFrame(
    {"event_id": ["a", "c"], "at": [AT[1], AT[0]], "endpoint": "GET /api/cart", "status": 200,
     "url": "https://www.shop.example/api/cart"}
)  # fmt: skip


def categorical(table):
    return table.with_columns(pl.col(pl.String).cast(pl.Categorical))


CALLS = {
    "type and message alone": (EVENTS, None, None),
    "empty tables": (EVENTS, FRAMES.empty(), REQUESTS.empty()),
    "tables without columns": (EVENTS, pl.DataFrame(), pl.DataFrame()),
    "stack strings": (EVENTS.with_columns(stack=pl.Series(STACKS)), None, None),
    "no time is known": (EVENTS.with_columns(at=None), None, None),
    "times without a zone": (FULL.with_columns(pl.col("at").dt.replace_time_zone(None)), None, None),
    "everything": (FULL, GIVEN, ASKED),
    "categories": (categorical(FULL), categorical(GIVEN), categorical(ASKED)),
    "an enumeration": (EVENTS.with_columns(pl.col("type").cast(pl.Enum(["TypeError", "Error"]))), None, None),
    "frames without places": (FULL.drop("stack"), GIVEN.select("event_id", "function", "url"), None),
    "requests without answers": (FULL, GIVEN, ASKED.select("event_id", "at", "endpoint")),
    "requests without times": (FULL, GIVEN, ASKED.select("event_id", "endpoint")),
}


NARROW = {"line": pl.Int32, "column": pl.UInt32, "frame_index": pl.UInt8, "exception_index": pl.Int16}
TEXT_AT = ASKED.with_columns(pl.col("at").dt.to_string("%FT%TZ"))
CALLS |= {
    "lazy": (FULL.lazy(), GIVEN.lazy(), ASKED.lazy()),
    "narrow numbers": (FULL, GIVEN.cast(NARROW), ASKED.cast({"status": pl.Int16})),
    "one table's times without a zone": (FULL, GIVEN, ASKED.with_columns(pl.col("at").dt.replace_time_zone(None))),
    "times of another zone": (FULL.with_columns(pl.col("at").dt.convert_time_zone("Asia/Tokyo")), GIVEN, ASKED),
    "times as text": (FULL.with_columns(pl.col("at").dt.to_string("%FT%TZ")), GIVEN, TEXT_AT),
    "times as milliseconds": (FULL.with_columns(pl.col("at").dt.epoch("ms")), GIVEN, ASKED),
    "dates": (FULL.with_columns(pl.col("at").dt.date()), GIVEN, ASKED),
    "rows twice": (FULL, pl.concat([GIVEN, GIVEN]), pl.concat([ASKED, ASKED])),
    "columns of ours": (FULL.with_columns(issue_id=1, bug_id=2), GIVEN.with_columns(stack_id=1, host=3), ASKED),
}


def test_the_signature_is_the_documented_one():
    parameters = inspect.signature(group_events).parameters
    assert list(parameters) == ["events", "frames", "requests", "releases", "first_party", "rules"]
    assert [parameters[name].kind.name for name in parameters][:3] == ["POSITIONAL_OR_KEYWORD"] * 3
    optional = list(parameters.values())[3:]
    assert all(one.kind.name == "KEYWORD_ONLY" and one.default is None for one in optional)


@pytest.mark.parametrize("call", CALLS)
def test_two_crashes_are_one_bug_however_little_is_given(call):
    events, frames, requests = CALLS[call]
    told = group_events(events, frames, requests)
    assert told.columns == COLUMNS
    assert told.schema["event_id"] == events.collect_schema()["event_id"]
    assert told["event_id"].cast(pl.String).to_list() == ["c", "a", "d", "b"]
    crash, same, noise, other = told.rows(named=True)
    assert crash["issue_id"] == same["issue_id"] != other["issue_id"]
    assert crash["bug_id"] == same["bug_id"] is not None
    assert (noise["noise_class"], noise["issue_id"], noise["bug_id"]) == ("opaque", None, None)
    assert len(noise["noise_reason"]) > 20
    assert noise["shape_id"] is not None
    assert crash["noise_class"] is other["noise_class"] is None
    assert other["bug_id"] is not None


@pytest.mark.parametrize("call", ["type and message alone", "everything", "categories"])
def test_rules_and_releases_work_on_all_of_them(call):
    events, frames, requests = CALLS[call]
    deploys = pl.DataFrame({"release": ["1"], "deployed_at": [AT[1]]})
    rules = "type:TypeError -> all, {{ type }}\n!type:TypeError -> rest"
    told = group_events(events, frames, requests, releases=deploys, first_party=["shop.example"], rules=rules)
    assert told["issue_id"].n_unique() == 3
    assert told["issue_id"].null_count() == 1


@pytest.mark.parametrize(
    "releases", [pl.DataFrame({"release": ["1"]}), pl.LazyFrame({"release": ["1"], "deployed_at": ["2026-03-09"]})]
)
def test_releases_may_lack_their_times_or_be_lazy(releases):
    assert group_events(FULL, GIVEN, ASKED, releases=releases)["bug_id"].n_unique() == 3


def test_an_event_given_twice_is_told_twice_and_counted_once():
    told = group_events(pl.concat([FULL, FULL]), GIVEN, ASKED)
    assert told["event_id"].to_list() == [*"cadb", *"cadb"]
    assert told[:4].equals(told[4:])
    assert told[:4].equals(group_events(FULL, GIVEN, ASKED))


def test_an_event_without_an_id_is_still_told():
    told = group_events(EVENTS.with_columns(event_id=pl.Series(["c", None, None, "b"])), None, None)
    assert told["event_id"].to_list() == ["c", None, None, "b"]
    assert told["noise_class"].to_list() == [None, None, "opaque", None]
    assert told["bug_id"][0] == told["bug_id"][1] is not None


def test_one_event_and_none():
    assert group_events(FULL[:1], GIVEN, ASKED)["bug_id"].to_list() == ["B1"]
    assert group_events(FULL.clear(), GIVEN, ASKED).columns == COLUMNS
    assert group_events(pl.DataFrame(), None, None).columns == COLUMNS


def test_times_that_are_none_are_said_in_one_sentence():
    with pytest.raises(TableError, match=r"events\.at: 4 of 4 values are not times"):
        group_events(EVENTS.with_columns(at=pl.lit("yesterday")), None, None)


def test_ids_that_are_numbers_come_back_as_numbers():
    told = group_events(EVENTS.with_columns(event_id=pl.Series([4, 2, 3, 1])), None, None)
    assert told["event_id"].to_list() == [4, 2, 3, 1]


def test_one_parsed_stack_and_the_same_given_as_frames_are_one_issue():
    parsed = group_events(FULL, None, None)
    given = group_events(FULL.drop("stack"), GIVEN, None)
    assert parsed["issue_id"].to_list() == given["issue_id"].to_list()
