"""`switch-dr`: doubly robust for small weights, the model alone for large ones."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.capped import refuse_unless_positive
from processors.evaluation.estimators.estimator_shapes import MeanEstimator, Residuals
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.verdict import Remainder


class ShrunkDoublyRobust(Residuals, MeanEstimator):
    """Doubly robust with weights that a subclass reduces, and a check of the correction that this loses."""

    def terms(self, seen: Exposures) -> FloatArray:
        """Expectations plus residuals under the reduced weights, and the correction that is lost."""
        residual = self.rewards_of(seen)
        used = self.used_weights(seen.weights)
        corrected = seen.column("expected", self.name) + used * residual
        return np.column_stack([corrected, (seen.weights - used) * residual])

    def weights_of(self, seen: Exposures) -> tuple[FloatArray, FloatArray]:
        """The log's weights, twice: the model replaces what is reduced, which is judged as a remainder."""
        return seen.weights, seen.weights

    def remainder(self) -> Remainder:
        """The model's weighted residuals where weights were reduced."""
        return self.remaining("the correction lost by shrinking", 1, "use dr, or a better model")


class SwitchDoublyRobust(ShrunkDoublyRobust):
    """Residuals count if the weight is at most `threshold` (Wang, Agarwal, Dudík, ICML 2017).

    >>> switch = SwitchDoublyRobust(threshold=5.0)
    >>> switch.add(Exposures(weights=[9.0, 2.0], rewards=[1.0, 1.0], predicted=[0.5, 0.5], expected=[0.5, 0.5]))
    >>> switch.value
    1.0
    """

    def __init__(self, threshold: float) -> None:
        refuse_unless_positive("threshold", threshold)
        super().__init__("switch-dr", 2, threshold=threshold)

    def used_weights(self, weights: FloatArray) -> FloatArray:
        """Weights up to the threshold; larger ones become zero."""
        return np.where(weights <= self.parameters["threshold"], weights, 0.0)
