"""`ncis`: normalised capped importance sampling."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.capped import refuse_unless_positive
from processors.evaluation.estimators.shapes import RatioEstimator


class NormalisedCapped(RatioEstimator):
    """Mean reward under weights that are cut at `cap` (Gilotte et al., WSDM 2018; Gruson et al., WSDM 2019).

    Normalising gives back most of what the cap takes away; capped weights alone are sure of a value that is too low.

    >>> from processors.evaluation.estimators.exposures import Exposures
    >>> ncis = NormalisedCapped(cap=2.0); ncis.add(Exposures(weights=[9.0, 1.0], rewards=[1.0, 0.0]))
    >>> round(ncis.value, 6)
    0.666667
    """

    def __init__(self, cap: float) -> None:
        refuse_unless_positive("cap", cap)
        super().__init__("ncis", cap=cap)

    def used_weights(self, weights: FloatArray) -> FloatArray:
        """Weights, cut."""
        return np.minimum(weights, self.parameters["cap"])
