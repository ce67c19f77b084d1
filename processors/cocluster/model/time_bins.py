"""Logarithmic bins of streaming time, and the rows of block statistics that they fill."""

import numpy as np

from processors.arrays import FloatArray
from processors.compiled import inlined

TIME_BINS = 48
BINS_PER_UNIT = 4.0  # per unit of x = log1p(seconds): each bin ends 28% later than the one before; the last is open

COUNT, LOG_TOTAL, LOG_SQUARES, SECONDS_TOTAL, FIRST_BIN = 0, 1, 2, 3, 4
"""Rows of the block statistics; the bins follow."""

STATISTICS = FIRST_BIN + TIME_BINS


@inlined
def time_bin(x: float) -> int:
    """Bin of x = log1p(seconds)."""
    return min(max(int(x * BINS_PER_UNIT), 0), TIME_BINS - 1)


def bin_edges() -> FloatArray:
    """Edges [TIME_BINS + 1] of the bins in x = log1p(seconds).

    >>> np.expm1(bin_edges())[[0, 14, 48]].round(1).tolist()
    [0.0, 32.1, 162753.8]
    """
    return np.arange(TIME_BINS + 1) / BINS_PER_UNIT


def time_bins(x: FloatArray) -> np.ndarray:
    """Bins [n] of x = log1p(seconds) [n].

    >>> time_bins(np.log1p(np.array([0.0, 30.0, 1e9]))).tolist()
    [0, 13, 47]
    """
    return np.clip((x * BINS_PER_UNIT).astype(np.int64), 0, TIME_BINS - 1)
