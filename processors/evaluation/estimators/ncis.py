"""`ncis`: normalised capped importance sampling."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.capped import refuse_unless_positive
from processors.evaluation.estimators.estimator_shapes import RatioEstimator


class NormalisedCapped(RatioEstimator):
    """Mean reward under weights that are capped at `cap` (Gilotte et al., WSDM 2018; Gruson et al., WSDM 2019).

    Normalising restores most of what the cap removes; capping alone gives a precise value that is too low.

    >>> from processors.evaluation.estimators.exposures import Exposures
    >>> ncis = NormalisedCapped(cap=2.0); ncis.add(Exposures(weights=[9.0, 1.0], rewards=[1.0, 0.0]))
    >>> round(ncis.value, 6)
    0.666667
    """

    def __init__(self, cap: float) -> None:
        refuse_unless_positive("cap", cap)
        super().__init__("ncis", cap=cap)

    def used_weights(self, weights: FloatArray) -> FloatArray:
        """Capped weights."""
        return np.minimum(weights, self.parameters["cap"])
