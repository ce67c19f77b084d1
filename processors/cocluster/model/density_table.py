"""Normal densities of the blocks on a grid of 256 bins: a message costs a look-up, not an exponential."""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray
from processors.compiled import compiled

BINS = 256
DENSITY_FLOOR = 1e-10  # an outlier is improbable, never impossible: avoids log(0)


class DensityTable(NamedTuple):
    """`density[b, g, k]` at the centre of bin b; bin of x = clip(int((x - low) * bins_per_unit))."""

    low: float
    bins_per_unit: float
    density: FloatArray  # float32 [BINS, G, K]


def density_table(mean: FloatArray, variance: FloatArray) -> DensityTable:
    """Tabulate N(x; mean[g, k], variance[g, k]) from 6 sd below the lowest block mean to 6 sd above the highest.

    A bin is at most a few hundredths of a log second wide; standard deviations of blocks are 0.5 and more.

    >>> table = density_table(np.array([[0.0]]), np.array([[1.0]]))
    >>> middle = int((0.0 - table.low) * table.bins_per_unit)
    >>> round(float(table.density[middle, 0, 0]), 2)
    0.4
    """
    mean, variance = (np.ascontiguousarray(values, dtype=np.float64) for values in (mean, variance))
    return DensityTable(*tabulated(mean, variance))


@compiled
def tabulated(mean: FloatArray, variance: FloatArray) -> tuple[float, float, FloatArray]:
    """The fields of a `DensityTable`."""
    groups, kinds = mean.shape
    low, high = np.inf, -np.inf
    for g in range(groups):
        for k in range(kinds):
            reach = 6.0 * np.sqrt(variance[g, k])
            low, high = min(low, mean[g, k] - reach), max(high, mean[g, k] + reach)
    width = (high - low) / BINS
    density = np.empty((BINS, groups, kinds), np.float32)
    for g in range(groups):
        for k in range(kinds):
            sd = np.sqrt(variance[g, k])
            for b in range(BINS):
                z = (low + width * (b + 0.5) - mean[g, k]) / sd
                density[b, g, k] = max(np.exp(-0.5 * z * z) / (sd * np.sqrt(2.0 * np.pi)), DENSITY_FLOOR)
    return low, 1.0 / width, density


def transposed(table: DensityTable) -> DensityTable:
    """The same table with users and cards exchanged."""
    return table._replace(density=np.ascontiguousarray(table.density.transpose(0, 2, 1)))
