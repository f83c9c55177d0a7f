"""The heavy passes: equal to slow twins, and equal to each other on every engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from connectors.exceptions import MissingExtra, TableError
from tests.naive import reduce as naive
from workbench import reduce
from workbench.vitals.histogram import NEGATIVE, NOT_A_NUMBER, NULL, ZERO, histogram_percentiles

START = datetime(2026, 3, 9, 23, 7, tzinfo=UTC)
NAMES = {ZERO: "zero", NULL: "null", NEGATIVE: "negative", NOT_A_NUMBER: "not a number"}


def _events(n: int = 600) -> pl.DataFrame:
    chance = np.random.default_rng(1)
    types = ["TypeError", "ChunkLoadError", None]
    messages = ["x is undefined", "Größe — 大", "", None, "it's 50 % [a-z]+ \\d"]
    pick = lambda values, share=None: [values[i] for i in chance.choice(len(values), n, p=share)]  # noqa: E731
    return pl.DataFrame(
        {
            "event_id": [f"{i:08x}" for i in chance.permutation(n)],
            "at": [START + timedelta(microseconds=int(us)) for us in chance.integers(0, 3 * 86_400_000_000, n)],
            "type": pick(types, [0.6, 0.3, 0.1]),
            "message": pick(messages),
            "stack": pick(["at a (a.js:1:7)\n at b", None]),
            "session_id": pick(["s1", "s2", "s3", None]),
            "user_id": pick(["u1", None]),
            "release": pick(["aaa", "bbb"]),
            "region": pick(["eu", "us", None]),
            "sample_rate": pick([1.0, 0.25, None]),
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def _vitals(n: int = 3000) -> pl.DataFrame:
    chance = np.random.default_rng(2)
    values = [float(value) for value in chance.lognormal(6, 1.5, n)]
    for i, odd in enumerate([None, float("nan"), float("inf"), -1.0, 0.0, 1e-9, 2500.0, 200.0, 0.1, 1e-6]):
        values[i * 7] = odd
    return pl.DataFrame(
        {
            "metric": chance.choice(["LCP", "INP", "CLS", "own"], n),
            "device_class": [["mobile", "desktop", None][i] for i in chance.integers(0, 3, n)],
            "value": values,
            "sample_rate": [[1.0, 0.25, None][i] for i in chance.integers(0, 3, n)],
        }
    )


SHAPE = ("type", "message", "stack")


def test_shapes_equal_the_slow_twin(engine):
    events = _events()
    table = reduce.error_shapes(engine(events))
    ours = {
        tuple(row[name] for name in SHAPE): (
            row["n"], row["users"], row["sessions"], row["first"], row["last"], row["event_id"],
        )
        for row in table.to_dicts()
    }  # fmt: skip
    assert ours == naive.error_shapes(events.to_dicts(), SHAPE)
    assert table["n"].to_list() == sorted(table["n"], reverse=True)
    weight = events.select((1 / pl.col("sample_rate").fill_null(1.0)).sum()).item()
    assert table["weight"].sum() == pytest.approx(weight)


def test_positions_equal_the_slow_twin(engine):
    chance = np.random.default_rng(3)
    frames = pl.DataFrame(
        {
            "debug_id": [[None, "d1"][i] for i in chance.integers(0, 2, 500)],
            "url": [["https://shop.example/a.js", None][i] for i in chance.integers(0, 2, 500)],
            "line": chance.integers(1, 3, 500),
            "column": chance.integers(1, 60, 500),
        }
    )
    table = reduce.positions(engine(frames))
    assert dict(zip(table.drop("n").rows(), table["n"], strict=True)) == naive.counted(
        frames.to_dicts(), frames.columns
    )


def test_histograms_equal_the_slow_twin(engine):
    vitals = _vitals()
    table = reduce.vitals_histogram(engine(vitals), ["metric", "device_class"])
    ours = {}
    for metric, device, bucket, n in table.select("metric", "device_class", "bucket", "n").rows():
        key = (metric, device, NAMES.get(bucket, bucket))
        ours[key] = ours.get(key, 0) + n
    assert ours == naive.histogram(vitals.to_dicts(), ["metric", "device_class"])
    rated = dict(table.filter(metric="INP").group_by("rating").agg(pl.col("n").sum()).rows())
    usable = vitals.filter(pl.col("metric") == "INP", pl.col("value").is_finite(), pl.col("value") >= 0)["value"]
    assert rated["good"] == (usable <= 200).sum()
    assert rated["poor"] == (usable > 500).sum()
    assert table.filter(metric="own")["rating"].null_count() == table.filter(metric="own").height


@pytest.mark.parametrize(
    ("every", "length"),
    [
        ("15m", timedelta(minutes=15)),
        ("7m", timedelta(minutes=7)),
        ("30s", timedelta(seconds=30)),
        ("4h", timedelta(hours=4)),
        ("1d", timedelta(1)),
    ],
)
def test_counts_over_time_equal_the_slow_twin(engine, every, length):
    events = _events()
    table = reduce.counts_over_time(engine(events), every, ["release"])
    ours = {(row["at"], row["release"]): row["n"] for row in table.to_dicts()}
    assert ours == naive.over_time(events.to_dicts(), length, ["release"])
    assert table.schema["at"] == pl.Datetime("us", "UTC")


def test_dimensions_equal_the_slow_twin(engine):
    events = _events()
    table = reduce.dimension_counts(engine(events), ["region", "release"])
    for name in ("region", "release"):
        own = table.filter(dimension=name)
        assert {(value,): n for value, n in own.select("value", "n").rows()} == naive.counted(events.to_dicts(), [name])
        assert own["n"].to_list() == sorted(own["n"], reverse=True)


def test_every_engine_gives_the_very_same_tables(engine):
    """Equal to the last row, order and type: a report made on a cluster is the report made on a laptop."""
    events, vitals = _events(), _vitals()
    for run in (
        lambda on: reduce.error_shapes(on(events), [*SHAPE, "release"]),
        lambda on: reduce.positions(on(events), ["release", "region", "stack"]),
        lambda on: reduce.vitals_histogram(on(vitals), ["metric", "device_class"]),
        lambda on: reduce.counts_over_time(on(events), "1h", ["region", "release"]),
        lambda on: reduce.counts_over_time(on(events), "5m"),
        lambda on: reduce.dimension_counts(on(events), ["type", "region", "session_id"]),
    ):
        here, there = run(lambda frame: frame), run(engine)
        assert there.schema == here.schema
        assert there.equals(here)
    percentiles = histogram_percentiles(reduce.vitals_histogram(engine(vitals), ["metric", "device_class"]))
    assert percentiles["p75"].null_count() == 0


def test_categorical_dimensions_come_home_as_text():
    stored = _vitals().with_columns(pl.col("metric", "device_class").cast(pl.Categorical))
    expected = reduce.vitals_histogram(_vitals(), ["metric", "device_class"])
    assert reduce.vitals_histogram(stored, ["metric", "device_class"]).equals(expected)


def test_columns_that_are_not_there_are_named_or_left_out():
    shapes = reduce.error_shapes(pl.DataFrame({"type": ["a"]}), ["type"])
    assert shapes.columns == ["type", "n", "weight"]
    with pytest.raises(TableError, match="no column message; there are: type"):
        reduce.error_shapes(pl.DataFrame({"type": ["a"]}))
    with pytest.raises(ValueError, match="bins of '1mo' are not known; give a number with s, m, h, d or w"):
        reduce.counts_over_time(_events(), "1mo")


def test_nothing_gives_empty_tables():
    assert reduce.error_shapes(_events().clear()).is_empty()
    assert reduce.counts_over_time(_events().clear()).is_empty()
    assert reduce.dimension_counts(_events().clear(), ["region"]).is_empty()
    assert reduce.dimension_counts(_events(), []).is_empty()


def test_an_engine_without_its_bridge_says_what_to_install(monkeypatch):
    def no_bridge(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")

    monkeypatch.setattr("narwhals.LazyFrame.collect", no_bridge)
    with pytest.raises(MissingExtra, match="pip install pyarrow"):
        reduce.positions(pl.DataFrame({"line": [1]}).lazy(), ["line"])
