"""Mix shift apart from true change."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from workbench.vitals.mix import mix_shift


def _views(
    chance: np.random.Generator, phones: int, desks: int, slower: float = 1.0, **columns: object
) -> pl.DataFrame:
    values = np.concatenate([3000 * chance.lognormal(0, 0.4, phones), 1000 * chance.lognormal(0, 0.4, desks)])
    devices = ["mobile"] * phones + ["desktop"] * desks
    frame = pl.DataFrame({"metric": "LCP", "value": values * slower, "device_class": devices})
    return frame.with_columns(**{name: pl.lit(value) for name, value in columns.items()})


def _row(before: pl.DataFrame, after: pl.DataFrame, **options: object) -> dict:
    return mix_shift(before, after, **options).row(0, named=True)


def test_slow_phones_that_left_are_no_improvement():
    chance = np.random.default_rng(1)
    row = _row(_views(chance, 400, 200), _views(chance, 100, 500))
    assert row["change"] < -1000
    assert row["true_change_low"] < 0 < row["true_change_high"]
    assert row["finding"] == "mix only"
    assert row["mix_change"] == pytest.approx(row["change"] - row["true_change"])


def test_a_regression_that_the_new_mix_hides_is_found():
    chance = np.random.default_rng(2)
    row = _row(_views(chance, 400, 200), _views(chance, 130, 470, slower=1.4))
    assert row["change"] < 0, "it looks like an improvement"
    assert row["true_change_low"] > 0
    assert row["finding"] == "hidden by mix"


def test_a_change_with_the_same_mix_is_a_true_one_and_none_is_none():
    chance = np.random.default_rng(3)
    assert _row(_views(chance, 400, 200), _views(chance, 400, 200, slower=1.4))["finding"] == "true change"
    assert _row(_views(chance, 400, 200), _views(chance, 400, 200))["finding"] == "no change"


def test_the_true_change_is_the_one_that_was_put_in():
    chance = np.random.default_rng(4)
    row = _row(_views(chance, 40_000, 20_000), _views(chance, 10_000, 50_000, slower=1.2))
    assert row["true_change"] == pytest.approx(0.2 * row["p75_before"], rel=0.05)


def test_visitors_who_were_not_there_before_are_left_out_and_said():
    chance = np.random.default_rng(5)
    before = pl.concat([_views(chance, 100, 100, region="eu"), _views(chance, 150, 150, region="us")])
    after = pl.concat([_views(chance, 100, 100, region="eu"), _views(chance, 200, 200, slower=3.0, region="in")])
    row = _row(before, after)
    assert row["comparable"] == pytest.approx(0.4)
    assert row["finding"] == "not comparable"
    assert row["true_change_low"] < 0 < row["true_change_high"], "of those who came again"


def test_few_page_views_decide_nothing():
    chance = np.random.default_rng(6)
    assert _row(_views(chance, 10, 10), _views(chance, 400, 200))["finding"] == "too few"


def test_groups_of_one_side_only_keep_their_row():
    chance = np.random.default_rng(7)
    before = _views(chance, 50, 50, route="/")
    after = pl.concat([_views(chance, 50, 50, route="/"), _views(chance, 50, 50, route="/new")])
    table = mix_shift(before, after, ["route"])
    assert table.select("route", "n_before", "finding").rows() == [("/", 100, "no change"), ("/new", 0, "too few")]


def test_a_shift_of_the_mix_alone_is_called_a_true_change_no_more_often_than_promised():
    chance = np.random.default_rng(8)
    wrongly = 0
    for _ in range(200):
        table = mix_shift(_views(chance, 120, 60), _views(chance, 50, 130))
        wrongly += table["finding"].item() in ("true change", "hidden by mix")
    assert wrongly <= 18, "five in a hundred, and room for chance"
