"""The two shapes of slate estimators: a mean over shelves, and ratios by slot that are added up."""

from abc import abstractmethod

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.evaluation.estimators.estimator import Estimator
from processors.evaluation.estimators.shapes import WEIGHT_MIN
from processors.evaluation.estimators.slates.columns import Slates


class SlateMean(Estimator[Slates]):
    """The value is the mean over shelves of one term."""

    def __init__(self, name: str) -> None:
        super().__init__(name, 1)

    @abstractmethod
    def judged(self, seen: Slates) -> FloatArray:
        """The weight [n] of each shelf to judge by: its mean is one where the log covers the target."""

    def weights_of(self, seen: Slates) -> tuple[FloatArray, FloatArray]:
        """The same twice: nothing is cut."""
        weights = self.judged(seen)
        return weights, weights

    def rewards_of(self, seen: Slates) -> FloatArray:
        """What each shelf earned [n]."""
        return seen.earned

    def value_at(self, mean: FloatArray) -> float:
        """The mean."""
        return float(mean[0])

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """One."""
        return np.ones_like(mean)


class SlotRatios(Estimator[Slates]):
    """The value is the sum over slots of the weighted mean reward in each, times how often a shelf has that slot."""

    def __init__(self, name: str, slots: int) -> None:
        super().__init__(name, 3 * slots, slots=slots)
        self.slots = slots

    @abstractmethod
    def slot_weights(self, seen: Slates) -> FloatArray:
        """Weights [n, L] of the slots."""

    @abstractmethod
    def judged(self, seen: Slates) -> FloatArray:
        """The weight [n] of each shelf by which the value is judged."""

    def weights_of(self, seen: Slates) -> tuple[FloatArray, FloatArray]:
        """The same twice: nothing is cut."""
        weights = self.judged(seen)
        return weights, weights

    def rewards_of(self, seen: Slates) -> FloatArray:
        """What each shelf earned [n]."""
        return seen.earned

    def terms(self, seen: Slates) -> FloatArray:
        """Of every slot its weighted rewards, its weights, and whether it was there."""
        if seen.slot.shape[1] != self.slots:
            raise ValueError(f"{self.named} was given shelves of {seen.slot.shape[1]} slots: pad them to {self.slots}")
        weights = self.slot_weights(seen) * seen.there
        return np.hstack([weights * seen.rewards, weights, seen.there])

    def value_at(self, mean: FloatArray) -> float:
        """The sum of ratios; not a number where a slot that was there has no weight at all."""
        earned, weight, there = mean.reshape(3, self.slots)
        if (weight[there > 0.0] <= WEIGHT_MIN).any():
            return float("nan")
        some = there > 0.0
        return float((there[some] * earned[some] / weight[some]).sum())

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """Of the sum of ratios."""
        earned, weight, there = mean.reshape(3, self.slots)
        some = there > 0.0
        by = np.divide(1.0, weight, out=np.zeros_like(weight), where=some)
        return np.concatenate([there * by, -there * earned * by**2, earned * by])
