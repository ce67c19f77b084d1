"""Ranks pages in the shadow: the probability with which each candidate would have shown what was shown."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.leaderboard.candidate import Candidate
from processors.leaderboard.seen_slots import SeenSlots, greedy_mixtures
from processors.policies.beliefs import stacked
from processors.policies.epsilon_greedy import EpsilonGreedyPolicy
from processors.policies.keyed_draws import KeyArray, mixed, name_key
from processors.policies.policy import Policy, best_first
from processors.policies.policy_catalogue import policy_named
from processors.ranking.doubt import Doubt, doubt_of
from processors.ranking.freshness import fresh_gain
from processors.ranking.learned import Learned
from processors.ranking.play_columns import PlayColumns
from processors.ranking.ranking_settings import RankingSettings
from processors.ranking.scores import OwnPlays, Scores, scores_of
from processors.ranking.shelves import ShelfMaker
from processors.rewards.reward import GroupedReward
from processors.rewards.reward_catalogue import reward_named


class Viewers(NamedTuple):
    """Listeners [n] at the time when their pages were shown."""

    names: Sequence[tuple[bytes, bytes]]  # of each listener and page, as JSON writes them
    plays: PlayColumns
    weights: FloatArray  # [n, G], soft groups
    shown_ms: IntArray  # [n]
    keys: KeyArray  # [n], for policies that sample


class SeenCards(NamedTuple):
    """Seen slots [x] of the pages [n]: slot `slot` of the shelf in row `row` held a card."""

    page: IntArray
    row: IntArray
    shelf: IntArray  # index into `shelf_ids`
    slot: IntArray
    card: IntArray  # row of the catalogue; -1 for an unknown card
    shelf_ids: Sequence[str]


class Chances(NamedTuple):
    """Probabilities of seen cards by candidate: each in its own slot of its shelf, and in any of the seen ones.

    They are undefined in shelves that the catalogue does not know, and in slots beyond those that candidates fill: a
    matter of the page's shape, not of its cards, so leaving them out is no selection.
    """

    in_slot: FloatArray  # [k, x]
    in_any: FloatArray  # [k, x]
    seen: IntArray  # [x], number of seen slots of the shelf that are defined
    is_defined: BoolArray  # [x]


class ShadowRanking:
    """Candidates, ready to rank; what some of them share is computed once."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        settings = [one.ranking for one in candidates]
        self._made: list[tuple[RankingSettings, Policy, GroupedReward]] = [
            (own, policy_named(own.policy, own.knobs), reward_named(own.reward, own.seed)) for own in settings
        ]
        versions = [policy.version for _, policy, _ in self._made]
        self._alike = [[k for k, one in enumerate(versions) if one == version] for version in dict.fromkeys(versions)]
        """Candidates with the same policy, which are ranked in one call."""
        self._simple = {
            k: policy.epsilon for k, (_, policy, _) in enumerate(self._made) if isinstance(policy, EpsilonGreedyPolicy)
        }
        """Epsilon by candidate, of those whose policy is the best order or a shuffle."""

    @property
    def count(self) -> int:
        """Number of candidates."""
        return len(self._made)

    def chances(self, learned: Learned, viewers: Viewers, seen: SeenCards) -> Chances:
        """The probability of each seen card by each candidate."""
        size = len(self._made), len(seen.page)
        found = Chances(np.zeros(size), np.zeros(size), np.zeros(size[1], dtype=np.int64), np.zeros(size[1], np.bool_))
        makers = self._makers(learned, viewers)
        shelves = learned.catalogue.shelves(deduplicated=self._made[0][0].deduplicate)
        for number, shelf_id in enumerate(seen.shelf_ids):
            rows = shelves.get(shelf_id)
            if rows is None:
                continue
            some = np.flatnonzero((seen.shelf == number) & (seen.slot < makers[0].slots_of(rows)))
            if len(some):
                found.is_defined[some] = True
                found.in_slot[:, some], found.in_any[:, some], found.seen[some] = self._in_shelf(
                    makers, viewers, seen, some, shelf_id, rows
                )
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
        """`Chances` for the seen cards `some` [s] of one shelf, whose valid cards are `rows`."""
        rows_max = int(seen.row[some].max()) + 1
        shown, unit = np.unique(seen.page[some] * rows_max + seen.row[some], return_inverse=True)
        page, slot = shown // rows_max, seen.slot[some]
        place = np.full(max(int(rows.max()), int(seen.card[some].max())) + 2, -1)  # the last is of an unknown card
        place[rows] = np.arange(len(rows))
        slots = SeenSlots(unit, slot, place[seen.card[some]], makers[0].slots_of(rows))
        in_slot, in_any = np.zeros((2, len(makers), len(some)))
        for numbers, chances in self._chances(
            makers, page, rows, slots, mixed(viewers.keys[page], name_key(shelf_id) >> 1)
        ):
            in_slot[numbers], in_any[numbers] = chances
        return in_slot, in_any, slots.is_seen.sum(axis=1)[unit]

    def _chances(
        self, makers: Sequence[ShelfMaker], page: IntArray, rows: IntArray, slots: SeenSlots, keys: KeyArray
    ) -> Iterator[tuple[list[int], tuple[FloatArray, FloatArray]]]:
        """Candidates by number, with their probabilities of the seen slots.

        Policies that take the best order by the scores, and sometimes a shuffle, differ in their weights only: orders
        are made once for each reward.
        """
        simple = [number for number in self._simple if makers[number].orders_by_score]
        if simple:
            scores = {id(makers[number].scores): makers[number].scores.score for number in simple}
            orders = best_first(np.stack([score[page[:, None], rows] for score in scores.values()]), slots.slots)
            is_there, is_anywhere = slots.places(orders)
            which = [list(scores).index(id(makers[number].scores)) for number in simple]
            weight, shuffled = greedy_mixtures([self._simple[number] for number in simple])
            best = weight * is_there[which], weight * is_anywhere[which]
            yield simple, slots.with_shuffle(*best, shuffled, len(rows))
        for alike in self._alike:
            others = [number for number in alike if number not in simple]
            if others:
                own = [one.beliefs(rows) for one in _of_pages([makers[number] for number in others], page)]
                policy, tiled = makers[others[0]].policy, np.tile(keys, len(others))
                yield others, slots.chances(policy.mixture(stacked(own), slots.slots, tiled), len(others))

    def _makers(self, learned: Learned, viewers: Viewers) -> list[ShelfMaker]:
        scores: dict[str, Scores] = {}
        doubts: dict[str, Doubt] = {}
        makers, own_plays = [], OwnPlays.of(learned, viewers.plays)
        for settings, policy, reward in self._made:
            if reward.name not in scores:
                scores[reward.name] = scores_of(
                    learned, reward, viewers.plays, viewers.weights, settings.own_weight, own_plays
                )
            if policy.weighs_doubt and reward.name not in doubts:
                doubts[reward.name] = doubt_of(learned.posterior(reward.name), viewers.weights)
            own = scores[reward.name]
            makers.append(
                ShelfMaker(
                    settings=settings,
                    policy=policy,
                    scores=own,
                    doubt=doubts[reward.name] if policy.weighs_doubt else None,
                    fresh=_fresh(settings, learned, own, viewers),
                    card_group=learned.card_groups(),
                )
            )
        return makers


def _of_pages(makers: Sequence[ShelfMaker], page: IntArray) -> Iterator[ShelfMaker]:
    """The makers for these pages; scores that several have in common are picked once."""
    scores: dict[int, Scores] = {}
    for maker in makers:
        if id(maker.scores) not in scores:
            scores[id(maker.scores)] = maker.scores.of_listeners(page)
        yield maker.of_listeners(page, scores[id(maker.scores)])


def _fresh(settings: RankingSettings, learned: Learned, scores: Scores, viewers: Viewers) -> FloatArray | None:
    if settings.freshness == 0.0:
        return None
    released_ms, half_life_ms = learned.catalogue.released_ms(), settings.fresh_half_life_ms
    return fresh_gain(
        scores.score, released_ms, viewers.shown_ms, freshness=settings.freshness, half_life_ms=half_life_ms
    )
