"""Asymptotic mixture confidence sequences: the usual interval, made wide enough for looking as often as one likes."""

from dataclasses import dataclass, field
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from processors.cocluster.arrays import FloatArray
from processors.evaluation.estimators.moments import Moments

TUNED_FOR = 10_000
"""Number of records at which the sequence is narrowest. It must not be chosen by the data."""


def mixture_width(count: ArrayLike, alpha: float, tuned_for: int = TUNED_FOR) -> FloatArray:
    """Half-width of the interval after so many records, in standard errors; an array gives an array.

    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (Annals of Statistics 52, 2024), theorem 2.2, with their equation for
    the best rho. It holds as the number of records grows, for any estimator that is a mean in the limit.

    >>> mixture_width([10_000, 50_000], 0.05).round(2).tolist()
    [3.04, 3.15]
    """
    rho_squared = (-2.0 * log(alpha) + log(-2.0 * log(alpha) + 1.0)) / tuned_for
    grown = np.asarray(count, dtype=np.float64) * rho_squared
    return np.asarray(np.sqrt(2.0 * (grown + 1.0) / grown * np.log(np.sqrt(grown + 1.0) / alpha)))


@dataclass(slots=True)
class AsymptoticMixture:
    """The mean of weight times reward, with an interval that is valid at any time in the limit.

    Sequences of two parts of a log add up exactly: all that is kept are moments.

    >>> sequence = AsymptoticMixture(); sequence.add(np.ones(400), np.tile([0.0, 1.0], 200))
    >>> low, high = sequence.interval(); bool(low < 0.5 < high)
    True
    """

    moments: Moments = field(default_factory=lambda: Moments.none(1))

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read records [n]; rewards of any range."""
        self.moments = self.moments + Moments.of((weights * rewards)[:, None])

    def __add__(self, other: "AsymptoticMixture") -> "AsymptoticMixture":
        return AsymptoticMixture(self.moments + other.moments)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Lower and upper end; all numbers before there are two records."""
        if self.moments.count < 2:
            return -float("inf"), float("inf")
        mean, count = float(self.moments.mean[0]), self.moments.count
        half = float(mixture_width(count, alpha)) * sqrt(self.moments.covariance[0, 0] / count)
        return mean - half, mean + half
