"""The two forms of slate estimators: a mean over shelves, and a sum of ratios by slot."""

from abc import abstractmethod

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator import Estimator
from processors.evaluation.estimators.estimator_shapes import WEIGHT_MIN
from processors.evaluation.estimators.slates.slate_columns import Slates

LEFT_OUT = "the effect of cards on those after them"
INSTEAD = "use rips"


def by_prefixes(seen: Slates) -> FloatArray:
    """Rewards of slots times the weights of their prefixes, summed over each shelf [n]: the terms of `rips`."""
    return np.asarray((seen.prefix * seen.rewards * seen.there).sum(axis=1), dtype=np.float64)


class SlateMean(Estimator[Slates]):
    """The value is the mean over shelves of the first term; the others are for the verdict."""

    def __init__(self, name: str, terms: int = 1) -> None:
        super().__init__(name, terms)

    @abstractmethod
    def judged(self, seen: Slates) -> FloatArray:
        """The weight [n] of each shelf for the verdict: its mean is one if the log covers the target."""

    def weights_of(self, seen: Slates) -> tuple[FloatArray, FloatArray]:
        """The same twice: nothing is capped."""
        weights = self.judged(seen)
        return weights, weights

    def rewards_of(self, seen: Slates) -> FloatArray:
        """Reward of each shelf [n]."""
        return seen.earned

    def value_at(self, mean: FloatArray) -> float:
        """The first mean."""
        return float(mean[0])

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """One for the first term, else zero."""
        return np.asarray(np.eye(len(mean))[0], dtype=np.float64)


class SlotRatios(Estimator[Slates]):
    """The value is the sum over slots of each weighted mean reward, times the share of shelves with that slot."""

    def __init__(self, name: str, slots: int) -> None:
        super().__init__(name, 3 * slots + 1, slots=slots)
        self.slots = slots

    @abstractmethod
    def slot_weights(self, seen: Slates) -> FloatArray:
        """Weights [n, L] of the slots."""

    @abstractmethod
    def judged(self, seen: Slates) -> FloatArray:
        """The weight [n] of each shelf for the verdict."""

    def weights_of(self, seen: Slates) -> tuple[FloatArray, FloatArray]:
        """The same twice: nothing is capped."""
        weights = self.judged(seen)
        return weights, weights

    def rewards_of(self, seen: Slates) -> FloatArray:
        """Reward of each shelf [n]."""
        return seen.earned

    def terms(self, seen: Slates) -> FloatArray:
        """For each slot its weighted rewards, its weights, and whether it exists; and what the value neglects."""
        if seen.slot.shape[1] != self.slots:
            raise ValueError(f"{self.named} was given shelves of {seen.slot.shape[1]} slots: pad them to {self.slots}")
        weights = self.slot_weights(seen) * seen.there
        left_out = by_prefixes(seen) - (weights * seen.rewards).sum(axis=1)
        return np.hstack([weights * seen.rewards, weights, seen.there, left_out[:, None]])

    def value_at(self, mean: FloatArray) -> float:
        """The sum of ratios; NaN if the weights of an existing slot are all zero."""
        earned, weight, there = mean[:-1].reshape(3, self.slots)
        if (weight[there > 0.0] <= WEIGHT_MIN).any():
            return float("nan")
        some = there > 0.0
        return float((there[some] * earned[some] / weight[some]).sum())

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """Gradient of the sum of ratios."""
        earned, weight, there = mean[:-1].reshape(3, self.slots)
        some = there > 0.0
        by = np.divide(1.0, weight, out=np.zeros_like(weight), where=some)
        return np.concatenate([there * by, -there * earned * by**2, earned * by, [0.0]])
