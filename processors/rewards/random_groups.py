"""`random-groups`: a control with the co-clusters' thresholds, randomly permuted."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import IntArray
from processors.policies.keyed_draws import mixed, name_key
from processors.rewards.distributions import Distributions
from processors.rewards.geometric_mean import GeometricMeanReward
from processors.rewards.streaming_times import Grouping
from processors.rewards.success import Steps

_KEY = name_key("random-groups")


@dataclass(frozen=True, slots=True)
class RandomGroupsReward:
    """`mean` with permuted user groups and card groups: a reward that beats it benefits from the right groups.

    It has the same thresholds as `mean`, in other blocks.
    """

    seed: int
    name = "random-groups"
    groupings = (Grouping.BOTH,)

    def success(self, times: Distributions) -> Steps:
        """The geometric mean of another block, by a permutation keyed by the seed."""
        users, cards = (self._order(size, side) for side, size in enumerate(times.log_mean.shape))
        return GeometricMeanReward().success(times.dealt(users, cards))

    def _order(self, size: int, side: int) -> IntArray:
        seeded = mixed(np.array([self.seed], dtype=np.uint64), (_KEY >> 1) + side)
        return np.asarray(np.argsort(mixed(np.repeat(seeded, size), np.arange(size)), kind="stable"))
