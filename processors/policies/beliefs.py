"""The input of a policy: the expectation of each item, and its uncertainty."""

from collections.abc import Sequence
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
    sd: FloatArray  # standard deviation of the mean
    count: FloatArray  # exposures behind the mean, including those of the prior

    @classmethod
    def certain(cls, mean: FloatArray) -> "Beliefs":
        """Expectations without uncertainty."""
        return cls(mean=mean, sd=np.broadcast_to(0.0, mean.shape), count=np.broadcast_to(np.inf, mean.shape))


def stacked(several: Sequence[Beliefs]) -> Beliefs:
    """The beliefs of several groups of listeners, one below the other; the items are the same.

    >>> one, other = Beliefs.certain(np.array([[0.1]])), Beliefs.certain(np.array([[0.3]]))
    >>> stacked([one, other]).mean.tolist()
    [[0.1], [0.3]]
    """
    if len(several) == 1:
        return several[0]
    columns = (np.concatenate([getattr(one, name) for one in several]) for name in ("mean", "sd", "count"))
    return Beliefs(**dict(zip(("mean", "sd", "count"), columns, strict=True)))
