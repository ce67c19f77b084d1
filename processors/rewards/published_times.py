"""Converts streaming times between columns and the published co-clusters."""

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.time_bins import (
    COUNT,
    FIRST_BIN,
    LOG_SQUARES,
    LOG_TOTAL,
    SECONDS_TOTAL,
    STATISTICS,
    TIME_BINS,
    bin_edges,
)
from processors.published_groups import block_model_of
from processors.rewards.streaming_times import StreamingTimes
from schemas.learning import CoClusters, Matrix, TimeDistributions

DECIMALS = 3


def as_published(times: StreamingTimes) -> StreamingTimes:
    """Round sums to the published decimals, so that readers get the publisher's thresholds.

    Counts are published in full, because they must sum to the interactions.
    """
    rounded = np.round(times.sums, DECIMALS)
    rounded[COUNT] = times.count
    return StreamingTimes(rounded)


def published_times(times: StreamingTimes) -> TimeDistributions:
    """Streaming times as published with the co-clusters, to three decimals.

    >>> published_times(StreamingTimes.unknown()).seconds_total
    ((30.0,),)
    """
    histogram = np.moveaxis(times.histogram, 0, 2)
    return TimeDistributions(
        bounds_s=tuple(np.round(np.expm1(bin_edges()[1:]), DECIMALS).tolist()),
        log_total=_matrix(times.log_total),
        log_squares=_matrix(times.log_squares),
        seconds_total=_matrix(times.seconds_total),
        histogram=tuple(_matrix(row) for row in histogram),
        user_histogram=_matrix(histogram.sum(axis=1)),
        card_histogram=_matrix(histogram.sum(axis=0)),
    )


def times_of(message: CoClusters) -> StreamingTimes:
    """Streaming times of published co-clusters; without a histogram in these bins, those implied by their Normals.

    >>> flat = CoClusters(generation=1, version=1, event_ms=0, user_prior=(1.0,), card_prior=(1.0,), mean=((3.0,),),
    ...     variance=((1.0,),), count=((10.0,),), global_mean=3.0, global_variance=1.0)
    >>> times_of(flat).log_total.tolist()
    [[30.0]]
    """
    found = message.times
    if found is None or len(found.bounds_s) != TIME_BINS:
        return StreamingTimes.of_model(block_model_of(message))
    sums = np.zeros((STATISTICS, len(message.user_prior), len(message.card_prior)))
    sums[COUNT], sums[SECONDS_TOTAL] = message.count, found.seconds_total
    sums[LOG_TOTAL], sums[LOG_SQUARES] = found.log_total, found.log_squares
    sums[FIRST_BIN:] = np.moveaxis(np.array(found.histogram), 2, 0)
    return StreamingTimes(sums)


def _matrix(values: FloatArray) -> Matrix:
    return tuple(tuple(row) for row in np.round(values, DECIMALS).tolist())
