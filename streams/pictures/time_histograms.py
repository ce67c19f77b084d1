"""Histograms of streaming time as published with the co-clusters: shares, medians, and where an axis ends."""

from itertools import pairwise

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.time_bins import bin_edges
from streams.pictures import words

LONGEST_SHARE = 0.9995
"""The axis ends where this share of all streams has ended."""
HOUR_S = 3_600.0


def longest_s(counts: FloatArray) -> float:
    """Where the axis of a histogram [B] ends.

    >>> longest_s(np.zeros(48)), round(longest_s(np.eye(48)[20]))
    (3600.0, 190)
    """
    total = counts.sum()
    if total <= 0.0:
        return HOUR_S
    last = int(np.searchsorted(np.cumsum(counts), LONGEST_SHARE * total))
    return float(np.expm1(bin_edges()[min(last + 1, len(counts))]))


def median_s(counts: FloatArray) -> float | None:
    """The median of a histogram [B], streams being spread evenly in log seconds within a bin; None without streams.

    >>> median_s(np.zeros(48)), round(median_s(np.eye(48)[20]))
    (None, 167)
    """
    total = float(counts.sum())
    if total <= 0.0:
        return None
    below = np.concatenate([[0.0], np.cumsum(counts)]) / total
    return float(np.expm1(np.interp(0.5, below, bin_edges())))


def shares(counts: FloatArray) -> FloatArray:
    """Each bin's share of the streams; zeros without streams."""
    return np.asarray(counts / max(float(counts.sum()), 1e-9))


def bins_until(end_s: float) -> list[tuple[int, float, float]]:
    """Number, beginning and end in seconds of each bin that begins before `end_s`."""
    edges_s = np.expm1(bin_edges()).tolist()
    return [(number, *pair) for number, pair in enumerate(pairwise(edges_s)) if pair[0] < end_s]


def bin_name(begin_s: float, end_s: float) -> str:
    """A bin in words.

    >>> bin_name(30.0, 40.0)
    '30 s to 40 s'
    """
    return f"{words.seconds(begin_s)} to {words.seconds(end_s)}"
