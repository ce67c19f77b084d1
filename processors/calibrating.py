"""Compares what exposures were expected to earn with what they earn, when they settle and when they are corrected.

The expectation is that of the statistics in force, over the soft group of the page; the outcome is not yet part of
them. It is of the reward by which the home page is ranked.
"""

from collections.abc import Sequence

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.calibration_sums import Compared
from processors.ranking.learned import Learned
from processors.settlement.output.outgoing import Earned
from processors.settlement.output.page_groups import PageGroups


class Calibrating:
    """Compares one of the rewards; nothing is compared if statistics of it are not kept."""

    def __init__(self, learned: Learned, rewards: Sequence[str], ranked_by: str) -> None:
        self._learned, self._reward = learned, ranked_by
        is_kept = ranked_by in rewards and ranked_by in learned.rewards
        self._number = list(rewards).index(ranked_by) if is_kept else None

    def outcomes(
        self, cards: IntArray, groups: PageGroups, page: IntArray, streamed: IntArray, earned: Earned
    ) -> Compared:
        """Exposures [n] of cards (by row) and pages that have settled; those `streamed` have credits."""
        rewards = np.zeros(len(cards))
        places, weights = self._comparable(cards, groups, page)
        has_group = np.zeros(len(cards), dtype=np.bool_)
        has_group[places] = True
        credited = np.flatnonzero(has_group[streamed])
        rows = streamed[credited]
        soft = np.zeros((len(cards), weights.shape[1]))
        soft[places] = weights
        rewards[rows] = self._rewards(earned.credits, earned.offsets[credited], soft[rows])
        realised = rewards[places]
        return self._compared(cards, places, weights, np.ones(len(places)), (realised, realised**2))

    def corrections(self, cards: IntArray, groups: PageGroups, earned: Earned, before: FloatArray) -> Compared:
        """Corrections [n] of exposures, each with its page, its credits and the previous ones."""
        places, weights = self._comparable(cards, groups, np.arange(len(cards)))
        now, then = (self._rewards(one, earned.offsets[places], weights) for one in (earned.credits, before))
        return self._compared(cards, places, weights, np.zeros(len(places)), (now - then, now**2 - then**2))

    def _comparable(self, cards: IntArray, groups: PageGroups, page: IntArray) -> tuple[IntArray, FloatArray]:
        """Indices [k] of the known cards on pages of this generation, and the soft groups [k, G] of their pages."""
        blocks = self._learned.blocks
        width = len(blocks.user_prior)
        if self._number is None:
            return np.zeros(0, dtype=np.int64), np.zeros((0, width))
        is_now = (groups.generation == blocks.generation) & (np.diff(groups.offsets) == width)
        places = np.flatnonzero(is_now[page] & (cards >= 0))
        return places, groups.weights[groups.offsets[page[places], None] + np.arange(width)]

    def _rewards(self, earned: FloatArray, starts: IntArray, weights: FloatArray) -> FloatArray:
        """Rewards [k] over soft groups [k, G] from what was earned, which begins at `starts` [k]."""
        width = weights.shape[1]
        first = starts[:, None] + (self._number or 0) * width + np.arange(width)
        return np.asarray((earned[first] * weights).sum(axis=1), dtype=np.float64)

    def _compared(
        self,
        cards: IntArray,
        places: IntArray,
        weights: FloatArray,
        exposures: FloatArray,
        realised: tuple[FloatArray, FloatArray],
    ) -> Compared:
        if not len(places):
            nothing = np.zeros(0)
            return Compared(places, nothing, nothing, nothing, nothing)
        mean = self._learned.posterior(self._reward).mean[cards[places]]
        return Compared(places, exposures, (mean * weights).sum(axis=1), *realised)
