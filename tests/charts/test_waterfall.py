from __future__ import annotations

import polars as pl

from tests.charts.drawn import rects, words
from tests.panels.views import trace
from workbench.charts.theme import LIGHT
from workbench.charts.waterfall import waterfall_chart


def bar(chart: object, name: str) -> dict[str, object]:
    return next(row for row in rects(chart) if row["name"] == name)  # type: ignore[arg-type]


def test_the_span_that_failed_first_is_the_only_red_one() -> None:
    chart = waterfall_chart(trace())
    assert [row["name"] for row in rects(chart) if row["fill"] == LIGHT.hit] == ["SELECT promo_pct"]
    pale = [row["name"] for row in rects(chart) if row["fill"] == LIGHT.hit_pale]
    assert pale == ["POST pricing", "POST /v2/promotions/active-for-this-very-customer"]


def test_who_answered_200_over_it_says_so() -> None:
    said = words(waterfall_chart(trace()))
    assert "200, swallowed the error" in said
    assert "no such column: promo_pct" in said


def page_load() -> pl.DataFrame:
    """A page load of six seconds with twenty fetches of pictures, and one call of 20 ms that failed inside."""
    pictures = pl.DataFrame(
        {
            "span_id": [f"p{i}" for i in range(20)],
            "parent_span_id": "s0",
            "service": "browser",
            "name": [f"GET https://cdn.example/{i}.png" for i in range(20)],
            "side": "browser",
            "offset_us": [1_000_000 + i * 200_000 for i in range(20)],
            "duration_us": 150_000,
            "depth": 1,
            "status": "ok",
        }
    )
    shrunk = trace().with_columns(
        offset_us=pl.when(pl.col("depth") > 0).then(pl.col("offset_us") // 28 + 3_000_000).otherwise(0),
        duration_us=pl.when(pl.col("depth") > 0).then(pl.col("duration_us") // 28).otherwise(6_000_000),
    )
    flags = ("on_error_path", "is_root_cause", "swallowed_error")
    together = pl.concat([shrunk, pictures], how="diagonal_relaxed").with_columns(pl.col(flags).fill_null(False))
    order = [0, *range(7, 27), *range(1, 7)]
    return together[order]


def test_a_short_request_within_a_long_page_load_fills_the_chart() -> None:
    chart = waterfall_chart(page_load())
    request, whole = bar(chart, "GET /api/cart"), bar(chart, "checkout page load")
    assert request["x2"] - request["x"] == whole["x2"] - whole["x"]
    assert not [row for row in rects(chart) if row["name"].endswith(".png")]
    assert "… and 20 more spans of this trace" in words(chart)


def test_spans_that_are_left_out_are_counted() -> None:
    chart = waterfall_chart(trace(), rows=6)
    assert len(rects(chart)) == 6
    assert "… and 1 more span of this trace" in words(chart)
    assert bar(chart, "SELECT promo_pct")


def test_of_an_address_only_the_path_is_shown() -> None:
    healthy = page_load().filter(~pl.col("on_error_path"))
    assert any(text == "browser · GET /3.png" for text in words(waterfall_chart(healthy, rows=30)))


def test_a_trace_without_a_failure_is_drawn_whole_and_blames_nobody() -> None:
    calm = trace().with_columns(pl.col("is_root_cause", "on_error_path").and_(False), status=pl.lit("ok"))
    chart = waterfall_chart(calm)
    assert len(rects(chart)) == calm.height
    assert not [text for text in words(chart) if "swallowed" in text]
    assert LIGHT.hit not in {row["fill"] for row in rects(chart)}
