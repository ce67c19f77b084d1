"""`dm`: the direct method, which asks a model."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.shapes import MeanEstimator, Residuals
from processors.evaluation.estimators.verdict import Remainder


class DirectMethod(Residuals, MeanEstimator):
    """Mean of what a model expects of the target's choices (Dudík, Langford, Li, ICML 2011): as right as the model.

    The log can check the model by its weighted residuals. So the interval is as wide as that of `dr`, which adds them,
    and the value is withheld where they are not zero.

    >>> dm = DirectMethod(); dm.add(Exposures(weights=[1.0], rewards=[1.0], predicted=[0.5], expected=[0.25])); dm.value
    0.25
    """

    def __init__(self) -> None:
        super().__init__("dm", 2)

    def terms(self, seen: Exposures) -> FloatArray:
        """What the model expects, and by how much it errs."""
        residual = self.rewards_of(seen)
        return np.column_stack([seen.column("expected", self.name), seen.weights * residual])

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """That of `dr`: what the log can say of the model is not surer."""
        return np.ones_like(mean)

    def remainder(self) -> Remainder:
        """The error of the model on what the target would show."""
        return self.remaining("the model's error on what the target shows", 1, "use dr, or a better model")
