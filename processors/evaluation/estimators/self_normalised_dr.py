"""`sndr`: doubly robust, self-normalised."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator_shapes import WEIGHT_MIN, Residuals
from processors.evaluation.estimators.exposures import Exposures


class SelfNormalisedDoublyRobust(Residuals):
    """The model's expectation plus the weighted mean of its residuals (Thomas, Brunskill, ICML 2016, as weighted DR).

    >>> sndr = SelfNormalisedDoublyRobust()
    >>> sndr.add(Exposures(weights=[3.0, 1.0], rewards=[1.0, 0.0], predicted=[0.0, 0.0], expected=[0.5, 0.5]))
    >>> sndr.value
    1.25
    """

    def __init__(self) -> None:
        super().__init__("sndr", 3)

    def terms(self, seen: Exposures) -> FloatArray:
        """The model's expectation, its weighted residuals, and weights."""
        residual = self.rewards_of(seen)
        return np.column_stack([seen.column("expected", self.name), seen.weights * residual, seen.weights])

    def value_at(self, mean: FloatArray) -> float:
        """Expectation plus mean residual; NaN if all weights are zero."""
        return float(mean[0] + mean[1] / mean[2]) if mean[2] > WEIGHT_MIN else float("nan")

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """Gradient of the sum with the ratio."""
        return np.array([1.0, 1.0 / mean[2], -mean[1] / mean[2] ** 2])
