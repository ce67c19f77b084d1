"""What every policy owes: propensities that are a distribution, that are the frequencies, and that draws repeat."""

import numpy as np
import pytest
from scipy.stats import chisquare

from processors.policies.catalogue import POLICIES, policy_named
from processors.policies.keyed_draws import name_key, ranking_keys
from processors.policies.order_mixture import draw
from processors.policies.policy import Policy

PAGES = 100_000
ITEMS, SLOTS = 6, 4


@pytest.fixture(params=sorted(POLICIES))
def policy(request: pytest.FixtureRequest) -> Policy:
    return policy_named(request.param, epsilon=0.3)


@pytest.fixture
def scores() -> np.ndarray:
    return np.random.default_rng(3).random((5, ITEMS))


def keys(count: int, seed: int = 1) -> np.ndarray:
    users = np.array([name_key(f"u{number}") for number in range(count)], dtype=np.uint64)
    return ranking_keys(seed, users, np.ones(count, dtype=np.int64))


def test_marginals_are_a_distribution_in_every_slot(policy: Policy, scores: np.ndarray) -> None:
    marginals = policy.mixture(scores, SLOTS).marginals()
    assert marginals.shape == (5, SLOTS, ITEMS)
    assert (marginals >= 0.0).all()
    np.testing.assert_allclose(marginals.sum(axis=2), 1.0, atol=1e-12)
    assert (marginals.sum(axis=1) <= 1.0 + 1e-12).all(), "an item stands in at most one slot"


def test_a_drawn_order_repeats_no_item(policy: Policy, scores: np.ndarray) -> None:
    items = draw(policy.mixture(scores, SLOTS), keys(5)).items
    assert all(len(set(row)) == SLOTS for row in items.tolist())


def test_logged_propensities_are_those_of_the_distribution(policy: Policy, scores: np.ndarray) -> None:
    mixture = policy.mixture(scores, SLOTS)
    drawn = draw(mixture, keys(5))
    expected = np.take_along_axis(mixture.marginals(), drawn.items[:, :, None], axis=2)[:, :, 0]
    np.testing.assert_allclose(drawn.propensities, expected)
    assert (drawn.propensities > 0.0).all(), "what was drawn can be drawn"


def test_frequencies_over_many_pages_are_the_propensities(policy: Policy, scores: np.ndarray) -> None:
    one = np.repeat(scores[:1], PAGES, axis=0)
    mixture = policy.mixture(one, SLOTS)
    items = draw(mixture, keys(PAGES)).items
    expected = policy.mixture(scores[:1], SLOTS).marginals()[0]
    for slot in range(SLOTS):
        seen = np.bincount(items[:, slot], minlength=ITEMS)
        possible = expected[slot] > 1e-12
        assert not seen[~possible].any()
        if possible.sum() > 1:
            assert chisquare(seen[possible], PAGES * expected[slot][possible]).pvalue > 1e-4


def test_importance_weights_average_one_under_the_logging_policy(policy: Policy, scores: np.ndarray) -> None:
    one = np.repeat(scores[:1], PAGES, axis=0)
    drawn = draw(policy.mixture(one, SLOTS), keys(PAGES))
    target = policy_named("epsilon-greedy", epsilon=0.5).mixture(scores[:1], SLOTS).marginals()[0]
    weights = target[np.arange(SLOTS)[None, :], drawn.items] / drawn.propensities
    supported = (policy.mixture(scores[:1], SLOTS).marginals()[0] > 1e-12) | (target < 1e-12)
    if supported.all():
        error = weights.std(axis=0) / np.sqrt(PAGES)
        assert (np.abs(weights.mean(axis=0) - 1.0) < 5.0 * error + 1e-9).all()


def test_a_draw_is_a_function_of_its_key_alone(policy: Policy, scores: np.ndarray) -> None:
    together = draw(policy.mixture(scores, SLOTS), keys(5)).items
    alone = [draw(policy.mixture(scores[n : n + 1], SLOTS), keys(5)[n : n + 1]).items[0] for n in range(5)]
    np.testing.assert_array_equal(together, np.array(alone))
    assert keys(5, seed=1).tolist() != keys(5, seed=2).tolist()


def test_a_policy_refuses_an_epsilon_that_is_no_probability() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        policy_named("epsilon-greedy", epsilon=1.5)
