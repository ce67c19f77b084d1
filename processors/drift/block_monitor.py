"""Watches one co-cluster: River's ADWIN and Page-Hinkley on standardised means of event-time buckets."""

from typing import Any

from msgspec import Struct
from river.drift import ADWIN, PageHinkley

from processors.drift.settings import DriftSettings
from processors.drift.usual import BlockBucket, Usual
from schemas.monitoring import DriftDetector

NEWEST_BUCKETS = 2
ANCHOR_BUCKETS = 500


class Change(Struct, frozen=True):
    """A detector fired at a bucket."""

    detector: DriftDetector
    bucket_ms: int
    bucket_count: int
    before: float
    after: float
    standard_errors: float


class MonitorState(Struct, array_like=True):
    """All that a monitor knows: what is usual, the buckets too new to be, and what its detectors have read."""

    usual: Usual
    newest: list[BlockBucket] = []
    values: list[float] = []


class BlockMonitor:
    """Reads the evidence on a block, bucket by bucket in the order of event time.

    The detectors are fed with standard errors by which a bucket departs from the usual, so one setting serves large and
    small blocks. These are around zero as long as nothing changes. Page-Hinkley is told so (its own mean begins with
    `ANCHOR_BUCKETS` zeros): a mean that follows the first buckets after a change would take half of it away. The newest
    `NEWEST_BUCKETS` are not yet usual, for the same reason. One bucket counts for `outlier` standard errors at most:
    what lasts is drift, what happened once is not.

    >>> monitor = BlockMonitor(DriftSettings(reference_buckets=3))
    >>> means = [0.0, 0.1, -0.1, 0.0, 0.05, -0.05, 0.1, -1.0, -1.0, -1.0]
    >>> buckets = [BlockBucket(at, 25.0, 25.0, 150.0, 25.0 * mean, 25.0) for at, mean in enumerate(means)]
    >>> [bucket.bucket_ms for bucket in buckets if monitor.read(bucket)]
    [9]
    """

    def __init__(self, settings: DriftSettings, state: MonitorState | None = None) -> None:
        self.settings = settings
        self.state = state or MonitorState(Usual())
        self._build_detectors()

    def read(self, bucket: BlockBucket) -> Change | None:
        """Take in the next bucket; gives the change that it reveals, after which the block is learned anew."""
        if bucket.worth < self.settings.streams_min:
            return None
        state = self.state
        state.newest.append(bucket)
        if state.usual.buckets >= self.settings.reference_buckets:
            departure = state.usual.standard_errors(bucket)
            state.values.append(min(max(departure, -self.settings.outlier), self.settings.outlier))
            detector = self._detect(state.values[-1])
            if detector is not None:
                return self._conclude(detector, departure)
            if len(state.values) > self.settings.memory_buckets:
                del state.values[: len(state.values) // 2]
                self._build_detectors()
        if len(state.newest) > NEWEST_BUCKETS:
            state.usual.add(state.newest.pop(0))
        return None

    def _build_detectors(self) -> None:
        """Detectors as they are after reading the values of the state, and nothing else."""
        settings = self.settings
        self._adwin: Any = ADWIN(  # type: ignore[no-untyped-call]
            delta=settings.adwin_delta, clock=1, grace_period=4, min_window_length=2
        )
        page_hinkley: Any = PageHinkley(
            min_instances=1, delta=settings.tolerance, threshold=settings.threshold, alpha=1.0
        )
        for _ in range(ANCHOR_BUCKETS):
            page_hinkley.update(0.0)
        self._page_hinkley = page_hinkley
        for value in self.state.values:
            self._detect(value)

    def _detect(self, value: float) -> DriftDetector | None:
        self._page_hinkley.update(value)
        self._adwin.update(value)
        if self._page_hinkley.drift_detected:
            return "page-hinkley"
        return "adwin" if self._adwin.drift_detected else None

    def _conclude(self, detector: DriftDetector, departure: float) -> Change:
        usual, newest = self.state.usual, self.state.newest
        self.state = MonitorState(Usual())
        self._build_detectors()
        return Change(
            detector=detector,
            bucket_ms=newest[-1].bucket_ms,
            bucket_count=usual.buckets + len(newest),
            before=usual.log_total / usual.streams,
            after=sum(bucket.log_total for bucket in newest) / sum(bucket.streams for bucket in newest),
            standard_errors=departure,
        )
