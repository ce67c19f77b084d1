"""The interface of a policy: from beliefs to a distribution over orders."""

from typing import Protocol

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import OrderMixture


class Policy(Protocol):
    """Orders items by beliefs [n, m] into the first `slots`, for n listeners at a time."""

    version: str
    """Name and parameters, as logged with each ranking; for a sampling policy also the number of draws."""

    weighs_doubt: bool
    """Whether it uses the uncertainty of beliefs, which is not computed otherwise."""

    leads_with_best: bool
    """Whether the first order of its mixtures is the best one by the beliefs' means."""

    def mixture(self, beliefs: Beliefs, slots: int, keys: KeyArray) -> OrderMixture:
        """The distribution over orders; policies that sample key their draws by `keys` [n]."""
        ...


def best_first(scores: FloatArray, slots: int) -> IntArray:
    """The `slots` best items [..., slots] along the last axis, best first; ties go to the smaller index.

    >>> best_first(np.array([[0.1, 0.3, 0.3]]), 2).tolist()
    [[1, 2]]
    """
    return np.asarray(np.argsort(-scores, axis=-1, kind="stable")[..., :slots])
