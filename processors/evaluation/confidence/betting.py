"""`betting`: confidence sequences of the values that no bet has refuted."""

from dataclasses import dataclass, field
from math import log

import numpy as np
from scipy.special import expit

from processors.arrays import FloatArray
from processors.evaluation.confidence.sides import both_sides

CANDIDATES = expit(np.linspace(-9.0, 9.0, 501))
"""Candidate values, from .0001 to .9999."""
STAKE_MAX = 0.5
"""Largest share of the capital that may be lost in one bet, for a candidate of one."""
TUNED_FOR = 4_000
"""Number of records at which the interval is narrowest, relative to a test at this number alone."""
ROWS = 8
"""Number of factors multiplied before taking a logarithm, so that no product overflows."""


def stakes(values: FloatArray, alpha: float, count: int = 0, total: float = 0.0, squares: float = 0.0) -> FloatArray:
    """Stakes on each value [..., n], determined by the values before it (Waudby-Smith, Ramdas, JRSS B 86, 2024).

    They divide by t log(1 + t); here the divisor is t, and `TUNED_FOR` before that: any stake that depends only on the
    past is valid, and these give an interval of half the width at 50,000 records. `squares` is the sum of squared
    distances from running means.
    """
    number = count + np.arange(values.shape[-1]) + 1.0
    sums = total + np.cumsum(values, axis=-1)
    surprises = (values - (sums + 0.5) / (number + 1.0)) ** 2
    before = squares + np.cumsum(surprises, axis=-1) - surprises
    variance = (before + 0.25) / number
    wanted = np.sqrt(2.0 * log(2.0 / alpha) / (variance * np.maximum(number, TUNED_FOR)))
    return np.asarray(np.minimum(wanted, STAKE_MAX))


@dataclass(slots=True)
class Capital:
    """Log capital of bets that the mean of values >= 0 is above each candidate."""

    alpha: float
    logs: FloatArray = field(default_factory=lambda: np.zeros_like(CANDIDATES))
    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, values: FloatArray) -> None:
        """Bet on values [n]."""
        staked = stakes(values, self.alpha, self.count, self.total, self.squares)
        for first in range(0, len(values), ROWS):
            part = slice(first, first + ROWS)
            self.logs = self.logs + np.log(
                np.prod(1.0 + staked[part, None] * (values[part, None] - CANDIDATES), axis=0)
            )
        sums = self.total + np.cumsum(values)
        means = (sums + 0.5) / (self.count + np.arange(len(values)) + 2.0)
        self.squares += float(((values - means) ** 2).sum())
        self.count += len(values)
        self.total += float(values.sum())

    def __add__(self, other: "Capital") -> "Capital":
        sums = self.count + other.count, self.total + other.total, self.squares + other.squares
        return Capital(self.alpha, self.logs + other.logs, *sums)

    @property
    def low(self) -> float:
        """The lower limit: all candidates below it are refuted; log capital is decreasing and concave in the candidate.

        Between two candidates it therefore lies above the connecting line, and interpolating is conservative.
        """
        enough = log(2.0 / self.alpha)
        if self.logs[0] < enough:
            return 0.0
        last = int(np.flatnonzero(self.logs >= enough)[-1])
        if last + 1 == len(CANDIDATES):
            return float(CANDIDATES[last])
        share = (self.logs[last] - enough) / (self.logs[last] - self.logs[last + 1])
        return float(CANDIDATES[last] + share * (CANDIDATES[last + 1] - CANDIDATES[last]))


class Betting:
    """The mean of weight times reward, rewards in [0, 1]: hedged capital (Waudby-Smith, Ramdas, JRSS B 86, 2024), one
    half of it on each side, at an `alpha` that is chosen before.

    Sequences of two parts of a log add up to a valid one, since capitals multiply: each part bets by its own past, so
    it is a little wider than the sequence of the whole log. Memory and time are proportional to the number of
    candidates, 501.

    >>> sequence = Betting(); sequence.add(np.ones(1_000), np.tile([0.0, 1.0], 500))
    >>> [round(end, 2) for end in sequence.interval()]
    [0.45, 0.55]
    """  # noqa: D205  the sentence is as long as its source

    def __init__(self, alpha: float = 0.05) -> None:
        if not 0.0 < alpha < 1.0:
            raise ValueError(f"alpha is {alpha:g}; it must be between 0 and 1")
        self.alpha = alpha
        self.earned, self.missed = Capital(alpha), Capital(alpha)

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read records [n]; raises `ValueError` for rewards outside [0, 1]."""
        earned, missed = both_sides(weights, rewards)
        self.earned.add(earned)
        self.missed.add(missed)

    def __add__(self, other: "Betting") -> "Betting":
        if self.alpha != other.alpha:
            raise ValueError(f"bets at alpha {self.alpha:g} and {other.alpha:g} do not add up: use one alpha")
        both = Betting(self.alpha)
        both.earned, both.missed = self.earned + other.earned, self.missed + other.missed
        return both

    def interval(self, alpha: float | None = None) -> tuple[float, float]:
        """Lower and upper limit at the `alpha` of the bets; raises `ValueError` for another."""
        if alpha is not None and alpha != self.alpha:
            raise ValueError(f"bets were made for alpha {self.alpha:g}: they give no interval at {alpha:g}")
        return self.earned.low, 1.0 - self.missed.low


def misses(weights: FloatArray, rewards: FloatArray, value: float, alpha: float) -> np.ndarray:
    """Whether the interval after each record [..., n] excludes `value`, for all records at once, without a grid."""
    missed = np.zeros(np.broadcast_shapes(weights.shape, rewards.shape), dtype=bool)
    for values, mean in zip(both_sides(weights, rewards), (value, 1.0 - value), strict=True):
        missed |= np.cumsum(np.log1p(stakes(values, alpha) * (values - mean)), axis=-1) > log(2.0 / alpha)
    return missed
