"""One shelf for many listeners: what is wanted of it, the order drawn, and why each card stands where it does."""

from dataclasses import dataclass

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import Drawn, draw
from processors.policies.policy import Policy, best_first
from processors.ranking.discovery import with_room
from processors.ranking.diversity import diversified
from processors.ranking.explanation import Explanations, explain
from processors.ranking.scores import Scores
from processors.ranking.settings import RankingSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    """One shelf of n listeners, in columns [n, L], and what it promises before the draw."""

    shelf_id: str
    cards: IntArray
    drawn: Drawn
    scores: FloatArray
    reasons: Explanations
    promise: FloatArray  # [n], expected reward of a look at its best order
    promise_sd: FloatArray  # [n]
    promise_count: FloatArray  # [n]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShelfMaker:
    """What all shelves of some listeners have in common."""

    settings: RankingSettings
    policy: Policy
    scores: Scores
    fresh: FloatArray  # [n, C]
    card_group: IntArray  # [C]

    def shelf(self, shelf_id: str, rows: IntArray, keys: KeyArray) -> Shelf:
        """Order the valid cards `rows` [m] for every listener.

        Freshness, diversity and discovery change what is wanted before the policy sees it, each a function of what is
        known then; after the draw nothing is moved. So the policy's propensities are those of what is shown.
        """
        settings, scores = self.settings, self.scores
        slots = min(settings.slots_max, len(rows))
        worth = diversified(scores.score[:, rows] + self.fresh[:, rows], self.card_group[rows], settings.diversity)
        wanted = with_room(worth, scores.streamed[:, rows], slots, settings.discovery_share)
        beliefs = Beliefs(mean=wanted, sd=scores.sd[:, rows], count=scores.count[:, rows])
        mixture = self.policy.mixture(beliefs, slots, keys)
        drawn = draw(mixture, keys)
        best, cards = best_first(wanted, slots), rows[drawn.items]
        explored = (drawn.items != best).any(axis=1)
        return Shelf(
            shelf_id=shelf_id,
            cards=cards,
            drawn=drawn,
            scores=np.take_along_axis(scores.score[:, rows], drawn.items, axis=1),
            reasons=explain(scores, self.fresh, cards, explored, mixture.elsewhere(best)),
            promise=np.round(self._looked_at(worth, best), 6),
            promise_sd=np.sqrt(self._looked_at(beliefs.sd**2, best, power=2.0)),
            promise_count=self._looked_at(beliefs.count, best),
        )

    def _looked_at(self, values: FloatArray, order: IntArray, power: float = 1.0) -> FloatArray:
        """Mean [n] of values [n, m] over the slots of an order [n, L], weighted by attention to the power."""
        attention = np.arange(1, order.shape[1] + 1, dtype=np.float64) ** -self.settings.shelf_attention
        share = (attention / attention.sum()) ** power
        in_order = np.take_along_axis(values, order, axis=1)
        total = np.zeros(len(values))
        for slot in range(order.shape[1]):  # slot by slot: the sum must not depend on how many listeners there are
            total += in_order[:, slot] * share[slot]
        return total
