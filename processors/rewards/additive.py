"""`additive`: a stream earns in bands around the usual time of its co-cluster."""

import numpy as np

from processors.rewards.distributions import Distributions
from processors.rewards.streaming_times import Grouping
from processors.rewards.success import Steps


class AdditiveReward:
    """.5, .75 and 1 from mean - sd, mean and mean + sd on, in log seconds (Dragone et al., WWW 2019, section 4).

    In log seconds, because in seconds the standard deviation exceeds the mean: the lowest band would be empty and every
    stream would earn a half.
    """

    name = "additive"
    groupings = tuple(Grouping)

    def success(self, times: Distributions) -> Steps:
        """Three thresholds in each block."""
        bands = (times.log_mean + shift * times.log_sd for shift in (-1.0, 0.0, 1.0))
        return Steps(tuple(np.maximum(np.expm1(band), 0.0) for band in bands), (0.5, 0.25, 0.25))
