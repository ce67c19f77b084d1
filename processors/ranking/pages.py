"""Makes pages for many listeners at a time: orders the cards of each shelf, then the shelves."""

from collections.abc import Sequence

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.policies.beliefs import Beliefs
from processors.policies.keyed_draws import KeyArray, mixed, name_key, ranking_keys
from processors.policies.order_mixture import Drawn, draw
from processors.policies.policy import Policy
from processors.policies.policy_catalogue import policy_named
from processors.ranking.doubt import doubt_of
from processors.ranking.freshness import fresh_gain
from processors.ranking.learned import Learned
from processors.ranking.play_columns import PlayColumns
from processors.ranking.ranked_pages import RankedPages
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.ranking_settings import RankingSettings
from processors.ranking.scores import Scores, scores_of
from processors.ranking.shelves import Shelf, ShelfMaker
from processors.rewards.reward import GroupedReward
from processors.rewards.reward_catalogue import reward_named
from schemas.rankings import HOME, ShelfRanking

_SHELF_ORDER = 0xFFFF


class PageMaker:
    """Ranks pages of one surface by one policy and one reward; each page is independent of the others in the call."""

    def __init__(self, settings: RankingSettings, policy: Policy, reward: GroupedReward) -> None:
        self.settings = settings
        self.policy = policy
        self.reward = reward

    @classmethod
    def of(cls, settings: RankingSettings) -> "PageMaker":
        """Create a page maker with the configured policy and reward."""
        return cls(
            settings, policy_named(settings.policy, settings.knobs), reward_named(settings.reward, settings.seed)
        )

    def rank(self, learned: Learned, requests: Sequence[RankingRequest]) -> list[ShelfRanking]:
        """One ranking per request, in order; none if the catalogue has no shelves."""
        pages = self.pages(learned, requests)
        return [] if pages is None else pages.messages()

    def pages(
        self, learned: Learned, requests: Sequence[RankingRequest], plays: PlayColumns | None = None
    ) -> RankedPages | None:
        """The pages of these requests, in columns; None without requests or shelves.

        `plays` are those of the requests' listeners, if they are in columns already.
        """
        settings = self.settings
        shelves = learned.catalogue.shelves(deduplicated=settings.deduplicate)
        if not requests or not shelves:
            return None
        if plays is None:
            plays = learned.play_columns([request.plays for request in requests])
        weights = learned.user_weights(plays)
        scores = scores_of(learned, self.reward, plays, weights, settings.own_weight)
        maker = ShelfMaker(
            settings=settings,
            policy=self.policy,
            scores=scores,
            doubt=doubt_of(learned.posterior(self.reward.name), weights) if self.policy.weighs_doubt else None,
            fresh=self._fresh(learned, scores, requests),
            card_group=learned.card_groups(),
        )
        keys = self._keys(requests)
        columns = [
            maker.shelf(shelf_id, rows, mixed(keys, name_key(shelf_id) >> 1)) for shelf_id, rows in shelves.items()
        ]
        order = self._shelf_order(columns, mixed(keys, _SHELF_ORDER))
        return RankedPages(
            requests=requests,
            surface=settings.surface,
            policy_version=self.policy.version,
            reward_version=self.reward.name,
            model_version=learned.model_version,
            weights=weights,
            shelves=columns,
            order=order,
            keys=keys,
            discovery_share=np.round(1.0 - _streamed_share(scores, columns, order.items), 6),
            cards=learned.catalogue.texts(),
        )

    def _keys(self, requests: Sequence[RankingRequest]) -> KeyArray:
        users = np.array([name_key(request.user_id) for request in requests], dtype=np.uint64)
        numbers = np.array([request.ranking_number for request in requests])
        keys = ranking_keys(self.settings.seed, users, numbers)
        surface = self.settings.surface
        return keys if surface == HOME else mixed(keys, name_key(surface) >> 1)

    def _fresh(self, learned: Learned, scores: Scores, requests: Sequence[RankingRequest]) -> FloatArray | None:
        if self.settings.freshness == 0.0:
            return None
        event_ms = np.array([request.event_ms for request in requests], dtype=np.int64)
        return fresh_gain(
            scores.score,
            learned.catalogue.released_ms(),
            event_ms,
            freshness=self.settings.freshness,
            half_life_ms=self.settings.fresh_half_life_ms,
        )

    def _shelf_order(self, columns: Sequence[Shelf], keys: KeyArray) -> Drawn:
        rows = min(self.settings.shelves_max, len(columns))
        beliefs = Beliefs.certain(np.stack([shelf.promise for shelf in columns], axis=1))
        doubts = [(shelf.promise_sd, shelf.promise_count) for shelf in columns]
        known = [(sd, count) for sd, count in doubts if sd is not None and count is not None]
        if known:
            sds, counts = (np.stack(column, axis=1) for column in zip(*known, strict=True))
            beliefs = Beliefs(mean=beliefs.mean, sd=sds, count=counts)
        return draw(self.policy.mixture(beliefs, rows, keys), keys)


def _streamed_share(scores: Scores, columns: Sequence[Shelf], order: IntArray) -> FloatArray:
    """Share of cards on each page that the listener has streamed recently."""
    rows = np.arange(len(order))[:, None]
    streamed = np.stack([scores.streamed[rows, shelf.cards].sum(axis=1) for shelf in columns], axis=1)
    slots = np.array([shelf.cards.shape[1] for shelf in columns])
    on_page = np.zeros((len(order), len(columns)), dtype=bool)
    np.put_along_axis(on_page, order, values=True, axis=1)
    return np.asarray((streamed * on_page).sum(axis=1) / np.maximum(1, (slots[None, :] * on_page).sum(axis=1)))
