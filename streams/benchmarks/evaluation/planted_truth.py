"""The truth behind the leaderboard in a planted world: what candidates are worth on the pages that value them."""

from collections.abc import Sequence

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.leaderboard.candidate import Candidate
from processors.leaderboard.shadow_pages import PageKey
from processors.leaderboard.shadow_ranking import Chances, SeenCards, ShadowRanking, Viewers
from processors.policies.keyed_draws import mixed, name_key
from processors.policies.order_mixture import OrderMixture
from processors.ranking.learned import Learned
from processors.ranking.shelves import ShelfMaker
from processors.worlds.satisfaction import SatisfactionWorld
from processors.worlds.yardsticks import yardsticks

YARDSTICKS = ("stream-rate", "minutes", "satisfied")


class TruthfulRanking(ShadowRanking):
    """Candidates that also note, for every page, the expectation of each yardstick over all that they might show.

    It is exact: the world's closed forms, summed over the distribution of cards in every seen slot. The estimates know
    nothing of it.
    """

    def __init__(self, candidates: Sequence[Candidate], world: SatisfactionWorld) -> None:
        super().__init__(candidates)
        truth = yardsticks(world)
        self._worth = np.stack([truth.y30, truth.time_s / 60.0, truth.ysat])  # [y, users, cards]
        self._found = np.zeros((0, 0, 0))
        self.of_page: dict[PageKey, FloatArray] = {}
        """Sum over the weighed slots of a page, [y, k]."""
        self.exposures: dict[PageKey, int] = {}

    def chances(self, learned: Learned, viewers: Viewers, seen: SeenCards) -> Chances:
        """The same, and notes the truth of each page."""
        self._found = np.zeros((len(self._worth), self.count, len(seen.page)))
        found = super().chances(learned, viewers, seen)
        for number, name in enumerate(viewers.names):
            some = np.flatnonzero((seen.page == number) & found.is_defined)
            if len(some):
                self.of_page[name] = self._found[:, :, some].sum(axis=2)
                self.exposures[name] = len(some)
        return found

    def _in_shelf(
        self,
        makers: Sequence[ShelfMaker],
        viewers: Viewers,
        seen: SeenCards,
        some: IntArray,
        shelf_id: str,
        rows: IntArray,
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        pages, place = np.unique(seen.page[some], return_inverse=True)
        keys = mixed(viewers.keys[pages], name_key(shelf_id) >> 1)
        users = np.array([int(viewers.names[page][0][1:]) for page in pages.tolist()])
        worth = self._worth[:, users[:, None], rows[None, :]]  # [y, pages, cards]
        for number, maker in enumerate(makers):
            expected = _expected(maker.of_listeners(pages).mixture(rows, keys), worth)
            self._found[:, number, some] = expected[:, place, seen.slot[some]]
        return super()._in_shelf(makers, viewers, seen, some, shelf_id, rows)


def _expected(mixture: OrderMixture, worth: FloatArray) -> FloatArray:
    """Expectation [y, n, L] of the worth [y, n, m] of the card in each slot."""
    total = mixture.shuffled[None, :, None] * worth.mean(axis=2, keepdims=True)
    for number in range(mixture.orders.shape[1]):
        shown = np.take_along_axis(worth, mixture.orders[None, :, number], axis=2)
        total = total + mixture.weights[None, :, number, None] * shown
    return np.asarray(total, dtype=np.float64)
