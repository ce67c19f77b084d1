"""`random-threshold`: a control with random streaming times as thresholds."""

from dataclasses import dataclass

import numpy as np

from processors.policies.keyed_draws import mixed, name_key, uniforms
from processors.rewards.distributions import Distributions
from processors.rewards.streaming_times import Grouping
from processors.rewards.success import Steps

_KEY = name_key("random-threshold")


@dataclass(frozen=True, slots=True)
class RandomThresholdReward:
    """1[t >= a random quantile of t] in each co-cluster: a reward that beats it benefits from its choice of threshold.

    The quantile is keyed by seed and block, so it is stable while co-clusters change.
    """

    seed: int
    name = "random-threshold"
    groupings = tuple(Grouping)

    def success(self, times: Distributions) -> Steps:
        """A random quantile of each block; one draw for all blocks that the grouping pools."""
        users, cards = np.indices(times.log_mean.shape)
        users *= times.grouping in {Grouping.USERS, Grouping.BOTH}
        cards *= times.grouping in {Grouping.CARDS, Grouping.BOTH}
        seeded = mixed(np.array([[self.seed]], dtype=np.uint64), _KEY >> 1)
        return Steps((times.quantile_s(uniforms(mixed(mixed(seeded, np.asarray(users)), np.asarray(cards)))),))
