"""Asymptotic mixture confidence sequences: the usual interval, made wide enough for looking as often as one likes."""

from dataclasses import dataclass, field
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from processors.arrays import FloatArray
from processors.evaluation.estimators.columns import float_column, weight_column
from processors.evaluation.estimators.moments import Moments
from processors.evaluation.estimators.weight_sums import SHARE_MAX, WeightSums

TUNED_FOR = 10_000
"""Number of records at which the sequence is narrowest. It must not be chosen by the data."""
RECORDS_MIN = 100
"""Before there are so many records nothing is said; nor while one of them makes too much of the variance."""


def mixture_width(count: ArrayLike, alpha: float, tuned_for: int = TUNED_FOR) -> FloatArray:
    """Half-width of the interval after so many records, in standard errors; an array gives an array.

    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (Annals of Statistics 52, 2024), with their approximation of
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
    earned: WeightSums = field(default_factory=WeightSums)

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read records [n]; rewards of any range."""
        weights = weight_column("weights", weights)
        values = weights * float_column("rewards", rewards, weights.shape)
        self.moments = self.moments + Moments.of(values[:, None])
        self.earned.add(np.abs(values))

    def __add__(self, other: "AsymptoticMixture") -> "AsymptoticMixture":
        return AsymptoticMixture(self.moments + other.moments, self.earned + other.earned)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Lower and upper end; all numbers before it is known how values vary."""
        if self.moments.count < RECORDS_MIN or self.earned.largest_share > SHARE_MAX:
            return -float("inf"), float("inf")
        mean, count = float(self.moments.mean[0]), self.moments.count
        half = float(mixture_width(count, alpha)) * sqrt(self.moments.covariance[0, 0] / count)
        return mean - half, mean + half


def misses(weights: FloatArray, rewards: FloatArray, value: float, alpha: float) -> np.ndarray:
    """Whether the interval after each record [..., n] leaves out `value`: all looks at once."""
    values = weights * rewards
    number = np.arange(values.shape[-1]) + 1.0
    mean = np.cumsum(values, axis=-1) / number
    squares = np.cumsum(values**2, axis=-1)
    variance = np.maximum(squares / number - mean**2, 0.0) * number / np.maximum(number - 1.0, 1.0)
    is_known = np.maximum.accumulate(values**2, axis=-1) <= SHARE_MAX * squares
    is_sure = np.abs(mean - value) > mixture_width(number, alpha) * np.sqrt(variance / number)
    return np.asarray(is_sure & is_known & (squares > 0.0) & (number >= RECORDS_MIN))
