"""Histograms of streaming time as published with the co-clusters: shares, medians, and where an axis ends."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.time_bins import bin_edges
from streams.pictures import words

TAIL_SHARE = 0.0005
"""The axis begins and ends where this share of all streams lies beyond."""
HOUR_S = 3_600.0
HEADROOM = 1.25
"""Above the highest share, where medians and typical times are written."""


class Span(NamedTuple):
    """Where an axis of streamed seconds begins and ends."""

    begin_s: float
    end_s: float


def span_of(counts: FloatArray) -> Span:
    """Where the axis of a histogram [B] begins and ends.

    >>> span_of(np.zeros(48)), [round(end) for end in span_of(np.eye(48)[20])]
    (Span(begin_s=0.0, end_s=3600.0), [147, 244])
    """
    total, edges_s = counts.sum(), np.expm1(bin_edges())
    if total <= 0.0:
        return Span(0.0, HOUR_S)
    below = np.cumsum(counts)
    first, last = np.searchsorted(below, [TAIL_SHARE * total, (1.0 - TAIL_SHARE) * total])
    return Span(float(edges_s[first]), float(edges_s[min(last + 2, len(counts))]))


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


class Bin(NamedTuple):
    """One step of a histogram."""

    number: int
    begin_s: float
    end_s: float
    is_open: bool

    @property
    def name(self) -> str:
        """The step in words.

        >>> Bin(3, 30.0, 40.0, False).name, Bin(47, 126_752.0, 162_753.8, True).name
        ('30 s to 40 s', '1 d 11 h and longer')
        """
        if self.is_open:
            return f"{words.seconds(self.begin_s)} and longer"
        return f"{words.seconds(self.begin_s)} to {words.seconds(self.end_s)}"


def bins_of(span: Span) -> list[Bin]:
    """The bins of an axis; the last one of all is open."""
    pairs = list(pairwise(np.expm1(bin_edges()).tolist()))
    return [
        Bin(number, begin, end, number == len(pairs) - 1)
        for number, (begin, end) in enumerate(pairs)
        if span.begin_s <= begin < span.end_s
    ]


def steps(counts: FloatArray, bins: list[Bin]) -> list[dict[str, Any]]:
    """Rows of a step function: where each step begins, its share of the streams, and a row that ends the last step."""
    values = shares(counts)[[one.number for one in bins]].tolist()
    rows = [
        {"from": round(one.begin_s, 2), "share": share} for one, share in zip(bins, values, strict=True)
    ]  # fmt: skip
    return [*rows, {**rows[-1], "from": round(bins[-1].end_s, 2), "is_end": True}]


def open_step(bins: list[Bin]) -> str:
    """What to say of the last step, if it is the open one: the highest steps are shown in full, but not this one."""
    return f"; the last step is {bins[-1].name} and may be cut off" if bins[-1].is_open else ""


def highest(histograms: Iterable[FloatArray], bins: list[Bin]) -> float:
    """The highest share of a step in any histogram [B]; the open one, which may be out of proportion, is cut off."""
    closed = [one.number for one in bins if not one.is_open]
    return HEADROOM * max([0.01, *(float(shares(counts)[closed].max(initial=0.0)) for counts in histograms)])
