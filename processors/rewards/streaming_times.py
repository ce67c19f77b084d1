"""Streaming times of co-clusters: additive sums by block, pooled at any grouping."""

from dataclasses import dataclass
from enum import StrEnum
from math import erf

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.block_model import BlockModel
from processors.cocluster.model.time_bins import (
    COUNT,
    FIRST_BIN,
    LOG_SQUARES,
    LOG_TOTAL,
    SECONDS_TOTAL,
    STATISTICS,
    bin_edges,
    time_bins,
)

STATIC_THRESHOLD_S = 30.0
"""The industry's convention: a stream of 30 seconds counts."""


class Grouping(StrEnum):
    """Which streaming times are pooled: all, those of a user group, of a card group, or none."""

    NONE = "none"
    USERS = "users"
    CARDS = "cards"
    BOTH = "both"


@dataclass(frozen=True, slots=True, eq=False)
class StreamingTimes:
    """Soft sums [S, G, K] over the streams of each block: count, log, squares of log, seconds, and a histogram.

    Rows are those of `processors.cocluster.model.time_bins`, as in the learner: exact moments and log-spaced bins. Log
    is log1p(seconds).

    >>> some = StreamingTimes.of(np.array([9.0, 99.0]), np.eye(2), np.ones((2, 1)))
    >>> some.count.ravel().tolist(), (some + some).seconds_total.ravel().tolist()
    ([1.0, 1.0], [18.0, 198.0])
    >>> some.pooled(Grouping.CARDS).seconds_total.ravel().tolist()
    [108.0, 108.0]
    """

    sums: FloatArray

    @classmethod
    def of(cls, seconds: FloatArray, user_weights: FloatArray, card_weights: FloatArray) -> "StreamingTimes":
        """Count streams of these seconds [n] by soft groups of their listeners [n, G] and cards [n, K]."""
        x = np.log1p(seconds)
        sums = np.zeros((STATISTICS, user_weights.shape[1], card_weights.shape[1]))
        for row, values in ((COUNT, np.ones_like(x)), (LOG_TOTAL, x), (LOG_SQUARES, x * x), (SECONDS_TOTAL, seconds)):
            sums[row] = user_weights.T @ (card_weights * values[:, None])
        bins = time_bins(x)
        for one in np.unique(bins):
            sums[FIRST_BIN + one] = user_weights[bins == one].T @ card_weights[bins == one]
        return cls(sums)

    @classmethod
    def of_model(cls, blocks: BlockModel) -> "StreamingTimes":
        """Streaming times implied by a Normal of log seconds in each block, if a published model has nothing else."""
        sums = np.zeros((STATISTICS, *blocks.mean.shape))
        count, mean, variance = blocks.count, blocks.mean, blocks.variance
        sums[COUNT], sums[LOG_TOTAL], sums[LOG_SQUARES] = count, count * mean, count * (mean * mean + variance)
        sums[SECONDS_TOTAL] = count * np.expm1(mean + variance / 2.0)
        z = (bin_edges()[:, None, None] - mean) / np.sqrt(2.0 * variance)
        below = 0.5 + 0.5 * np.vectorize(erf, otypes=[np.float64])(z)
        below[0], below[-1] = 0.0, 1.0
        sums[FIRST_BIN:] = count * np.diff(below, axis=0)
        return cls(sums)

    @classmethod
    def unknown(cls) -> "StreamingTimes":
        """A single block, as if one stream of 30 s had been seen; used until more is known."""
        return cls.of(np.array([STATIC_THRESHOLD_S]), np.ones((1, 1)), np.ones((1, 1)))

    def __add__(self, other: "StreamingTimes") -> "StreamingTimes":
        return StreamingTimes(self.sums + other.sums)

    @property
    def count(self) -> FloatArray:
        """Streams [G, K]."""
        return np.asarray(self.sums[COUNT])

    @property
    def log_total(self) -> FloatArray:
        """Sum [G, K] of log1p(seconds)."""
        return np.asarray(self.sums[LOG_TOTAL])

    @property
    def log_squares(self) -> FloatArray:
        """Sum [G, K] of squares of log1p(seconds)."""
        return np.asarray(self.sums[LOG_SQUARES])

    @property
    def seconds_total(self) -> FloatArray:
        """Sum [G, K] of seconds."""
        return np.asarray(self.sums[SECONDS_TOTAL])

    @property
    def histogram(self) -> FloatArray:
        """Streams [B, G, K] by bin of log1p(seconds)."""
        return np.asarray(self.sums[FIRST_BIN:])

    def pooled(self, grouping: Grouping) -> "StreamingTimes":
        """Replace each block by the sum of the blocks that the grouping pools with it."""
        axes = {Grouping.NONE: (1, 2), Grouping.USERS: (2,), Grouping.CARDS: (1,), Grouping.BOTH: ()}[grouping]
        together = self.sums.sum(axis=axes, keepdims=True) if axes else self.sums
        return StreamingTimes(np.broadcast_to(together, self.sums.shape))
