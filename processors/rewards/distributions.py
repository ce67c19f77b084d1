"""Distributions of streaming time at one grouping, shrunk to their margins: the input of rewards."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.cocluster.model.time_bins import bin_edges
from processors.rewards.streaming_times import Grouping, StreamingTimes

PSEUDO_COUNT = 20.0
"""Pseudo-observations that shrink a block to its margins, and a margin to the distribution of all streams."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distributions:
    """Shrunk distributions of streaming time in each block; blocks that a grouping pools are equal."""

    log_mean: FloatArray  # [G, K], of log1p(seconds)
    log_sd: FloatArray  # [G, K]
    mean_s: FloatArray  # [G, K], arithmetic, in seconds
    below: FloatArray  # [B + 1, G, K], share of the streams that end before each edge of the bins
    grouping: Grouping

    def quantile_s(self, share: FloatArray | float) -> FloatArray:
        """Seconds [G, K] within which this share of a block's streams has ended; log-linear inside a bin.

        >>> times = StreamingTimes.of(np.geomspace(10.0, 1_000.0, 999), np.ones((999, 1)), np.ones((999, 1)))
        >>> distributions(times, Grouping.NONE).quantile_s(0.5).round().ravel()
        array([100.])
        """
        share = np.broadcast_to(share, self.log_mean.shape)
        bins = np.clip((self.below <= share).sum(axis=0) - 1, 0, len(self.below) - 2)[None]
        low, high = (np.take_along_axis(self.below, bins + step, axis=0)[0] for step in (0, 1))
        within = np.divide(share - low, high - low, out=np.zeros_like(low), where=high > low)
        edges = bin_edges()
        return np.asarray(np.expm1(edges[bins[0]] + within * (edges[1] - edges[0])), dtype=np.float64)

    def dealt(self, users: IntArray, cards: IntArray) -> "Distributions":
        """Permute the distributions: rows and columns in this order."""
        pick = np.ix_(users, cards)
        return Distributions(
            log_mean=self.log_mean[pick],
            log_sd=self.log_sd[pick],
            mean_s=self.mean_s[pick],
            below=self.below[:, users][:, :, cards],
            grouping=self.grouping,
        )


@lru_cache(maxsize=16)  # many rewards share a grouping, and each version of the co-clusters asks for all of them
def distributions(times: StreamingTimes, grouping: Grouping) -> Distributions:
    """Shrink the streaming times of a grouping: groups to the total, blocks to the expectation from their two margins.

    Margins combine additively in log seconds, multiplicatively in seconds; the histogram of a block is shrunk to the
    average of its margins'. The same object for the same times: do not change its arrays.
    """
    if grouping is Grouping.NONE:
        return _plain(times.pooled(Grouping.NONE), grouping)
    every = distributions(times, Grouping.NONE)
    if grouping is not Grouping.BOTH:
        return _shrunk(times.pooled(grouping), every, grouping)
    users, cards = (distributions(times, side) for side in (Grouping.USERS, Grouping.CARDS))
    expected = Distributions(
        log_mean=users.log_mean + cards.log_mean - every.log_mean,
        log_sd=every.log_sd,
        mean_s=users.mean_s * cards.mean_s / np.maximum(every.mean_s, 1e-9),
        below=(users.below + cards.below) / 2.0,
        grouping=grouping,
    )
    return _shrunk(times, expected, grouping)


def _plain(times: StreamingTimes, grouping: Grouping) -> Distributions:
    count = np.maximum(times.count, 1e-9)
    mean = times.log_total / count
    variance = np.maximum(times.log_squares / count - mean * mean, 0.0)
    return Distributions(
        log_mean=mean,
        log_sd=np.sqrt(variance),
        mean_s=times.seconds_total / count,
        below=_below(times.histogram / count),
        grouping=grouping,
    )


def _shrunk(times: StreamingTimes, prior: Distributions, grouping: Grouping) -> Distributions:
    count = times.count
    trust = count + PSEUDO_COUNT
    mean = (times.log_total + PSEUDO_COUNT * prior.log_mean) / trust
    around = np.maximum(times.log_squares - 2.0 * mean * times.log_total + count * mean * mean, 0.0)
    pooled = around.sum() / max(float(count.sum()), 1e-9)
    share = np.diff(prior.below, axis=0)
    return Distributions(
        log_mean=mean,
        log_sd=np.sqrt((around + PSEUDO_COUNT * pooled) / trust),
        mean_s=(times.seconds_total + PSEUDO_COUNT * prior.mean_s) / trust,
        below=_below((times.histogram + PSEUDO_COUNT * share) / trust),
        grouping=grouping,
    )


def _below(share: FloatArray) -> FloatArray:
    """Cumulative shares [B + 1, G, K] of the bins' shares [B, G, K]; the last is exactly one."""
    cumulated = np.concatenate([np.zeros((1, *share.shape[1:])), np.cumsum(share, axis=0)])
    return np.asarray(cumulated / np.maximum(cumulated[-1], 1e-12), dtype=np.float64)
