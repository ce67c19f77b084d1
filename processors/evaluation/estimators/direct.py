"""`dm`: the direct method, by a reward model."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator_shapes import MeanEstimator, Residuals
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.verdict import Remainder


class DirectMethod(Residuals, MeanEstimator):
    """Mean of a model's expectation for the target's choices (Dudík, Langford, Li, ICML 2011): biased as the model.

    The log can check the model by its weighted residuals. The interval is therefore as wide as that of `dr`, which adds
    them, and the value is withheld if they differ from zero.

    >>> dm = DirectMethod(); dm.add(Exposures(weights=[1.0], rewards=[1.0], predicted=[0.5], expected=[0.25])); dm.value
    0.25
    """

    def __init__(self) -> None:
        super().__init__("dm", 2)

    def terms(self, seen: Exposures) -> FloatArray:
        """The model's expectation, and its weighted residuals."""
        residual = self.rewards_of(seen)
        return np.column_stack([seen.column("expected", self.name), seen.weights * residual])

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """The gradient of `dr`: the log cannot confirm the model with more certainty."""
        return np.ones_like(mean)

    def remainder(self) -> Remainder:
        """The mean residual of the model on the target's choices."""
        return self.remaining("the model's error on what the target shows", 1, "use dr, or a better model")
