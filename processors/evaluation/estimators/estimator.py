"""The base class of estimators: terms of each record, whose means give the value and whose covariances the interval."""

from abc import ABC, abstractmethod
from copy import copy
from math import sqrt
from typing import Generic, Self, TypeVar

import numpy as np
from scipy.special import ndtri

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimate import Estimate
from processors.evaluation.estimators.verdict import Evidence, Remainder, judge
from processors.evaluation.sums.anytime_width import RECORDS_MIN, mixture_width
from processors.evaluation.sums.moments import Moments
from processors.evaluation.sums.weight_sums import SHARE_MAX, WeightSums

ALPHA = 0.05
Seen = TypeVar("Seen")
"""Type of a part of the log: `Exposures`, or `Slates`."""


class Estimator(ABC, Generic[Seen]):
    """Reads a log in parts of any size; estimators of two logs add up exactly to that of both.

    A subclass defines the terms [n, k] of records, and the value as a function of their means. The interval follows by
    the delta method (van der Vaart, Asymptotic Statistics, 1998, chapter 3): the variance of the value is that of the
    terms along the gradient. Records must be independent given the log's past.
    """

    def __init__(self, name: str, terms: int, **parameters: float) -> None:
        self.name = name
        self.parameters = parameters
        self.moments = Moments.none(terms)
        self.weights, self.used, self.earned = WeightSums(), WeightSums(), WeightSums()

    @abstractmethod
    def terms(self, seen: Seen) -> FloatArray:
        """The terms [n, k] of these records."""

    @abstractmethod
    def weights_of(self, seen: Seen) -> tuple[FloatArray, FloatArray]:
        """The log's weights [n], and the weights that this estimator uses [n]."""

    @abstractmethod
    def rewards_of(self, seen: Seen) -> FloatArray:
        """What each record contributes by its weight [n]: its reward, or the residual of a model."""

    @abstractmethod
    def value_at(self, mean: FloatArray) -> float:
        """The value, from the means [k] of the terms."""

    @abstractmethod
    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """Gradient of the value with respect to the means of the terms [k]."""

    def remainder(self) -> Remainder | None:
        """The part that the estimator neglects, if any."""
        return None

    def add(self, seen: Seen) -> None:
        """Read records; raises `ValueError` if a required column is missing."""
        terms, (weights, used) = self.terms(seen), self.weights_of(seen)
        earned = np.abs(used * self.rewards_of(seen))
        self.moments = self.moments + Moments.of(terms)
        self.weights.add(weights)
        self.used.add(used)
        self.earned.add(earned)

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self) or (other.name, other.parameters) != (self.name, self.parameters):
            raise ValueError(f"{self.named} and {other.named} do not add up: read both logs with the same estimator")
        both = copy(self)
        both.moments = self.moments + other.moments
        both.weights, both.used = self.weights + other.weights, self.used + other.used
        both.earned = self.earned + other.earned
        return both

    @property
    def named(self) -> str:
        """The name, with parameters."""
        told = ", ".join(f"{name} {value:g}" for name, value in self.parameters.items())
        return f"{self.name}({told})" if told else self.name

    @property
    def value(self) -> float:
        """The value; NaN before the first record."""
        return self.value_at(self.moments.mean) if self.moments.count else float("nan")

    @property
    def standard_error(self) -> float:
        """Standard error of the value; NaN before the second record."""
        if self.moments.count < 2 or not np.isfinite(self.value):
            return float("nan")
        gradient = self.gradient_at(self.moments.mean)
        variance = float(gradient @ self.moments.covariance @ gradient)
        return sqrt(max(variance, 0.0) / self.moments.count)

    @property
    def is_steady(self) -> bool:
        """Whether no single record dominates the variance: otherwise an anytime interval is invalid."""
        return self.moments.count >= RECORDS_MIN and self.earned.largest_share <= SHARE_MAX

    def estimate(self, alpha: float = ALPHA) -> Estimate:
        """The value, intervals with error probability `alpha`, and whether it may be shown."""
        value, error = self.value, self.standard_error
        half = float(ndtri(1.0 - alpha / 2.0)) * error
        anytime = error * float(mixture_width(self.moments.count, alpha)) if self.is_steady else float("inf")
        return Estimate(
            estimator=self.named,
            value=value,
            standard_error=error,
            low=value - half,
            high=value + half,
            low_anytime=value - anytime,
            high_anytime=value + anytime,
            count=self.moments.count,
            ess=self.used.ess,
            weight_max=self.weights.largest,
            weight_mean=self.weights.mean,
            weight_mean_error=self.weights.mean_error,
            verdict=judge(value, half, self.evidence()),
        )

    def evidence(self) -> Evidence:
        """The basis of the verdict."""
        return Evidence(weights=self.weights, used=self.used, earned=self.earned, remainder=self.remainder())

    def remaining(self, what: str, term: int, instead: str) -> Remainder:
        """The mean of one of the terms, as the part that is neglected."""
        count = self.moments.count
        error = sqrt(self.moments.covariance[term, term] / count) if count > 1 else float("nan")
        return Remainder(what=what, mean=float(self.moments.mean[term]), error=error, instead=instead)
