"""`empirical-bernstein`: confidence sequences for weighted rewards, valid at all times, not only asymptotically."""

from dataclasses import dataclass, field
from math import log

import numpy as np
from scipy.special import gammainc, gammaln

from processors.arrays import FloatArray
from processors.evaluation.confidence.sides import both_sides

MIXTURE = 10.0
"""The rho of the mixture; the bound is tightest where the squares sum to a few hundred."""


def log_wealth(gain: FloatArray | float, spread: FloatArray | float, mixture: float = MIXTURE) -> FloatArray:
    """Log of the gamma-exponential mixture martingale (Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 49,
    2021, proposition 9, with c = 1), where values sum to `gain` more than the mean asked about would, and `spread` is
    the sum of their squared distances from predictions.

    >>> bool(log_wealth(60.0, 200.0) > np.log(40) > log_wealth(20.0, 200.0))
    True
    """  # noqa: D205  the sentence is as long as its source
    gain, spread = np.asarray(gain, dtype=np.float64), np.asarray(spread, dtype=np.float64)
    shape, reach = spread + mixture, np.maximum(gain + spread + mixture, 1e-12)
    with np.errstate(divide="ignore"):  # a sum far below its mean has no wealth: log 0
        mixed = np.log(gammainc(shape, reach)) + gammaln(shape) - shape * np.log(reach)
    usual = mixture * log(mixture) - gammaln(mixture) - np.log(gammainc(mixture, mixture))
    return np.asarray(mixed + usual + gain + spread, dtype=np.float64)


def squared_surprises(values: FloatArray, count: int = 0, total: float = 0.0) -> FloatArray:
    """Squared distance [..., n] of each value from a prediction by the preceding ones, which is at most 1.

    For predictions of at most one, exp(l (x - mean) + (l + log(1 - l)) (x - prediction)²) is a supermartingale for
    every l in [0, 1) and every x >= 0 (Fan, Grama, Liu, Electronic Journal of Probability 20, 2015, lemma 4.1).
    """
    before = total + np.cumsum(values, axis=-1) - values
    predictions = (before + 0.5) / (count + np.arange(values.shape[-1]) + 1.0)
    return np.asarray((values - np.minimum(predictions, 1.0)) ** 2, dtype=np.float64)


@dataclass(slots=True)
class LowerBound:
    """A lower bound on the mean of values >= 0, from three sums."""

    count: int = 0
    total: float = 0.0
    spread: float = 0.0

    def add(self, values: FloatArray) -> None:
        """Read values [n]."""
        self.spread += float(squared_surprises(values, self.count, self.total).sum())
        self.count += len(values)
        self.total += float(values.sum())

    def __add__(self, other: "LowerBound") -> "LowerBound":
        return LowerBound(self.count + other.count, self.total + other.total, self.spread + other.spread)

    def low(self, alpha: float) -> float:
        """The bound; with probability at most `alpha` it ever exceeds the mean."""

        def surplus(mean: float) -> float:
            return float(log_wealth(self.total - self.count * mean, self.spread)) + log(alpha)

        if not self.count or surplus(0.0) <= 0.0:
            return 0.0
        from scipy.optimize import brentq  # loaded at the first interval: it takes a tenth of a worker's start

        return float(brentq(surplus, 0.0, self.total / self.count, xtol=1e-12))


@dataclass(slots=True)
class EmpiricalBernstein:
    """The mean of weight times reward, rewards in [0, 1]; weights may be arbitrarily large.

    Sequences of two parts of a log add up to a valid one: each predicts from its own past, so the result differs a
    little from that of the whole log, wherever it was divided.

    >>> sequence = EmpiricalBernstein(); sequence.add(np.ones(1_000), np.tile([0.0, 1.0], 500))
    >>> [round(end, 2) for end in sequence.interval()]
    [0.45, 0.55]
    """

    earned: LowerBound = field(default_factory=LowerBound)
    missed: LowerBound = field(default_factory=LowerBound)

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read records [n]; raises `ValueError` for rewards outside [0, 1]."""
        earned, missed = both_sides(weights, rewards)
        self.earned.add(earned)
        self.missed.add(missed)

    def __add__(self, other: "EmpiricalBernstein") -> "EmpiricalBernstein":
        return EmpiricalBernstein(self.earned + other.earned, self.missed + other.missed)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Lower and upper limit; 0 and 1 at first."""
        low, high = self.earned.low(alpha / 2.0), 1.0 - self.missed.low(alpha / 2.0)
        return min(low, 1.0), max(high, 0.0)


def misses(weights: FloatArray, rewards: FloatArray, value: float, alpha: float) -> np.ndarray:
    """Whether the interval after each record [..., n] excludes `value`, for all records at once.

    Log wealth is at most gain² / (2 spread), so it is computed only where that suffices.
    """
    missed = np.zeros(np.broadcast_shapes(weights.shape, rewards.shape), dtype=bool)
    for values, mean in zip(both_sides(weights, rewards), (value, 1.0 - value), strict=True):
        gain = np.cumsum(values - mean, axis=-1)
        spread = np.cumsum(squared_surprises(values), axis=-1)
        may = (gain > 0.0) & (gain**2 > -2.0 * log(alpha / 2.0) * spread)
        missed[may] |= log_wealth(gain[may], spread[may]) > -log(alpha / 2.0)
    return missed
