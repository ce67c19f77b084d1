"""What every estimator is: terms of each record, whose means make its value and whose covariances its interval."""

from abc import ABC, abstractmethod
from copy import copy
from math import sqrt
from typing import Generic, Self, TypeVar

import numpy as np
from scipy.special import ndtri

from processors.arrays import FloatArray
from processors.evaluation.confidence.asymptotic import RECORDS_MIN, mixture_width
from processors.evaluation.estimators.estimate import Estimate
from processors.evaluation.estimators.moments import Moments
from processors.evaluation.estimators.verdict import Evidence, Remainder, judge
from processors.evaluation.estimators.weight_sums import SHARE_MAX, WeightSums

ALPHA = 0.05
Seen = TypeVar("Seen")
"""How a part of the log comes: `Exposures`, or `Slates`."""


class Estimator(ABC, Generic[Seen]):
    """Reads a log in parts of any size; estimators of two logs add up to that of both, exactly.

    A subclass says which terms [n, k] it takes of the records, and which function of their means is the value. The
    interval follows by the delta method (van der Vaart, Asymptotic Statistics, 1998, chapter 3): the variance of the
    value is that of the terms along the gradient. Records must be independent given the log's past.
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
        """The log's weights [n], and those that this estimator makes of them [n]."""

    @abstractmethod
    def rewards_of(self, seen: Seen) -> FloatArray:
        """What each record adds by its weight [n]: its reward, or what a model left of it."""

    @abstractmethod
    def value_at(self, mean: FloatArray) -> float:
        """The value, from the means [k] of the terms."""

    @abstractmethod
    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """How the value goes with the means of the terms [k]."""

    def remainder(self) -> Remainder | None:
        """What the estimator leaves out and takes for nothing, where it does."""
        return None

    def add(self, seen: Seen) -> None:
        """Read records; raises `ValueError` where a column that this estimator needs is missing."""
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
        """Its name, with its parameters."""
        told = ", ".join(f"{name} {value:g}" for name, value in self.parameters.items())
        return f"{self.name}({told})" if told else self.name

    @property
    def value(self) -> float:
        """The value; not a number before there is one."""
        return self.value_at(self.moments.mean) if self.moments.count else float("nan")

    @property
    def standard_error(self) -> float:
        """Of the value; not a number before there are two records."""
        if self.moments.count < 2 or not np.isfinite(self.value):
            return float("nan")
        gradient = self.gradient_at(self.moments.mean)
        variance = float(gradient @ self.moments.covariance @ gradient)
        return sqrt(max(variance, 0.0) / self.moments.count)

    @property
    def is_steady(self) -> bool:
        """Whether no record makes so much of the variance that no interval by it holds at any time."""
        return self.moments.count >= RECORDS_MIN and self.earned.largest_share <= SHARE_MAX

    def estimate(self, alpha: float = ALPHA) -> Estimate:
        """The value, its intervals that miss it with probability `alpha` at most, and whether it may be shown."""
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
        """What the value is judged by."""
        return Evidence(weights=self.weights, used=self.used, earned=self.earned, remainder=self.remainder())

    def remaining(self, what: str, term: int, instead: str) -> Remainder:
        """The mean of one of the terms, as what is left out."""
        count = self.moments.count
        error = sqrt(self.moments.covariance[term, term] / count) if count > 1 else float("nan")
        return Remainder(what=what, mean=float(self.moments.mean[term]), error=error, instead=instead)
