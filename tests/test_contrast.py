"""What the hit have in common: found when it is there, silent when it is not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from connectors.exceptions import TableError
from tests.naive import contrast as naive
from workbench.contrast import contrast, contrast_numbers, selected

session = st.fixed_dictionaries(
    {
        "session_id": st.uuids().map(str),
        "region": st.sampled_from(["eu", "us", None]),
        "os": st.sampled_from(["a", "b"]),
    }
)


@settings(deadline=None)
@given(st.lists(session, min_size=1, max_size=40), st.data())
def test_counts_and_shares_equal_the_slow_twin(sessions, data):
    hit = set(data.draw(st.lists(st.sampled_from([row["session_id"] for row in sessions]), max_size=20)))
    table = contrast(pl.DataFrame(sessions, schema_overrides={"region": pl.String}), sorted(hit), ["region", "os"])
    ours = {
        (row["dimension"], row["value"]): (row["n_hit"], row["n_other"], row["share_hit"], row["share_other"])
        for row in table.to_dicts()
    }
    slow = naive.counts(sessions, hit, ["region", "os"])
    assert ours.keys() == slow.keys()
    assert all(ours[value] == pytest.approx(counts) for value, counts in slow.items())


def _sessions(chance: np.random.Generator, n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "session_id": [f"s{i}" for i in range(n)],
            "region": chance.choice(["eu", "us", "in", "br"], n),
            "device_class": chance.choice(["mobile", "desktop"], n),
            "browser": chance.choice(["Chrome", "Safari", "Firefox"], n),
            "rtt": chance.lognormal(4, 0.5, n),
        }
    )


def test_the_slow_region_on_phones_is_found_and_nothing_else():
    chance = np.random.default_rng(8)
    sessions = _sessions(chance, 240)
    slow = (pl.col("region") == "in") & (pl.col("device_class") == "mobile")
    hit = sessions.select(slow | pl.Series(chance.random(240) < 0.03)).to_series()
    table = contrast(sessions, hit, ["region", "device_class", "browser", "rtt"])
    differing = table.filter("differs")
    assert set(differing.filter(pl.col("ratio") > 1)["value"]) == {"in", "mobile"}
    assert differing["value"][0] == "in", "what goes with being hit most stands first"
    region = table.row(by_predicate=pl.col("value") == "in", named=True)
    assert region["low"] > 2
    assert table.filter(dimension="browser")["differs"].sum() == 0
    pairs = contrast(sessions, hit, ["region", "device_class"], pairs=True)
    assert pairs.row(0)[:2] == ("region × device_class", "in × mobile")
    assert pairs["hit_rate"][0] == 1.0


def test_sessions_hit_by_chance_have_nothing_in_common():
    chance = np.random.default_rng(12)
    wrongly = 0
    for _ in range(200):
        sessions = _sessions(chance, 120)
        hit = pl.Series(chance.random(120) < chance.choice([0.05, 0.2, 0.5]))
        wrongly += contrast(sessions, hit, ["region", "device_class", "browser", "rtt"])["differs"].any()
    assert wrongly <= 16, "one case in twenty is promised"


def test_a_value_that_only_the_hit_have_has_no_ratio_but_a_lower_end():
    sessions = pl.DataFrame({"session_id": [str(i) for i in range(100)], "flag": ["on"] * 20 + ["off"] * 80})
    row = contrast(sessions, [str(i) for i in range(20)], ["flag"]).row(0, named=True)
    assert (row["value"], row["ratio"], row["high"], row["differs"]) == ("on", None, None, True)
    assert row["low"] > 10


def test_a_rare_value_keeps_its_row_and_is_not_tested():
    sessions = pl.DataFrame({"session_id": [str(i) for i in range(100)], "version": ["rare"] * 4 + ["common"] * 96})
    table = contrast(sessions, ["0", "1", "2", "3"], ["version"])
    rare = table.row(by_predicate=pl.col("value") == "rare", named=True)
    assert (rare["n_hit"], rare["p"], rare["differs"]) == (4, None, False)


def test_what_is_unknown_is_a_value():
    sessions = pl.DataFrame({"session_id": [str(i) for i in range(60)], "region": [None] * 20 + ["eu"] * 40})
    top = contrast(sessions, [str(i) for i in range(20)], ["region"]).row(0, named=True)
    assert (top["value"], top["n_hit"], top["differs"]) == ("unknown", 20, True)


def test_numbers_are_cut_into_fifths():
    sessions = pl.DataFrame({"session_id": [str(i) for i in range(100)], "rtt": [float(i) for i in range(100)]})
    table = contrast(sessions, [str(i) for i in range(80, 100)], ["rtt"])
    assert table.row(0)[:4] == ("rtt", "> 79.2", 20, 0)
    assert sorted(table["n_hit"] + table["n_other"]) == [20] * 5
    unknown = sessions.with_columns(rtt=pl.when(pl.col("rtt") < 40).then("rtt"))
    assert contrast(unknown, ["0"], ["rtt"]).filter(value="unknown")["n_other"].item() == 60
    few = contrast(sessions.with_columns(tabs=pl.col("rtt") % 3), ["1"], ["tabs"])
    assert set(few["value"]) == {"0.0", "1.0", "2.0"}


def test_numbers_beside_each_other_equal_scipys_rank_sum():
    chance = np.random.default_rng(7)
    rtt = np.concatenate([chance.lognormal(5, 0.4, 80), chance.lognormal(4.6, 0.4, 240)]).round(-1)
    sessions = pl.DataFrame({"session_id": [str(i) for i in range(320)], "rtt": rtt, "noise": chance.normal(size=320)})
    hit = pl.Series([i < 80 for i in range(320)])
    table = contrast_numbers(sessions, hit, ["noise", "rtt"])
    peer = mannwhitneyu(rtt[:80], rtt[80:], use_continuity=False, method="asymptotic")
    top = table.row(0, named=True)
    assert (top["number"], top["n_hit"], top["n_other"], top["differs"]) == ("rtt", 80, 240, True)
    assert top["p"] == pytest.approx(peer.pvalue, rel=1e-9)
    assert top["above"] == pytest.approx(peer.statistic / (80 * 240))
    assert top["difference"] == np.median(rtt[:80]) - np.median(rtt[80:])
    assert 0 < top["low"] < top["difference"] < top["high"]
    assert not table.row(1, named=True)["differs"]


def test_numbers_of_sessions_hit_by_chance_differ_at_the_nominal_rate():
    chance = np.random.default_rng(11)
    p = []
    for _ in range(400):
        sessions = pl.DataFrame({"session_id": [str(i) for i in range(60)], "ms": chance.lognormal(5, 1, 60).round(-1)})
        p.append(contrast_numbers(sessions, pl.Series(chance.random(60) < 0.4), ["ms"])["p"][0])
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.08


def test_what_a_rectangle_on_a_heatmap_covers_has_something_in_common():
    """Page views of one hour, slow ones, as somebody would draw them: all are on one network."""
    rows = pl.DataFrame(
        {
            "hour": [hour for hour in range(24) for _ in range(20)],
            "value": [4000.0 if hour == 9 and i < 15 else 1000.0 + i for hour in range(24) for i in range(20)],
            "connection": ["3g" if hour == 9 and i < 15 else "4g" for hour in range(24) for i in range(20)],
        }
    )
    inside = selected(rows, {"hour": (9, 10), "value": (2500.0, None)})
    assert inside.sum() == 15
    assert contrast(rows, inside, ["connection"]).row(0)[:4] == ("connection", "3g", 15, 0)
    assert contrast_numbers(rows, inside, ["value"])["above"].item() == 1.0
    with pytest.raises(TableError, match="no column hours; there are: hour, value, connection"):
        selected(rows, {"hours": 9})


def test_numbers_that_nobody_has_say_nothing():
    sessions = pl.DataFrame({"session_id": ["a", "b", "c"], "ms": [None, float("nan"), 3.0]})
    row = contrast_numbers(sessions, ["a"], ["ms"]).row(0, named=True)
    assert (row["n_hit"], row["n_other"], row["median_hit"], row["p"], row["differs"]) == (0, 1, None, None, False)


def test_nobody_or_everybody_hit_gives_counts_and_no_findings():
    sessions = _sessions(np.random.default_rng(1), 30)
    for hit in ([], sessions["session_id"]):
        table = contrast(sessions, hit, ["region"])
        assert table["n_hit"].sum() == len(hit)
        assert not table["differs"].any()
        assert table["p"].null_count() == table.height


def test_numbers_as_ids_and_values_are_taken_as_they_are_written():
    sessions = pl.DataFrame({"id": range(60), "plan": [1.0, float("nan"), None] * 20})
    table = contrast(sessions, [0, 3, None, 7], ["plan", "plan"], id_column="id")
    assert sorted(table.select("value", "n_hit", "n_other").rows()) == [("1.0", 2, 18), ("unknown", 1, 39)]
    assert contrast(sessions, [0, 3, 7], "plan", id_column="id").equals(table)


def test_wrong_input_is_named():
    sessions = _sessions(np.random.default_rng(1), 30)
    with pytest.raises(TableError, match="no dimension planet; there are: session_id, region"):
        contrast(sessions, [], ["planet"])
    with pytest.raises(TableError, match="hit has 2 values for 30 sessions; give one each, or ids"):
        contrast(sessions, pl.Series([True, False]), ["region"])
    with pytest.raises(TableError, match="no column page_view_id to find the hit ids in"):
        contrast(sessions, ["a"], ["region"], id_column="page_view_id")
