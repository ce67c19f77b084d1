"""Sufficient statistics of the blocks: additive, with shrunk means and variances derived from them."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.compiled import compiled, fused

MEAN_PSEUDO_COUNT = 2.0
VARIANCE_PSEUDO_COUNT = 20.0
VARIANCE_FLOOR_SHARE = 0.02  # of the global variance, so that a block of equal values is not a spike


@dataclass(frozen=True, slots=True, eq=False)
class BlockParameters:
    """A Normal per block of x = log1p(seconds), and the Normal of all interactions."""

    mean: FloatArray  # [G, K]
    variance: FloatArray  # [G, K]
    count: FloatArray  # [G, K]
    global_mean: float
    global_variance: float


def block_parameters(statistics: FloatArray) -> BlockParameters:
    """Shrink block means to the global mean (2 pseudo-observations) and variances to the pooled one (20).

    `statistics` is [3 or more, G, K]: soft count, sum and sum of squares of x come first.

    >>> two = np.array([[[2.0]], [[6.0]], [[20.0]]])  # observations 2 and 4
    >>> block_parameters(two).mean
    array([[3.]])
    """
    mean, variance, global_mean, global_variance = shrunk_blocks(np.ascontiguousarray(statistics[:3], dtype=np.float64))
    return BlockParameters(mean, variance, statistics[0], global_mean, global_variance)


@compiled
def shrunk_blocks(statistics: FloatArray) -> tuple[FloatArray, FloatArray, float, float]:
    """Mean and variance [G, K] of the blocks, and those of all interactions, as in `block_parameters`."""
    _, groups, kinds = statistics.shape
    n = max(_total(statistics, 0), 1e-9)
    global_mean = _total(statistics, 1) / n
    global_variance = max(_total(statistics, 2) / n - global_mean * global_mean, 1e-4)
    mean, variance, around = np.empty((groups, kinds)), np.empty((groups, kinds)), 0.0
    for g in range(groups):
        for k in range(kinds):
            count, total, squares = statistics[0, g, k], statistics[1, g, k], statistics[2, g, k]
            own = (total + MEAN_PSEUDO_COUNT * global_mean) / (count + MEAN_PSEUDO_COUNT)
            mean[g, k] = own
            variance[g, k] = max(squares - 2.0 * own * total + count * own * own, 0.0)
            around += variance[g, k]
    pooled = (around + VARIANCE_PSEUDO_COUNT * global_variance) / (n + VARIANCE_PSEUDO_COUNT)
    for g in range(groups):
        for k in range(kinds):
            shrunk = (variance[g, k] + VARIANCE_PSEUDO_COUNT * pooled) / (statistics[0, g, k] + VARIANCE_PSEUDO_COUNT)
            variance[g, k] = max(shrunk, VARIANCE_FLOOR_SHARE * global_variance)
    return mean, variance, global_mean, global_variance


@fused
def _total(statistics: FloatArray, row: int) -> float:
    """Sum of one of the statistics over all blocks."""
    total = 0.0
    for g in range(statistics.shape[1]):
        for k in range(statistics.shape[2]):
            total += statistics[row, g, k]
    return total
