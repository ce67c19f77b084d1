"""Reports metrics of an open task after its commits: ages of inputs, and the task's own metrics."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.exactly_once.observer import Observer
from streams.exactly_once.records.produced import Produced, ProducedColumns
from streams.exactly_once.task import Measures, Task, TaskSpec, measures_of

STAMPS_MAX = 100_000
"""Maximum number of inputs that wait for output to the awaited topic: there may never be any."""


class Taken(NamedTuple):
    """Metrics of one transaction, reported when it has been committed."""

    stamps_ms: Sequence[NDArray[np.int64]]
    measures: Measures | None


class Measuring:
    """Collects metrics of one open task."""

    def __init__(self, spec: TaskSpec, number: int, observer: Observer, clock_ms: Callable[[], int]) -> None:
        self._spec = spec
        self._number = number
        self._observer = observer
        self._clock_ms = clock_ms
        self._stamps: list[NDArray[np.int64]] = []
        self._stamps_count = 0
        self._counts: Mapping[str, int] = {}
        self._gauges: Mapping[str, float] = {}

    def begin(self, task: Task) -> None:
        """Start from the restored counts, which are not reported again."""
        measures = measures_of(task)
        if measures is not None:
            self._counts = dict(measures.counts)
            self._observer.measured(self._spec.name, self._number, counts={}, gauges=measures.gauges)

    def note(self, stamps_ms: NDArray[np.int64]) -> None:
        """Record timestamps of processed inputs."""
        self._stamps.append(stamps_ms)
        self._stamps_count += len(stamps_ms)
        while self._stamps_count > STAMPS_MAX and len(self._stamps) > 1:
            self._stamps_count -= len(self._stamps.pop(0))

    def take(self, produced: Sequence[Produced | ProducedColumns], measures: Measures | None) -> Taken:
        """Remove and return the metrics of a transaction with these outputs."""
        awaited = self._spec.awaits
        if awaited is not None and not any(it.topic == awaited for it in reversed(produced)):
            return Taken((), measures)
        stamps, self._stamps, self._stamps_count = self._stamps, [], 0
        return Taken(stamps, measures)

    def tell(self, taken: Taken) -> None:
        """Report a committed transaction."""
        if taken.stamps_ms:
            ages_ms = np.maximum(self._clock_ms() - np.concatenate(taken.stamps_ms), 0)
            self._observer.delivered(self._spec.name, self._number, ages_ms=ages_ms)
        if taken.measures is None:
            return
        counts, gauges = taken.measures
        more = {name: count - self._counts.get(name, 0) for name, count in counts.items()}
        more = {name: count for name, count in more.items() if count}
        if more or gauges != self._gauges:
            self._counts, self._gauges = dict(counts), dict(gauges)
            self._observer.measured(self._spec.name, self._number, counts=more, gauges=gauges)
