from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tests.charts.drawn import rows, words
from workbench.charts.labels import text_width
from workbench.charts.marks import lanes
from workbench.charts.rates import rates_chart
from workbench.charts.theme import LIGHT

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def rates(*errors: int, every: int = 15) -> pl.DataFrame:
    return pl.DataFrame({"at": [NOON + timedelta(minutes=every * i) for i in range(len(errors))], "errors": errors})


def marks(*of: tuple[int, str, str]) -> pl.DataFrame:
    columns = ["at", "label", "kind"]
    return pl.DataFrame([(NOON + timedelta(minutes=m), label, kind) for m, label, kind in of], columns, orient="row")


def test_deploy_and_support_are_named_with_their_times() -> None:
    chart = rates_chart(rates(0, 3, 9, 4), marks((16, "7f3c2e1 deployed", "deploy"), (31, "support hears", "support")))
    assert "7f3c2e1 deployed 9 Mar 12:16" in words(chart)
    assert "support hears 9 Mar 12:31" in words(chart)
    strokes = {row["stroke"] for row in rows(chart, "rule") if "stroke" in row}
    assert strokes == {LIGHT.ink, LIGHT.partial}


def test_what_happened_outside_of_the_window_is_left_out() -> None:
    chart = rates_chart(rates(1, 2, 3), marks((-60, "earlier", "deploy"), (600, "later", "deploy")))
    assert not [text for text in words(chart) if "lier" in text or "later" in text]


def test_the_highest_count_is_said() -> None:
    assert "at most 9 errors in 15 min" in words(rates_chart(rates(0, 3, 9, 4)))


def test_the_last_stretch_is_as_wide_as_the_others() -> None:
    points = rows(rates_chart(rates(5, 5, 5, 5), width=400), "area")
    assert [point["x"] for point in points] == [0, 100, 200, 300, 400]


def test_a_single_stretch_is_no_error() -> None:
    assert not isinstance(rates_chart(rates(4)), str)
    assert rates_chart(rates()) == "No errors were reported in this window."


def test_days_are_named_at_midnight() -> None:
    said = words(rates_chart(rates(*([1] * 48), every=60)))
    assert {"10 Mar", "11 Mar"} <= set(said)


labels = st.lists(st.tuples(st.floats(0, 900), st.text("abc ", min_size=1, max_size=30)), max_size=6)


@given(labels)
def test_labels_of_one_lane_never_meet_and_never_leave_the_chart(given_labels: list[tuple[float, str]]) -> None:
    ordered = sorted(given_labels)
    spans = []
    for (x, text), (lane, side) in zip(ordered, lanes(ordered, 900), strict=True):
        wide = text_width(text, 11)
        start, end = (x, x + wide) if side == "left" else (x - wide, x)
        assert end <= 900 or start >= 0
        assert all(lane != at or end <= low or start >= high for at, low, high in spans)
        spans.append((lane, start, end))
