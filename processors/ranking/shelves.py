"""One shelf for many listeners: what is wanted of it, the order drawn, and why each card stands where it does."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import Drawn, draw
from processors.policies.policy import Policy, best_first
from processors.ranking.discovery import with_room
from processors.ranking.diversity import diversified
from processors.ranking.doubt import Doubt
from processors.ranking.explanation import Explanations, explain
from processors.ranking.ranking_settings import RankingSettings
from processors.ranking.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    """One shelf of n listeners, in columns [n, L], and what it promises before the draw."""

    shelf_id: str
    cards: IntArray
    drawn: Drawn
    scores: FloatArray
    reasons: Explanations
    promise: FloatArray  # [n], expected reward of a look at its best order
    promise_sd: FloatArray | None  # [n], where the policy weighs doubt
    promise_count: FloatArray | None  # [n], likewise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShelfMaker:
    """What all shelves of some listeners have in common."""

    settings: RankingSettings
    policy: Policy
    scores: Scores
    doubt: Doubt | None  # where the policy weighs it
    fresh: FloatArray | None  # [n, C], where freshness counts
    card_group: IntArray  # [C]

    def shelf(self, shelf_id: str, rows: IntArray, keys: KeyArray) -> Shelf:
        """Order the valid cards `rows` [m] for every listener.

        Freshness, diversity and discovery change what is wanted before the policy sees it, each a function of what is
        known then; after the draw nothing is moved. So the policy's propensities are those of what is shown.
        """
        slots = min(self.settings.slots_max, len(rows))
        score = self.scores.score[:, rows]
        worth, wanted = self._wanted(score, rows, slots)
        beliefs = Beliefs.certain(wanted)
        if self.doubt is not None:
            variance, count = self.doubt.variance[:, rows], self.doubt.count[:, rows]
            beliefs = Beliefs(mean=wanted, sd=np.sqrt(variance), count=count)
        mixture = self.policy.mixture(beliefs, slots, keys)
        drawn = draw(mixture, keys)
        best = mixture.orders[:, 0] if self.policy.leads_with_best else best_first(wanted, slots)
        cards, explored = rows[drawn.items], (drawn.items != best).any(axis=1)
        return Shelf(
            shelf_id=shelf_id,
            cards=cards,
            drawn=drawn,
            scores=np.take_along_axis(score, drawn.items, axis=1),
            reasons=explain(self.scores, self.fresh, cards, explored, mixture.elsewhere(best)),
            promise=np.round(self._looked_at(worth, best), 6),
            promise_sd=None if self.doubt is None else np.sqrt(self._looked_at(variance, best, power=2.0)),
            promise_count=None if self.doubt is None else self._looked_at(count, best),
        )

    def _wanted(self, score: FloatArray, rows: IntArray, slots: int) -> tuple[FloatArray, FloatArray]:
        """What the cards are worth [n, m], and by what they are ordered."""
        settings = self.settings
        worth = score if self.fresh is None else score + self.fresh[:, rows]
        worth = diversified(worth, self.card_group[rows], settings.diversity)
        if settings.discovery_share == 0.0:
            return worth, worth
        return worth, with_room(worth, self.scores.streamed[:, rows], slots, settings.discovery_share)

    def _looked_at(self, values: FloatArray, order: IntArray, power: float = 1.0) -> FloatArray:
        """Mean [n] of values [n, m] over the slots of an order [n, L], weighted by attention to the power."""
        attention = np.arange(1, order.shape[1] + 1, dtype=np.float64) ** -self.settings.shelf_attention
        share = (attention / attention.sum()) ** power
        in_order = np.take_along_axis(values, order, axis=1)
        total = np.zeros(len(values))
        for slot in range(order.shape[1]):  # slot by slot: the sum must not depend on how many listeners there are
            total += in_order[:, slot] * share[slot]
        return total
