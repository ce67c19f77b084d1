"""What pages contribute to the leaderboard: for each candidate and yardstick a weight, and a weighted reward.

The record is the page. One coin decides a whole shelf, and a listener sees all of a page at once, so its slots are not
independent records; pages are, given the past. A page's weight is the sum of the weights of its slots, its weighted
reward the sum of weight times reward: with weights of slots, both are right on average whatever depends on what inside
the page. With sums each exposure counts alike; with means, a page with one seen slot would count as much as one with
twenty, and its error would be twenty times as large.

Pooled weights are of a card anywhere among the seen slots of its shelf. They are right on average if a seen card earns
the same in each of these, and vary less: a candidate that only moves a card from one seen slot to another has the same
pooled weights. Both kinds are summed, so that the log itself can object to pooling.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from schemas.policy_evidence import WEIGHT_UNITS, PagesWeighed

STREAMED_MS = 30_000


class Yardstick(NamedTuple):
    """A measure that is no reward of any candidate: of all exposures, or of those in the first slots of shelves."""

    name: str
    slots: int = 0  # 0 for all
    is_time: bool = False

    def reward(self, played_ms: IntArray) -> FloatArray:
        """Reward [e] of exposures: minutes streamed, or whether 30 s were.

        >>> Yardstick("stream-rate").reward(np.array([0, 30_000])).tolist()
        [0.0, 1.0]
        """
        return played_ms / 60_000.0 if self.is_time else (played_ms >= STREAMED_MS).astype(np.float64)


YARDSTICKS = (
    Yardstick("stream-rate"),
    Yardstick("minutes", is_time=True),
    Yardstick("precision@1", slots=1),
    Yardstick("precision@3", slots=3),
)
"""`stream-rate`: share of exposures that lead to 30 s; `minutes`: minutes streamed for each; `precision@k`: the stream
rate of the first k slots of the shelves."""


class PageTerms(NamedTuple):
    """Terms of n pages for k candidates: weights [k, n], and weighted rewards from now on and until now [k, n]."""

    weight: FloatArray
    now: FloatArray
    before: FloatArray
    is_first: BoolArray  # [n]
    exposures: IntArray  # [n]


class WeighedColumns(NamedTuple):
    """A message in arrays; the last candidate is the log itself, with weights of one."""

    names: tuple[str, ...]
    page: IntArray  # [e]
    slot: IntArray
    played_ms: IntArray
    previous_ms: IntArray
    weights: FloatArray  # [k, e]
    pooled: FloatArray  # [k, e]
    is_first: BoolArray  # [n]

    @classmethod
    def of(cls, message: PagesWeighed, logged: str) -> "WeighedColumns":
        """The columns of a message."""
        page = np.repeat(np.arange(len(message.seen)), message.seen)

        def by_candidate(weights: Sequence[Sequence[int]]) -> FloatArray:
            return np.vstack([np.array(weights, dtype=np.float64) / WEIGHT_UNITS, np.ones(len(page))])

        return cls(
            names=(*message.candidates, logged),
            page=page,
            slot=np.array(message.slot),
            played_ms=np.array(message.played_ms),
            previous_ms=np.array(message.previous_ms),
            weights=by_candidate(message.weights),
            pooled=by_candidate(message.pooled or message.weights),
            is_first=np.array(message.is_first, dtype=np.bool_),
        )

    def terms(self, yardstick: Yardstick, *, is_pooled: bool = False) -> PageTerms:
        """The pages' terms by one kind of weights; of those with an exposure in the slots that count."""
        some = np.flatnonzero(self.slot < yardstick.slots) if yardstick.slots else np.arange(len(self.slot))
        counts = np.bincount(self.page[some], minlength=len(self.is_first))
        shown, page = np.flatnonzero(counts), self.page[some]
        weights = (self.pooled if is_pooled else self.weights)[:, some]
        now, before = (yardstick.reward(column[some]) for column in (self.played_ms, self.previous_ms))

        starts = np.flatnonzero(np.diff(page, prepend=-1))

        def summed(values: FloatArray) -> FloatArray:
            return np.asarray(np.add.reduceat(values, starts, axis=1))

        return PageTerms(
            weight=summed(weights),
            now=summed(weights * now),
            before=summed(weights * before) if before.any() else np.zeros((len(weights), len(shown))),
            is_first=self.is_first[shown],
            exposures=counts[shown],
        )
