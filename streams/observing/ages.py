"""A histogram that counts many values at once, in one pass of numpy."""

import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

UP_TO_MS = (25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000)
_LABELS = ("task", "partition")


class Ages(Collector):
    """Counts ages by task and partition.

    >>> ages = Ages("age_seconds", "Age")
    >>> ages.add("listeners", 0, np.array([25, 26, 400_000]))
    >>> [family] = ages.collect()
    >>> {sample.labels["le"]: sample.value for sample in family.samples if "le" in sample.labels}["0.025"]
    1
    """

    def __init__(self, name: str, documentation: str) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = np.array(UP_TO_MS, dtype=np.int64)
        self._counted: dict[tuple[str, int], tuple[NDArray[np.int64], int]] = {}
        self._lock = threading.Lock()

    def add(self, task: str, partition: int, ages_ms: NDArray[np.int64]) -> None:
        """Count these ages."""
        buckets = np.searchsorted(self._bounds, ages_ms, side="left")
        counts = np.bincount(buckets, minlength=len(UP_TO_MS) + 1)
        total_ms = int(ages_ms.sum())
        with self._lock:
            before, before_ms = self._counted.get((task, partition), (0, 0))
            self._counted[task, partition] = (before + counts, before_ms + total_ms)

    @override
    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The Prometheus histograms, with cumulative buckets."""
        with self._lock:
            counted = dict(self._counted)
        family = HistogramMetricFamily(self._name, self._documentation, labels=_LABELS)
        names = [*(str(bound_ms / 1_000) for bound_ms in UP_TO_MS), "+Inf"]
        for (task, partition), (counts, total_ms) in counted.items():
            buckets = list(zip(names, np.cumsum(counts).tolist(), strict=True))
            family.add_metric((task, str(partition)), buckets, total_ms / 1_000)
        yield family
