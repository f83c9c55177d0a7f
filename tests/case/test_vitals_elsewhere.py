"""The vitals page over tables that stay where they are tells what it tells over the same rows at home."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from connectors.stores import Window
from connectors.warehouse import Warehouse
from tests.panels.field_store import FIRST, Vitals
from workbench.case import open_case, vitals_elsewhere
from workbench.case.comparison import Pair, deploys
from workbench.case.measured import Measured
from workbench.case.slices import MIXED, Choice, Slice
from workbench.case.slices_elsewhere import SliceElsewhere

SMALL = 300
WITHIN = 0.005 + 1e-6  # what a histogram of 1 % buckets promises
ODD = [None, -5.0, 0.0, 2.4, 4_000_000.0]
CHOICES = [Choice(), Choice(device="mobile"), Choice(device=MIXED), Choice(region="eu", route="/cart"),
           Choice(release="b" * 40, device="desktop")]  # fmt: skip


def _tables() -> dict[str, pl.DataFrame]:
    """Invented weeks of which every tenth page view reported INP before, in vain, and three sessions are robots'."""
    store = Vitals(odd=ODD)
    vitals = store.vitals(Window()).frame.collect()
    earlier = vitals.filter(pl.col("metric") == "INP", pl.int_range(pl.len()).over("metric") % 10 == 0)
    earlier = earlier.with_columns(pl.col("at") - pl.duration(seconds=1), value=pl.lit(9.0))
    agents = pl.DataFrame({"session_id": [f"s{i}" for i in range(store.views)]}).with_columns(
        started_at=pl.lit(FIRST), ended_at=pl.lit(FIRST),
        user_agent=pl.when(pl.col("session_id").is_in(["s7", "s8", "s9"])).then(pl.lit("Googlebot/2.1")).otherwise(
            pl.lit("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36")),
    )  # fmt: skip
    others = {name: getattr(store, name)(Window()).frame.collect() for name in ("releases", "lab_runs")}
    return {"vitals": pl.concat([vitals, earlier]), "sessions": agents, **others}


@pytest.fixture(scope="module")
def here() -> Measured:
    """All rows at home, exact."""
    measured = open_case(Warehouse(_tables())).measured
    assert measured.is_held
    return measured


@pytest.fixture(scope="module")
def there(engine: Any) -> Measured:
    """The same rows on each engine, too many to come home."""
    store = Warehouse({name: engine(frame) for name, frame in _tables().items()}, {"most_rows": SMALL})
    measured = open_case(store).measured
    assert not measured.is_held
    return measured


