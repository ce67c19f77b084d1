"""What every estimator of shelves owes, and what each may be trusted with."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator import Estimator
from processors.evaluation.estimators.slates.cascade_dr import CascadeDoublyRobust
from processors.evaluation.estimators.slates.iips import IndependentSlots, SlotSelfNormalised
from processors.evaluation.estimators.slates.pseudo_inverse import PseudoInverse, linear_weights
from processors.evaluation.estimators.slates.rips import RewardInteraction, RewardInteractionSelfNormalised
from processors.evaluation.estimators.slates.slate_columns import Slates
from processors.evaluation.estimators.slates.whole_shelf import SlateInversePropensity, SlateSelfNormalised
from processors.evaluation.estimators.snips import SelfNormalised
from processors.evaluation.planted_shelves import ShelfWorld
from processors.policies.beliefs import Beliefs
from processors.policies.order_mixture import OrderMixture, draw
from processors.policies.policy_catalogue import policy_named
from processors.policies.policy_settings import PolicySettings

ITEMS, SLOTS = 5, 3
Make = Callable[[], Estimator[Slates]]
INTERACTIONS: dict[str, Make] = {
    "slate-ips": SlateInversePropensity,
    "slate-snips": SlateSelfNormalised,
    "rips": RewardInteraction,
    "rips-sn": lambda: RewardInteractionSelfNormalised(SLOTS),
    "cascade-dr": CascadeDoublyRobust,
}
"""Right where a card depends on those before it."""
EVERY: dict[str, Make] = {
    **INTERACTIONS,
    "iips": IndependentSlots,
    "slot-snips": lambda: SlotSelfNormalised(SLOTS),
    "pseudo-inverse": PseudoInverse,
}


def world(name: str, seed: int = 3) -> ShelfWorld:
    """One in which this estimator is right."""
    return ShelfWorld(seed, ITEMS, SLOTS, interaction_sd=1.0 if name in INTERACTIONS else 0.0)


def policies(planted: ShelfWorld) -> tuple[FloatArray, FloatArray]:
    """A logging policy that prefers one order, and a target that prefers another."""
    return planted.showing(7, epsilon=0.7), planted.showing(21, epsilon=0.5)


def read(name: str, *parts: Slates) -> Estimator[Slates]:
    estimator = EVERY[name]()
    for part in parts:
        estimator.add(part)
    return estimator


def drawn(name: str, count: int, seed: int) -> tuple[Slates, float]:
    planted = world(name)
    logging, target = policies(planted)
    return planted.draw(logging, target, count, seed), planted.value(target)


def told(estimator: Estimator[Slates]) -> list[float]:
    found = estimator.estimate()
    return [found.value, found.standard_error, found.high, found.ess, found.weight_mean]


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=20)
@given(st.integers(0, 40), st.randoms(use_true_random=False))
def test_parts_add_up_to_the_whole_in_any_order(name: str, place: int, random: Any) -> None:
    log, _ = drawn(name, 40, seed=1)
    whole = told(read(name, log))
    one, other = log[:place], log[place:]
    np.testing.assert_allclose(told(read(name, one) + read(name, other)), whole, rtol=1e-7)
    np.testing.assert_allclose(told(read(name, other, one)), whole, rtol=1e-7)


@pytest.mark.parametrize("name", EVERY)
def test_of_nothing_nothing_is_said(name: str) -> None:
    found = read(name, drawn(name, 40, seed=1)[0][:0]).estimate()
    assert np.isnan(found.value)
    assert "the log is empty" in found.verdict.reason


@pytest.mark.parametrize("name", EVERY)
def test_one_shelf_has_a_value_but_no_interval_and_is_withheld(name: str) -> None:
    ones = np.ones((1, SLOTS))
    one = Slates(slot=ones, prefix=ones, rewards=ones, predicted=ones, expected=ones, linear=np.ones(1))
    found = read(name, one).estimate()
    assert found.value == pytest.approx(SLOTS)
    assert np.isnan(found.standard_error)
    assert not found.verdict.is_shown


@pytest.mark.parametrize("name", EVERY)
def test_shelves_that_the_target_never_shows_are_withheld(name: str) -> None:
    nothing, ones = np.zeros((500, SLOTS)), np.ones((500, SLOTS))
    log = Slates(slot=nothing, prefix=nothing, rewards=ones, predicted=ones, expected=ones, linear=np.zeros(500))
    assert not read(name, log).estimate().verdict.is_shown


@pytest.mark.parametrize("name", EVERY)
def test_on_a_policys_own_log_its_value_is_the_mean(name: str) -> None:
    planted = world(name)
    logging, _ = policies(planted)
    log = planted.draw(logging, logging, 20_000, seed=4)
    found = read(name, log).estimate()
    tolerance = 4 * found.standard_error if name == "cascade-dr" else 1e-9
    assert found.value == pytest.approx(log.earned.mean(), abs=tolerance)
    assert found.weight_mean == pytest.approx(1.0)


@pytest.mark.parametrize("name", EVERY)
def test_the_truth_is_met_on_average_and_lies_in_the_interval_as_often_as_is_said(name: str) -> None:
    found, truths = [], []
    for seed in range(200):
        log, truth = drawn(name, 2_000, seed)
        found.append(read(name, log).estimate())
        truths.append(truth)
    values = np.array([one.value for one in found])
    assert abs(values.mean() - truths[0]) < 4 * values.std() / np.sqrt(len(values))
    assert np.mean([one.low <= truths[0] <= one.high for one in found]) > 0.91
    assert np.mean([one.standard_error for one in found]) == pytest.approx(values.std(), rel=0.2)
    assert np.mean([one.weight_mean for one in found]) == pytest.approx(1.0, abs=0.02)


def test_slots_by_themselves_do_not_see_what_a_card_does_to_the_next() -> None:
    planted = world("rips")
    order = int(planted.rates.sum(axis=1).argmin())
    log = planted.draw(planted.uniform, planted.showing(order), 100_000, seed=5)
    truth = planted.value(planted.showing(order))
    rips, iips = (read(name, log).estimate() for name in ("rips", "iips"))
    assert abs(rips.value - truth) < 3 * rips.standard_error
    assert abs(iips.value - truth) > 10 * iips.standard_error


@pytest.mark.parametrize("name", ["iips", "slot-snips", "pseudo-inverse"])
def test_what_takes_slots_for_independent_is_withheld_where_they_are_not(name: str) -> None:
    interacting, additive = world("rips"), world(name)
    told_of = []
    for planted in (interacting, additive):
        logging, target = policies(planted)
        told_of.append(read(name, planted.draw(logging, target, 50_000, seed=5)).estimate().verdict)
    assert "not 0: use rips" in told_of[0].reason
    assert told_of[1].is_shown


def test_a_good_model_makes_it_narrower_and_a_bad_one_does_no_harm() -> None:
    planted = world("cascade-dr")
    logging, target = policies(planted)
    good = read("cascade-dr", planted.draw(logging, target, 20_000, seed=6)).estimate()
    wrong = np.full_like(planted.rates, 0.4)
    bad = read("cascade-dr", planted.draw(logging, target, 20_000, seed=6, model=wrong)).estimate()
    rips = read("rips", planted.draw(logging, target, 20_000, seed=6)).estimate()
    assert good.standard_error < 0.9 * rips.standard_error
    for found in (good, bad):
        assert abs(found.value - planted.value(target)) < 3 * found.standard_error


def test_shelves_are_exposures_too() -> None:
    log, _ = drawn("slate-snips", 2_000, seed=1)
    per_shelf = SelfNormalised()
    per_shelf.add(log.per_shelf())
    assert told_value(per_shelf) == told_value(read("slate-snips", log))


def told_value(estimator: Estimator[Any]) -> tuple[float, float]:
    found = estimator.estimate()
    return found.value, found.standard_error


@pytest.mark.parametrize("name", ["iips", "slot-snips", "rips", "rips-sn", "slate-ips", "slate-snips", "cascade-dr"])
def test_slots_that_are_not_there_change_nothing(name: str) -> None:
    log, _ = drawn(name, 500, seed=2)
    seen = np.ones((500, SLOTS + 1))
    seen[:, -1] = 0.0

    def padded(column: FloatArray | None, by: float) -> FloatArray:
        assert column is not None
        return np.hstack([column, np.full((500, 1), by)])

    wider = Slates(
        slot=padded(log.slot, 7.0),
        prefix=padded(log.prefix, 7.0),
        rewards=padded(log.rewards, 1.0),
        predicted=padded(log.predicted, 1.0),
        expected=padded(log.expected, 1.0),
        seen=seen,
    )
    makes: dict[str, Make] = {
        "slot-snips": lambda: SlotSelfNormalised(SLOTS + 1),
        "rips-sn": lambda: RewardInteractionSelfNormalised(SLOTS + 1),
    }
    estimator = makes.get(name, EVERY[name])()
    estimator.add(wider)
    np.testing.assert_allclose(told(estimator), told(read(name, log)), rtol=1e-9)


BELIEFS = Beliefs(mean=np.array([[0.3, 0.5, 0.1, 0.4, 0.2]]), sd=np.full((1, 5), 0.15), count=np.full((1, 5), 10.0))


def mixture(policy: str, epsilon: float = 0.3) -> OrderMixture:
    chosen = policy_named(policy, PolicySettings(epsilon=epsilon, temperature=0.1))
    return chosen.mixture(BELIEFS, SLOTS, np.array([9], dtype=np.uint64))


def pages(logging: OrderMixture, count: int) -> Any:
    """So many pages of ours, all of one listener."""
    again = OrderMixture(
        orders=np.repeat(logging.orders, count, axis=0),
        weights=np.repeat(logging.weights, count, axis=0),
        items=logging.items,
    )
    return draw(again, np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)), again


def test_on_our_own_pages_weights_of_whole_shelves_are_one_on_average_and_products_of_slots_are_not() -> None:
    logging, target = mixture("epsilon-greedy", 0.1), mixture("epsilon-greedy", 0.9)
    drawn_pages, many = pages(logging, 200_000)
    items = drawn_pages.items
    of_target = OrderMixture(
        orders=np.repeat(target.orders, len(items), axis=0),
        weights=np.repeat(target.weights, len(items), axis=0),
        items=target.items,
    )
    prefix = of_target.prefix_propensities(items) / many.prefix_propensities(items)
    slot = of_target.propensities(items) / many.propensities(items)
    for weights in (*prefix.T, *slot.T, linear_weights(logging, target.marginals()[0], items)):
        assert abs(weights.mean() - 1.0) < 4 * weights.std() / np.sqrt(len(weights))
    assert np.prod(slot, axis=1).mean() > 3.0


@pytest.mark.parametrize("policy", ["epsilon-greedy", "uniform", "thompson", "plackett-luce"])
def test_prefixes_are_shown_as_often_as_is_said(policy: str) -> None:
    drawn_pages, many = pages(mixture(policy), 100_000)
    told_of = many.prefix_propensities(drawn_pages.items)
    for length in range(1, SLOTS + 1):
        found, place, counts = np.unique(drawn_pages.items[:, :length], axis=0, return_index=True, return_counts=True)
        probability = told_of[place, length - 1]
        assert len(found) == 1 or probability.sum() == pytest.approx(1.0, abs=0.02)
        error = np.sqrt(probability * (1 - probability) / len(told_of))
        assert (np.abs(counts / len(told_of) - probability) <= 5 * error + 1e-12).all()


def test_the_pseudo_inverse_of_a_mixture_is_that_of_its_orders() -> None:
    planted = ShelfWorld(1, ITEMS, SLOTS)
    logging, target = planted.showing(7, epsilon=0.7), planted.showing(21, epsilon=0.5)
    as_mixture = OrderMixture(orders=planted.orders[None, [7]], weights=np.array([[0.3]]), items=ITEMS)
    there = np.eye(ITEMS)[planted.orders]
    found = linear_weights(as_mixture, np.einsum("o,osi->si", target, there), planted.orders)
    np.testing.assert_allclose(found, planted.linear_weights(logging, target), atol=1e-6)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"slot": [1.0], "prefix": [1.0], "rewards": [0.0]}, "pass one row per shelf"),
        ({"slot": [[1.0]], "prefix": [[1.0, 1.0]], "rewards": [[0.0]]}, "give one value for each record"),
        ({"slot": [[1.0]], "prefix": [[-1.0]], "rewards": [[0.0]]}, "prefix contain -1 at 0"),
        ({"slot": [[1.0]], "prefix": [[1.0]], "rewards": [[np.nan]]}, "rewards contain nan"),
    ],
)
def test_a_bad_column_is_named(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Slates(**columns)


@pytest.mark.parametrize(("name", "column"), [("cascade-dr", "predicted"), ("pseudo-inverse", "linear")])
def test_a_missing_column_is_named(name: str, column: str) -> None:
    with pytest.raises(ValueError, match=f"{name} needs the column `{column}`"):
        read(name, Slates(slot=np.ones((2, 3)), prefix=np.ones((2, 3)), rewards=np.ones((2, 3))))


def test_shelves_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="pad them to 3"):
        read("rips-sn", Slates(slot=np.ones((2, 2)), prefix=np.ones((2, 2)), rewards=np.ones((2, 2))))
