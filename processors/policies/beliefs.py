"""What a policy orders by: what is expected of every item, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beliefs:
    """Expectations of m items for n listeners, in columns [n, m].

    >>> Beliefs.certain(np.array([[0.1, 0.3]])).sd.tolist()
    [[0.0, 0.0]]
    """

    mean: FloatArray
    sd: FloatArray  # of the mean: how far the truth may lie from it
    count: FloatArray  # exposures that the mean is worth, the prior's included

    @classmethod
    def certain(cls, mean: FloatArray) -> "Beliefs":
        """Expectations that nobody doubts."""
        return cls(mean=mean, sd=np.broadcast_to(0.0, mean.shape), count=np.broadcast_to(np.inf, mean.shape))
