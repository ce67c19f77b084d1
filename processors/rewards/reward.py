"""The interface of a reward: success of a stream, from 0 to 1, given its co-cluster."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from processors.cocluster.model.block_model import BlockModel
from processors.rewards.distributions import Distributions, distributions
from processors.rewards.streaming_times import STATIC_THRESHOLD_S, Grouping, StreamingTimes
from processors.rewards.success import Success


class Reward(Protocol):
    """r(t | g, k): t streamed seconds, g the user group, k the card group."""

    @property
    def name(self) -> str:
        """Its name, which means its finest grouping."""
        ...

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """Applicable groupings; the last is the default."""
        ...

    def success(self, times: Distributions) -> Success:
        """Success in each block, given the distributions of streaming times."""
        ...


@dataclass(frozen=True, slots=True)
class GroupedReward:
    """A reward at one grouping of users and cards, under its name in settings, statistics and rankings."""

    name: str
    reward: Reward
    grouping: Grouping

    def success(self, times: StreamingTimes) -> Success:
        """Success in each block, given all streaming times."""
        return self.reward.success(distributions(times, self.grouping))


def unknown_blocks() -> BlockModel:
    """A single block, used until the first co-clusters are known; its mean is the static threshold.

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
