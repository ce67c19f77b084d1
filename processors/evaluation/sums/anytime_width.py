"""Half-widths of anytime-valid intervals, in standard errors."""

from math import log

import numpy as np
from numpy.typing import ArrayLike

from processors.arrays import FloatArray

TUNED_FOR = 10_000
"""Number of records at which the sequence is narrowest. It must not depend on the data."""
RECORDS_MIN = 100
"""Minimum number of records for an interval; it also requires that no record dominates the variance."""


def mixture_width(count: ArrayLike, alpha: float, tuned_for: int = TUNED_FOR) -> FloatArray:
    """Half-width of the interval after `count` records, in standard errors; an array gives an array.

    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (Annals of Statistics 52, 2024), with their approximation of the
    optimal rho. It holds as the number of records grows, for any estimator that is asymptotically a mean.

    >>> mixture_width([10_000, 50_000], 0.05).round(2).tolist()
    [3.04, 3.15]
    """
    rho_squared = (-2.0 * log(alpha) + log(-2.0 * log(alpha) + 1.0)) / tuned_for
    grown = np.asarray(count, dtype=np.float64) * rho_squared
    return np.asarray(np.sqrt(2.0 * (grown + 1.0) / grown * np.log(np.sqrt(grown + 1.0) / alpha)))
