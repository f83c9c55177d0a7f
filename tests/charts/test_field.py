"""The charts of the vitals report: where things are drawn, and that nothing is cut off or stands on something else."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import product

import polars as pl
import pytest

from tests.charts.drawn import rects, rows, words
from tests.charts.test_theme import HEX
from workbench.charts.bands import Scale
from workbench.charts.distribution import distribution_chart
from workbench.charts.field_vs_lab import field_vs_lab_chart
from workbench.charts.heatmap import heatmap_chart
from workbench.charts.percentiles import percentiles_chart
from workbench.charts.theme import LIGHT
from workbench.charts.trend import trend_chart
from workbench.vitals.histogram import ZERO, bucket_of

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
STATE = pl.DataFrame(
    {
        "metric": ["INP", "INP", "LCP"],
        "device_class": ["mobile", "desktop", "mobile"],
        "n": [196, 11, 12_345],
        "p75": [500.0, None, 2500.0],
        "p75_low": [200.0, None, 2400.0],
        "p75_high": [600.0, None, 2600.0],
        "p95": [900.0, None, 5000.0],
        "rating": ["needs-improvement", None, "good"],
        "rating_sure": [False, False, True],
        "share_good": [0.5, 1.0, 0.75],
        "share_needs": [0.25, 0.0, 0.25],
        "share_poor": [0.25, 0.0, 0.0],
    }
)


def test_thresholds_lie_on_the_edges_of_the_bands_and_a_very_bad_value_stays_inside() -> None:
    """web.dev: INP is good up to 200 ms and poor above 500 ms."""
    scale = Scale.of("INP", [60_000.0], left=100, room=500)
    good, needs, poor = scale.rects(0, 10)
    assert (good[1], needs[1]) == (scale.x(200), scale.x(500))
    assert scale.x(60_000) < poor[1] == 600
    assert Scale.of("cart_ready", [3.0], left=0, room=10).rects(0, 1)[0][5] == "no thresholds"


def test_the_state_draws_each_p75_on_its_own_metric_s_bands() -> None:
    chart = percentiles_chart(STATE)
    edges = {(row["cohort"], row["band"]): (row["x"], row["x2"]) for row in rects(chart)}
    at = {row["cohort"]: (row["x"], row["at"], row["x2"]) for row in rows(chart, "circle")}
    assert set(at) == {"INP, mobile", "LCP, mobile"}
    low, middle, _ = at["INP, mobile"]
    assert low == pytest.approx(edges["INP, mobile", "good"][1])
    assert middle == pytest.approx(edges["INP, mobile", "poor"][0])
    shares = [row for row in rects(chart) if row["cohort"] == "INP, mobile" and "%" in row["band"]]
    widths = [row["x2"] - row["x"] for row in shares]
    assert [width / sum(widths) for width in widths] == pytest.approx([0.5, 0.25, 0.25])


def test_the_state_says_the_numbers_and_that_there_are_too_few() -> None:
    said = words(percentiles_chart(STATE, min_samples=30))
    for text in ("500 ms", "200 ms – 600 ms", "12,345", "50 %", "too few for a p75 (30 are needed)"):
        assert text in said


def cells(n: int, route: str = "/shop/{i:03d}", **more: object) -> pl.DataFrame:
    known = {"metric": "LCP", "p75": 2000.0, "p75_low": 1900.0, "p75_high": 2100.0, "rating": "good",
             "rating_sure": True, "device_class": "mobile", **more}  # fmt: skip
    return pl.DataFrame([{"route": route.format(i=i), "n": 1000 - i, **known} for i in range(n)])


def test_a_cell_says_its_band_by_a_mark_as_well_as_by_colour() -> None:
    marks = {"good": "●○", "needs-improvement": "◆◇", "poor": "▲△"}
    for rating, sure in product(marks, (True, False)):
        mark = marks[rating][0 if sure else 1]
        assert f"{mark} 2.0 s" in words(heatmap_chart(cells(1, rating=rating, rating_sure=sure)))


def test_too_few_page_views_are_grey_and_counted() -> None:
    few = cells(1, p75=None, p75_low=None, p75_high=None, rating=None, rating_sure=False)
    chart = heatmap_chart(few.with_columns(pl.lit(None, pl.Float64).alias("p75"), n=pl.lit(11)))
    assert "too few: 11" in words(chart)
    assert {row["fill"] for row in rects(chart)} == {"#d7dce2"}


@pytest.mark.parametrize("n", [1, 30, 200])
def test_pages_stand_below_each_other_the_most_viewed_first(n: int) -> None:
    chart = heatmap_chart(cells(n), top=30)
    tops = [row["y"] for row in rects(chart)]
    shown = min(n, 30)
    assert len(set(tops)) == shown
    assert next(text for text in words(chart) if text.startswith("/")) == "/shop/000"
    assert (f"and {n - 30} pages with fewer page views" in words(chart)) == (n > 30)


def test_a_long_name_is_shortened_in_the_middle_and_leaves_room_for_its_cells() -> None:
    chart = heatmap_chart(cells(3, "/a-very-long-name/" + "of-something/" * 20 + "{i}"), width=900)
    assert all(len(text) <= 46 for text in words(chart))
    assert all(row["x2"] <= 900 for row in rects(chart))
    assert "of-something/2" in rects(chart)[2]["page"]


def points(p75: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "at": [NOON + timedelta(days=i) for i in range(len(p75))],
            "metric": "LCP",
            "device_class": "mobile",
            "n": [100 if value else 3 for value in p75],
            "p75": p75,
            "p75_low": [value and value * 0.9 for value in p75],
            "p75_high": [value and value * 1.1 for value in p75],
        }
    )


def test_a_stretch_with_too_few_page_views_breaks_the_line() -> None:
    chart = trend_chart(points([2000.0, 2100.0, None, 2600.0, 2500.0]), timedelta(days=1))
    runs = {row["from_utc"]: row["run"] for row in rows(chart, "circle")}
    assert len(runs) == 4
    assert runs["9 Mar 12:00"] == runs["10 Mar 12:00"] != runs["12 Mar 12:00"] == runs["13 Mar 12:00"]


def test_the_band_of_the_interval_holds_the_line_and_the_last_value_is_said() -> None:
    chart = trend_chart(points([2000.0, 3000.0]), timedelta(days=1))
    for row in rows(chart, "circle"):
        assert row["y_high"] < row["y"] < row["y_low"], "px grow downwards"
    assert "last: 3.0 s (2.7 s – 3.3 s), 100 page views" in words(chart)


def test_deploys_of_the_time_that_is_drawn_are_marked() -> None:
    at = [NOON + timedelta(hours=30), NOON + timedelta(days=40)]
    marks = pl.DataFrame({"at": at, "label": ["deploy a", "deploy b"], "kind": "deploy"})
    said = words(trend_chart(points([2000.0, 3000.0, 2000.0]), timedelta(days=1), marks))
    assert "deploy a\n10 Mar 18:00" in said
    assert not [text for text in said if text.startswith("deploy b")]


def test_one_outlier_s_interval_does_not_flatten_the_others() -> None:
    frame = points([2000.0] * 5).with_columns(
        p75_high=pl.when(pl.int_range(pl.len()) == 2).then(90_000.0).otherwise(2200.0)
    )
    ys = {row["y"] for row in rows(trend_chart(frame, timedelta(days=1)), "circle")}
    floor = max(row["y2"] for row in rects(trend_chart(frame, timedelta(days=1))))
    assert floor - min(ys) > 50, "the line is still in the upper half of its strip of 112 px"


def buckets(values: dict[float, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"metric": "CLS", "device_class": "mobile", "bucket": bucket_of(value), "n": n} for value, n in values.items()]
    )


def test_the_bars_hold_every_page_view_and_zeros_stand_alone() -> None:
    told = pl.DataFrame({"device_class": ["mobile"], "n": [100], "p75": [0.1], "p95": [0.25]})
    chart = distribution_chart(buckets({0.0: 60, 0.02: 20, 0.1: 15, 0.9: 5}), told)
    bars = [row for row in rects(chart) if "share" in row]
    assert sum(int(row["page_views"]) for row in bars) == 100
    zero = next(row for row in bars if row["value"] == "exactly 0")
    assert zero["x2"] <= min(row["x"] for row in bars if row is not zero)
    edges = {row["band"]: (row["x"], row["x2"]) for row in rects(chart) if "band" in row}
    lines = sorted(row["x"] for row in rows(chart, "rule"))
    assert lines == pytest.approx([edges["good"][1], edges["poor"][0]]), "p75 and p95 on the thresholds"


def test_values_that_cannot_be_true_are_not_drawn() -> None:
    frame = pl.DataFrame({"metric": "LCP", "device_class": "mobile", "bucket": [ZERO - 1, ZERO - 3], "n": [4, 9]})
    assert isinstance(distribution_chart(frame, pl.DataFrame(schema={"device_class": pl.String})), str)


def test_where_the_lab_is_blind_the_field_is_red() -> None:
    known = {"metric": "LCP", "device_class": "mobile", "n": 50, "runs": 3, "lab": 2000.0, "lab_low": 1900.0,
             "lab_high": 2200.0}  # fmt: skip
    both = pl.DataFrame(
        [
            {**known, "route": "/", "field": 5000.0, "field_low": 4500.0, "field_high": 5500.0,
             "finding": "lab is blind"},
            {**known, "route": "/cart", "field": 2100.0, "field_low": 1900.0, "field_high": 2300.0, "finding": "agree"},
            {**known, "route": "/faq", "field": None, "field_low": None, "field_high": None,
             "finding": "too few page views"},
        ]
    )  # fmt: skip
    chart = field_vs_lab_chart(both)
    fills = {(row["page"], row["measured"]): row["fill"] for row in rows(chart, "point")}
    assert fills["/, mobile", "field, p75"] == "#c2362b"
    assert fills["/cart, mobile", "field, p75"] == "#4a73bd"
    assert ("/faq, mobile", "field, p75") not in fills
    assert "5.0 s, lab 2.0 s" in words(chart)


def test_no_colour_is_used_that_the_theme_does_not_have() -> None:
    told = pl.DataFrame({"device_class": ["mobile"], "n": [100], "p75": [0.1], "p95": [0.25]})
    charts = [percentiles_chart(STATE), heatmap_chart(cells(3)), trend_chart(points([1.0, 2.0]), timedelta(days=1)),
              distribution_chart(buckets({0.0: 60, 0.02: 20}), told)]  # fmt: skip
    used = {colour.lower() for chart in charts for colour in HEX.findall(json.dumps(chart.to_dict()))}
    assert used <= set(asdict(LIGHT).values())
