"""`continuous`: a stream earns the share of its co-cluster's streams that it outlasts."""

from processors.rewards.distributions import Distributions
from processors.rewards.streaming_times import Grouping
from processors.rewards.success import Curve


class ContinuousReward:
    """F_gk(t), the distribution function of streaming time in each co-cluster, without a threshold."""

    name = "continuous"
    groupings = tuple(Grouping)

    def success(self, times: Distributions) -> Curve:
        """Distribution function of each block, from its histogram."""
        return Curve(times.quantile_s(0.5), times.below)
