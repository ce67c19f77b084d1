"""`snips`: self-normalised inverse propensity scoring."""

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator_shapes import RatioEstimator


class SelfNormalised(RatioEstimator):
    """Weighted mean of the rewards (Swaminathan, Joachims, NeurIPS 2015): slightly biased, always within their range.

    >>> from processors.evaluation.estimators.exposures import Exposures
    >>> snips = SelfNormalised(); snips.add(Exposures(weights=[3.0, 1.0], rewards=[1.0, 0.0])); snips.value
    0.75
    """

    def __init__(self) -> None:
        super().__init__("snips")

    def used_weights(self, weights: FloatArray) -> FloatArray:
        """Weights as they are."""
        return weights
