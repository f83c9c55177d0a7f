"""Which rows count: every odd value is treated as documented, and counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from workbench.vitals.percentiles import vitals_percentiles
from workbench.vitals.population import treat

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def test_every_odd_value_is_set_aside_with_its_reason_and_its_count():
    odd = [None, float("nan"), float("inf"), -3.0, 0.0, 2.4, 3_600_000.0]
    lcp = pl.DataFrame({"metric": "LCP", "value": [*odd, 2400.0]})
    inp = pl.DataFrame({"metric": "INP", "value": [0.0, 0.2, 8.0]})
    cls = pl.DataFrame({"metric": "CLS", "value": [0.0, 0.1, 180.0]})
    ttfb = pl.DataFrame({"metric": "TTFB", "value": [0.0, 0.9, 700.0]})
    own = pl.DataFrame({"metric": "cart_ready", "value": [0.0, 0.9, 9e9, -1.0]})
    treated = treat(pl.concat([lcp, inp, cls, ttfb, own]))
    assert treated.set_aside.select("metric", "reason", "n").rows() == [
        ("CLS", "absurd", 1),
        ("INP", "wrong unit", 1),
        ("LCP", "absurd", 1),
        ("LCP", "negative", 1),
        ("LCP", "not a number", 2),
        ("LCP", "null", 1),
        ("LCP", "wrong unit", 1),
        ("LCP", "zero", 1),
        ("cart_ready", "negative", 1),
    ]
    assert treated.vitals["value"].to_list() == [2400.0, 0.0, 8.0, 0.0, 0.1, 0.0, 0.9, 700.0, 0.0, 0.9, 9e9]


def test_the_last_report_of_a_page_view_counts_whatever_the_order_of_rows():
    reports = pl.DataFrame(
        {
            "metric": ["CLS", "CLS", "CLS", "LCP", "CLS", "CLS"],
            "page_view_id": ["a", "a", "a", "a", "b", None],
            "value": [0.3, 0.1, 0.2, 900.0, 0.5, 0.7],
            "at": [NOON + timedelta(seconds=s) for s in (9, 1, 5, 1, 1, 1)],
        }
    )
    treated = treat(reports)
    assert treated.vitals.rows() == [row for row in reports.rows() if row[2] not in (0.1, 0.2)]
    assert treated.set_aside.select("metric", "reason", "n").rows() == [("CLS", "repeated", 2)]


def test_of_reports_of_one_moment_the_grown_one_counts():
    reports = pl.DataFrame({"metric": "CLS", "page_view_id": "a", "value": [0.1, 0.3, 0.2], "at": NOON})
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
        assert treat(reports[order]).vitals["value"].to_list() == [0.3]


def test_a_restored_page_is_another_page_view():
    reports = pl.DataFrame(
        {
            "metric": "LCP",
            "page_view_id": "a",
            "navigation_type": ["navigate", "back-forward-cache"],
            "value": [900.0, 90.0],
            "at": [NOON, NOON],
        }
    )
    assert treat(reports).vitals.height == 2


def test_an_impossible_report_does_not_hide_the_possible_one_before_it():
    reports = pl.DataFrame(
        {
            "metric": "INP",
            "page_view_id": "a",
            "value": [96.0, -1.0],
            "at": [NOON, NOON + timedelta(seconds=1)],
        }
    )
    assert treat(reports).vitals["value"].to_list() == [96.0]


def test_percentiles_are_the_same_before_and_after_the_treatment_of_values():
    frame = pl.DataFrame({"metric": "LCP", "value": [None, -1.0, 0.0, 2.0, *[float(1000 + i) for i in range(40)]]})
    assert vitals_percentiles(frame).equals(vitals_percentiles(treat(frame).vitals))
