"""What a policy is: from scores to a distribution over orders."""

from typing import Protocol

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
from processors.policies.order_mixture import OrderMixture


class Policy(Protocol):
    """Orders items by scores [n, m] into the first `slots`, for n listeners at a time."""

    version: str
    """Name and parameters, as it is logged with every ranking."""

    def mixture(self, scores: FloatArray, slots: int) -> OrderMixture:
        """The distribution over orders."""
        ...


def best_first(scores: FloatArray, slots: int) -> IntArray:
    """The `slots` best items [n, slots] of each row, best first; of equals the one with the smaller index.

    >>> best_first(np.array([[0.1, 0.3, 0.3]]), 2).tolist()
    [[1, 2]]
    """
    return np.argsort(-scores, axis=1, kind="stable")[:, :slots]