def near(ours: pl.DataFrame, theirs: pl.DataFrame, keys: list[str], exact: list[str], within: dict[str, float]) -> None:
    """Same groups, same counts, and numbers within relative bounds."""
    texts = [pl.col(name).cast(pl.String) for name in keys]
    both = ours.with_columns(texts).join(theirs.with_columns(texts), on=keys, suffix="_exact", nulls_equal=True)
    assert both.height == ours.height == theirs.height > 0
    for name in exact:
        assert both[name].to_list() == pytest.approx(both[f"{name}_exact"].to_list(), abs=1e-12), name
    for name, bound in within.items():
        numbers = (both[column].fill_null(float("nan")).to_list() for column in (name, f"{name}_exact"))
        assert next(numbers) == pytest.approx(next(numbers), rel=bound, abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_states_and_pages(there: Measured, here: Measured, choice: Choice) -> None:
    ours, theirs = there.slice(choice), here.slice(choice)
    assert isinstance(ours, SliceElsewhere)
    assert type(theirs) is Slice
    percentiles = {"p50": WITHIN, "p75": WITHIN, "p95": WITHIN}
    shares = ["n", "share_good", "share_needs", "share_poor"]
    near(ours.state, theirs.state, ["metric", "device_class"], shares, percentiles)
    near(ours.routes("LCP"), theirs.routes("LCP"), ["metric", "route", "device_class"], shares, percentiles)
    assert ours.routes("LCP")["route"].to_list() == theirs.routes("LCP")["route"].to_list()
    assert ours.pages_told is None


def test_trends_and_distributions_are_equal(there: Measured, here: Measured) -> None:
    """Both are made of buckets, so nothing differs at all."""
    ours, theirs = there.slice(), here.slice()
    assert_frame_equal(ours.histogram("INP"), theirs.histogram("INP"), check_dtypes=False)
    for mine, home in zip(ours.trend("LCP"), theirs.trend("LCP"), strict=True):
        if isinstance(mine, str):
            assert mine == home
        else:
            assert_frame_equal(mine, home, check_dtypes=False)


def test_what_was_set_aside_is_counted(there: Measured, here: Measured) -> None:
    """A hundred and twenty reports came again, two of them (s8, and s9's page has none) from robots or not at all."""
    of_robots = (
        _tables()["vitals"].filter(pl.col("session_id").is_in(["s7", "s8", "s9"]), pl.col("value") == 9.0).height
    )
    aside = {(metric, reason): n for metric, reason, n in there.set_aside.rows()}
    assert aside == {("LCP", reason): 1 for reason in ("absurd", "negative", "null", "wrong unit", "zero")} | {
        ("INP", "repeated"): 120 - of_robots
    }
    assert there.navigations.rows() == here.navigations.rows()
    assert there.extent == here.extent
    assert there.n == 1200 * 5 + len(ODD) + 120
    assert there.case.evidence.ledger().filter(table="vitals")["refused"][0] == sum(aside.values())


def test_releases_and_windows_are_compared(there: Measured, here: Measured) -> None:
    assert deploys(there) == deploys(here) == [Pair("a" * 40, "b" * 40)]
    weeks = Pair(Window(FIRST, FIRST.replace(day=9)), Window(FIRST.replace(day=9), FIRST.replace(day=16)))
    for pairs in (deploys(there), [weeks]):
        ours, theirs = there.comparison(pairs), here.comparison(pairs)
        values = {"p75_before": WITHIN, "p75_after": WITHIN}
        for name, keys in (("overall", ["metric", "device_class"]), ("by_route", ["metric", "device_class", "route"])):
            mine, home = getattr(ours, name), getattr(theirs, name)
            near(mine, home, ["before", "after", *keys], ["n_before", "n_after"], values)
            changed = pl.col("verdict") == "regression"
            assert set(mine.filter(changed).select(keys).rows()) == set(home.filter(changed).select(keys).rows())
        counts = ["n_before", "n_after", "comparable"]
        near(ours.mix, theirs.mix, ["before", "after", "metric", "device_class"], counts, {"p75_after": 0.0101})
        told = ours.mix.sort("metric", "device_class"), theirs.mix.sort("metric", "device_class")
        # a difference of two p75, each told within 1 %
        bound = 0.0101 * (told[1]["p75_before"] + told[1]["p75_after"])
        assert ((told[0]["true_change"] - told[1]["true_change"]).abs() <= bound).all()
        assert told[0]["finding"].to_list() == told[1]["finding"].to_list()
        if pairs != [weeks]:  # a lab runs for a release, not for a week
            keys = ["metric", "device_class", "route"]
            near(ours.lab, theirs.lab, keys, [], {"difference": 0.02})
            assert ours.lab.sort(keys)["lab_verdict"].to_list() == theirs.lab.sort(keys)["lab_verdict"].to_list()


def test_the_field_stands_beside_the_lab(there: Measured, here: Measured) -> None:
    keys = ["route", "device_class", "metric"]
    near(there.slice().lab(), here.slice().lab(), keys, ["n", "runs", "lab"], {"field": WITHIN})
    mine, home = (each.slice().lab("region").filter(pl.col("route") == "/") for each in (there, here))
    near(mine, home, [*keys, "region"], ["n", "runs", "lab"], {"field": WITHIN})
    blind = [one.filter(finding="lab is blind").select("region", *keys).sort(pl.all()) for one in (mine, home)]
    assert_frame_equal(blind[0], blind[1].cast(pl.String))
    assert blind[0].height > 0


def test_few_enough_page_views_are_all_looked_at(there: Measured, here: Measured) -> None:
    """Below the limit of a sample it is no sample, and all is as at home."""
    ours, theirs = there.slice(), here.slice()
    assert ours.take().sample.one_in == 1
    assert_frame_equal(ours.slow("LCP").values, theirs.slow("LCP").values, check_dtypes=False)
    assert_frame_equal(ours.slow("LCP").numbers, theirs.slow("LCP").numbers, check_dtypes=False)
    for mine, home in zip(ours.behind("INP")[:2], theirs.behind("INP")[:2], strict=True):
        assert_frame_equal(mine.drop("page_view_id", strict=False), home.drop("page_view_id", strict=False),
                           check_dtypes=False)  # fmt: skip
    assert ours.censored.frame.rows() == theirs.censored.frame.rows()


def test_a_sample_is_of_whole_sessions_the_same_ones_everywhere(
    there: Measured, here: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals_elsewhere, "MOST_TAKEN", 1500)
    there.__dict__.pop("there", None)
    frame, sample = there.slice().take()
    assert (sample.one_in, sample.of) == (4, here.frame.height + len(ODD))
    whole = here.frame.group_by("session_id").len()
    taken = frame.group_by("session_id").len()
    assert taken.join(whole, on=["session_id", "len"]).height == taken.height, "no session is cut apart"
    # by md5("blindspot:s17") and so on, worked out by the standard library
    from hashlib import md5

    kept = {f"s{i}" for i in range(1200) if md5(f"blindspot:s{i}".encode()).hexdigest()[:8] < "40000000"}
    assert set(taken["session_id"]) == kept - {"s7", "s8", "s9"}
    slow = there.slice().slow("LCP")
    assert (slow.sample.one_in, slow.n) == (4, len(kept - {"s7", "s8", "s9"}))
    top = slow.values.filter(pl.col("differs")).row(0, named=True)
    assert (top["dimension"], top["value"]) == ("region", "eu")
    there.__dict__.pop("there", None)
