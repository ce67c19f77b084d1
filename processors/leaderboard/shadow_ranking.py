"""Ranks pages in the shadow: the probability with which each candidate would have shown what was shown."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.leaderboard.candidate import Candidate
from processors.policies.beliefs import Beliefs, stacked
from processors.policies.keyed_draws import KeyArray, mixed, name_key
from processors.policies.policy import Policy
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
        item = place[seen.card[some]]
        chosen = np.full((len(shown), makers[0].slots_of(rows)), -1)
        is_seen = np.zeros(chosen.shape, dtype=np.bool_)
        chosen[unit, slot], is_seen[unit, slot] = item, True
        keys = mixed(viewers.keys[page], name_key(shelf_id) >> 1)
        in_slot, in_any = np.zeros((2, len(makers), len(some)))
        for alike in self._alike:
            beliefs = _beliefs([makers[number] for number in alike], page, rows)
            mixture = makers[alike[0]].policy.mixture(beliefs, chosen.shape[1], np.tile(keys, len(alike)))
            several = np.tile(chosen, (len(alike), 1)), np.tile(is_seen, (len(alike), 1))
            in_slot[alike] = mixture.propensities(several[0]).reshape(-1, *chosen.shape)[:, unit, slot]
            in_any[alike] = mixture.inclusions(*several).reshape(-1, *chosen.shape)[:, unit, slot]
        return np.where(item >= 0, in_slot, 0.0), np.where(item >= 0, in_any, 0.0), is_seen.sum(axis=1)[unit]

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


def _beliefs(makers: Sequence[ShelfMaker], page: IntArray, rows: IntArray) -> Beliefs:
    """What the policy is told of these rows on these pages, by each maker, one below the other."""
    if all(maker.orders_by_score for maker in makers):
        return Beliefs.certain(np.concatenate([maker.scores.score[page[:, None], rows] for maker in makers]))
    return stacked([own.beliefs(rows) for own in _of_pages(makers, page)])


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
