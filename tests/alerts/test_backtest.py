"""Alert rules over a story told minute by minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.exceptions import RuleError
from tests.naive import alerts as naive
from workbench.alerts import rules as rules_module
from workbench.alerts.backtest import backtest, lead_time
from workbench.alerts.rates import error_rates
from workbench.alerts.rules import Rule, judge, known_rules
from workbench.rules.loader import RuleFile

START = datetime(2026, 3, 9, tzinfo=UTC)
DEPLOY = START + timedelta(hours=14, minutes=20)
SUPPORT = START + timedelta(hours=15, minutes=20)


def _times(*spans: tuple[float, float, float]) -> pl.DataFrame:
    """Times from hour to hour, so many an hour, evenly."""
    at = [
        START + timedelta(hours=begin + i / an_hour)
        for begin, end, an_hour in spans
        for i in range(round((end - begin) * an_hour))
    ]
    return pl.DataFrame({"at": at}, schema={"at": pl.Datetime("us", "UTC")})


VISITS = _times((0, 24, 200))
FIVE = Rule("five", times=5, every="15m", window="15m")
INCIDENT = _times((0, 14 + 1 / 3, 4), (14 + 1 / 3, 24, 80))


def test_the_rule_fires_before_support_hears_of_it():
    rates = error_rates(INCIDENT, VISITS, "15m")
    found = lead_time(FIVE, rates, SUPPORT, incident_at=DEPLOY)
    # the bin from 14:15 has 10 minutes of the incident, 13 errors where 1 is usual; it is known at its end
    assert found.fired_at == START + timedelta(hours=14, minutes=30)
    assert found.lead == timedelta(minutes=50)
    assert found.false_alarms == 0
    assert found.watched == timedelta(hours=8, minutes=15), "from six o'clock, when the usual is known, to the deploy"
    assert found.times_usual == pytest.approx(13 + 1 / 3, rel=0.15)


counts = st.tuples(st.integers(0, 6), st.integers(0, 20))


@settings(deadline=None, max_examples=60)
@given(st.lists(counts, min_size=1, max_size=60), st.integers(0, 59), st.integers(1, 9))
def test_every_bin_is_judged_as_the_slow_twin_judges_it(bins, begin, factor):
    errors = [float(n * (factor if i >= begin else 1)) for i, (n, _) in enumerate(bins)]
    visits = [float(n) for _, n in bins]
    at = [START + timedelta(minutes=15 * i) for i in range(len(bins))]
    rule = Rule(
        "any", times=2, every="15m", window="45m", usual_over="4h", usual_from="1h", min_errors=3, quiet_for="1h"
    )
    judged = judge(rule, pl.DataFrame({"at": at, "errors": errors, "visits": visits}))
    expected = naive.judge(errors, visits, window=3, over=16, after=4, quiet=4, times=2, least=3)
    assert judged["over"].to_list() == [row[2] for row in expected]
    assert judged["fires"].to_list() == [row[3] for row in expected]
    assert judged["usual"].to_list() == pytest.approx([row[1] for row in expected])


def test_times_of_any_zone_and_unit_are_the_same_moments():
    noon = pl.Series([START + timedelta(hours=12)])
    events = pl.DataFrame({"at": noon.dt.convert_time_zone("Asia/Kolkata")})
    visits = pl.DataFrame({"at": noon.dt.cast_time_unit("ms")})
    assert error_rates(events, visits).select("at", "errors", "visits").rows() == [(noon[0], 1.0, 1.0)]


def test_a_rule_knows_nothing_of_the_future():
    rates = error_rates(INCIDENT, VISITS, "15m")
    whole = judge(FIVE, rates)
    for hours in (7, 14, 15, 16):
        seen = rates.filter(pl.col("at") < START + timedelta(hours=hours))
        assert judge(FIVE, seen).equals(whole.head(seen.height))


def test_a_wave_of_traffic_is_no_alarm_and_a_wave_of_errors_before_the_deploy_is_a_false_one():
    busy = _times((0, 10, 100), (10, 12, 1000), (12, 24, 100))
    same_rate = _times((0, 10, 4), (10, 12, 40), (12, 24, 4))
    calm = lead_time(FIVE, error_rates(same_rate, busy), None, incident_at=DEPLOY)
    assert (calm.fired_at, calm.lead, calm.false_alarms) == (None, None, 0)
    hiccup = _times((0, 9, 4), (9, 9.5, 60), (9.5, 14 + 1 / 3, 4), (14 + 1 / 3, 24, 80))
    found = lead_time(FIVE, error_rates(hiccup, VISITS), SUPPORT, incident_at=DEPLOY)
    assert found.false_alarms == 1, "two bins, one alarm"
    assert found.lead == timedelta(minutes=50)


def test_an_alarm_stays_silent_while_it_is_open_and_rings_again_later():
    twice = _times((0, 10, 4), (10, 11, 80), (11, 16, 4), (16, 17, 80), (17, 24, 4))
    judged = judge(FIVE, error_rates(twice, VISITS))
    rings = judged.filter("fires")["fired_at"].to_list()
    assert rings == [START + timedelta(hours=10, minutes=15), START + timedelta(hours=16, minutes=15)]
    assert judged["over"].sum() == 8


def test_support_may_be_faster_than_a_slow_rule():
    found = lead_time(
        replace(FIVE, every="2h", window="2h"), error_rates(INCIDENT, VISITS, "2h"), SUPPORT, incident_at=DEPLOY
    )
    assert found.lead == timedelta(minutes=-40)


def test_a_small_shop_needs_a_window_longer_than_the_step_at_which_it_is_judged():
    trickle = _times((14 + 1 / 3, 24, 8))
    visits = _times((0, 24, 20))
    assert lead_time(FIVE, error_rates(trickle, visits), SUPPORT, incident_at=DEPLOY).fired_at is None
    hour = Rule("hour", times=5)
    found = lead_time(hour, error_rates(trickle, visits, hour.every), SUPPORT, incident_at=DEPLOY)
    # an error every seven and a half minutes from the deploy on: the fifth comes after thirty
    assert found.fired_at == DEPLOY + timedelta(minutes=35)
    assert found.lead == timedelta(minutes=25)


def test_a_shop_without_errors_does_not_fire_at_its_first_handful():
    first = _times((10, 10.02, 200))
    assert lead_time(FIVE, error_rates(first, VISITS), None).fired_at is None


def test_nothing_is_judged_in_the_first_hours():
    early = _times((1, 2, 500))
    judged = judge(FIVE, error_rates(early, VISITS))
    assert not judged.head(4 * 6)["over"].any()


def test_bins_without_anything_are_there_and_sampled_rows_weigh_more():
    visits = pl.DataFrame({"started_at": [START, START + timedelta(hours=1)], "sample_rate": [0.1, None]})
    rates = error_rates(_times((0.5, 0.51, 100)), visits, "15m")
    assert rates["at"].to_list() == [START + timedelta(minutes=15 * i) for i in range(5)]
    assert rates["visits"].to_list() == [10.0, 0.0, 0.0, 0.0, 1.0]
    assert rates["rate"].to_list() == [0.0, None, None, None, 0.0]
    assert rates["errors"].to_list() == [0.0, 0.0, 1.0, 0.0, 0.0]


def test_several_rules_side_by_side_the_most_lead_first():
    table = backtest(known_rules(), INCIDENT, VISITS, SUPPORT, incident_at=DEPLOY)
    assert set(table["rule"]) == set(known_rules())
    leads = table["lead"].drop_nulls().to_list()
    assert leads == sorted(leads, reverse=True)
    never = backtest([replace(FIVE, times=1000)], INCIDENT, VISITS, SUPPORT, incident_at=DEPLOY)
    assert never.select("fired_at", "lead").row(0) == (None, None)


def test_an_empty_window_fires_nothing():
    nothing = INCIDENT.clear()
    table = backtest(known_rules(), nothing, nothing, None, incident_at=DEPLOY)
    assert table["fired_at"].null_count() == table.height
    assert table["false_alarms"].sum() == 0


def test_a_part_that_no_rule_has_is_named(monkeypatch):
    known_rules.cache_clear()
    data = {"mine": {"times": 5.0, "colour": "red"}}
    monkeypatch.setattr(rules_module, "load", lambda *_: RuleFile("alerts", "rates", START.date(), data))
    with pytest.raises(RuleError, match="mine has colour; a rule has: every, min_errors, name"):
        known_rules()
    known_rules.cache_clear()
