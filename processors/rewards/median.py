"""`median`: a stream is a success if it outlasts half of those in its co-cluster."""

from processors.rewards.distributions import Distributions
from processors.rewards.streaming_times import Grouping
from processors.rewards.success import Steps


class MedianReward:
    """1[t >= median of t] in each co-cluster: like `mean`, but independent of the length of long streams."""

    name = "median"
    groupings = tuple(Grouping)

    def success(self, times: Distributions) -> Steps:
        """Median streaming time of each block, from its histogram."""
        return Steps((times.quantile_s(0.5),))
