"""Planted shelves in which the value of a card depends on the previous one: ground truth for slate estimators."""

from itertools import permutations

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.evaluation.estimators.slates.slate_columns import Slates

RATE = 0.15
"""Typical probability that a slot is played."""


class ShelfWorld:
    """Cards in slots, with all orders enumerated; a slot's rate depends on its card and on the previous one.

    A policy is a probability [orders] for every order. `interaction_sd` is the effect of the previous card (log scale);
    averaged over all possible previous cards, the value of a card is its quality.

    >>> world = ShelfWorld(seed=1, items=4, slots=2); world.orders.shape
    (12, 2)
    >>> uniform = np.full(12, 1 / 12)
    >>> bool(abs(world.draw(uniform, uniform, 20_000, seed=2).rewards.sum(axis=1).mean() - world.value(uniform)) < 0.01)
    True
    """

    def __init__(self, seed: int, items: int = 6, slots: int = 4, interaction_sd: float = 1.0) -> None:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x51A7E,)))
        quality = 0.3 * rng.standard_normal(items)
        after = interaction_sd * rng.standard_normal((items, items))
        np.fill_diagonal(after, -np.inf)  # no card appears twice
        after -= np.log(np.exp(after).sum(axis=0) / (items - 1))
        self.items, self.slots = items, slots
        self.orders: IntArray = np.array(list(permutations(range(items), slots)))
        strength = quality[self.orders]
        strength[:, 1:] += after[self.orders[:, :-1], self.orders[:, 1:]]
        self.rates: FloatArray = np.minimum(RATE * np.exp(strength), 0.9)  # [orders, slots]
        numbers = [np.unique(self.orders[:, : k + 1], axis=0, return_inverse=True)[1].ravel() for k in range(slots)]
        self.prefix_of: IntArray = np.stack(numbers, axis=1)  # [orders, slots], the number of each prefix

    @property
    def uniform(self) -> FloatArray:
        """All orders with equal probability."""
        return np.full(len(self.orders), 1.0 / len(self.orders))

    def value(self, policy: FloatArray) -> float:
        """Expected plays of a shelf."""
        return float(policy @ self.rates.sum(axis=1))

    def showing(self, order: int, epsilon: float = 0.0) -> FloatArray:
        """The policy that shows one order, except for a share `epsilon` of uniformly random orders."""
        policy = epsilon * self.uniform
        policy[order] += 1.0 - epsilon
        return policy

    def slot_probability(self, policy: FloatArray) -> FloatArray:
        """For each order and slot, the probability that the slot contains that card [orders, slots]."""
        by_card = [np.bincount(self.orders[:, k], policy, self.items) for k in range(self.slots)]
        return np.stack([by_card[k][self.orders[:, k]] for k in range(self.slots)], axis=1)

    def prefix_probability(self, policy: FloatArray) -> FloatArray:
        """For each order and slot, the probability of its prefix up to that slot [orders, slots]."""
        of = [np.bincount(self.prefix_of[:, k], policy)[self.prefix_of[:, k]] for k in range(self.slots)]
        return np.stack(of, axis=1)

    def to_come(self, policy: FloatArray, rates: FloatArray) -> tuple[FloatArray, FloatArray]:
        """For each order and slot, expected plays from there on given the prefix with the slot, and without it.

        Both are means over what `policy` shows next, [orders, slots]; `rates` are the rates that a model assumes.
        """
        left = np.cumsum(rates[:, ::-1], axis=1)[:, ::-1]
        given, before = np.zeros_like(left), np.zeros_like(left)
        for k in range(self.slots):
            given[:, k] = self._mean_over(policy, left[:, k], self.prefix_of[:, k])
            earlier = self.prefix_of[:, k - 1] if k else np.zeros(len(left), np.int64)
            before[:, k] = self._mean_over(policy, left[:, k], earlier)
        return given, before

    def _mean_over(self, policy: FloatArray, values: FloatArray, groups: IntArray) -> FloatArray:
        """Mean [orders] of values over the orders of the same group; uniform if the policy shows none of them."""
        weight = policy + 1e-12 * self.uniform
        return np.asarray((np.bincount(groups, weight * values) / np.bincount(groups, weight))[groups])

    def draw(
        self,
        logging: FloatArray,
        target: FloatArray,
        count: int,
        seed: int,
        model: FloatArray | None = None,
        believed: FloatArray | None = None,
    ) -> Slates:
        """A log of `count` shelves under `logging`, with weights for the target.

        `model` are assumed rates, `believed` is the logging policy that is recorded in the log; None: the true ones.
        """
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x10,)))
        shown = np.searchsorted(np.cumsum(logging), rng.random(count) * logging.sum(), side="right")
        shown = np.minimum(shown, len(self.orders) - 1)
        rewards = (rng.random((count, self.slots)) < self.rates[shown]).astype(np.float64)
        told = logging if believed is None else believed
        predicted, expected = self.to_come(target, self.rates if model is None else model)
        return Slates(
            slot=(self.slot_probability(target) / self.slot_probability(told))[shown],
            prefix=(self.prefix_probability(target) / self.prefix_probability(told))[shown],
            rewards=rewards,
            predicted=predicted[shown],
            expected=expected[shown],
            linear=self.linear_weights(told, target)[shown],
        )

    def linear_weights(self, logging: FloatArray, target: FloatArray) -> FloatArray:
        """Weight of the pseudo-inverse for each order [orders]."""
        there = np.eye(self.items)[self.orders].reshape(len(self.orders), -1)
        moments = (there * logging[:, None]).T @ there
        return np.asarray(there @ np.linalg.pinv(moments, rcond=1e-9, hermitian=True) @ (target @ there))
