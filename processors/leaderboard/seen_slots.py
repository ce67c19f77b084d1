"""Seen slots of one shelf on many pages, and the probabilities with which mixtures of orders fill them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.policies.order_mixture import OrderMixture


class SeenSlots(NamedTuple):
    """Seen slots [x] of a shelf that was shown n times: slot `slot` of showing `unit` held the item `item`.

    >>> seen = SeenSlots(unit=np.array([0, 0]), slot=np.array([0, 1]), item=np.array([1, -1]), slots=2)
    >>> half = OrderMixture(orders=np.array([[[0, 1]]]), weights=np.array([[0.5]]), items=4)
    >>> [one.tolist() for one in seen.chances(half, 1)]
    [[[0.125, 0.0]], [[0.75, 0.0]]]
    """

    unit: IntArray
    slot: IntArray
    item: IntArray  # -1 for a card that is not valid in the shelf
    slots: int  # that a candidate fills

    @property
    def is_seen(self) -> BoolArray:
        """Which slots of the showings are seen [n, slots]."""
        found = np.zeros((int(self.unit.max()) + 1, self.slots), dtype=np.bool_)
        found[self.unit, self.slot] = True
        return found

    def places(self, orders: IntArray) -> tuple[BoolArray, BoolArray]:
        """Whether each of these orders [a, n, slots] has the seen items [a, x] in their slots, and in any seen slot."""
        same = orders[:, self.unit] == self.item[:, None]
        return same[:, np.arange(len(self.slot)), self.slot], (same & self.is_seen[self.unit]).any(axis=2)

    def chances(self, mixture: OrderMixture, several: int) -> tuple[FloatArray, FloatArray]:
        """Probabilities of the seen items in their slots, and in any seen slot, by each of several mixtures [a, x].

        The mixtures stand one below the other. One by one, because sums must not depend on the number of pages.
        """
        weights = mixture.weights.reshape(several, -1, mixture.weights.shape[1])[:, self.unit]
        orders = mixture.orders.reshape(several, -1, *mixture.orders.shape[1:])
        in_slot, in_any = np.zeros((2, several, len(self.slot)))
        for number in range(orders.shape[2]):
            is_there, is_anywhere = self.places(orders[:, :, number])
            in_slot += weights[:, :, number] * is_there
            in_any += weights[:, :, number] * is_anywhere
        return self.with_shuffle(in_slot, in_any, mixture.shuffled.reshape(several, -1)[:, self.unit], mixture.items)

    def with_shuffle(
        self, in_slot: FloatArray, in_any: FloatArray, shuffled: FloatArray, items: int
    ) -> tuple[FloatArray, FloatArray]:
        """The same with a shuffle of all items besides, of this probability; zero for items that are not valid."""
        is_valid = self.item >= 0
        seen = self.is_seen.sum(axis=1)[self.unit]
        return (in_slot + shuffled / items) * is_valid, (in_any + shuffled * seen / items) * is_valid


def greedy_mixtures(epsilons: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Weights [k, 1] of the best order and of the shuffle, as `OrderMixture` has them."""
    weight = 1.0 - np.array(epsilons)[:, None]
    missing = 1.0 - weight
    return weight, np.where(missing > 1e-12, np.minimum(missing, 1.0), 0.0)
