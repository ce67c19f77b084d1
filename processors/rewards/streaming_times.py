"""How long is streamed in each co-cluster: sums by block that add up, pooled at any grouping."""

from dataclasses import dataclass
from enum import StrEnum
from math import erf

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.block_model import BlockModel
from processors.cocluster.time_bins import (
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
"""The industry's rule: a stream of 30 seconds counts."""


class Grouping(StrEnum):
    """Whose streaming times are taken together: everybody's, a user group's, a card group's, or a co-cluster's only."""

    NONE = "none"
    USERS = "users"
    CARDS = "cards"
    BOTH = "both"


@dataclass(frozen=True, slots=True, eq=False)
class StreamingTimes:
    """Soft sums [S, G, K] over the streams of every block: count, log, squares of log, seconds, and a histogram.

    Rows are those of `processors.cocluster.time_bins`, as the learner keeps them: exact moments beside log-spaced
    bins. Log is log1p(seconds).

    >>> some = StreamingTimes.of(np.array([9.0, 99.0]), np.eye(2), np.ones((2, 1)))
    >>> some.count.ravel().tolist(), (some + some).seconds_total.ravel().tolist()
    ([1.0, 1.0], [18.0, 198.0])
    >>> some.pooled(Grouping.CARDS).seconds_total.ravel().tolist()
    [108.0, 108.0]
    """

    sums: FloatArray

    @classmethod
    def of(cls, seconds: FloatArray, user_weights: FloatArray, card_weights: FloatArray) -> "StreamingTimes":
        """Count streams of so many seconds [n] by listeners and of cards in these soft groups [n, G], [n, K]."""
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
        """What a Normal of log seconds in each block implies, where nothing else is known of a published model."""
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
        """One block for everybody, as if one stream of 30 s had been seen: in use until more is known."""
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
        """Give every block the sums of all blocks that the grouping takes together with it."""
        axes = {Grouping.NONE: (1, 2), Grouping.USERS: (2,), Grouping.CARDS: (1,), Grouping.BOTH: ()}[grouping]
        together = self.sums.sum(axis=axes, keepdims=True) if axes else self.sums
        return StreamingTimes(np.broadcast_to(together, self.sums.shape))
