"""What every policy owes: propensities that are a distribution, that are the frequencies, and that draws repeat."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import name_key, ranking_keys
from processors.policies.order_mixture import OrderMixture, draw
from processors.policies.policy import Policy
from processors.policies.policy_catalogue import POLICIES, policy_named
from processors.policies.policy_settings import PolicySettings
from processors.policies.thompson import ThompsonPolicy

PAGES = 100_000
ITEMS, SLOTS = 6, 4
KNOBS = PolicySettings(epsilon=0.3, draws=16)
DETERMINISTIC = {"epsilon-greedy", "greedy", "ucb", "uniform"}


@pytest.fixture(params=sorted(POLICIES))
def policy(request: pytest.FixtureRequest) -> Policy:
    return policy_named(request.param, KNOBS)


@pytest.fixture
def beliefs() -> Beliefs:
    rng = np.random.default_rng(3)
    mean, count = rng.random((5, ITEMS)) / 3.0, rng.integers(20, 400, (5, ITEMS)).astype(float)
    return Beliefs(mean=mean, sd=np.sqrt(mean * (1 - mean) / count), count=count)


def rows(beliefs: Beliefs, chosen: slice) -> Beliefs:
    return Beliefs(mean=beliefs.mean[chosen], sd=beliefs.sd[chosen], count=beliefs.count[chosen])


def keys(count: int, seed: int = 1) -> np.ndarray:
    users = np.array([name_key(f"u{number}") for number in range(count)], dtype=np.uint64)
    return ranking_keys(seed, users, np.ones(count, dtype=np.int64))


def for_many_pages(mixture: OrderMixture) -> OrderMixture:
    """The mixture of the first listener, for as many pages as are drawn from it."""
    return OrderMixture(
        orders=np.repeat(mixture.orders[:1], PAGES, axis=0),
        weights=np.repeat(mixture.weights[:1], PAGES, axis=0),
        items=mixture.items,
    )


def test_marginals_are_a_distribution_in_every_slot(policy: Policy, beliefs: Beliefs) -> None:
    marginals = policy.mixture(beliefs, SLOTS, keys(5)).marginals()
    assert marginals.shape == (5, SLOTS, ITEMS)
    assert (marginals >= 0.0).all()
    np.testing.assert_allclose(marginals.sum(axis=2), 1.0, atol=1e-12)
    assert (marginals.sum(axis=1) <= 1.0 + 1e-12).all(), "an item stands in at most one slot"


def test_a_drawn_order_repeats_no_item(policy: Policy, beliefs: Beliefs) -> None:
    items = draw(policy.mixture(beliefs, SLOTS, keys(5)), keys(5)).items
    assert all(len(set(row)) == SLOTS for row in items.tolist())


def test_logged_propensities_are_those_of_the_distribution(policy: Policy, beliefs: Beliefs) -> None:
    mixture = policy.mixture(beliefs, SLOTS, keys(5))
    drawn = draw(mixture, keys(5))
    expected = np.take_along_axis(mixture.marginals(), drawn.items[:, :, None], axis=2)[:, :, 0]
    np.testing.assert_allclose(drawn.propensities, expected)
    assert (drawn.propensities > 0.0).all(), "what was drawn can be drawn"


def test_frequencies_over_many_pages_are_the_propensities(policy: Policy, beliefs: Beliefs) -> None:
    mixture = policy.mixture(rows(beliefs, slice(1)), SLOTS, keys(1))
    items = draw(for_many_pages(mixture), keys(PAGES)).items
    expected = mixture.marginals()[0]
    for slot in range(SLOTS):
        seen = np.bincount(items[:, slot], minlength=ITEMS)
        possible = expected[slot] > 1e-12
        assert not seen[~possible].any()
        if possible.sum() > 1:
            assert chisquare(seen[possible], PAGES * expected[slot][possible]).pvalue > 1e-4


def test_importance_weights_average_one_under_the_logging_policy(policy: Policy, beliefs: Beliefs) -> None:
    mixture = policy.mixture(rows(beliefs, slice(1)), SLOTS, keys(1))
    drawn = draw(for_many_pages(mixture), keys(PAGES))
    other = policy_named("epsilon-greedy", PolicySettings(epsilon=0.5))
    target = other.mixture(rows(beliefs, slice(1)), SLOTS, keys(1)).marginals()[0]
    weights = target[np.arange(SLOTS)[None, :], drawn.items] / drawn.propensities
    explores = ((mixture.marginals()[0] > 1e-12) | (target < 1e-12)).all()
    assert explores or policy.version == "greedy", "every policy but greedy can show everything"
    if explores:
        error = weights.std(axis=0) / np.sqrt(PAGES)
        assert (np.abs(weights.mean(axis=0) - 1.0) < 5.0 * error + 1e-9).all()


def test_weights_average_one_over_fresh_draws_of_the_orders_too(beliefs: Beliefs) -> None:
    one = Beliefs(**{name: np.repeat(getattr(beliefs, name)[:1], PAGES, axis=0) for name in ("mean", "sd", "count")})
    target = policy_named("greedy").mixture(rows(beliefs, slice(1)), SLOTS, keys(1)).marginals()[0]
    for name in ("thompson", "plackett-luce"):
        drawn = draw(policy_named(name, KNOBS).mixture(one, SLOTS, keys(PAGES)), keys(PAGES))
        weights = target[np.arange(SLOTS)[None, :], drawn.items] / drawn.propensities
        error = weights.std(axis=0) / np.sqrt(PAGES)
        assert (np.abs(weights.mean(axis=0) - 1.0) < 5.0 * error + 1e-9).all()


@pytest.mark.parametrize("name", sorted(set(POLICIES) - DETERMINISTIC))
def test_frequencies_over_draws_are_within_their_stated_error_of_the_ideal_propensity(
    name: str, beliefs: Beliefs
) -> None:
    one, draws, repeats = rows(beliefs, slice(1)), 64, 60
    knobs = PolicySettings(epsilon=0.0, draws=4_000 if name.startswith("river") else 40_000)
    ideal = policy_named(name, knobs).mixture(one, SLOTS, keys(1)).marginals()[0]
    policy = policy_named(name, PolicySettings(epsilon=0.0, draws=draws))
    found = np.array([policy.mixture(one, SLOTS, key[None]).marginals()[0] for key in keys(repeats, seed=2)])
    stated = np.sqrt(ideal * (1.0 - ideal) / draws)
    if name == "river-ucb":
        assert (found == found[0]).all(), "River's UCB is certain but for ties"
        return
    assert (np.abs(found.mean(axis=0) - ideal) <= 5.0 * stated / np.sqrt(repeats) + 0.02).all()
    spread = np.sqrt(((found - ideal) ** 2).mean(axis=0))
    likely = ideal > 0.05
    assert (spread[likely] < 1.4 * stated[likely]).all()
    assert (spread[likely] > 0.6 * stated[likely]).all()


def test_the_first_place_of_plackett_luce_is_a_softmax(beliefs: Beliefs) -> None:
    one = rows(beliefs, slice(1))
    knobs = PolicySettings(epsilon=0.0, draws=40_000, temperature=0.1)
    first = policy_named("plackett-luce", knobs).mixture(one, SLOTS, keys(1)).marginals()[0, 0]
    weight = np.exp(one.mean[0] / 0.1)
    np.testing.assert_allclose(first, weight / weight.sum(), atol=0.012)


def test_thompson_is_sure_where_nothing_is_in_doubt_and_explores_where_it_is() -> None:
    mean, count = np.array([[0.2, 0.1, 0.1]]), np.full((1, 3), 100.0)
    sure = ThompsonPolicy(64, 0.0).mixture(Beliefs(mean=mean, sd=0 * mean, count=count), 1, keys(1))
    unsure = ThompsonPolicy(64, 0.0).mixture(
        Beliefs(mean=mean, sd=np.array([[0.01, 0.01, 0.2]]), count=count), 1, keys(1)
    )
    assert sure.marginals()[0, 0].tolist() == [1.0, 0.0, 0.0]
    assert unsure.marginals()[0, 0, 2] > 0.2 > unsure.marginals()[0, 0, 1]


def test_ucb_prefers_what_may_yet_be_good() -> None:
    mean, sd = np.array([[0.2, 0.15]]), np.array([[0.01, 0.1]])
    order = policy_named("ucb", PolicySettings(epsilon=0.0)).mixture(
        Beliefs(mean=mean, sd=sd, count=1 / sd), 2, keys(1)
    )
    assert order.orders[0, 0].tolist() == [1, 0]


def test_a_draw_is_a_function_of_its_key_alone(policy: Policy, beliefs: Beliefs) -> None:
    together = draw(policy.mixture(beliefs, SLOTS, keys(5)), keys(5))
    for n in range(5):
        one = draw(policy.mixture(rows(beliefs, slice(n, n + 1)), SLOTS, keys(5)[n : n + 1]), keys(5)[n : n + 1])
        np.testing.assert_array_equal(together.items[n], one.items[0])
        np.testing.assert_array_equal(together.propensities[n], one.propensities[0])
    assert keys(5, seed=1).tolist() != keys(5, seed=2).tolist()


@settings(max_examples=50)
@given(st.integers(1, 12), st.integers(1, 7), st.integers(0, 2**32), st.sampled_from(sorted(DETERMINISTIC)))
def test_every_shape_of_shelf_gives_a_distribution(items: int, draws: int, seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    beliefs = Beliefs(mean=rng.random((3, items)), sd=rng.random((3, items)), count=1.0 + rng.random((3, items)))
    for one in (name, "thompson", "plackett-luce"):
        policy = policy_named(one, PolicySettings(epsilon=float(rng.random()), draws=draws))
        marginals = policy.mixture(beliefs, min(items, 5), keys(3)).marginals()
        np.testing.assert_allclose(marginals.sum(axis=2), 1.0, atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"epsilon": 1.5}, "from 0 to 1"), ({"draws": 0}, "at least one"), ({"temperature": 0.0}, "pos")],
)
def test_a_policy_refuses_what_cannot_be(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PolicySettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "says"), [("thompson", "16-draws"), ("plackett-luce", "16-draws"), ("ucb", "0.3")])
def test_the_version_that_is_logged_says_how_propensities_came_about(name: str, says: str) -> None:
    assert says in policy_named(name, KNOBS).version
