"""Draws from the target policy for each record of a log, for replay."""

import numpy as np

from processors.arrays import FloatArray, IntArray


def matches(item: IntArray, context: IntArray, targets: FloatArray, seed: int) -> FloatArray:
    """1 if a draw from the target's [contexts, items] is the item [n] that was shown, else 0: a column [n].

    Probability missing to one in a context is drawn as an item that no log contains.

    >>> matches(np.array([0, 1]), np.array([0, 0]), np.array([[0.0, 1.0]]), seed=1).tolist()
    [0.0, 1.0]
    """
    coin = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x4E9,))).random(len(item))
    until = np.cumsum(targets, axis=1)
    upper = until[context, item]
    return np.asarray((coin < upper) & (coin >= upper - targets[context, item]), dtype=np.float64)
