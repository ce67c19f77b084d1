"""Credits of streams: each reward in each user group, under the current co-clusters.

The listeners task credits an exposure when it settles and when it is corrected, and stores the credits with the
exposure, so that a correction takes back exactly what was credited, whatever has been learned since.
"""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.ranking.learned import Learned
from processors.rewards.reward_catalogue import reward_named
from processors.settlement.book.book import with_room
from processors.settlement.book.layout import Records
from processors.settlement.output.outgoing import Earned
from processors.settlement.output.page_groups import PageGroups
from processors.settlement.rules.credits import SHARES, Credited, bytes_of, exchanged, in_shares
from processors.settlement.settlement import Settlement


class Shares(NamedTuple):
    """Credits of n streams, in shares of a success: stream i has `values[offsets[i]:offsets[i + 1]]`, reward by reward.

    `key` [n] identifies the rewards and groups that the shares refer to.
    """

    key: IntArray
    offsets: IntArray
    values: IntArray


class Streamed(NamedTuple):
    """Exposures [n] with a stream, to be credited."""

    owners: Records  # [n], due pages or streams, which identify their impressions
    kept: IntArray  # [n], places of the exposures in the book
    cards: IntArray  # [n], catalogue rows
    seconds: FloatArray
    page: IntArray  # [n], entries in the groups of pages
    earned_before: BoolArray  # [n], whether they had a stream when they settled


class Crediting:
    """Credits streams under these rewards.

    >>> crediting = Crediting(Learned(("static",)), ("static",))
    >>> crediting.shares(np.array([-1, -1]), np.array([29.0, 31.0]), np.zeros(2, np.int64), np.ones(2, np.int64)).values
    array([    0, 10000])
    """

    def __init__(self, learned: Learned, rewards: Sequence[str], seed: int = 0) -> None:
        self._learned = learned
        self._rewards = [reward_named(name, seed) for name in rewards]
        self.names = ",".join(rewards)

    def credit(self, settlement: Settlement, streamed: Streamed, groups: PageGroups) -> tuple[Earned, FloatArray]:
        """Credit exposures, and store the credits in the book; also returns the previous ones."""
        owners, sizes = streamed.owners, np.diff(groups.offsets)[streamed.page]
        shares = self.shares(streamed.cards, streamed.seconds, groups.generation[streamed.page], sizes)
        credited = Credited(
            kept=np.ascontiguousarray(streamed.kept),
            impression=owners["impression"].astype(np.int64),
            serial=owners["serial"].astype(np.int64),
            earned_before=streamed.earned_before,
            key=shares.key,
            offsets=shares.offsets,
            shares=shares.values,
        )
        settlement.book = with_room(settlement.book, text=bytes_of(credited))
        previous = exchanged(settlement.book, credited)
        return Earned(self.names, shares.offsets, shares.values / SHARES), previous / SHARES

    def shares(self, cards: IntArray, seconds: FloatArray, generation: IntArray, groups: IntArray) -> Shares:
        """Credits of streams [n] of cards, by row; stream i is credited in `groups[i]` groups of its generation."""
        earned = self._earned(cards, seconds)
        offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(len(self._rewards) * groups)))
        keys, values = np.empty(len(cards), dtype=np.int64), np.empty(offsets[-1])
        for then, width in set(zip(generation.tolist(), groups.tolist(), strict=True)):
            alike = np.flatnonzero((generation == then) & (groups == width))
            moved = self._as_of(earned[alike], then, width).reshape(len(alike), -1)
            values[offsets[alike, None] + np.arange(moved.shape[1])] = moved
            keys[alike] = crc32(f"{self.names} {then} {width}".encode())
        return Shares(keys, offsets, in_shares(values))

    def _earned(self, cards: IntArray, seconds: FloatArray) -> FloatArray:
        """Rewards [n, R, G] in the current groups."""
        weights = self._learned.card_weights_of(cards)
        return np.stack([self._learned.success(reward).over(seconds, weights) for reward in self._rewards], axis=1)

    def _as_of(self, earned: FloatArray, generation: int, groups: int) -> FloatArray:
        """Rewards [n, R, groups] in groups of a generation, from those in the current groups [n, R, G].

        For an unknown generation, every group gets the mean over the current groups.
        """
        if self._learned.generations.knows(generation, groups):
            return self._learned.generations.moved_back(generation, earned)
        mean = (earned * self._learned.blocks.user_prior).sum(axis=-1)
        return np.repeat(mean[..., None], groups, axis=-1)
