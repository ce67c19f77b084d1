"""A batch of interactions, ordered by user and binned once: the input of message passing."""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.compiled import by_reference

BINS = 256


@by_reference
class BinnedTable(NamedTuple):
    """User u owns the edges offsets[u] to offsets[u + 1]; an edge is a card and a bin of x."""

    offsets: IntArray  # int64 [users + 1]
    card: IntArray  # int32 [edges]
    bin: IntArray  # uint8 [edges]
    bin_x: FloatArray  # float64 [BINS], mean x of the edges in a bin; the centre of an empty bin
    bin_square: FloatArray  # float64 [BINS], mean square of x


def binned_table(offsets: IntArray, card: IntArray, x: FloatArray) -> BinnedTable:
    """Divide the range of x into equal bins; means and mean squares of the edges in a bin are exact.

    >>> table = binned_table(np.array([0, 2]), np.array([0, 1]), np.array([1.0, 3.0]))
    >>> table.bin.tolist(), table.bin_x[[0, 255]].tolist()
    ([0, 255], [1.0, 3.0])
    """
    low, high = (float(x.min()), float(x.max())) if len(x) else (0.0, 0.0)
    width = max(high - low, 1e-6) / BINS
    bins = ((x - low) / width).astype(np.int64).clip(0, BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    mean = low + width * (np.arange(BINS) + 0.5)
    square = mean * mean
    some = count > 0
    mean[some] = np.bincount(bins, x, BINS)[some] / count[some]
    square[some] = np.bincount(bins, x * x, BINS)[some] / count[some]
    return BinnedTable(offsets.astype(np.int64), card.astype(np.int32), bins.astype(np.uint8), mean, square)
