from __future__ import annotations

import polars as pl

from tests.charts.drawn import rows, words
from tests.panels.views import timeline
from workbench.charts.theme import LIGHT
from workbench.charts.timeline import timeline_chart


def test_what_happened_first_stands_left_and_the_error_on_its_line() -> None:
    points = rows(timeline_chart(timeline()), "point")
    assert [point["kind"] for point in sorted(points, key=lambda point: point["x"])][:2] == ["page", "request"]
    line = next(rule for rule in rows(timeline_chart(timeline()), "rule") if "x2" not in rule)
    assert line["x"] == next(point["x"] for point in points if point["kind"] == "error")


def test_only_what_failed_is_red() -> None:
    points = rows(timeline_chart(timeline()), "point")
    assert {point["kind"] for point in points if point["fill"] == LIGHT.hit} == {"error", "span"}


def test_lanes_are_named_and_a_kind_nobody_foresaw_gets_one_too() -> None:
    odd = timeline().with_columns(kind=pl.when(pl.col("kind") == "vital").then(pl.lit("beacon")).otherwise("kind"))
    said = words(timeline_chart(odd))
    assert said[:2] == ["page", "click"]
    assert "beacon" in said


def test_one_moment_alone_is_drawn() -> None:
    assert not isinstance(timeline_chart(timeline().tail(1)), str)
    assert timeline_chart(timeline().clear()) == "Nothing else is known of this session."


def test_an_error_at_the_very_end_is_named_there_and_nothing_is_written_over_it() -> None:
    ended = timeline().filter(pl.col("offset_ms") <= 0)
    assert words(timeline_chart(ended))[-2:] == ["3.6 s before", "the error"]
    assert words(timeline_chart(timeline()))[-3:] == ["3.6 s before", "4.4 s after", "the error"]
    assert "the error" in words(timeline_chart(timeline().filter(pl.col("offset_ms") == 0)))
