"""Sufficient statistics of the blocks: additive, with shrunk means and variances derived from them."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.compiled import compiled

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
    count, total, squares = statistics[0], statistics[1], statistics[2]
    n = max(count.sum(), 1e-9)
    global_mean = total.sum() / n
    global_variance = max(squares.sum() / n - global_mean**2, 1e-4)
    mean = (total + MEAN_PSEUDO_COUNT * global_mean) / (count + MEAN_PSEUDO_COUNT)
    around = np.maximum(squares - 2.0 * mean * total + count * mean * mean, 0.0)
    pooled = (around.sum() + VARIANCE_PSEUDO_COUNT * global_variance) / (n + VARIANCE_PSEUDO_COUNT)
    variance = (around + VARIANCE_PSEUDO_COUNT * pooled) / (count + VARIANCE_PSEUDO_COUNT)
    return mean, np.maximum(variance, VARIANCE_FLOOR_SHARE * global_variance), global_mean, global_variance
