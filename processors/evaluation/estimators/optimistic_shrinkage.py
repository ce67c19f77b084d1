"""`dros`: doubly robust with optimistic shrinkage."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.capped import refuse_unless_positive
from processors.evaluation.estimators.switch_dr import ShrunkDoublyRobust


class OptimisticShrinkage(ShrunkDoublyRobust):
    """Weights w become s w / (w² + s) (Su, Dimakopoulou, Krishnamurthy, Dudík, ICML 2020).

    These weights minimise a bound on the mean squared error; `strength` 0 would be `dm`, infinity is `dr`.

    >>> from processors.evaluation.estimators.exposures import Exposures
    >>> dros = OptimisticShrinkage(strength=4.0)
    >>> dros.add(Exposures(weights=[2.0], rewards=[1.0], predicted=[0.0], expected=[0.0])); dros.value
    1.0
    """

    def __init__(self, strength: float) -> None:
        refuse_unless_positive("strength", strength)
        super().__init__("dros", 2, strength=strength)

    def used_weights(self, weights: FloatArray) -> FloatArray:
        """Shrunk weights; the equivalent w / (w²/s + 1) also accepts infinity."""
        return np.asarray(weights / (weights**2 / self.parameters["strength"] + 1.0), dtype=np.float64)
