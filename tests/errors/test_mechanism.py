"""Fingerprints stay: across runs, versions, the order of rows, other days, and rules that came later."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import workbench.rules
from connectors.exceptions import ParameterError
from tests.errors.simulate import simulate
from tests.naive.errors import stable_id
from workbench.errors import messages
from workbench.errors.grouping import group
from workbench.errors.issues import MECHANISMS, Mechanism, default_2026_11
from workbench.rules import loader

ASSETS = "https://www.shop.example/assets/"
SAID = {
    "chrome": (
        "TypeError",
        "Cannot read properties of undefined (reading 'amount')",
        f"TypeError: x\n    at total ({ASSETS}app-3f2a9c1b.js:1:48231)",
    ),
    "firefox": (
        "TypeError",
        'can\'t access property "amount", e is undefined',
        f"total@{ASSETS}app-3f2a9c1b.js:1:48239",
    ),
    "next release": (
        "TypeError",
        "undefined is not an object (evaluating 'e.amount')",
        f"total@{ASSETS}app-77aa00bb.js:1:48990",
    ),
    "no stack": ("Error", "Order 8123 of maya@example.org not found", None),
    "a method": ("TypeError", "e.items.map is not a function", f"n@{ASSETS}list.js:1:9000"),
    "below a library": (
        "ReferenceError",
        "cartConfig is not defined",
        f"f@https://unpkg.com/x.js:1:1\ng@{ASSETS}boot.js:2:1500",
    ),
    "noise": ("Error", "Script error.", None),
}  # fmt: skip
# What mechanism 2026-11 gave on the day it came out. A line that has to change is a new mechanism.
FROZEN = {
    "2026-11": {
        "chrome": "b8a9f64f2a25040f",
        "firefox": "b8a9f64f2a25040f",
        "next release": "b8a9f64f2a25040f",
        "no stack": "766997a49ccb1412",
        "a method": "f81f1714824a223d",
        "below a library": "3b0ba48f4c6d4ad6",
        "noise": None,
    }
}


def issues_of(**options):
    events = pl.DataFrame(
        [(name, *said) for name, said in SAID.items()], schema=["event_id", "type", "message", "stack"], orient="row"
    )
    told = group(events, None, None, first_party=["shop.example"], **options).events
    return dict(told.select("event_id", "issue_id").rows())


@pytest.fixture
def later_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The rules of a later version: other words for every wording, no placeholders, and our bundle is nobody's."""
    folder = tmp_path / "rules"
    shutil.copytree(Path(workbench.rules.__file__).parent, folder, ignore=shutil.ignore_patterns("*.py", "*.pyc"))
    wordings = (
        '[[message]]\nkind = "renamed"\nwordings = ["Cannot read properties of undefined (reading \'{property}\')"]'
    )
    (folder / "messages" / "engines-2027-03-01.toml").write_text(wordings)
    (folder / "messages" / "placeholders-2027-03-01.toml").write_text("placeholder = []")
    foreign = '[[not_in_app]]\nid = "ours"\nreason = "a test"\nurl = "/assets/"'
    (folder / "in_app" / "frames-2027-03-01.toml").write_text(foreign)
    caches = (loader.load_all, messages.wordings, messages._said_alike)
    monkeypatch.setattr(loader, "files", lambda _package: folder)
    for cached in caches:
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize("mechanism", FROZEN)
def test_fixed_events_have_the_committed_fingerprints(mechanism):
    assert issues_of(mechanism=mechanism) == FROZEN[mechanism]


def test_every_mechanism_is_frozen_here():
    assert set(MECHANISMS) == set(FROZEN)


def test_the_committed_fingerprints_are_what_hashlib_gives():
    frozen = FROZEN["2026-11"]
    assert frozen["chrome"] == stable_id("file\x1fnullish-read:amount\x1f/assets/app.js total 1:48")
    assert frozen["no stack"] == stable_id("type\x1fError\x1fOrder <int> of <email> not found")


@pytest.mark.usefixtures("later_rules")
def test_an_older_mechanism_can_still_be_asked_for_when_rules_and_default_moved_on(monkeypatch):
    def by_message(errors):
        return pl.col("canonical"), pl.lit("by message")

    monkeypatch.setitem(MECHANISMS, "2027-03", Mechanism(by_message, date(2027, 3, 1)))
    monkeypatch.setitem(MECHANISMS, "old words, new files", Mechanism(default_2026_11, date(2027, 3, 1)))
    assert issues_of(mechanism="2026-11") == FROZEN["2026-11"]
    new = issues_of(mechanism="2027-03")
    assert new["chrome"] == stable_id("renamed:amount")
    assert new["no stack"] == stable_id("Order 8123 of maya@example.org not found")
    assert issues_of(mechanism="old words, new files")["chrome"] == stable_id("type\x1fTypeError\x1frenamed:amount")


def test_a_mechanism_that_never_was_is_named_with_those_there_are():
    with pytest.raises(ParameterError, match="no mechanism '1999-01'; there are: 2026-11"):
        issues_of(mechanism="1999-01")


IDS = ["event_id", "noise_class", "shape_id", "issue_id"]


@pytest.fixture(scope="module")
def day():
    return simulate(5, n_events=500)


@pytest.fixture(scope="module")
def told(day):
    return group(day.events, day.frames, day.requests, releases=day.releases).events


def bugs_by_event(events):
    """Which events are one bug, whatever the bug is called."""
    return {
        frozenset(ids) for ids in events.drop_nulls("bug_id").group_by("bug_id").agg("event_id")["event_id"].to_list()
    }


def test_a_second_run_gives_the_same(day, told):
    again = group(day.events, day.frames, day.requests, releases=day.releases).events
    assert again.equals(told)


def test_the_order_of_rows_does_not_matter(day, told):
    events, frames, requests = (
        table.sample(fraction=1, shuffle=True, seed=seed)
        for seed, table in enumerate((day.events, day.frames, day.requests))
    )
    turned = group(events, frames, requests, releases=day.releases.reverse()).events
    assert turned["event_id"].to_list() == events["event_id"].to_list()
    assert turned.select(IDS).sort("event_id").equals(told.select(IDS).sort("event_id"))
    assert bugs_by_event(turned) == bugs_by_event(told)


def test_another_day_changes_no_fingerprint(day, told):
    other = simulate(6, n_events=400)
    late = pl.duration(days=1)
    events = pl.concat(
        [day.events, other.events.with_columns("other " + pl.col("event_id"), pl.col("at") + late)],
        how="diagonal_relaxed",
    )
    frames = pl.concat([day.frames, other.frames.with_columns("other " + pl.col("event_id"))], how="diagonal_relaxed")
    longer = group(events, frames, None).events.filter(~pl.col("event_id").str.starts_with("other "))
    ours = told.select("event_id", "shape_id", "issue_id").drop_nulls()
    both = ours.join(longer, on="event_id").drop_nulls("issue_id_right")
    assert both.height > 0.9 * ours.height
    assert both.filter(
        (pl.col("shape_id") != pl.col("shape_id_right")) | (pl.col("issue_id") != pl.col("issue_id_right"))
    ).is_empty()
