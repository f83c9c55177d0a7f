"""Intervals against published tables, against scipy, and against chance itself."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import relative_risk

from workbench.statistics import (
    Difference,
    Estimate,
    benjamini_hochberg,
    difference_of_quantiles,
    p_of_difference,
    quantile_interval,
    quantile_ranks,
    risk_ratio_interval,
    two_shares_p,
    wilson_interval,
)

DRAWS = 2000
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999)
counts = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(k, n, low, high):
    assert wilson_interval(k, n) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(counts, st.floats(0.5, 0.99))
def test_wilson_equals_scipys(count, confidence):
    k, n = count
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(k, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_is_the_same_for_numbers_arrays_and_expressions():
    frame = pl.DataFrame({"k": [0, 3, 10, 0], "n": [10, 10, 10, 0]})
    low, high = wilson_interval(pl.col("k"), pl.col("n"))
    lazy = frame.select(low.alias("low"), high.alias("high"))
    array = wilson_interval(frame["k"].to_numpy(), frame["n"].to_numpy())
    assert np.allclose(lazy["low"], array[0])
    assert np.allclose(lazy["high"], array[1])
    assert lazy.rows()[0][0] == 0.0
    assert lazy.rows()[2][1] == 1.0
    assert lazy.rows()[3] == (0.0, 1.0), "nothing seen, nothing known"


@pytest.mark.parametrize("n", [13, 15, 20, 30, 100, 1000])
@pytest.mark.parametrize("q", [0.5, 0.75])
def test_the_true_quantile_lies_between_the_ranks_as_often_as_the_binomial_distribution_says(n, q):
    low, high = (end[0] for end in quantile_ranks(n, q))
    below, above = stats.binom.cdf(np.floor(low) - 1, n, q), stats.binom.sf(np.ceil(high) - 1, n, q)
    assert below <= 0.025 + 1e-3, "the whole rank below the fractional one is careful enough"
    assert above <= 0.025 + 1e-3
    assert stats.binom.cdf(np.ceil(low) - 1, n, q) >= 0.025 - 1e-3, "and the one above is not"


def test_a_p75_has_no_upper_end_below_thirteen_values_nor_a_p95_below_seventy_two():
    for q, first in ((0.75, 13), (0.95, 72)):
        high = quantile_ranks([first - 1, first], q)[1]
        assert np.isnan(high[0])
        assert first - 1 < high[1] <= first
        assert q ** (first - 1) > 0.025 > q**first, "the chance that all values lie below the quantile"


def test_ranks_run_smoothly_from_the_exact_form_into_the_expansion():
    sizes = np.arange(200.0, 400.0)
    for q in (0.5, 0.75, 0.95):
        low, high = quantile_ranks(sizes, q)
        assert np.abs(np.diff(low) - q).max() < 0.1
        assert np.abs(np.diff(high) - q).max() < 0.1


@pytest.mark.parametrize("n", [13, 30, 100, 1000, 10_000])
def test_the_interval_of_a_p75_covers_the_true_one_at_its_nominal_rate(n):
    chance = np.random.default_rng(n)
    truth = np.exp(0.8 * stats.norm.ppf(0.75))
    covered = np.zeros(2)
    for _ in range(DRAWS):
        p75 = quantile_interval(chance.lognormal(0, 0.8, n), 0.75)
        covered += p75.low > truth, p75.high < truth
    assert 0.93 <= 1 - covered.sum() / DRAWS <= 0.98
    assert covered.max() / DRAWS <= 0.04, "neither side misses much more often than it says"


def test_a_quantile_of_nothing_is_nothing():
    assert all(np.isnan(part) for part in quantile_interval([], 0.75))


def _estimates(samples: np.ndarray, confidence: float = 0.95) -> Estimate:
    n = samples.shape[1]
    ranks = [1 + (n - 1) * 0.75, *(end[0] for end in quantile_ranks(n, 0.75, confidence))]
    ordered, places = np.sort(samples, axis=1), np.arange(1, n + 1)
    return Estimate(
        *(
            np.array([np.interp(rank, places, sample) if rank == rank else np.nan for sample in ordered])
            for rank in ranks
        )
    )


@pytest.mark.parametrize(("n1", "n2"), [(15, 15), (15, 60), (30, 30), (110, 120), (30, 1000), (1000, 1000)])
@pytest.mark.parametrize("kind", ["paint", "shift"])
def test_two_samples_of_one_kind_differ_no_more_often_than_five_in_a_hundred(n1, n2, kind):
    chance = np.random.default_rng(n1 * n2)

    def draw(n: int) -> np.ndarray:
        if kind == "paint":
            return chance.lognormal(7.5, 0.7, (1000, n))
        return np.where(chance.random((1000, n)) < 0.7, 0.0, chance.exponential(0.1, (1000, n)))

    first, second = draw(n1), draw(n2)
    changes = [difference_of_quantiles(_estimates(first, level), _estimates(second, level)) for level in LEVELS]
    p = p_of_difference(changes, LEVELS)
    for level in (0.05, 0.01, 0.001):
        assert np.mean(p < level) <= level + 3 * np.sqrt(level / 1000), (
            "no more often than it says, give or take chance"
        )
    at_95 = changes[LEVELS.index(0.95)]
    assert ((p <= 0.05 + 1e-12) == ((at_95.low > 0) | (at_95.high < 0))).mean() > 0.995, "p and interval say the same"


def test_the_interval_of_a_difference_covers_the_true_one():
    chance = np.random.default_rng(5)
    p75 = np.exp(0.6 * stats.norm.ppf(0.75))
    before = _estimates(100 * chance.lognormal(0, 0.6, (DRAWS, 40)))
    after = _estimates(250 * chance.lognormal(0, 0.6, (DRAWS, 90)))
    change = difference_of_quantiles(before, after)
    assert 0.93 <= np.mean((change.low <= 150 * p75) & (150 * p75 <= change.high)) <= 0.985
    assert np.mean(change.low > 0) > 0.95, "and finds a change of two and a half times"


def test_p_is_where_the_interval_reaches_zero():
    levels = (0.5, 0.9, 0.99)

    def p_of(value, *half_widths):
        return p_of_difference([Difference(*np.array([value, value - w, value + w])) for w in half_widths], levels)

    assert p_of(4.0, 1.0, 4.0, 9.0) == pytest.approx(0.1), "just at 90 %"
    assert p_of(-4.0, 1.0, 4.0, 9.0) == pytest.approx(0.1)
    assert p_of(4.0, 1.0, 2.0, np.nan) == pytest.approx(0.1), "no interval of 99 %: no surer than 90 %"
    assert p_of(4.0, 1.0, 2.0, 3.0) == pytest.approx(0.01), "and never surer than the last one asked"
    assert p_of(4.0, 8.0, 9.0, 10.0) > 0.5
    assert p_of(0.0, 0.0, 0.0, 0.0) == 1.0
    assert p_of(0.0, 1.0, 2.0, 3.0) == 1.0
    assert np.isnan(p_of(4.0, np.nan, np.nan, np.nan))


@settings(deadline=None)
@given(counts, counts)
def test_the_ratio_of_two_shares_agrees_with_koopmans_score_interval(first, second):
    (k1, n1), (k2, n2) = first, second
    ratio, low, high = risk_ratio_interval(k1, n1, k2, n2)
    if k2 == 0:
        assert high == np.inf
        return
    assert low <= ratio <= high
    if min(k1, n1 - k1, k2, n2 - k2) >= 10:
        peer = relative_risk(k1, n1, k2, n2)
        expected = peer.confidence_interval()
        assert (ratio, low, high) == pytest.approx((peer.relative_risk, expected.low, expected.high), rel=0.1)


@pytest.mark.parametrize(("n1", "p1", "n2", "p2"), [(20, 0.5, 200, 0.1), (40, 0.05, 300, 0.05), (120, 0.3, 110, 0.9)])
def test_the_interval_of_a_ratio_covers_the_true_one(n1, p1, n2, p2):
    chance = np.random.default_rng(n1)
    _, low, high = risk_ratio_interval(chance.binomial(n1, p1, 5000), n1, chance.binomial(n2, p2, 5000), n2)
    assert np.mean((low <= p1 / p2) & (p1 / p2 <= high)) >= 0.93


def test_p_of_two_shares_keeps_its_level_where_counts_are_small():
    chance = np.random.default_rng(11)
    for n1, n2, share in ((7, 200, 0.02), (20, 280, 0.1), (100, 200, 0.3)):
        k1, k2 = chance.binomial(n1, share, 4000), chance.binomial(n2, share, 4000)
        p = two_shares_p(k1, [n1] * 4000, k2, [n2] * 4000)
        assert np.mean(p <= 0.05) <= 0.06


@settings(deadline=None)
@given(counts, counts)
def test_p_of_two_shares_lies_near_fishers(first, second):
    (k1, n1), (k2, n2) = first, second
    ours = two_shares_p([k1], [n1], [k2], [n2])[0]
    fisher = stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue
    if np.isnan(ours):
        assert k1 + k2 in (0, n1 + n2)
    else:
        assert ours <= fisher + 0.02, "never more careful than Fisher, who is the most careful"
        assert ours >= fisher / 20 - 1e-3


def test_false_discoveries_as_in_the_paper():
    # Benjamini and Hochberg (1995), section 4: fifteen hypotheses, four rejected at 5 %, where Bonferroni rejects three
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    assert (benjamini_hochberg(p) <= 0.05).sum() == 4


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_false_discoveries_equal_scipys(p):
    assert np.allclose(benjamini_hochberg(p), stats.false_discovery_control(p))


def test_a_question_not_asked_does_not_count_among_the_discoveries():
    assert benjamini_hochberg([np.nan, 0.04, np.nan]).tolist()[1] == 0.04
    assert benjamini_hochberg([]).size == 0


def test_a_confidence_of_95_is_refused():
    with pytest.raises(ValueError, match="confidence is 95; give a share between 0 and 1"):
        wilson_interval(1, 2, 95)
