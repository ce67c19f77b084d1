"""Watches one co-cluster: River's ADWIN and Page-Hinkley on standardised means of event-time buckets."""

from math import sqrt
from typing import Any

from msgspec import Struct
from river.drift import ADWIN, PageHinkley

from processors.drift.settings import DriftSettings
from schemas.monitoring import DriftDetector

NEWEST_BUCKETS = 3


class BucketMean(Struct, frozen=True, array_like=True):
    """What the streams of one bucket of a block lasted, in x = log1p(seconds).

    `mean` and `variance` are of x less what was expected of its listener and its card: when the learner moves cards or
    listeners between groups, expectation moves along, and what is left speaks of the world. `mean_x` is of x itself.
    """

    bucket_ms: int
    streams: float
    mean: float
    variance: float
    mean_x: float = 0.0


class Change(Struct, frozen=True):
    """A detector fired at a bucket."""

    detector: DriftDetector
    bucket_ms: int
    bucket_count: int
    before: float
    after: float
    standard_errors: float


class BlockMonitor:
    """Reads bucket means in the order of event time; all of its state is the list of them since the last change.

    What is fed to the detectors is (mean - usual) / standard error, so one setting serves large and small blocks.

    >>> monitor = BlockMonitor(DriftSettings(reference_buckets=3))
    >>> means = [5.0, 5.1, 4.9, 5.0, 5.05, 4.95, 4.0, 4.0, 4.0, 4.0]
    >>> changes = [monitor.read(BucketMean(at, 25.0, mean, 1.0)) for at, mean in enumerate(means)]
    >>> [change.bucket_ms for change in changes if change]
    [9]
    """

    def __init__(self, settings: DriftSettings) -> None:
        self.settings = settings
        self.history: list[BucketMean] = []
        self._restart()

    def restore(self, history: list[BucketMean]) -> None:
        """Take up where these bucket means left off: reading them again gives the same detectors."""
        for bucket in history:
            self.read(bucket)

    def read(self, bucket: BucketMean) -> Change | None:
        """Take in the next bucket; gives the change that it reveals, after which the block is learned anew."""
        if bucket.streams < self.settings.streams_min:
            return None
        self.history.append(bucket)
        if len(self.history) < self.settings.reference_buckets:
            return None
        if len(self.history) == self.settings.reference_buckets:
            for reference in self.history:  # they anchor the detectors' own idea of what is usual
                self._detect(self._standardise(reference))
            return None
        detector = self._detect(self._standardise(bucket))
        if detector is None:
            return None
        change = self._change(detector, bucket)
        self.history = []
        self._restart()
        return change

    def _restart(self) -> None:
        settings = self.settings
        self._adwin: Any = ADWIN(  # type: ignore[no-untyped-call]
            delta=settings.adwin_delta, clock=1, grace_period=4, min_window_length=2
        )
        self._page_hinkley: Any = PageHinkley(
            min_instances=1, delta=settings.tolerance, threshold=settings.threshold, alpha=1.0
        )

    def _reference(self) -> tuple[float, float, float]:
        """Mean and variance of x in the buckets of reference, and their number of streams."""
        reference = self.history[: self.settings.reference_buckets]
        streams = sum(bucket.streams for bucket in reference)
        mean = sum(bucket.streams * bucket.mean for bucket in reference) / streams
        within = sum(bucket.streams * bucket.variance for bucket in reference) / streams
        between = sum(bucket.streams * (bucket.mean - mean) ** 2 for bucket in reference)
        spread = max(within, between / max(1, len(reference) - 1))
        return mean, max(spread, 1e-3), streams

    def _standardise(self, bucket: BucketMean) -> float:
        mean, variance, streams = self._reference()
        return (bucket.mean - mean) / sqrt(variance * (1.0 / bucket.streams + 1.0 / streams))

    def _detect(self, value: float) -> DriftDetector | None:
        self._page_hinkley.update(value)
        self._adwin.update(value)
        if self._page_hinkley.drift_detected:
            return "page-hinkley"
        return "adwin" if self._adwin.drift_detected else None

    def _change(self, detector: DriftDetector, bucket: BucketMean) -> Change:
        before = _mean_x(self.history[: self.settings.reference_buckets])
        after = _mean_x(self.history[-NEWEST_BUCKETS:])
        return Change(
            detector=detector,
            bucket_ms=bucket.bucket_ms,
            bucket_count=len(self.history),
            before=before,
            after=after,
            standard_errors=self._standardise(bucket),
        )


def _mean_x(buckets: list[BucketMean]) -> float:
    return sum(bucket.streams * bucket.mean_x for bucket in buckets) / sum(bucket.streams for bucket in buckets)
