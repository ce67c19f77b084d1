"""`ucb`: in the order of upper confidence bounds."""

from processors.policies.beliefs import Beliefs
from processors.policies.epsilon_greedy import single_order
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import OrderMixture


class UpperConfidencePolicy:
    """Orders by mean + width standard deviations (Auer, Cesa-Bianchi, Fischer, Machine Learning 47, 2002).

    The order is deterministic, so it would be logged with propensity one; a shuffle with probability epsilon makes the
    log usable for other policies. Nothing is sampled: propensities are exact.
    """

    weighs_doubt = True
    leads_with_best = False

    def __init__(self, width: float, epsilon: float) -> None:
        self.width, self.epsilon = width, epsilon
        self.version = f"ucb-{width:g}-{epsilon:g}"

    def mixture(self, beliefs: Beliefs, slots: int, keys: KeyArray) -> OrderMixture:  # noqa: ARG002  nothing is sampled
        """One order with weight 1 - epsilon."""
        return single_order(beliefs.mean + self.width * beliefs.sd, slots, self.epsilon)
