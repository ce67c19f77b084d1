"""Discovery: reserves slots for cards that are new to a listener."""

import numpy as np

from processors.arrays import FloatArray
from processors.policies.keyed_draws import BoolArray
from processors.policies.policy import best_first

BEHIND = 10.0
"""Larger than any expected reward: demoted cards come after all others."""


def with_room(wanted: FloatArray, streamed: BoolArray, slots: int, share: float) -> FloatArray:
    """Scores [n, m] by which at most 1 - share of the slots go to cards that the listener has streamed [n, m].

    The best of these keep their scores, others are demoted below all cards that are new to the listener; if there are
    not enough new ones, they still fill the shelf.

    >>> with_room(np.array([[0.4, 0.3, 0.2, 0.1]]), np.array([[True, True, False, False]]), 2, 0.5).tolist()
    [[0.4, -9.7, 0.2, 0.1]]
    """
    if share == 0.0 or not streamed.any():
        return wanted
    allowed = int((1.0 - share) * slots + 1e-9)
    order = best_first(wanted, wanted.shape[1])
    known = np.take_along_axis(streamed, order, axis=1)
    surplus = np.empty_like(known)
    np.put_along_axis(surplus, order, known & (np.cumsum(known, axis=1) > allowed), axis=1)
    return np.asarray(wanted - BEHIND * surplus, dtype=np.float64)
