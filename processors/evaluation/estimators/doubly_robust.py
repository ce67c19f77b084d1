"""`dr`: doubly robust."""

from processors.arrays import FloatArray
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.shapes import MeanEstimator, Residuals


class DoublyRobust(Residuals, MeanEstimator):
    """The model's value, corrected by its weighted errors (Dudík, Langford, Li, ICML 2011).

    Right where either the model or the propensities are; narrower than `ips` where the model says something. The model
    must not have seen these records' rewards: see `processors.evaluation.models`.

    >>> dr = DoublyRobust(); dr.add(Exposures(weights=[2.0], rewards=[1.0], predicted=[0.5], expected=[0.25])); dr.value
    1.25
    """

    def __init__(self, name: str = "dr") -> None:
        super().__init__(name, 1)

    def terms(self, seen: Exposures) -> FloatArray:
        """Expectations with weighted errors."""
        residual = self.rewards_of(seen)
        return (seen.column("expected", self.name) + seen.weights * residual)[:, None]
