"""Baseline of every grouping: a global mean, a shrunk bias per user and a shrunk bias per card.

It predicts better than co-clusters on real data (these summarise distributions rather than predict single values), so
it is reported with every co-clustering score. The shrinkage is estimated: biases are Normal, and their variance follows
from the data by EM (Searle, Casella & McCulloch 1992, *Variance Components*, ch. 8).
"""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray

STEPS = 25


@dataclass(frozen=True, slots=True, eq=False)
class Biases:
    """x is Normal around mean + user[u] + card[c]."""

    mean: float
    user: FloatArray  # [users]; 0 for one without data
    card: FloatArray  # [cards]
    variance: float  # residual variance of x

    def predict(self, user: IntArray, card: IntArray) -> FloatArray:
        """Expected x of interactions."""
        expected: FloatArray = self.mean + self.user[user] + self.card[card]
        return expected

    def log_likelihood(self, user: IntArray, card: IntArray, x: FloatArray) -> FloatArray:
        """Log density of each interaction."""
        error = x - self.predict(user, card)
        value: FloatArray = -0.5 * (error * error / self.variance + np.log(2 * np.pi * self.variance))
        return value


def fit_biases(user: IntArray, card: IntArray, x: FloatArray, users: int, cards: int) -> Biases:
    """Alternate between users and cards, updating both variances.

    >>> one = fit_biases(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([1.0, 3.0, 5.0, 7.0]), 2, 2)
    >>> bool(one.user[0] < 0 < one.user[1])
    True
    """
    mean = float(x.mean())
    bias = [np.zeros(users), np.zeros(cards)]
    count = [np.bincount(user, minlength=users), np.bincount(card, minlength=cards)]
    noise = float(x.var()) + 1e-9
    spread = [noise / 2, noise / 2]
    residual = x - mean
    for _ in range(STEPS):
        for side, node in enumerate((user, card)):
            other = bias[1 - side][(card, user)[side]]
            shrink = noise / spread[side]
            bias[side] = np.bincount(node, residual - other, minlength=len(bias[side])) / (count[side] + shrink)
            uncertain = noise / (count[side] + shrink)
            seen = count[side] > 0
            spread[side] = float((bias[side] ** 2 + uncertain)[seen].mean()) + 1e-9
        error = residual - bias[0][user] - bias[1][card]
        effective = len(x) - sum(float((n / (n + noise / s)).sum()) for n, s in zip(count, spread, strict=True))
        noise = float(error @ error) / max(effective, 0.1 * len(x)) + 1e-9
    return Biases(
        mean,
        bias[0],
        bias[1],
        noise + sum(_mean_uncertainty(n, noise, s) for n, s in zip(count, spread, strict=True)),
    )


def _mean_uncertainty(count: IntArray, noise: float, spread: float) -> float:
    """Posterior variance of a bias, averaged over interactions rather than nodes."""
    return float(count @ (noise / (count + noise / spread))) / max(int(count.sum()), 1)
