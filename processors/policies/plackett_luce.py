"""`plackett-luce`: better items are more likely to come first, then second, and so on."""

import numpy as np

from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import OrderMixture
from processors.policies.sampled_orders import keyed_noise, sampled_orders


class PlackettLucePolicy:
    """Draws items one after the other without replacement, each with probability ~ exp(mean / temperature).

    Drawn by sorting scores with Gumbel noise (Yellott, Journal of Mathematical Psychology 15, 1977). The probability
    of an item in a later slot is a sum over all ways to fill the earlier ones, so a stated number of orders is drawn
    instead, one of which is shown; propensities are exact for this procedure.
    """

    weighs_doubt = False
    leads_with_best = False

    def __init__(self, draws: int, temperature: float, epsilon: float) -> None:
        self.draws, self.temperature, self.epsilon = draws, temperature, epsilon
        self.version = f"plackett-luce-{temperature:g}-{draws}-draws-{epsilon:g}"

    def mixture(self, beliefs: Beliefs, slots: int, keys: KeyArray) -> OrderMixture:
        """One order per draw."""
        gumbel = -np.log(-np.log(keyed_noise(keys, self.draws, beliefs.mean.shape[1])))
        return sampled_orders(beliefs.mean[:, None, :] / self.temperature + gumbel, slots, self.epsilon)
