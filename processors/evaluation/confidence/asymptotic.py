"""Asymptotic mixture confidence sequences: the usual interval, widened so that it holds at every look."""

from dataclasses import dataclass, field
from math import sqrt

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.sums.anytime_width import RECORDS_MIN, mixture_width
from processors.evaluation.sums.column_checks import float_column, weight_column
from processors.evaluation.sums.moments import Moments
from processors.evaluation.sums.weight_sums import SHARE_MAX, WeightSums


@dataclass(slots=True)
class AsymptoticMixture:
    """The mean of weight times reward, with an interval that is valid at all times asymptotically.

    Sequences of two parts of a log add up exactly: the state consists of moments.

    >>> sequence = AsymptoticMixture(); sequence.add(np.ones(400), np.tile([0.0, 1.0], 200))
    >>> low, high = sequence.interval(); bool(low < 0.5 < high)
    True
    """

    moments: Moments = field(default_factory=lambda: Moments.none(1))
    earned: WeightSums = field(default_factory=WeightSums)

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read records [n]; rewards may have any range."""
        weights = weight_column("weights", weights)
        values = weights * float_column("rewards", rewards, weights.shape)
        self.moments = self.moments + Moments.of(values[:, None])
        self.earned.add(np.abs(values))

    def __add__(self, other: "AsymptoticMixture") -> "AsymptoticMixture":
        return AsymptoticMixture(self.moments + other.moments, self.earned + other.earned)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Lower and upper limit; infinite until the variance can be estimated."""
        if self.moments.count < RECORDS_MIN or self.earned.largest_share > SHARE_MAX:
            return -float("inf"), float("inf")
        mean, count = float(self.moments.mean[0]), self.moments.count
        half = float(mixture_width(count, alpha)) * sqrt(self.moments.covariance[0, 0] / count)
        return mean - half, mean + half


def misses(weights: FloatArray, rewards: FloatArray, value: float, alpha: float) -> np.ndarray:
    """Whether the interval after each record [..., n] excludes `value`, for all records at once."""
    values = weights * rewards
    number = np.arange(values.shape[-1]) + 1.0
    mean = np.cumsum(values, axis=-1) / number
    squares = np.cumsum(values**2, axis=-1)
    variance = np.maximum(squares / number - mean**2, 0.0) * number / np.maximum(number - 1.0, 1.0)
    is_known = np.maximum.accumulate(values**2, axis=-1) <= SHARE_MAX * squares
    is_sure = np.abs(mean - value) > mixture_width(number, alpha) * np.sqrt(variance / number)
    return np.asarray(is_sure & is_known & (squares > 0.0) & (number >= RECORDS_MIN))
