"""`sndr`: doubly robust, self-normalised."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.shapes import WEIGHT_MIN, Residuals


class SelfNormalisedDoublyRobust(Residuals):
    """The model's value plus the weighted mean of its errors (Thomas, Brunskill, ICML 2016, as weighted DR).

    >>> sndr = SelfNormalisedDoublyRobust()
    >>> sndr.add(Exposures(weights=[3.0, 1.0], rewards=[1.0, 0.0], predicted=[0.0, 0.0], expected=[0.5, 0.5]))
    >>> sndr.value
    1.25
    """

    def __init__(self) -> None:
        super().__init__("sndr", 3)

    def terms(self, seen: Exposures) -> FloatArray:
        """What the model expects, its weighted errors, and weights."""
        residual = self.rewards_of(seen)
        return np.column_stack([seen.column("expected", self.name), seen.weights * residual, seen.weights])

    def value_at(self, mean: FloatArray) -> float:
        """Expectation plus mean error; not a number where all weights are zero."""
        return float(mean[0] + mean[1] / mean[2]) if mean[2] > WEIGHT_MIN else float("nan")

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """Of the sum and the ratio in it."""
        return np.array([1.0, 1.0 / mean[2], -mean[1] / mean[2] ** 2])
