"""`ips`: inverse propensity scoring."""

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator_shapes import MeanEstimator
from processors.evaluation.estimators.exposures import Exposures


class InversePropensity(MeanEstimator):
    """Mean of weight times reward (Horvitz, Thompson, JASA 47, 1952): unbiased; large weights dominate.

    >>> ips = InversePropensity(); ips.add(Exposures(weights=[2.0, 0.0], rewards=[1.0, 1.0])); ips.value
    1.0
    """

    def __init__(self) -> None:
        super().__init__("ips", 1)

    def terms(self, seen: Exposures) -> FloatArray:
        """Weighted rewards."""
        return (seen.weights * seen.rewards)[:, None]
