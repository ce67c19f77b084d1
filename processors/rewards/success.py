"""What a reward amounts to once the co-clusters are known: success as a function of streamed seconds, by block."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.cocluster.time_bins import BINS_PER_UNIT, TIME_BINS


class Success(Protocol):
    """Success of a stream in every co-cluster, from 0 to 1; a stream of no time never succeeds."""

    @property
    def threshold_s(self) -> FloatArray:
        """Streaming time in seconds [G, K] from which a stream earns at least half."""
        ...

    def of(self, seconds: FloatArray) -> FloatArray:
        """Rewards [n, G, K] of streams of so many seconds [n]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Each threshold that a stream reaches earns its share, the first at least half.

    >>> steps = Steps((np.array([[10.0]]), np.array([[60.0]])), (0.5, 0.5))
    >>> steps.of(np.array([0.0, 9.0, 10.0, 70.0])).ravel().tolist()
    [0.0, 0.0, 0.5, 1.0]
    """

    thresholds_s: tuple[FloatArray, ...]  # [G, K] each, rising
    gains: tuple[float, ...] = (1.0,)

    @property
    def threshold_s(self) -> FloatArray:
        """The first threshold."""
        return self.thresholds_s[0]

    def of(self, seconds: FloatArray) -> FloatArray:
        """Sum what has been reached."""
        reached = np.where(seconds > 0.0, seconds, -np.inf)[:, None, None]
        earned = np.zeros((len(seconds), *self.threshold_s.shape))
        for threshold_s, gain in zip(self.thresholds_s, self.gains, strict=True):
            earned += gain * (reached >= threshold_s)
        return earned


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Success rises with every second, as a table over the bins of log1p(seconds) says, linear between their edges."""

    threshold_s: FloatArray
    below: FloatArray  # [TIME_BINS + 1, G, K]

    def of(self, seconds: FloatArray) -> FloatArray:
        """Interpolate."""
        place = np.minimum(np.log1p(seconds) * BINS_PER_UNIT, TIME_BINS)
        bins = np.minimum(place.astype(np.int64), TIME_BINS - 1)
        within = (place - bins)[:, None, None]
        return np.asarray(self.below[bins] * (1.0 - within) + self.below[bins + 1] * within, dtype=np.float64)
