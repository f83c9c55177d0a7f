from __future__ import annotations

import polars as pl
import pytest

from tests.charts.drawn import rects, words
from workbench.charts.funnel import funnel_chart
from workbench.charts.theme import LIGHT


def stages(*counts: int) -> pl.DataFrame:
    names = ["raw errors", "after noise", "shapes", "issues", "bugs that hit users"]
    return pl.DataFrame({"stage": names[: len(counts)], "n": counts})


def test_a_bar_is_as_long_as_the_square_root_of_its_count() -> None:
    bars = {row["stage"]: row for row in rects(funnel_chart(stages(10_000, 2_500, 400, 100, 4))) if "stage" in row}
    longest = bars["raw errors"]["x2"]
    assert bars["after noise"]["x2"] / longest == pytest.approx(0.5)
    assert bars["shapes"]["x2"] / longest == pytest.approx(0.2)
    assert bars["issues"]["x2"] / longest == pytest.approx(0.1)


def test_one_bug_among_a_million_errors_can_still_be_seen() -> None:
    bars = [row for row in rects(funnel_chart(stages(1_000_000, 4, 2, 1, 1))) if "stage" in row]
    assert min(row["x2"] - row["x"] for row in bars) >= 3


def test_only_what_hit_users_is_red() -> None:
    bars = [row for row in rects(funnel_chart(stages(100, 50, 20, 5, 2))) if "stage" in row]
    assert [row["stage"] for row in bars if row["fill"] == LIGHT.hit] == ["bugs that hit users"]


def test_what_was_noise_is_named_and_adds_up() -> None:
    noise = pl.DataFrame(
        {
            "noise_class": ["bot", "extension", "opaque", "stale_deploy", "benign_browser", "webview_bridge"],
            "n": [31, 20, 10, 5, 3, 1],
        }
    )
    chart = funnel_chart(stages(100, 30, 20, 5, 2), noise)
    said = next(text for text in words(chart) if text.startswith("bot"))
    counts = [int(part.rsplit(" ", 1)[1]) for part in said.split(" · ")]
    assert sum(counts) == 70
    assert "stale_deploy" not in said


def test_without_errors_there_is_a_sentence() -> None:
    assert funnel_chart(stages(0, 0, 0, 0, 0)) == "No errors were reported in this window."
    assert isinstance(funnel_chart(pl.DataFrame(schema={"stage": pl.String, "n": pl.Int64})), str)
