"""Sums by pooled weights, and whether the log objects to pooling."""

from math import sqrt

import numpy as np
from msgspec import Struct, field

from processors.arrays import FloatArray
from processors.evaluation.sums.anytime_width import RECORDS_MIN, mixture_width
from processors.evaluation.sums.weight_sums import SHARE_MAX
from processors.leaderboard.page_terms import PageTerms
from processors.leaderboard.pair_sums import PairSums, pair_sums

TERMS = 2


class PooledSums(Struct, array_like=True):
    """Of one candidate by one yardstick: the pair by pooled weights, and by how much pooling changes the difference.

    A page changes it by what the candidate earns more by pooled weights than by those of slots, less the same of the
    incumbent; `totals` and `squares` are of [this change, the same of the weights]. Both means are zero if a seen card
    earns the same in every seen slot, whatever the policies.
    """

    sums: PairSums = field(default_factory=PairSums)
    totals: list[float] = field(default_factory=lambda: [0.0] * TERMS)
    squares: list[float] = field(default_factory=lambda: [0.0] * TERMS**2)
    largest: float = 0.0

    def add(self, other: "PooledSums") -> None:
        """Add the sums of further pages."""
        self.sums.add(other.sums)
        self.totals = [one + more for one, more in zip(self.totals, other.totals, strict=True)]
        self.squares = [one + more for one, more in zip(self.squares, other.squares, strict=True)]
        self.largest = max(self.largest, other.largest)

    def change(self) -> tuple[float, float]:
        """Mean change of the difference by pooling, with its standard error; the weights' own change is taken out.

        Weights are off one by chance, and so is then what they earn: by the candidate's value times as much.
        """
        count, value = self.sums.count, self.sums.value.value
        if count < 2 or not np.isfinite(value):
            return 0.0, float("inf")
        along = np.array([1.0, -value])
        mean = np.array(self.totals) / count
        scatter = np.array(self.squares).reshape(TERMS, TERMS) - count * np.outer(mean, mean)
        variance = max(float(along @ scatter @ along), 0.0) / (count - 1)
        return float(along @ mean), sqrt(variance / count)

    def is_refuted(self, alpha: float) -> bool:
        """Whether the change is not zero, looking at any number of times; undecided while one page dominates it."""
        count, square = self.sums.count, self.squares[0]
        if count < RECORDS_MIN or self.largest**2 > SHARE_MAX * square:
            return False
        mean, error = self.change()
        return abs(mean) > float(mixture_width(count, alpha)) * error


def pooled_sums(by_slot: PageTerms, pooled: PageTerms) -> list[PooledSums]:
    """The sums of these pages for every candidate; a correction replaces what its page counted with."""
    again = ~by_slot.is_first
    weight = _change(by_slot.weight, pooled.weight)
    now, before = _change(by_slot.now, pooled.now), _change(by_slot.before, pooled.before)[:, again]
    first = np.stack([now, weight], axis=2), np.stack([before, weight[:, again]], axis=2)
    totals, squares = (  # candidate by candidate in a fixed order, whatever their number
        added - taken
        for added, taken in zip(*((terms.sum(axis=1), np.einsum("kni,knj->kij", terms, terms)) for terms in first),
                                strict=True)
    )  # fmt: skip
    largest = np.abs(now).max(axis=1, initial=0.0).tolist()
    columns = (pair_sums(pooled), totals.tolist(), squares.reshape(len(now), -1).tolist(), largest)
    return [PooledSums(*own) for own in zip(*columns, strict=True)]


def _change(by_slot: FloatArray, pooled: FloatArray) -> FloatArray:
    """The change [k, n] of each candidate's terms by pooling, less that of the first candidate's."""
    change = pooled - by_slot
    return np.asarray(change - change[:1], dtype=np.float64)
