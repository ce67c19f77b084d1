"""What a reward makes of the streams that were seen: mean success in each co-cluster, from the histogram of times."""

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.time_bins import bin_edges
from processors.rewards.streaming_times import StreamingTimes
from processors.rewards.success import Success

POINTS = 8
"""Points within a bin at which success is evaluated: streams are taken to be spread evenly in log seconds."""


def success_shares(times: StreamingTimes, success: Success) -> FloatArray:
    """Mean success [G, K] of the streams in each block, and NaN in a block without streams.

    A threshold inside a bin is placed to an eighth of the bin, which is 3% of the seconds.

    >>> from processors.rewards.success import Steps
    >>> times = StreamingTimes.of(np.array([5.0, 50.0, 500.0, 5_000.0]), np.ones((4, 1)), np.ones((4, 1)))
    >>> success_shares(times, Steps((np.array([[30.0]]),))).tolist()
    [[0.75]]
    """
    edges = bin_edges()
    within = (np.arange(POINTS) + 0.5) / POINTS
    points = edges[:-1, None] + within * (edges[1:] - edges[:-1])[:, None]
    earned = success.of(np.expm1(points.ravel())).reshape(*points.shape, *times.count.shape).mean(axis=1)
    streams = times.histogram.sum(axis=0)
    total = (earned * times.histogram).sum(axis=0)
    return np.asarray(np.divide(total, streams, out=np.full_like(total, np.nan), where=streams > 0.0))
