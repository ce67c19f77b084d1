"""`dr`: doubly robust."""

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator_shapes import MeanEstimator, Residuals
from processors.evaluation.estimators.exposures import Exposures


class DoublyRobust(Residuals, MeanEstimator):
    """The model's expectation, corrected by its weighted residuals (Dudík, Langford, Li, ICML 2011).

    Unbiased if either the model or the propensities are correct; narrower than `ips` if the model is informative. The
    model must not have been fitted on these records: see `processors.evaluation.reward_models`.

    >>> dr = DoublyRobust(); dr.add(Exposures(weights=[2.0], rewards=[1.0], predicted=[0.5], expected=[0.25])); dr.value
    1.25
    """

    def __init__(self, name: str = "dr") -> None:
        super().__init__(name, 1)

    def terms(self, seen: Exposures) -> FloatArray:
        """Expectations plus weighted residuals."""
        residual = self.rewards_of(seen)
        return (seen.column("expected", self.name) + seen.weights * residual)[:, None]
