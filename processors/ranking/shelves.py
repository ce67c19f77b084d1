"""Ranks one shelf for many listeners: scores, the drawn order, and explanations."""

from dataclasses import dataclass, replace

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import Drawn, OrderMixture, draw
from processors.policies.policy import Policy, best_first
from processors.ranking.discovery import with_room
from processors.ranking.diversity import diversified
from processors.ranking.doubt import Doubt
from processors.ranking.explanation import Explanations, explain
from processors.ranking.ranking_settings import RankingSettings
from processors.ranking.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    """One shelf of n listeners, in columns [n, L], and its expected reward before the draw."""

    shelf_id: str
    cards: IntArray
    drawn: Drawn
    scores: FloatArray
    reasons: Explanations
    promise: FloatArray  # [n], expected reward of a look at its best order
    promise_sd: FloatArray | None  # [n], if the policy uses uncertainty
    promise_count: FloatArray | None  # [n], likewise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShelfMaker:
    """The shared input of all shelves of some listeners."""

    settings: RankingSettings
    policy: Policy
    scores: Scores
    doubt: Doubt | None  # if the policy uses it
    fresh: FloatArray | None  # [n, C], if freshness is used
    card_group: IntArray  # [C]

    def shelf(self, shelf_id: str, rows: IntArray, keys: KeyArray) -> Shelf:
        """Order the valid cards `rows` [m] for each listener.

        Freshness, diversity and discovery change the scores before the policy sees them, each a function of what is
        known then; nothing is moved after the draw. The policy's propensities are thus those of the shown page.
        """
        slots, score = self.slots_of(rows), self.scores.score[:, rows]
        worth, beliefs = self._beliefs(score, rows, slots)
        mixture = self.policy.mixture(beliefs, slots, keys)
        drawn = draw(mixture, keys)
        best = mixture.orders[:, 0] if self.policy.leads_with_best else best_first(beliefs.mean, slots)
        cards, explored = rows[drawn.items], (drawn.items != best).any(axis=1)
        return Shelf(
            shelf_id=shelf_id,
            cards=cards,
            drawn=drawn,
            scores=np.take_along_axis(score, drawn.items, axis=1),
            reasons=explain(self.scores, self.fresh, cards, explored, mixture.elsewhere(best)),
            promise=np.round(self._looked_at(worth, best), 6),
            promise_sd=None if self.doubt is None else self._promise_sd(self.doubt.variance[:, rows], best),
            promise_count=None if self.doubt is None else self._looked_at(beliefs.count, best),
        )

    def of_listeners(self, chosen: IntArray, scores: Scores | None = None) -> "ShelfMaker":
        """The same for some of the listeners, or for one several times; `scores` are theirs, if they are at hand."""
        return replace(
            self,
            scores=self.scores.of_listeners(chosen) if scores is None else scores,
            doubt=None if self.doubt is None else self.doubt.of_listeners(chosen),
            fresh=None if self.fresh is None else self.fresh[chosen],
        )

    def slots_of(self, rows: IntArray) -> int:
        """Number of slots of a shelf with these valid cards."""
        return min(self.settings.slots_max, len(rows))

    def beliefs(self, rows: IntArray) -> Beliefs:
        """What the policy is told of the valid cards `rows` [m]."""
        return self._beliefs(self.scores.score[:, rows], rows, self.slots_of(rows))[1]

    @property
    def orders_by_score(self) -> bool:
        """Whether the policy is told the scores and nothing else."""
        settings = self.settings
        is_plain = self.doubt is None and self.fresh is None
        return is_plain and not settings.diversity and not settings.discovery_share

    def mixture(self, rows: IntArray, keys: KeyArray) -> OrderMixture:
        """The distribution over orders of the valid cards `rows` [m] from which `shelf` draws."""
        return self.policy.mixture(self.beliefs(rows), self.slots_of(rows), keys)

    def _beliefs(self, score: FloatArray, rows: IntArray, slots: int) -> tuple[FloatArray, Beliefs]:
        """Expected rewards of the cards [n, m], and what the policy is told of them."""
        worth, wanted = self._wanted(score, rows, slots)
        if self.doubt is None:
            return worth, Beliefs.certain(wanted)
        variance, count = self.doubt.variance[:, rows], self.doubt.count[:, rows]
        return worth, Beliefs(mean=wanted, sd=np.sqrt(variance), count=count)

    def _wanted(self, score: FloatArray, rows: IntArray, slots: int) -> tuple[FloatArray, FloatArray]:
        """Expected rewards of the cards [n, m], and the scores to order them by."""
        settings = self.settings
        worth = score if self.fresh is None else score + self.fresh[:, rows]
        worth = diversified(worth, self.card_group[rows], settings.diversity)
        if settings.discovery_share == 0.0:
            return worth, worth
        return worth, with_room(worth, self.scores.streamed[:, rows], slots, settings.discovery_share)

    def _promise_sd(self, variance: FloatArray, best: IntArray) -> FloatArray:
        return np.sqrt(self._looked_at(variance, best, power=2.0))

    def _looked_at(self, values: FloatArray, order: IntArray, power: float = 1.0) -> FloatArray:
        """Mean [n] of values [n, m] over the slots of an order [n, L], weighted by attention to the power."""
        attention = np.arange(1, order.shape[1] + 1, dtype=np.float64) ** -self.settings.shelf_attention
        share = (attention / attention.sum()) ** power
        in_order = np.take_along_axis(values, order, axis=1)
        total = np.zeros(len(values))
        for slot in range(order.shape[1]):  # slot by slot: the sum must not depend on the number of listeners
            total += in_order[:, slot] * share[slot]
        return total
