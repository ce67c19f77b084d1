"""`mean`: a stream is a success if it lasts as long as usual in its co-cluster."""

import numpy as np

from processors.rewards.distributions import Distributions
from processors.rewards.streaming_times import Grouping
from processors.rewards.success import Steps


class GeometricMeanReward:
    """1[t >= exp(mean of log t)] in each co-cluster.

    The default. The paper (Dragone, Mehrotra, Lalmas, WWW 2019, section 4) uses the arithmetic mean, which is
    `arithmetic-mean` here; streaming times are heavy-tailed, so that a few nights of sleep sounds determine it.
    """

    name = "mean"
    groupings = tuple(Grouping)

    def success(self, times: Distributions) -> Steps:
        """Geometric mean of the streaming time of each block."""
        return Steps((np.expm1(times.log_mean),))
