"""`epsilon-greedy`: mostly the best order, sometimes any order."""

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.policies.order_mixture import OrderMixture
from processors.policies.policy import best_first


class EpsilonGreedyPolicy:
    """With probability 1 - epsilon the best order, else a shuffle of all valid items.

    One coin is tossed for a shelf, not one a slot: then the probability of every item in every slot is exact,
    (1 - epsilon) 1[it is best there] + epsilon / m, and no product of conditional draws.

    >>> EpsilonGreedyPolicy(0.1).version
    'epsilon-greedy-0.1'
    >>> EpsilonGreedyPolicy(0.1).mixture(np.array([[0.0, 1.0]]), 1).marginals().round(3).tolist()
    [[[0.05, 0.95]]]
    """

    def __init__(self, epsilon: float) -> None:
        if not 0.0 <= epsilon <= 1.0:
            raise ValueError(f"epsilon is {epsilon}; it is a probability, from 0 to 1")
        self.epsilon = epsilon
        self.version = f"epsilon-greedy-{epsilon:g}"

    def mixture(self, scores: FloatArray, slots: int) -> OrderMixture:
        """One order with weight 1 - epsilon."""
        orders = best_first(scores, slots)[:, None, :]
        weights = np.full((len(scores), 1), 1.0 - self.epsilon)
        return OrderMixture(orders=orders, weights=weights, items=scores.shape[1])
