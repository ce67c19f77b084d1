"""The two forms of nearly every estimator: a mean, and a ratio of means."""

from abc import abstractmethod

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator import Estimator
from processors.evaluation.estimators.exposures import Exposures

WEIGHT_MIN = 1e-100
"""A smaller mean weight counts as zero, because its square would be."""


class ExposureEstimator(Estimator[Exposures]):
    """An estimator of exposures; by default it uses the weights as they are."""

    def used_weights(self, weights: FloatArray) -> FloatArray:
        """The weights [n] that this estimator uses."""
        return weights

    def weights_of(self, seen: Exposures) -> tuple[FloatArray, FloatArray]:
        """The log's weights [n], and those used."""
        return seen.weights, self.used_weights(seen.weights)

    def rewards_of(self, seen: Exposures) -> FloatArray:
        """Reward of each record [n]."""
        return seen.rewards


class Residuals(ExposureEstimator):
    """An estimator that weights the residuals of a model."""

    def rewards_of(self, seen: Exposures) -> FloatArray:
        """Residual of each record: reward less prediction [n]."""
        return np.asarray(seen.rewards - seen.column("predicted", self.name), dtype=np.float64)


class MeanEstimator(ExposureEstimator):
    """The value is the mean of the first term; the others are for the verdict."""

    def value_at(self, mean: FloatArray) -> float:
        """The first mean."""
        return float(mean[0])

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """One for the first term, else zero."""
        return np.asarray(np.eye(len(mean))[0], dtype=np.float64)


class RatioEstimator(ExposureEstimator):
    """The value is a ratio of two means: weighted rewards over weights; it never leaves the range of the rewards."""

    def __init__(self, name: str, **parameters: float) -> None:
        super().__init__(name, 2, **parameters)

    @abstractmethod
    def used_weights(self, weights: FloatArray) -> FloatArray:
        """The weights [n] that this estimator uses."""

    def terms(self, seen: Exposures) -> FloatArray:
        """Weighted rewards, and weights."""
        weights = self.used_weights(seen.weights)
        return np.column_stack([weights * seen.rewards, weights])

    def value_at(self, mean: FloatArray) -> float:
        """The ratio; NaN if all weights are zero."""
        return float(mean[0] / mean[1]) if mean[1] > WEIGHT_MIN else float("nan")

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """Gradient of the ratio."""
        return np.array([1.0 / mean[1], -mean[0] / mean[1] ** 2])
