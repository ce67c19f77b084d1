"""Credits of streams: each reward in each user group, under the current co-clusters.

The listeners task credits an exposure when it settles and when it is corrected, and stores the credits with the
exposure, so that a correction takes back exactly what was credited, whatever has been learned since.
"""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.ranking.learned import Learned
from processors.rewards.reward_catalogue import reward_named
from processors.settlement.credits import in_shares


class Shares(NamedTuple):
    """Credits of n streams, in shares of a success: stream i has `values[offsets[i]:offsets[i + 1]]`, reward by reward.

    `key` [n] identifies the rewards and groups that the shares refer to.
    """

    key: IntArray
    offsets: IntArray
    values: IntArray


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

    def shares(self, cards: IntArray, seconds: FloatArray, generation: IntArray, groups: IntArray) -> Shares:
        """Credits of streams [n] of cards, by row; stream i is credited in `groups[i]` groups of its generation."""
        earned = self._earned(cards, seconds)
        offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(len(self._rewards) * groups)))
        is_now = (generation == self._learned.blocks.generation) & (groups == earned.shape[2])
        if is_now.all():
            return Shares(self._keys(generation, groups), offsets, in_shares(earned.ravel()))
        values = [
            one if now else self._of_earlier(one, int(then), int(width))
            for one, now, then, width in zip(earned, is_now, generation, groups, strict=True)
        ]
        together = np.concatenate([one.ravel() for one in values])
        return Shares(self._keys(generation, groups), offsets, in_shares(together))

    def _earned(self, cards: IntArray, seconds: FloatArray) -> FloatArray:
        """Rewards [n, R, G] in the current groups."""
        weights = self._learned.card_weights_of(cards)
        return np.stack([self._learned.success(reward).over(seconds, weights) for reward in self._rewards], axis=1)

    def _of_earlier(self, earned: FloatArray, generation: int, groups: int) -> FloatArray:
        """Rewards [R, groups] in groups of an earlier generation, from those in the current groups [R, G].

        For an unknown generation, every group gets the mean over the current groups.
        """
        if self._learned.generations.knows(generation, groups):
            return self._learned.generations.moved_back(generation, earned)
        mean = earned @ self._learned.blocks.user_prior
        return np.repeat(mean[:, None], groups, axis=1)

    def _keys(self, generation: IntArray, groups: IntArray) -> IntArray:
        """Four-byte keys of rewards, generation and number of groups, of which there are few kinds."""
        keys = np.empty(len(generation), dtype=np.int64)
        for one, count in set(zip(generation.tolist(), groups.tolist(), strict=True)):
            keys[(generation == one) & (groups == count)] = crc32(f"{self.names} {one} {count}".encode())
        return keys
