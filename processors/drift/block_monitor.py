"""Monitors one co-cluster: River's Page-Hinkley on standardised means of event-time buckets."""

from typing import Any

from msgspec import Struct
from river.drift import PageHinkley

from processors.drift.change_size import Size, estimated
from processors.drift.settings import DriftSettings
from processors.drift.usual import BlockBucket, Usual
from schemas.monitoring import DriftDetector

NEWEST_BUCKETS = 2
ANCHOR_BUCKETS = 500
LOOK_BACK_BUCKETS = 18
"""Buckets that are searched for the change point when a detector has fired."""


class Change(Struct, frozen=True):
    """A detector fired at a bucket, or a neighbour's did; `size` is the size of the change, and its beginning."""

    detector: DriftDetector
    bucket_ms: int
    bucket_count: int
    size: Size


class MonitorState(Struct, array_like=True):
    """State of a monitor: the reference, the buckets too recent to belong to it, and the values read by the detector.

    `settled` are the newest buckets of the reference: a change may have begun among them.
    """

    usual: Usual
    newest: list[BlockBucket] = []
    values: list[float] = []
    settled: list[BlockBucket] = []


class BlockMonitor:
    """Reads the evidence on a block, bucket by bucket in order of event time.

    The detector's input is the departure of a bucket from the reference in standard errors, so that the same settings
    serve large and small blocks. Without a change it is around zero, and Page-Hinkley is initialised accordingly (its
    own mean begins with `ANCHOR_BUCKETS` zeros): a mean that adapted to the first buckets after a change would hide
    half of it. For the same reason, the newest `NEWEST_BUCKETS` are not yet part of the reference. A bucket is clipped
    to `outlier` standard errors: lasting departures are drift, single ones are not.

    >>> monitor = BlockMonitor(DriftSettings(reference_buckets=3))
    >>> means = [0.0, 0.1, -0.1, 0.0, 0.05, -0.05, 0.1, -1.0, -1.0, -1.0]
    >>> buckets = [BlockBucket(at, 25.0, 25.0, 150.0, 25.0 * mean, 25.0) for at, mean in enumerate(means)]
    >>> [bucket.bucket_ms for bucket in buckets if monitor.read(bucket)]
    [9]
    """

    def __init__(self, settings: DriftSettings, state: MonitorState | None = None) -> None:
        self.settings = settings
        self.state = state or MonitorState(Usual())
        self._build_detector()

    def read(self, bucket: BlockBucket) -> Change | None:
        """Read the next bucket; returns the change that it reveals, if any, and then learns the reference anew."""
        if bucket.worth < self.settings.streams_min:
            return None
        state = self.state
        state.newest.append(bucket)
        if self.is_judging:
            departure = state.usual.standard_errors(bucket)
            state.values.append(min(max(departure, -self.settings.outlier), self.settings.outlier))
            if self._detect(state.values[-1]):
                change = self.change()
                self.conclude()
                return change
            if len(state.values) > self.settings.memory_buckets:
                del state.values[: len(state.values) // 2]
                self._build_detector()
        if len(state.newest) > NEWEST_BUCKETS:
            state.settled.append(state.newest.pop(0))
            state.usual.add(state.settled[-1])
            del state.settled[:-LOOK_BACK_BUCKETS]
        return None

    @property
    def is_judging(self) -> bool:
        """Whether the reference has enough buckets."""
        return self.state.usual.buckets >= self.settings.reference_buckets

    def change(self) -> Change | None:
        """The likeliest change so far, whether or not the detector fires; None without enough buckets."""
        state = self.state
        if not self.is_judging or not state.newest:
            return None
        every = state.usual.without(())
        for bucket in state.newest:
            every.add(bucket)
        size = estimated(every, [*state.settled, *state.newest])
        if size is None:
            return None
        return Change(
            detector="page-hinkley",
            bucket_ms=state.newest[-1].bucket_ms,
            bucket_count=every.buckets,
            size=size,
        )

    def conclude(self) -> None:
        """Learn the reference anew after a change."""
        self.state = MonitorState(Usual())
        self._build_detector()

    def _build_detector(self) -> None:
        """Rebuild the detector from the values in the state, so that it depends on nothing else."""
        page_hinkley: Any = PageHinkley(
            min_instances=1, delta=self.settings.tolerance, threshold=self.settings.threshold, alpha=1.0
        )
        for _ in range(ANCHOR_BUCKETS):
            page_hinkley.update(0.0)
        self._page_hinkley = page_hinkley
        for value in self.state.values:
            self._detect(value)

    def _detect(self, value: float) -> bool:
        self._page_hinkley.update(value)
        return bool(self._page_hinkley.drift_detected)
