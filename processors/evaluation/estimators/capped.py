"""`cis`: capped importance sampling."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.shapes import MeanEstimator


def refuse_unless_positive(name: str, value: float) -> None:
    """Raise `ValueError` for a cap, a threshold or a strength that is none."""
    if not value > 0.0:
        raise ValueError(f"{name} is {value:g}; it must be positive")


class Capped(MeanEstimator):
    """Mean of reward times weight, weights cut at `cap` (Bottou et al., JMLR 14, 2013): sure, of what is left.

    The value is too low by what the cap cuts away, and its interval knows nothing of that; the verdict does, since the
    mean of all weights is one.

    >>> cis = Capped(cap=2.0); cis.add(Exposures(weights=[9.0, 1.0], rewards=[1.0, 0.0])); cis.value
    1.0
    """

    def __init__(self, cap: float) -> None:
        refuse_unless_positive("cap", cap)
        super().__init__("cis", 1, cap=cap)

    def used_weights(self, weights: FloatArray) -> FloatArray:
        """Weights, cut."""
        return np.minimum(weights, self.parameters["cap"])

    def terms(self, seen: Exposures) -> FloatArray:
        """Rewards by cut weights."""
        return (self.used_weights(seen.weights) * seen.rewards)[:, None]
