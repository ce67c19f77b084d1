"""`static`: a stream of 30 seconds is a success."""

import numpy as np

from processors.rewards.distributions import Distributions
from processors.rewards.streaming_times import STATIC_THRESHOLD_S, Grouping
from processors.rewards.success import Steps


class StaticReward:
    """1[t >= 30 s], the baseline of all other rewards."""

    name = "static"
    groupings = (Grouping.NONE,)

    def success(self, times: Distributions) -> Steps:
        """The same 30 s in every co-cluster."""
        return Steps((np.full(times.log_mean.shape, STATIC_THRESHOLD_S),))
