"""`cis`: capped importance sampling."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator_shapes import MeanEstimator
from processors.evaluation.estimators.exposures import Exposures


def refuse_unless_positive(name: str, value: float) -> None:
    """Raise `ValueError` for a cap, a threshold or a strength that is not positive."""
    if not value > 0.0:
        raise ValueError(f"{name} is {value:g}; it must be positive")


class Capped(MeanEstimator):
    """Mean of reward times weight, weights capped at `cap` (Bottou et al., JMLR 14, 2013): low variance, but biased.

    The value is too low by what the cap removes, which its interval does not include; the verdict does, since the mean
    of uncapped weights is one.

    >>> cis = Capped(cap=2.0); cis.add(Exposures(weights=[9.0, 1.0], rewards=[1.0, 0.0])); cis.value
    1.0
    """

    def __init__(self, cap: float) -> None:
        refuse_unless_positive("cap", cap)
        super().__init__("cis", 1, cap=cap)

    def used_weights(self, weights: FloatArray) -> FloatArray:
        """Capped weights."""
        return np.minimum(weights, self.parameters["cap"])

    def terms(self, seen: Exposures) -> FloatArray:
        """Rewards times capped weights."""
        return (self.used_weights(seen.weights) * seen.rewards)[:, None]
