"""Monitors one co-cluster, or one share: an e-detector on means of event-time buckets."""

from math import sqrt

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple

from processors.arrays import FloatArray
from processors.drift.change_size import Size, estimated
from processors.drift.e_detector import Evidence, Prior, Read, evidence
from processors.drift.settings import DriftSettings
from processors.drift.usual import BlockBucket, Usual
from schemas.monitoring import DriftDetector

NEWEST_BUCKETS = 2
TIME_PRIOR = Prior(streams=20.0, buckets=100.0, membership=0.13)
"""The expected residual is zero; variances within and between buckets have a known ratio.

In 100 worlds of `SoftBlocks`, the sum of shares of the busiest block's true streams, over that of squared shares, had a
standard deviation of .13.
"""
SHARE_PRIOR = Prior(streams=0.0, buckets=10.0)
"""Nothing is known of a share, and little of how much it varies."""
_RESIDUAL, _FIELDS = 4, 6  # of a bucket in columns


class Change(Struct, frozen=True):
    """A detector fired at a bucket, or a neighbour's did; `size` is the size of the change, and its beginning.

    `before` and `since` are the sums on both sides of the likeliest beginning.
    """

    detector: DriftDetector
    bucket_ms: int
    bucket_count: int
    size: Size
    before: Usual
    since: Usual


class MonitorState(Struct, array_like=True):
    """State of a monitor: sums of older buckets, and the newest ones, each with its clipped mean and its budget."""

    older: Usual
    newest: list[list[float]] = []  # columns of a bucket, clipped mean, budget


class Monitor:
    """Reads the evidence on a subject, bucket by bucket in order of event time.

    Each bucket comes with a budget: the false alarms that are expected of changes beginning with it. A bucket is
    clipped to `outlier` standard errors from those before, of which the newest `NEWEST_BUCKETS` do not count yet:
    lasting departures are drift, single ones are not.

    >>> monitor = Monitor(DriftSettings(reference_buckets=3))
    >>> means = [0.0, 0.1, -0.1, 0.0, 0.05, -0.05, 0.1, -1.0, -1.0, -1.0]
    >>> buckets = [BlockBucket(at, 25.0, 25.0, 150.0, 25.0 * mean, 25.0) for at, mean in enumerate(means)]
    >>> [bucket.bucket_ms for bucket in buckets if monitor.read(bucket, budget=1e-4)]
    [8]
    """

    def __init__(self, settings: DriftSettings, prior: Prior = TIME_PRIOR, state: MonitorState | None = None) -> None:
        self.settings = settings
        self.prior = prior
        self._older = state.older if state else Usual()
        self._newest = np.array(state.newest if state else [], dtype=np.float64).reshape(-1, _FIELDS + 2)

    @property
    def state(self) -> MonitorState:
        """All that the monitor depends on."""
        return MonitorState(self._older, self._newest.tolist())

    def read(self, bucket: BlockBucket, budget: float, dispersion: float = 1.0) -> Change | None:
        """Read the next bucket; returns the change that it reveals, if any, and then learns the reference anew.

        `dispersion` is the variance between buckets over that within.
        """
        if bucket.worth < self.settings.streams_min:
            return None
        row = np.array([[*astuple(bucket), self._clipped(bucket), budget]])
        self._newest = np.concatenate((self._newest, row))
        if len(self._newest) > self.settings.window_buckets:
            self._older = self._older.plus(_as_clipped(self._newest[:1]))
            self._newest = self._newest[1:].copy()
        found = self._evidence(dispersion)
        if found.total < 1.0:
            return None
        change = self._change(found)
        self.conclude()
        return change

    def change(self, dispersion: float = 1.0) -> Change | None:
        """The likeliest change so far, whether or not the detector fires; None without enough buckets."""
        if not len(self._newest):
            return None
        found = self._evidence(dispersion)
        return self._change(found) if found.total > 0.0 else None

    def conclude(self) -> None:
        """Learn the reference anew after a change."""
        self._older, self._newest = Usual(), self._newest[:0]

    def dispersed(self) -> tuple[float, int]:
        """Sum of squared departures of buckets from their mean, over the variance within; and degrees of freedom."""
        every = self._older.plus(_as_clipped(self._newest))
        if every.buckets < 2:  # one has no departure
            return 0.0, 0
        apart = max(every.worth_residual_squares - every.worth_residual**2 / every.worth, 0.0)
        return apart / every.variance_within(), every.buckets - 1

    def _clipped(self, bucket: BlockBucket) -> float:
        """The mean residual of a bucket, clipped to so many standard errors from the reference."""
        usual = self._older.plus(_as_clipped(self._newest[:-NEWEST_BUCKETS]))
        if not usual.buckets:
            return bucket.residual
        limit = self.settings.outlier * sqrt(usual.variance() * (1.0 / bucket.worth + 1.0 / usual.worth))
        centre = usual.worth_residual / (usual.worth + self.prior.streams)
        return min(max(bucket.residual, centre - limit), centre + limit)

    def _evidence(self, dispersion: float) -> Evidence:
        settings, columns = self.settings, self._newest
        return evidence(
            self._older,
            Read(columns[:, 1] ** 2 / columns[:, 2], mean=columns[:, _FIELDS], budget=columns[:, _FIELDS + 1]),
            self.prior,
            dispersion * self._older.variance_with(columns[:, :_FIELDS]),
            settings.tolerance if self.prior == TIME_PRIOR else 0.0,
            settings.reference_buckets,
        )

    def _change(self, found: Evidence) -> Change:
        columns = self._newest[:, :_FIELDS]
        size, before, since = estimated(self._older, columns, found, self.prior)
        return Change(
            detector="e-detector",
            bucket_ms=int(columns[-1, 0]),
            bucket_count=before.buckets + since.buckets,
            size=size,
            before=before,
            since=since,
        )


def _as_clipped(columns: FloatArray) -> FloatArray:
    """Buckets [n, 6] with the residuals that they have as clipped, from the columns of a state."""
    clipped = columns[:, :_FIELDS].copy()
    clipped[:, _RESIDUAL] = columns[:, _FIELDS] * columns[:, 1]
    return clipped
