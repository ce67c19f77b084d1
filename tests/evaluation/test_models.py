"""The model that estimators correct: it never sees the reward that it foretells, and `mrdr` has the fit it wants."""

import numpy as np
import pytest

from processors.arrays import FloatArray
from processors.evaluation.estimators.doubly_robust import DoublyRobust
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.more_robust import MoreRobust
from processors.evaluation.models import cross_fitted, more_robust_counts

LOGGING = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]])
WORTH = np.array([[0.9, 0.5, 0.1], [0.2, 0.5, 0.6]])
ALWAYS = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
"""A target that always shows the last item, which the log shows rarely in the first context, often in the other."""


def log(count: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    context = rng.integers(2, size=count)
    item = (rng.random(count)[:, None] > np.cumsum(LOGGING, axis=1)[context]).sum(axis=1)
    return context, item, (rng.random(count) < WORTH[context, item]).astype(float)


def test_a_record_is_predicted_from_others_only() -> None:
    context, item, rewards = log(400, seed=1)
    predicted, expected = cross_fitted(item, context, rewards, ALWAYS)
    changed = rewards.copy()
    changed[7] = 1.0 - changed[7]
    again, expected_again = cross_fitted(item, context, changed, ALWAYS)
    assert (again[1::2] == predicted[1::2]).all()  # all of its own half
    assert (expected_again[1::2] == expected[1::2]).all()
    assert (again[0::2] != predicted[0::2]).any()


def test_what_is_expected_is_the_targets_mean_of_what_is_predicted() -> None:
    context, item, rewards = log(4_000, seed=2)
    predicted, expected = cross_fitted(item, context, rewards, ALWAYS)
    shown = item == 2
    np.testing.assert_allclose(predicted[shown], expected[shown])
    assert expected[context == 0].mean() == pytest.approx(WORTH[0, 2], abs=0.1)  # of 100 records, shrunk
    assert expected[context == 1].mean() == pytest.approx(WORTH[1, 2], abs=0.05)


def estimated(count: int, seed: int) -> tuple[DoublyRobust, DoublyRobust]:
    """`dr` and `mrdr` with a model that does not know of contexts: too simple, as models are."""
    context, item, rewards = log(count, seed)
    none = np.zeros_like(context)
    propensities = LOGGING[context, item]
    weights = ALWAYS[context, item] / propensities
    found = (DoublyRobust(), MoreRobust())
    for estimator, counts in zip(found, (None, more_robust_counts(weights, propensities)), strict=True):
        predicted, expected = cross_fitted(item, none, rewards, ALWAYS[:1], counts)
        estimator.add(Exposures(weights=weights, rewards=rewards, predicted=predicted, expected=expected))
    return found


def test_the_fit_for_mrdr_makes_its_value_surer_and_as_unbiased() -> None:
    truth = WORTH[:, 2].mean()
    runs = [estimated(2_000, seed) for seed in range(100)]
    plain, more = (np.array([run[which].value for run in runs]) for which in (0, 1))
    for values in (plain, more):
        assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(len(values))
    assert more.std() < 0.9 * plain.std()
    assert np.mean([run[1].standard_error for run in runs]) < 0.9 * np.mean([run[0].standard_error for run in runs])


def test_an_item_that_was_hardly_shown_is_foretold_by_its_group() -> None:
    item = np.array([0, 1, 2] * 200 + [3, 3])
    rewards = np.where(np.isin(item, [0]), 0.8, 0.2)
    none, always_last = np.zeros_like(item), np.array([[0.0, 0.0, 0.0, 1.0]])
    groups = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    with_groups, without = (
        cross_fitted(item, none, rewards, always_last, groups=given)[1].mean() for given in (groups, None)
    )
    assert with_groups > 0.6
    assert without < 0.5


def test_without_any_weight_all_records_count_alike() -> None:
    assert more_robust_counts(np.zeros(3), np.full(3, 0.5)).tolist() == [1.0, 1.0, 1.0]
