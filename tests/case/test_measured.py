"""What of the vitals counts, whether they are held or reduced in a lake, and what the ledger says about the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from connectors.lake import Lake
from connectors.stores import Fetched, FetchReport, Window
from connectors.tables import SESSIONS, VITALS, conform
from workbench.case import Case
from workbench.case.measured import Measured
from workbench.case.rollups import kept_roll_up, roll_up
from workbench.vitals import histogram_percentiles, vitals_percentiles

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ODD = {
    "null": ("LCP", None),
    "not a number": ("LCP", float("nan")),
    "negative": ("INP", -1.0),
    "zero": ("LCP", 0.0),
    "wrong unit": ("LCP", 2.4),
    "absurd": ("LCP", 3_600_000.0),
}


def rows(odd: bool = True) -> pl.DataFrame:
    """Ninety page loads over three days, one restored page, three of a crawler, and one of each odd value."""
    made = [
        {"at": NOON + timedelta(days=i % 3, minutes=i), "session_id": f"s{i % 30}", "page_view_id": f"p{i}",
         "metric": metric, "value": value * (1 + i / 90), "device_class": ("mobile", "desktop")[i % 2],
         "navigation_type": "navigate", "route": "/"}
        for i in range(90)
        for metric, value in (("LCP", 1500.0), ("INP", 80.0))
    ]  # fmt: skip
    base = {**made[0], "page_view_id": "restored", "navigation_type": "back-forward-cache", "value": 20.0}
    made.append(base)
    made += [{**base, "page_view_id": f"bot{i}", "session_id": "bot", "value": 9000.0} for i in range(3)]
    if odd:
        made += [
            {**made[0], "page_view_id": reason, "metric": metric, "value": value}
            for reason, (metric, value) in ODD.items()
        ]
    return pl.DataFrame(made)


class Beacons:
    """A store of vitals that lets everything through."""

    name = "beacons"

    def vitals(self, window: Window) -> Fetched:
        frame = rows().select(
            pl.col(name).cast(dtype) if name in rows().columns else pl.lit(None, dtype).alias(name)
            for name, dtype in VITALS.schema.items()
        )
        return Fetched(frame.lazy(), FetchReport(self.name, "vitals", "all", frame.height, window))

    def sessions(self, window: Window) -> Fetched:
        frame = conform(
            pl.DataFrame({"session_id": ["s1", "bot"], "started_at": NOON, "user_agent": [PERSON, CRAWLER]}),
            SESSIONS,
        )
        return Fetched(frame.lazy(), FetchReport(self.name, "sessions", "all", frame.height, window))


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lake = Lake.create(tmp_path / "shop")
    lake.write("vitals", rows().filter(pl.col("page_view_id") != "not a number"))
    lake.write("sessions", Beacons().sessions(Window()).frame.collect())
    return lake


def in_lake(lake: Lake, window: Window | None = None) -> Measured:
    """The same, with so few rows held that the lake has to be reduced."""
    return Measured(Case(lake, window or Window()), most_held=10)


def test_each_odd_value_is_set_aside_with_its_reason_and_counted_in_the_ledger():
    case = Case(Beacons(), Window())
    assert case.vitals.height == 181
    assert sorted(case.measured.set_aside.rows()) == sorted((metric, reason, 1) for reason, (metric, _) in ODD.items())
    row = case.ledger.row(by_predicate=pl.col("table") == "vitals", named=True)
    assert (row["refused"], row["complete"]) == (6, "partial")
    assert row["note"] == (
        "6 values do not count: INP 1 negative; LCP 1 absurd, 1 not a number, 1 null, 1 wrong unit, 1 zero"
    )


def test_restored_pages_count_apart():
    counted = Case(Beacons(), Window()).measured.navigations
    assert counted.rows() == [("INP", "load", 90), ("LCP", "bfcache", 1), ("LCP", "load", 90)]


def test_a_lake_that_is_reduced_gives_what_held_rows_give(lake):
    reduced, held = in_lake(lake), Measured(Case(lake, Window()))
    assert (reduced.is_held, held.is_held) == (False, True)
    assert reduced.set_aside.rows() == held.set_aside.rows()
    assert len(reduced.set_aside) == 5
    told = [vitals_percentiles(one.rows, cluster=None).drop("p75_low", "p75_high") for one in (reduced, held)]
    assert told[0]["n"].to_list() == told[1]["n"].to_list()
    assert told[0]["p75"].to_list() == pytest.approx(told[1]["p75"].to_list(), rel=1e-6)
    assert "5 values do not count" in reduced.case.ledger.row(0, named=True)["note"]


def test_days_add_up_and_are_read_from_the_cache_the_second_time(lake, tmp_path):
    kept = tmp_path / "cache" / "blindspot" / "rollups"
    first = in_lake(lake).roll_up("1d")
    assert len(list(kept.iterdir())) == 3
    assert first["n"].sum() == 186
    asked: list[Window] = []

    def nobody(window: Window) -> pl.LazyFrame:
        asked.append(window)
        return lake.scan("vitals", window)

    crawlers = {NOON.date(): ["bot"]}
    again = kept_roll_up(lake, nobody, Window(), "1d", apart=lambda day: ["", *crawlers.get(day.start.date(), [])])
    assert again.rows() == first.rows()
    assert asked == [Window()], "only asked for its columns"
    whole = roll_up(lake.scan("vitals").filter(pl.col("session_id") != "bot"), "1d")
    assert first.sort(first.columns).rows() == whole.sort(whole.columns).rows()
    told = histogram_percentiles(first.filter(navigation="load"), ["metric"], percentiles=[75])
    exact = vitals_percentiles(in_lake(lake).rows, percentiles=[75], cluster=None)
    assert told.sort("metric", "device_class")["p75"].to_list() == pytest.approx(exact["p75"].to_list(), rel=0.005)


def test_a_day_that_was_written_to_is_counted_anew_and_a_cut_day_is_never_kept(lake, tmp_path):
    kept = tmp_path / "cache" / "blindspot" / "rollups"
    in_lake(lake).roll_up("1d")
    late = rows(odd=False).head(1).with_columns(page_view_id=pl.lit("late"))
    lake.write("vitals", late)
    assert in_lake(lake).roll_up("1d")["n"].sum() == 187
    assert len(list(kept.iterdir())) == 4
    cut = Window(NOON + timedelta(minutes=30), NOON + timedelta(days=1, hours=20))
    counted = in_lake(lake, cut).roll_up("1d")
    inside = rows().filter(pl.col("at").is_between(cut.start, cut.end), pl.col("session_id") != "bot")
    assert counted["n"].sum() == inside.filter(pl.col("page_view_id") != "not a number").height
    assert len(list(kept.iterdir())) == 4
