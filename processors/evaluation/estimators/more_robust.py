"""`mrdr`: doubly robust, with a model that was fitted for it."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.doubly_robust import DoublyRobust


class MoreRobust(DoublyRobust):
    """Doubly robust whose model has the least variance of the correction, not the least error (Farajtabar, Chow,
    Ghavamzadeh, ICML 2018). The sums are those of `dr`; what differs is the fit: weigh records by `fit_weights`.

    >>> from processors.evaluation.estimators.exposures import Exposures
    >>> mrdr = MoreRobust(); mrdr.add(Exposures(weights=[2.0], rewards=[1.0], predicted=[0.5], expected=[0.25]))
    >>> mrdr.value
    1.25
    """  # noqa: D205  the sentence is as long as its source

    def __init__(self) -> None:
        super().__init__("mrdr")


def fit_weights(weights: FloatArray, propensities: FloatArray) -> FloatArray:
    """Weight of each record [n] in a least-squares fit of the model: w² (1 - p).

    Exact for a target that always shows one item (w = 1/p); for others the products of two items' errors are neglected,
    so the model is not quite optimal, but the value is equally unbiased.

    >>> fit_weights(np.array([2.0, 0.0]), np.array([0.5, 0.5])).tolist()
    [2.0, 0.0]
    """
    return np.asarray(weights**2 * (1.0 - propensities), dtype=np.float64)
