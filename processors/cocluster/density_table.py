"""Normal densities of the blocks on a grid of 256 bins: a message costs a look-up, not an exponential."""

from typing import NamedTuple

import numpy as np

from processors.cocluster.arrays import FloatArray

BINS = 256
DENSITY_FLOOR = 1e-10  # an outlier is improbable, never impossible: no logarithm of zero


class DensityTable(NamedTuple):
    """`density[b, g, k]` at the centre of bin b; bin of x = clip(int((x - low) * bins_per_unit))."""

    low: float
    bins_per_unit: float
    density: FloatArray  # float32 [BINS, G, K]


def density_table(mean: FloatArray, variance: FloatArray) -> DensityTable:
    """Tabulate N(x; mean[g, k], variance[g, k]) over all blocks' means -6/+6 sd.

    A bin is at most a few hundredths of log seconds wide, against block sds of half a unit and more.

    >>> table = density_table(np.array([[0.0]]), np.array([[1.0]]))
    >>> middle = int((0.0 - table.low) * table.bins_per_unit)
    >>> round(float(table.density[middle, 0, 0]), 2)
    0.4
    """
    sd = np.sqrt(variance)
    low = float((mean - 6 * sd).min())
    high = float((mean + 6 * sd).max())
    width = (high - low) / BINS
    centre = low + width * (np.arange(BINS) + 0.5)
    z = (centre[:, None, None] - mean) / sd
    density = np.exp(-0.5 * z * z) / (sd * np.sqrt(2 * np.pi))
    return DensityTable(low, 1.0 / width, np.ascontiguousarray(np.maximum(density, DENSITY_FLOOR), dtype=np.float32))


def transposed(table: DensityTable) -> DensityTable:
    """Give the same table with users and cards exchanged."""
    return table._replace(density=np.ascontiguousarray(table.density.transpose(0, 2, 1)))
