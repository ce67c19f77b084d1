"""`slate-ips` and `slate-snips`: shelves weighted as a whole."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator_shapes import WEIGHT_MIN
from processors.evaluation.estimators.slates.slate_columns import Slates
from processors.evaluation.estimators.slates.slate_shapes import SlateMean


class SlateInversePropensity(SlateMean):
    """Mean of a shelf's weight times its reward: unbiased for any interaction of slots, at a high variance.

    >>> ips = SlateInversePropensity()
    >>> ips.add(Slates(slot=[[2.0, 1.0]], prefix=[[2.0, 3.0]], rewards=[[1.0, 1.0]])); ips.value
    6.0
    """

    def __init__(self, name: str = "slate-ips") -> None:
        super().__init__(name)

    def terms(self, seen: Slates) -> FloatArray:
        """Weighted rewards of shelves."""
        return (seen.joint * seen.earned)[:, None]

    def judged(self, seen: Slates) -> FloatArray:
        """Weight of the whole shelf."""
        return seen.joint


class SlateSelfNormalised(SlateInversePropensity):
    """The weighted mean of shelves' rewards.

    >>> snips = SlateSelfNormalised()
    >>> snips.add(Slates(slot=[[2.0], [1.0]], prefix=[[2.0], [2.0]], rewards=[[1.0], [0.0]])); snips.value
    0.5
    """

    def __init__(self) -> None:
        super().__init__("slate-snips")
        self.moments = self.moments.none(2)

    def terms(self, seen: Slates) -> FloatArray:
        """Weighted rewards, and weights."""
        return np.column_stack([seen.joint * seen.earned, seen.joint])

    def value_at(self, mean: FloatArray) -> float:
        """The ratio; NaN if all weights are zero."""
        return float(mean[0] / mean[1]) if mean[1] > WEIGHT_MIN else float("nan")

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """Gradient of the ratio."""
        return np.array([1.0 / mean[1], -mean[0] / mean[1] ** 2])
