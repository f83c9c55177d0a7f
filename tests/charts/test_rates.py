from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

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
    assert "7f3c2e1 deployed\n9 Mar 12:16" in words(chart)
    assert "support hears\n9 Mar 12:31" in words(chart)
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


labels = st.lists(st.tuples(st.floats(0, 900), st.text("abc \n", min_size=1, max_size=30)), max_size=12)


@given(labels, st.sets(st.integers(0, 11)))
def test_no_label_meets_another_or_a_line_and_none_leaves_the_chart(
    given_labels: list[tuple[float, str]], first: set[int]
) -> None:
    ordered = sorted(given_labels)
    drawn = []
    for (x, text), place in zip(ordered, lanes(ordered, 900, first=first), strict=True):
        if place is None:
            continue
        wide = max(text_width(line, 11) for line in text.split("\n"))
        start, end = (x, x + wide) if place.side == "left" else (x - wide, x)
        assert start >= 0
        assert end <= 900
        drawn.append((place.lane, x, start, end))
    for a, b in permutations(drawn, 2):
        (lane, x, _, _), (other, _, low, high) = a, b
        assert not (lane == other and a[2] < high and low < a[3])
        assert not (lane < other and low < x < high)


def test_moments_that_have_room_are_all_named() -> None:
    spread = [(float(120 * i), "deploy 1234567\n9 Mar 14:20") for i in range(9)]
    assert all(place == (0, "left") for place in lanes(spread, 1100))


def test_of_sixty_deploys_those_that_matter_are_named_and_every_line_is_drawn() -> None:
    sixty = marks(*((i, f"deploy {i:07}", "deploy") for i in range(60)), (31, "support hears", "support"))
    sixty = sixty.with_columns(chief=pl.col("label") == "deploy 0000029")
    chart = rates_chart(rates(*([3] * 12), every=5), sixty)
    assert {"deploy 0000029\n9 Mar 12:29", "support hears\n9 Mar 12:31"} <= set(words(chart))
    assert len([row for row in rows(chart, "rule") if "what" in row]) == 61


def test_neighbours_of_the_captured_incident_do_not_cross() -> None:
    """Deploys B, C and D of the sample and the first word from support, where they stand in a chart of 928 px."""
    told = [(524.0, "deploy bd8d951\n9 Mar 14:20"), (538.0, "support hears\n9 Mar 15:20"),
            (650.0, "deploy 97f55d6\n9 Mar 23:40"), (757.0, "deploy d27d560\n10 Mar 07:30")]  # fmt: skip
    assert lanes(told, 928) == [(0, "right"), (0, "left"), (0, "left"), (0, "left")]


def test_the_peak_is_named_where_no_line_runs_through_the_words() -> None:
    deploys = marks((15 * 20 + 5, "b", "deploy"), (15 * 22, "c", "deploy"))
    chart = rates_chart(rates(*([1] * 20), 9, *([1] * 20)), deploys)
    said = next(row for row in rows(chart, "text") if row["text"].startswith("at most 9 errors"))
    half = text_width(said["text"], 11) / 2
    lines = [row["x"] for row in rows(chart, "rule") if "what" in row]
    assert len(lines) == 2
    assert all(abs(said["x"] - line) > half for line in lines)
