"""A distribution over orders of items with exact marginals, and the one function that draws from it."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.policies.keyed_draws import BoolArray, KeyArray, mixed, uniforms

LOG_DECIMALS = 6
"""Decimals of logarithms of propensities: a relative error of half a millionth, however improbable the order."""
_COMPONENT, _SHUFFLE = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderMixture:
    """With probability `weights[i, s]` the order `orders[i, s]`, otherwise a uniformly random order.

    All policies are such mixtures: greedy has one order, epsilon-greedy one order and a shuffle, Thompson sampling
    one order per draw. The probability of an item in a slot is thus an exact finite sum.

    >>> half = OrderMixture(orders=np.array([[[1, 0]]]), weights=np.array([[0.5]]), items=2)
    >>> half.marginals().tolist()
    [[[0.25, 0.75], [0.75, 0.25]]]
    """

    orders: IntArray  # [n, S, L]: items of the slots, best first
    weights: FloatArray  # [n, S]: sum to at most one; the rest is the weight of a shuffle
    items: int  # m >= L candidates for the L slots

    @property
    def shuffled(self) -> FloatArray:
        """Probability [n] of a shuffle."""
        missing = 1.0 - self.weights.sum(axis=1)
        return np.where(missing > 1e-12, np.minimum(missing, 1.0), 0.0)

    def propensities(self, chosen: IntArray) -> FloatArray:
        """Probability [n, L] that slot j holds item chosen[i, j]."""
        fixed = np.zeros(chosen.shape)
        for order in range(self.orders.shape[1]):  # one by one: a sum must not depend on the number of listeners
            fixed += self.weights[:, order, None] * (self.orders[:, order] == chosen)
        return np.asarray(fixed + self.shuffled[:, None] / self.items, dtype=np.float64)

    def prefix_propensities(self, chosen: IntArray) -> FloatArray:
        """Probability [n, L] that the slots from the first to the j-th hold these items, in this order.

        One coin decides a whole shelf, so this is not the product of `propensities`.

        >>> half = OrderMixture(orders=np.array([[[1, 0]]]), weights=np.array([[0.5]]), items=2)
        >>> half.prefix_propensities(np.array([[1, 0]])).tolist(), half.propensities(np.array([[1, 0]])).tolist()
        ([[0.75, 0.75]], [[0.75, 0.75]])
        """
        fixed = np.zeros(chosen.shape)
        for order in range(self.orders.shape[1]):  # one by one, as above
            fixed += self.weights[:, order, None] * np.cumprod(self.orders[:, order] == chosen, axis=1)
        orders = np.cumprod(self.items - np.arange(chosen.shape[1]), dtype=np.float64)
        return np.asarray(fixed + self.shuffled[:, None] / orders, dtype=np.float64)

    def elsewhere(self, order: IntArray) -> FloatArray:
        """Probability [n] of not choosing this order [n, L]; a shuffle counts in full, even if it may produce it.

        >>> mixture = OrderMixture(orders=np.array([[[1, 0]]]), weights=np.array([[0.75]]), items=2)
        >>> mixture.elsewhere(np.array([[1, 0]])).tolist(), mixture.elsewhere(np.array([[0, 1]])).tolist()
        ([0.25], [1.0])
        """
        same = (self.orders == order[:, None, :]).all(axis=2)
        weight = np.zeros(len(order))
        for number in range(same.shape[1]):
            weight += self.weights[:, number] * same[:, number]
        return np.asarray(np.clip(1.0 - weight, 0.0, 1.0), dtype=np.float64)

    def marginals(self) -> FloatArray:
        """Probability [n, L, m] of each item in each slot; sums to one over the items."""
        slots = self.orders.shape[2]
        every = [self.propensities(np.full((len(self.orders), slots), item)) for item in range(self.items)]
        return np.stack(every, axis=2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """One order for each listener, with the probability of each item in its slot, and of the order up to each slot."""

    items: IntArray  # [n, L]
    propensities: FloatArray  # [n, L]
    order_log_propensities: FloatArray  # [n, L], logarithms to six decimals, of the slots from the first to each
    was_shuffled: BoolArray  # [n]


def draw(mixture: OrderMixture, keys: KeyArray) -> Drawn:
    """Draw one order for each listener: a function of the key alone, independent of other listeners.

    >>> mixture = OrderMixture(orders=np.array([[[1, 0]]]), weights=np.array([[1.0]]), items=2)
    >>> drawn = draw(mixture, np.array([7], dtype=np.uint64)); drawn.items.tolist(), drawn.propensities.tolist()
    ([[1, 0]], [[1.0, 1.0]])
    """
    listeners, _, slots = mixture.orders.shape
    coin = uniforms(mixed(keys, _COMPONENT))
    component = (coin[:, None] >= np.cumsum(mixture.weights, axis=1)).sum(axis=1)
    was_shuffled = (component == mixture.weights.shape[1]) & (mixture.shuffled > 0.0)
    component = np.minimum(component, mixture.weights.shape[1] - 1)
    items = mixture.orders[np.arange(listeners), component].copy()
    if was_shuffled.any():
        shuffle = mixed(mixed(keys[was_shuffled], _SHUFFLE)[:, None], np.arange(mixture.items)[None, :])
        items[was_shuffled] = np.argsort(shuffle, axis=1, kind="stable")[:, :slots]
    # at most zero: weights may sum to a little more than one
    logs = np.minimum(np.round(np.log(mixture.prefix_propensities(items)), LOG_DECIMALS), 0.0) + 0.0
    return Drawn(
        items=items,
        propensities=mixture.propensities(items),
        order_log_propensities=logs,
        was_shuffled=was_shuffled,
    )
