"""Makes pages: cards in order inside each shelf, then the shelves in order, for many listeners at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from processors.cocluster.arrays import FloatArray, IntArray
from processors.policies.keyed_draws import KeyArray, mixed, name_key, ranking_keys
from processors.policies.order_mixture import Drawn, draw
from processors.policies.policy import Policy
from processors.ranking.explanation import KINDS, Explanations, explain
from processors.ranking.learned import Learned
from processors.ranking.scores import Scores, scores_of
from processors.ranking.settings import RankingSettings
from processors.rewards.reward import GroupedReward
from processors.settlement.listener import Play
from schemas.rankings import RankedShelf, ShelfRanking

_SHELF_ORDER = 0xFFFF


class RankingRequest(Struct, frozen=True, kw_only=True):
    """A listener whose page is due: the newest plays, and which of its rankings this is."""

    user_id: str
    ranking_number: int
    event_ms: int
    plays: Sequence[Play]
    sources: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shelf:
    """One shelf of n listeners, in columns [n, L]."""

    shelf_id: str
    cards: IntArray
    drawn: Drawn
    scores: FloatArray
    reasons: Explanations
    best: FloatArray  # [n], what the shelf promises before the draw


class PageMaker:
    """Ranks pages by one policy and one reward. Nothing here depends on who else is ranked in the same call."""

    def __init__(self, settings: RankingSettings, policy: Policy, reward: GroupedReward) -> None:
        self.settings = settings
        self.policy = policy
        self.reward = reward

    def rank(self, learned: Learned, requests: Sequence[RankingRequest]) -> list[ShelfRanking]:
        """One ranking for each request, in their order; none where the catalogue has no shelf."""
        shelves = learned.catalogue.shelves()
        if not requests or not shelves:
            return []
        plays = [request.plays for request in requests]
        weights = learned.user_weights(plays)
        scores = scores_of(learned, self.reward, plays, weights, self.settings.own_weight)
        users = np.array([name_key(request.user_id) for request in requests], dtype=np.uint64)
        keys = ranking_keys(self.settings.seed, users, np.array([request.ranking_number for request in requests]))
        columns = [
            self._shelf(scores, shelf_id, rows, mixed(keys, name_key(shelf_id) >> 1))
            for shelf_id, rows in shelves.items()
        ]
        promise = np.stack([shelf.best for shelf in columns], axis=1)
        rows = min(self.settings.shelves_max, len(columns))
        order = draw(self.policy.mixture(promise, rows), mixed(keys, _SHELF_ORDER))
        return self._messages(learned, requests, weights, scores, columns, order, keys)

    def _shelf(self, scores: Scores, shelf_id: str, rows: IntArray, keys: KeyArray) -> _Shelf:
        score = scores.score[:, rows]
        slots = min(self.settings.slots_max, len(rows))
        mixture = self.policy.mixture(score, slots)
        drawn = draw(mixture, keys)
        cards = rows[drawn.items]
        attention = np.arange(1, slots + 1, dtype=np.float64) ** -self.settings.shelf_attention
        best = -np.sort(-score, axis=1)[:, :slots]
        promise = np.zeros(len(score))
        for slot in range(slots):  # slot by slot: the sum must not depend on how many listeners there are
            promise += best[:, slot] * attention[slot]
        return _Shelf(
            shelf_id=shelf_id,
            cards=cards,
            drawn=drawn,
            scores=np.take_along_axis(score, drawn.items, axis=1),
            reasons=explain(scores, cards, drawn.was_shuffled, float(mixture.shuffled.max(initial=0.0))),
            best=np.round(promise / attention.sum(), 6),
        )

    def _messages(
        self,
        learned: Learned,
        requests: Sequence[RankingRequest],
        weights: FloatArray,
        scores: Scores,
        columns: Sequence[_Shelf],
        order: Drawn,
        keys: KeyArray,
    ) -> list[ShelfRanking]:
        shelves = [_ranked_shelves(learned, shelf) for shelf in columns]
        order_propensities = np.round(order.propensities, 9).tolist()
        streamed = _streamed_share(scores, columns, order.items)
        return [
            ShelfRanking(
                user_id=request.user_id,
                ranking_number=request.ranking_number,
                event_ms=request.event_ms,
                surface=self.settings.surface,
                shelves=tuple(
                    _standing(shelves[shelf][index], propensity)
                    for shelf, propensity in zip(order.items[index].tolist(), order_propensities[index], strict=True)
                ),
                policy_version=self.policy.version,
                reward_version=self.reward.name,
                model_version=learned.model_version,
                draw_key=int(keys[index] >> np.uint64(11)),
                user_weights=tuple(weights[index].tolist()),
                discovery_share=round(1.0 - streamed[index], 6),
                sources=request.sources,
            )
            for index, request in enumerate(requests)
        ]


class _Columns(Struct, frozen=True, array_like=True):
    shelf_id: str
    score: float
    cards: tuple[str, ...]
    scores: tuple[float, ...]
    propensities: tuple[float, ...]
    reasons: tuple[str, ...]
    reason_values: tuple[float, ...]
    second_reasons: tuple[str, ...]
    second_values: tuple[float, ...]


def _ranked_shelves(learned: Learned, shelf: _Shelf) -> list[_Columns]:
    """The columns of one shelf, listener by listener; everything below a listener moves as whole arrays."""
    names = np.array(learned.catalogue.names, dtype=object)
    columns = (
        names[shelf.cards],
        shelf.scores,
        np.round(shelf.drawn.propensities, 9),
        KINDS[shelf.reasons.first],
        shelf.reasons.first_value,
        KINDS[shelf.reasons.second],
        shelf.reasons.second_value,
    )
    lists = [column.tolist() for column in columns]
    return [
        _Columns(shelf.shelf_id, best, *map(tuple, rows))
        for best, *rows in zip(shelf.best.tolist(), *lists, strict=True)
    ]


def _standing(shelf: _Columns, propensity: float) -> RankedShelf:
    """A shelf in the row of the page where it stands."""
    return RankedShelf(
        shelf_id=shelf.shelf_id,
        score=shelf.score,
        propensity=propensity,
        cards=shelf.cards,
        scores=shelf.scores,
        propensities=shelf.propensities,
        reasons=shelf.reasons,  # type: ignore[arg-type]  # rows of KINDS
        reason_values=shelf.reason_values,
        second_reasons=shelf.second_reasons,  # type: ignore[arg-type]
        second_values=shelf.second_values,
    )


def _streamed_share(scores: Scores, columns: Sequence[_Shelf], order: IntArray) -> list[float]:
    """Share of the cards on each page that its listener has streamed lately."""
    rows = np.arange(len(order))[:, None]
    streamed = np.stack([scores.streamed[rows, shelf.cards].sum(axis=1) for shelf in columns], axis=1)
    slots = np.array([shelf.cards.shape[1] for shelf in columns])
    on_page = np.zeros((len(order), len(columns)), dtype=bool)
    np.put_along_axis(on_page, order, values=True, axis=1)
    shares = (streamed * on_page).sum(axis=1) / np.maximum(1, (slots[None, :] * on_page).sum(axis=1))
    return [float(share) for share in shares]
