"""What a reward is: success of a stream, as a number from 0 to 1, given the co-cluster it happened in."""

from typing import Protocol

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.cocluster.block_model import BlockModel

STATIC_THRESHOLD_S = 30.0
"""The industry's rule: a stream of 30 seconds counts."""


class Reward(Protocol):
    """r(t | g, k): t streamed seconds, g the user group, k the card group; no stream is never a success."""

    name: str

    def thresholds_s(self, blocks: BlockModel) -> FloatArray:
        """Streaming time in seconds [G, K] from which a stream succeeds (where it earns at least half)."""
        ...

    def of(self, seconds: FloatArray, blocks: BlockModel) -> FloatArray:
        """Rewards [n, G, K] of streams of so many seconds [n] in every co-cluster, each from 0 to 1."""
        ...


def unknown_blocks() -> BlockModel:
    """One block for everybody, in use until the first co-clusters are known; its mean is the static threshold.

    >>> unknown_blocks().mean.shape
    (1, 1)
    """
    return BlockModel(
        generation=0,
        version=0,
        user_prior=np.ones(1),
        card_prior=np.ones(1),
        mean=np.full((1, 1), np.log1p(STATIC_THRESHOLD_S)),
        variance=np.ones((1, 1)),
        count=np.zeros((1, 1)),
        global_mean=float(np.log1p(STATIC_THRESHOLD_S)),
        global_variance=1.0,
    )


def group_rewards(reward: Reward, seconds: FloatArray, card_weights: FloatArray, blocks: BlockModel) -> FloatArray:
    """Expected reward [n, G] of each stream for every user group, over the soft card group [n, K] of its card.

    >>> from processors.rewards.static import StaticReward
    >>> group_rewards(StaticReward(), np.array([0.0, 29.0, 31.0]), np.ones((3, 1)), unknown_blocks()).ravel()
    array([0., 0., 1.])
    """
    return np.asarray(np.einsum("ngk,nk->ng", reward.of(seconds, blocks), card_weights), dtype=np.float64)
