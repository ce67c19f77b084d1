"""`thompson`: an order is chosen with the probability that it is the best one."""

from scipy.special import ndtri

from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import OrderMixture
from processors.policies.sampled_orders import keyed_noise, sampled_orders


class ThompsonPolicy:
    """Orders by a draw from each item's posterior (Thompson, Biometrika 25, 1933), a Normal around its mean.

    A Normal for all rewards: for fractional ones a Beta would be 1.4 to 1.6 times too wide, and for binary ones the two
    differ little at a few hundred pseudo-observations.
    """

    weighs_doubt = True
    leads_with_best = False

    def __init__(self, draws: int, epsilon: float) -> None:
        self.draws, self.epsilon = draws, epsilon
        self.version = f"thompson-{draws}-draws-{epsilon:g}"

    def mixture(self, beliefs: Beliefs, slots: int, keys: KeyArray) -> OrderMixture:
        """One order per draw."""
        noise = ndtri(keyed_noise(keys, self.draws, beliefs.mean.shape[1]))
        return sampled_orders(beliefs.mean[:, None, :] + beliefs.sd[:, None, :] * noise, slots, self.epsilon)
