"""`arithmetic-mean`: the published reward: a stream is a success if it lasts the mean time of its co-cluster."""

from processors.rewards.distributions import Distributions
from processors.rewards.streaming_times import Grouping
from processors.rewards.success import Steps


class ArithmeticMeanReward:
    """1[t >= mean of t] in each co-cluster (Dragone, Mehrotra, Lalmas, WWW 2019, section 4)."""

    name = "arithmetic-mean"
    groupings = tuple(Grouping)

    def success(self, times: Distributions) -> Steps:
        """Mean streaming time of each block."""
        return Steps((times.mean_s,))
