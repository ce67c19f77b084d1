"""What a reward is: success of a stream, from 0 to 1, given the co-cluster it happened in."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from processors.cocluster.block_model import BlockModel
from processors.rewards.distributions import Distributions, distributions
from processors.rewards.streaming_times import STATIC_THRESHOLD_S, Grouping, StreamingTimes
from processors.rewards.success import Success


class Reward(Protocol):
    """r(t | g, k): t streamed seconds, g the user group, k the card group."""

    @property
    def name(self) -> str:
        """What it is called at its finest grouping."""
        ...

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """Where it makes sense; the last is meant where none is named."""
        ...

    def success(self, times: Distributions) -> Success:
        """Success in every block, whose streaming times are distributed like this."""
        ...


@dataclass(frozen=True, slots=True)
class GroupedReward:
    """A reward at one grouping of users and cards; its name is what settings, statistics and rankings say."""

    name: str
    reward: Reward
    grouping: Grouping

    def success(self, times: StreamingTimes) -> Success:
        """Success in every block, given the streaming times of all."""
        return self.reward.success(distributions(times, self.grouping))


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
