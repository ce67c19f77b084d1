"""Stable group numbers: the groups of a new fit get the numbers of the old ones with the largest overlap."""

import numpy as np

from processors.arrays import FloatArray, IntArray


def overlap(old: FloatArray, new: FloatArray) -> FloatArray:
    """Soft members in common, [old groups, new groups], from responsibilities of the same nodes."""
    return old.T @ new


def matched_order(shared: FloatArray) -> IntArray:
    """Order of the new groups by the number of their best old counterpart (Hungarian algorithm).

    New groups without a counterpart follow in their own order.

    >>> matched_order(np.array([[1.0, 9.0], [8.0, 2.0]]))
    array([1, 0])
    """
    from scipy.optimize import linear_sum_assignment  # loaded at the first fit: it takes a tenth of a worker's start

    old_groups, new_groups = shared.shape
    rows, columns = linear_sum_assignment(shared, maximize=True)
    order = np.full(max(old_groups, new_groups), -1)
    order[rows] = columns
    rest = [g for g in range(new_groups) if g not in set(columns.tolist())]
    order[order == -1] = rest + [-1] * (int((order == -1).sum()) - len(rest))
    return order[order >= 0]


def kept_share(old: FloatArray, new: FloatArray) -> float:
    """Share of nodes whose most likely group has the same number before and after (same numbering)."""
    return float((old.argmax(axis=1) == new.argmax(axis=1)).mean()) if len(old) else 1.0


def transition(shared: FloatArray) -> FloatArray:
    """Rows P(new group | old group), for carrying statistics over; an empty old group spreads evenly.

    >>> transition(np.array([[3.0, 1.0], [0.0, 0.0]]))
    array([[0.75, 0.25],
           [0.5 , 0.5 ]])
    """
    shared = shared + 1e-9
    rows: FloatArray = shared / shared.sum(axis=1, keepdims=True)
    return rows
