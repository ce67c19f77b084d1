"""River's bandit policies on our statistics: each can order a shelf, with known propensities."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from river import bandit, proba

from processors.arrays import FloatArray, IntArray
from processors.bandit.river_statistics import as_beta, as_mean
from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray, keyed_seed
from processors.policies.order_mixture import OrderMixture

COUNT_MAX = 1e6


class RiverPolicy:
    """Pulls arms of a River policy, without replacement, into the slots, once per draw.

    River's policies return one arm and no propensity. Here a stated number of orders is pulled and one of them is
    shown, as with every sampling policy. It works item by item and listener by listener: for comparisons, not for
    production.
    """

    weighs_doubt = True
    leads_with_best = False

    def __init__(self, name: str, make: Callable[[int], Any], draws: int, epsilon: float) -> None:
        self.make, self.draws, self.epsilon = make, draws, epsilon
        self.version = f"river-{name}-{draws}-draws-{epsilon:g}"

    def mixture(self, beliefs: Beliefs, slots: int, keys: KeyArray) -> OrderMixture:
        """One order per draw."""
        listeners, items = beliefs.mean.shape
        orders = np.empty((listeners, self.draws, slots), dtype=np.int64)
        for row in range(listeners):
            orders[row] = self._orders(beliefs.mean[row], beliefs.count[row], slots, keyed_seed(keys[row]))
        weights = np.full((listeners, self.draws), (1.0 - self.epsilon) / self.draws)
        return OrderMixture(orders=orders, weights=weights, items=items)

    def _orders(self, mean: FloatArray, count: FloatArray, slots: int, seed: int) -> IntArray:
        policy = primed(self.make(seed), mean, np.minimum(count, COUNT_MAX), seed)
        return np.array([_order(policy, list(range(len(mean))), slots) for _ in range(self.draws)])


def primed(policy: Any, mean: FloatArray, count: FloatArray, seed: int) -> Any:
    """A River policy in the state that a number of exposures with this mean reward per arm would have produced.

    >>> policy = primed(bandit.EpsilonGreedy(epsilon=0.0), np.array([0.1, 0.4]), np.array([10.0, 10.0]), seed=1)
    >>> policy.pull([0, 1])
    1
    """
    for arm, (expected, exposures) in enumerate(zip(mean.tolist(), count.tolist(), strict=True)):
        if isinstance(policy.reward_obj, proba.Beta):
            earned = min(max(expected, 0.0), 1.0) * exposures
            policy._rewards[arm] = as_beta(exposures, earned, prior=1e-3, seed=seed + arm)  # noqa: SLF001
        else:
            policy._rewards[arm] = as_mean(exposures, expected * exposures)  # noqa: SLF001
        policy._counts[arm] = exposures  # noqa: SLF001  River has no public API for this
        policy._n += exposures  # noqa: SLF001
    return policy


def _order(policy: Any, arms: Sequence[int], slots: int) -> list[int]:
    left, order = list(arms), []
    for _ in range(slots):
        order.append(policy.pull(left))
        left.remove(order[-1])
    return order


def river_thompson(draws: int, epsilon: float) -> RiverPolicy:
    """River's Thompson sampling on Beta posteriors."""
    return RiverPolicy(
        "thompson", lambda seed: bandit.ThompsonSampling(reward_obj=proba.Beta(), seed=seed), draws, epsilon
    )


def river_ucb(width: float, draws: int, epsilon: float) -> RiverPolicy:
    """River's UCB on running means."""
    return RiverPolicy(f"ucb-{width:g}", lambda seed: bandit.UCB(delta=width, seed=seed), draws, epsilon)
