"""Sums of a candidate beside its incumbent on the same pages: they add up, and corrections take back what was added."""

import operator
from math import sqrt

import numpy as np
from msgspec import Struct, field

from processors.arrays import FloatArray
from processors.evaluation.confidence.paired import Difference, Paired
from processors.evaluation.estimators.estimate import Estimate
from processors.evaluation.estimators.estimator import ALPHA
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.snips import SelfNormalised
from processors.evaluation.sums.moments import Moments
from processors.evaluation.sums.weight_sums import WeightSums
from processors.leaderboard.page_terms import PageTerms

OWN, OTHER = "own", "incumbent"
TERMS = 4


class PairSums(Struct, array_like=True):
    """Of one candidate by one yardstick: sums over pages of [earned, weight, incumbent's earned, incumbent's weight].

    `earned` is the weighted reward. `squares` sums products of any two of these; `largest` has the largest weight of
    both, the largest earned of both, and the largest difference of what both earned. `sizes` sums products of a page's
    number of exposures: with itself, with the weight, and with the incumbent's weight.

    >>> pages = PageTerms(weight=np.array([[1.0, 1.0], [2.0, 0.0]]), now=np.array([[1.0, 0.0], [2.0, 0.0]]),
    ...     before=np.zeros((2, 2)), is_first=np.array([True, True]), exposures=np.array([1, 1]))
    >>> incumbent, other = pair_sums(pages); other.count, other.totals, other.value.value
    (2, [2.0, 2.0, 1.0, 2.0], 1.0)
    >>> again = pages._replace(before=pages.now, is_first=np.array([False, False]))
    >>> other.add(pair_sums(again)[1]); other.count, other.totals
    (2, [2.0, 2.0, 1.0, 2.0])
    """

    count: int = 0
    exposures: int = 0
    totals: list[float] = field(default_factory=lambda: [0.0] * TERMS)
    squares: list[float] = field(default_factory=lambda: [0.0] * TERMS**2)
    largest: list[float] = field(default_factory=lambda: [0.0] * 5)
    sizes: list[float] = field(default_factory=lambda: [0.0] * 3)

    def add(self, other: "PairSums") -> None:
        """Add the sums of further pages."""
        self.count += other.count
        self.exposures += other.exposures
        self.totals = list(map(operator.add, self.totals, other.totals))
        self.squares = list(map(operator.add, self.squares, other.squares))
        self.largest = list(map(max, self.largest, other.largest))
        self.sizes = list(map(operator.add, self.sizes, other.sizes))

    @property
    def value(self) -> Estimate:
        """The candidate's value: weighted rewards over weights."""
        return self._estimator(0).estimate()

    def difference(self, alpha: float = ALPHA) -> Difference:
        """How much more the candidate is worth than the incumbent."""
        paired: Paired[Exposures] = Paired({OWN: self._estimator(0), OTHER: self._estimator(2)})
        paired.joint = self._moments(slice(0, 4))
        paired.largest = np.array([[0.0, self.largest[4]], [self.largest[4], 0.0]])
        return paired.difference(OWN, OTHER, alpha)

    def _estimator(self, first: int) -> SelfNormalised:
        """The estimator that has read the pages, with the terms from `first` on."""
        side = first // 2
        estimator = SelfNormalised()
        estimator.moments = self._moments(slice(first, first + 2))
        weights = self._weights(first + 1, self.largest[side])
        estimator.weights = estimator.used = PageWeights(*weights, mean_error_of_sizes=self._mean_error(side))
        estimator.earned = WeightSums(*self._weights(first, self.largest[2 + side]))
        return estimator

    def _moments(self, part: slice) -> Moments:
        totals = np.array(self.totals)[part]
        mean = totals / max(self.count, 1)
        scatter = np.array(self.squares).reshape(TERMS, TERMS)[part, part] - self.count * np.outer(mean, mean)
        return Moments(self.count, mean, scatter)

    def _weights(self, term: int, largest: float) -> tuple[int, float, float, float]:
        """Count, sum, squares and largest of a term of pages, per exposure of an average page."""
        size = self.exposures / self.count if self.count else 1.0
        square = max(self.squares[term * TERMS + term], 0.0)
        return self.count, self.totals[term] / size, square / size**2, largest / size

    def _mean_error(self, side: int) -> float:
        """Standard error of the mean weight of exposures, a ratio: pages differ in their number of exposures."""
        if self.count < 2:
            return float("nan")
        term = 2 * side + 1
        mean = self.totals[term] / self.exposures
        left = self.squares[term * TERMS + term] - 2.0 * mean * self.sizes[1 + side] + mean**2 * self.sizes[0]
        return sqrt(max(left, 0.0) * self.count / (self.count - 1)) / self.exposures


class PageWeights(WeightSums):
    """Weights of pages, whose mean is one of exposures."""

    def __init__(self, count: int, total: float, squares: float, largest: float, *, mean_error_of_sizes: float) -> None:
        super().__init__(count, total, squares, largest)
        self._mean_error = mean_error_of_sizes

    @property
    def mean_error(self) -> float:
        """Standard error of the mean weight of exposures."""
        return self._mean_error


def pair_sums(pages: PageTerms) -> list[PairSums]:
    """The sums of these pages for every candidate, beside the first: a correction replaces what its page counted with.

    Products are summed candidate by candidate in a fixed order, so they do not depend on the number of candidates.
    """
    again = ~pages.is_first
    now, before = _columns(pages.weight, pages.now), _columns(pages.weight[:, again], pages.before[:, again])
    totals, squares = now.sum(axis=1), np.einsum("kni,knj->kij", now, now)
    if before.shape[1]:
        totals -= before.sum(axis=1)
        squares -= np.einsum("kni,knj->kij", before, before)
    apart = np.abs(now[:, :, 0] - now[:, :, 2])
    largest = np.stack([now[:, :, 1], now[:, :, 3], now[:, :, 0], now[:, :, 2], apart], axis=2).max(axis=1, initial=0.0)
    count, exposures = int(pages.is_first.sum()), int(pages.exposures[pages.is_first].sum())
    size = pages.exposures[pages.is_first].astype(np.float64)
    of_weights = now[:, pages.is_first][:, :, [1, 3]]
    sizes = np.column_stack([np.full(len(now), (size * size).sum()), np.einsum("n,kni->ki", size, of_weights)])
    columns = (totals.tolist(), squares.reshape(len(now), -1).tolist(), largest.tolist(), sizes.tolist())
    return [PairSums(count, exposures, *own) for own in zip(*columns, strict=True)]


def _columns(weight: FloatArray, earned: FloatArray) -> FloatArray:
    """The terms [k, n, 4] of every candidate and the first."""
    first = np.broadcast_to(earned[0], earned.shape), np.broadcast_to(weight[0], weight.shape)
    return np.stack([earned, weight, *first], axis=2)
