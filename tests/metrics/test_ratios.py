"""Differences over listeners: any-time error, power, what adjustment saves, and the test of the split."""

from math import sqrt

import numpy as np
import pytest

from processors.metrics.listener_ratios import Arm, difference_of, ratio_of
from processors.metrics.sample_ratio import split_evidence, split_p
from tests.metrics.planted_experiment import Planted, differences, is_sure

RUNS = 120
ALPHA = 0.05


@pytest.mark.parametrize(
    "planted",
    [
        Planted(),
        Planted(taste_sd=0.2, days_before=5),
        Planted(taste_sd=0.0),
        Planted(days=50, comes=0.1),
    ],
    ids=["tastes", "adjusted", "no tastes", "rare visits"],
)
def test_looking_every_day_calls_an_effect_that_is_not_there_at_most_as_often_as_alpha(planted: Planted) -> None:
    runs = [differences(planted, seed, ALPHA) for seed in range(RUNS)]
    assert sum(any(map(is_sure, run)) for run in runs) <= ALPHA * RUNS
    fixed = [any(one is not None and abs(one.value) > 1.96 * one.error for one in run) for run in runs]
    assert sum(fixed) > 2 * ALPHA * RUNS, "an interval for one look does call it"
    final = [run[-1] for run in runs if run[-1] is not None]
    assert np.mean([one.error for one in final]) == pytest.approx(np.std([one.value for one in final]), rel=0.2)


def test_an_effect_is_found_and_the_interval_covers_it_at_every_look() -> None:
    planted = Planted(listeners=3_000, days=20, effect=0.03)
    runs = [differences(planted, seed, ALPHA) for seed in range(40)]
    assert sum(is_sure(run[-1]) for run in runs) >= 0.9 * 40
    missed = sum(any(one is not None and not one.low <= 0.03 <= one.high for one in run) for run in runs)
    assert missed <= 2


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_adjustment_leaves_the_share_of_the_variance_that_the_planted_correlation_says(correlation: float) -> None:
    rng = np.random.default_rng(7)
    both = rng.multivariate_normal([5.0, 5.0], [[1.0, correlation], [correlation, 1.0]], size=6_000)
    ones = np.ones(3_000)
    arms = [Arm(part[:, 1], ones, np.stack([part[:, 0], ones], axis=1)) for part in (both[:3_000], both[3_000:])]
    found = difference_of(*arms, clock=6_000)
    assert found is not None
    assert found.variance_left == pytest.approx(1.0 - correlation**2, abs=0.03)
    assert abs(found.value) < 4 * found.error
    assert found.error == pytest.approx(sqrt(2.0 / 3_000 * (1.0 - correlation**2)), rel=0.06)


def test_a_difference_needs_enough_listeners_none_of_whom_is_everything() -> None:
    few = Arm(np.repeat([0.0, 1.0], 40), np.ones(80), np.zeros((80, 2)))
    many = Arm(np.repeat([0.0, 1.0], 400), np.ones(800), np.zeros((800, 2)))
    for arms in ((few, many), (many, few)):
        found = difference_of(*arms, clock=880)
        assert found is not None
        assert np.isinf(found.high)
    whale = Arm(np.append(many.top, 10_000.0), np.ones(801), np.zeros((801, 2)))
    found = difference_of(many, whale, clock=1_601)
    assert found is not None
    assert found.low == -np.inf
    nothing = Arm(np.zeros(800), np.zeros(800), np.zeros((800, 2)))
    assert difference_of(many, nothing, clock=1_600) is None
    assert ratio_of(nothing.top, nothing.bottom) is None


def worst_p(counts: np.ndarray, shares: list[float]) -> float:
    """The smallest p over all looks at counts [looks, variants]."""
    return min(split_p(split_evidence(look.tolist(), shares)) for look in counts)


def test_a_right_split_is_called_broken_at_most_as_often_as_alpha_and_a_broken_one_is_found() -> None:
    def looks(seed: int, shares: list[float]) -> np.ndarray:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x5A,)))
        return np.cumsum(rng.multinomial(200, shares, size=150), axis=0)

    wanted = [0.5, 0.3, 0.2]
    right = [worst_p(looks(seed, wanted), wanted) for seed in range(RUNS)]
    assert sum(p < ALPHA for p in right) <= ALPHA * RUNS
    broken = [worst_p(looks(seed, [0.47, 0.33, 0.2]), wanted) for seed in range(20)]
    assert all(p < 0.001 for p in broken)
    assert worst_p(np.array([[10, 1]]), [1.0, 0.0]) == 0.0, "a listener where there can be none"
