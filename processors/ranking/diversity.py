"""Diversity: discounts cards of card groups that are on the shelf already."""

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.policies.policy import best_first


def diversified(wanted: FloatArray, group: IntArray, diversity: float) -> FloatArray:
    """Scores [n, m] reduced by this share for each better card of the same card group [m].

    The geometric discount of a greedy list (as in maximal marginal relevance), computed from the original order: a
    function of the scores alone, so that propensities are exact.

    >>> diversified(np.array([[0.4, 0.3, 0.2]]), np.array([7, 7, 1]), 0.5).tolist()
    [[0.4, 0.15, 0.2]]
    """
    if diversity == 0.0:
        return wanted
    order = best_first(wanted, wanted.shape[1])
    sorted_group = group[order]
    before = np.zeros(order.shape, dtype=np.int64)
    for one in np.unique(group):
        same = sorted_group == one
        before += same * (np.cumsum(same, axis=1) - 1)
    better = np.empty_like(before)
    np.put_along_axis(better, order, before, axis=1)
    return np.asarray(wanted * (1.0 - diversity) ** better, dtype=np.float64)
