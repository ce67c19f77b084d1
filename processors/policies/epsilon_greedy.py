"""`epsilon-greedy`: mostly the best order, sometimes any order."""

import numpy as np

from processors.arrays import FloatArray
from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import OrderMixture
from processors.policies.policy import best_first


class EpsilonGreedyPolicy:
    """With probability 1 - epsilon the best order, else a shuffle of all valid items.

    One coin is tossed per shelf, not per slot: then the probability of each item in each slot is exactly
    (1 - epsilon) 1[it is best there] + epsilon / m, instead of a product of conditional draws.

    >>> EpsilonGreedyPolicy(0.1).version
    'epsilon-greedy-0.1'
    >>> beliefs = Beliefs.certain(np.array([[0.0, 1.0]]))
    >>> EpsilonGreedyPolicy(0.1).mixture(beliefs, 1, np.zeros(1, np.uint64)).marginals().round(3).tolist()
    [[[0.05, 0.95]]]
    """

    weighs_doubt = False
    leads_with_best = True

    def __init__(self, epsilon: float) -> None:
        self.epsilon = epsilon
        self.version = f"epsilon-greedy-{epsilon:g}"

    def mixture(self, beliefs: Beliefs, slots: int, keys: KeyArray) -> OrderMixture:  # noqa: ARG002  nothing is sampled
        """One order with weight 1 - epsilon."""
        return single_order(beliefs.mean, slots, self.epsilon)


def single_order(scores: FloatArray, slots: int, epsilon: float) -> OrderMixture:
    """The best order by `scores` [n, m] with weight 1 - epsilon, else a shuffle."""
    weights = np.full((len(scores), 1), 1.0 - epsilon)
    return OrderMixture(orders=best_first(scores, slots)[:, None, :], weights=weights, items=scores.shape[1])
