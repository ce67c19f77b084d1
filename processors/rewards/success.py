"""A reward for given co-clusters: success as a function of streamed seconds, by block."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.time_bins import BINS_PER_UNIT, TIME_BINS
from processors.compiled import compiled


class Success(Protocol):
    """Success of a stream in each co-cluster, from 0 to 1; a stream of zero seconds never succeeds."""

    @property
    def threshold_s(self) -> FloatArray:
        """Streaming time in seconds [G, K] from which a stream earns at least half."""
        ...

    def of(self, seconds: FloatArray) -> FloatArray:
        """Rewards [n, G, K] of streams of these seconds [n]."""
        ...

    def over(self, seconds: FloatArray, card_weights: FloatArray) -> FloatArray:
        """Expected rewards [n, G] of these streams over the soft card groups [n, K] of their cards.

        Summed by card group, so that rounding does not depend on the number of streams.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A step function: each threshold that a stream reaches earns its share, the first at least half.

    >>> steps = Steps((np.array([[10.0]]), np.array([[60.0]])), (0.5, 0.5))
    >>> steps.of(np.array([0.0, 9.0, 10.0, 70.0])).ravel().tolist()
    [0.0, 0.0, 0.5, 1.0]
    >>> steps.over(np.array([0.0, 9.0, 10.0, 70.0]), np.ones((4, 1))).ravel().tolist()
    [0.0, 0.0, 0.5, 1.0]
    """

    thresholds_s: tuple[FloatArray, ...]  # [G, K] each, rising
    gains: tuple[float, ...] = (1.0,)

    @property
    def threshold_s(self) -> FloatArray:
        """The first threshold."""
        return self.thresholds_s[0]

    def of(self, seconds: FloatArray) -> FloatArray:
        """Sum the shares of reached thresholds."""
        reached = np.where(seconds > 0.0, seconds, -np.inf)[:, None, None]
        earned = np.zeros((len(seconds), *self.threshold_s.shape))
        for threshold_s, gain in zip(self.thresholds_s, self.gains, strict=True):
            earned += gain * (reached >= threshold_s)
        return earned

    def over(self, seconds: FloatArray, card_weights: FloatArray) -> FloatArray:
        """Sum the shares of reached thresholds over card groups, by weight."""
        return _stepped(seconds, card_weights, np.stack(self.thresholds_s), np.array(self.gains))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A continuous function: a table over the bins of log1p(seconds), linear between their edges."""

    threshold_s: FloatArray
    below: FloatArray  # [TIME_BINS + 1, G, K]

    def of(self, seconds: FloatArray) -> FloatArray:
        """Interpolate."""
        place = np.minimum(np.log1p(seconds) * BINS_PER_UNIT, TIME_BINS)
        bins = np.minimum(place.astype(np.int64), TIME_BINS - 1)
        within = (place - bins)[:, None, None]
        return np.asarray(self.below[bins] * (1.0 - within) + self.below[bins + 1] * within, dtype=np.float64)

    def over(self, seconds: FloatArray, card_weights: FloatArray) -> FloatArray:
        """Interpolate for each card group, and sum by weight."""
        earned = self.of(seconds)
        total = np.zeros(earned.shape[:2])
        for group in range(earned.shape[2]):
            total += earned[:, :, group] * card_weights[:, group, None]
        return total


@compiled
def _stepped(seconds: FloatArray, card_weights: FloatArray, thresholds_s: FloatArray, gains: FloatArray) -> FloatArray:
    """Expected rewards [n, G]; `thresholds_s` [s, G, K] ascend, and each gains [s]."""
    steps, groups, kinds = thresholds_s.shape
    total = np.zeros((len(seconds), groups))
    for row in range(len(seconds)):
        if seconds[row] > 0.0:
            for group in range(groups):
                for kind in range(kinds):
                    earned = 0.0
                    for step in range(steps):
                        if seconds[row] >= thresholds_s[step, group, kind]:
                            earned += gains[step]
                    total[row, group] += earned * card_weights[row, kind]
    return total
