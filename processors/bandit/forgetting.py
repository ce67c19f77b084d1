"""Exponential forgetting in event time, additive and independent of order and batches.

An outcome at time t weighs 2 ** (t / half-life), relative to the start of the current half-life of its card (forward
decay: Cormode, Shkapenyuk, Srivastava, Xu, ICDE 2009). Each whole half-life that passes halves the sums, which is exact
in binary: a sum does not depend on where the history was divided, and late outcomes get the weight that they would have
had in time.
"""

import numpy as np

from processors.arrays import FloatArray, IntArray

HALVINGS_MAX = 1_000


class Forgetting:
    """Weights of outcomes for one half-life in ms; 0: no forgetting, all weights are one.

    >>> hourly = Forgetting(3_600_000)
    >>> hourly.weights(np.array([0, 3_600_000, 5_400_000]), np.array([1, 1, 1])).round(3).tolist()
    [0.5, 1.0, 1.414]
    >>> Forgetting(0).weights(np.array([0, 3_600_000]), np.array([0, 0])).tolist()
    [1.0, 1.0]
    """

    def __init__(self, half_life_ms: int) -> None:
        if half_life_ms < 0:
            raise ValueError(f"half_life_ms is {half_life_ms}; it must be positive, or 0 for no forgetting")
        self.half_life_ms = half_life_ms

    def epochs(self, event_ms: IntArray) -> IntArray:
        """Whole half-lives [n] since 1970."""
        return np.asarray(event_ms // self.half_life_ms) if self.half_life_ms else np.zeros_like(event_ms)

    def weights(self, event_ms: IntArray, epochs: IntArray) -> FloatArray:
        """Weights [n] of outcomes in sums at these epochs [n]."""
        if not self.half_life_ms:
            return np.ones(len(event_ms))
        whole, rest = np.divmod(event_ms, self.half_life_ms)
        return np.ldexp(np.exp2(rest / self.half_life_ms), _bounded(whole - epochs))

    def halvings(self, epochs: IntArray, until: IntArray) -> FloatArray:
        """Factors [n] that advance sums from these epochs to later ones; exact powers of two.

        >>> Forgetting(1_000).halvings(np.array([3, 5]), np.array([5, 5])).tolist()
        [0.25, 1.0]
        """
        return np.ldexp(np.ones(len(epochs)), _bounded(epochs - until))

    def as_of(self, epochs: IntArray, now_ms: int) -> FloatArray:
        """Factors [n] that scale sums of these epochs so that an outcome at `now_ms` weighs one."""
        if not self.half_life_ms:
            return np.ones(len(epochs))
        return np.asarray(np.exp2(epochs - now_ms / self.half_life_ms), dtype=np.float64)


def _bounded(exponents: IntArray) -> IntArray:
    return np.clip(exponents, -HALVINGS_MAX, HALVINGS_MAX).astype(np.int32)
