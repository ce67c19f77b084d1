"""The log of our own pages has what slate estimators need: weights of whole shelves and of rows are one on average."""

from functools import cache

import numpy as np
import pytest

from processors.evaluation.estimators.slates.rips import RewardInteraction
from processors.evaluation.estimators.slates.slate_columns import Slates
from schemas.outcomes import OutcomeSettled
from tests.evaluation.own_pages import SLOTS, off_one, outcomes, uniform_on, uniform_rows
from tests.pure_loop import PureLoop


@cache
def log_of(policy: str) -> tuple[PureLoop, list[OutcomeSettled], list[OutcomeSettled]]:
    """The outcomes of ranked pages and of random pages."""
    loop, every = outcomes(policy, seed=11, hours=2.0, control_share=0.3)
    ranked = [one for one in every if one.logged.policy_version != "uniform"]
    return loop, ranked, [one for one in every if one.logged.policy_version == "uniform"]


def all_shelves(policy: str) -> Slates:
    loop, ranked, _ = log_of(policy)
    parts = list(uniform_on(loop, ranked).values())
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("slot", "prefix", "rewards")}
    return Slates(**whole, seen=np.concatenate([part.there for part in parts]))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["epsilon-greedy", "thompson", "plackett-luce"])
def test_the_weight_of_a_whole_shelf_is_one_on_average(policy: str) -> None:
    log = all_shelves(policy)
    assert len(log.slot) > 2_000
    for slot in range(SLOTS):
        weights = log.prefix[log.there[:, slot] > 0.0, slot]
        assert off_one(weights) < 4.0, (slot, weights.mean())


@pytest.mark.slow
def test_the_product_of_the_weights_of_slots_is_not() -> None:
    log = all_shelves("epsilon-greedy")
    assert (log.slot**log.there).prod(axis=1).mean() > 3.0


@pytest.mark.slow
def test_the_value_of_random_shelves_by_the_log_of_others_is_that_of_random_shelves() -> None:
    loop, ranked, random = log_of("epsilon-greedy")
    truth = uniform_on(loop, random)
    for name, log in uniform_on(loop, ranked).items():
        estimated, shown = RewardInteraction(), RewardInteraction()
        estimated.add(log)
        shown.add(truth[name])
        assert np.abs(truth[name].joint - 1.0).max() < 1e-5
        error = np.hypot(estimated.estimate().standard_error, shown.estimate().standard_error)
        assert abs(estimated.value - shown.value) < 4.0 * error, name


@pytest.mark.slow
def test_the_weight_of_the_rows_of_a_page_is_one_on_average() -> None:
    loop, ranked, _ = log_of("epsilon-greedy")
    weights = uniform_rows(loop, ranked)
    assert off_one(weights) < 4.0, weights.mean()


@pytest.mark.slow
def test_every_exposure_of_a_ranking_has_what_the_ranking_said() -> None:
    _, ranked, random = log_of("epsilon-greedy")
    for one in (*ranked, *random):
        assert one.order_log_propensity is not None
        assert one.order_log_propensity <= np.log(one.propensity) + 1e-6
        assert one.row_log_propensity is not None
        assert one.row_propensity is not None
        assert one.row_log_propensity <= np.log(one.row_propensity) + 1e-6
