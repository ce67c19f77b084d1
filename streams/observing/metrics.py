"""Events of the driver as Prometheus metrics."""

from collections.abc import Mapping
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from typing_extensions import override

from streams.exactly_once.observer import Observer
from streams.observing.ages import Ages
from streams.observing.measures import TaskMetrics

_LABELS = ("task", "partition")
_WITH_TOPIC = (*_LABELS, "topic")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class MetricsObserver(Observer):  # documented in the base class
    """Counts throughput and failures.

    Failure counters start at zero, because Prometheus sees no increase in a counter that appears with one. Gauges of a
    revoked partition are removed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, labels: tuple[str, ...] = _LABELS) -> Counter:
            return Counter(f"shelfwise_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, labels: tuple[str, ...] = _LABELS) -> Gauge:
            return Gauge(f"shelfwise_{name}", text, labels, registry=registry)

        def seconds(name: str, text: str) -> Histogram:
            return Histogram(f"shelfwise_{name}", text, _LABELS, buckets=_SECONDS, registry=registry)

        self._records = counter("records", "Records processed", _WITH_TOPIC)
        self._seconds = seconds("batch_seconds", "Time to process one batch")
        self._commits = seconds("commit_seconds", "Time of one commit")
        self._outputs = counter("outputs", "Records written")
        self._rows = counter("state_rows", "State rows written")
        self._aborts = counter("aborts", "Transactions that did not commit")
        self._fencings = counter("fencings", "Transactions refused to a zombie")
        self._not_opened = counter("not_opened", "Attempts to open a partition that failed")
        self._owned = gauge("partitions_owned", "Partitions owned", ("task",))
        self._restored_rows = gauge("restored_rows", "Rows restored so far")
        self._restored_share = gauge("restored_share", "Share of restored rows that the task has processed")
        self._lost = counter("input_lost", "Input deleted unread", _WITH_TOPIC)
        self._differences = counter(
            "positions_differ", "Inputs whose group offset differed from the state's position at opening", _WITH_TOPIC
        )
        self._lag = gauge("lag_records", "Unread records", _WITH_TOPIC)
        self._lag_s = gauge("lag_seconds", "Upper bound of the age of unread records", _WITH_TOPIC)
        self._ages = Ages(
            "shelfwise_event_age_seconds",
            "From the timestamp of an input to the commit of its output; for listeners: of a ranking",
        )
        registry.register(self._ages)
        self._tasks = TaskMetrics(registry)
        self._topics: dict[tuple[str, int], set[str]] = {}

    @override
    def assigned(self, task: str, partition: int) -> None:
        self._owned.labels(task).inc()
        for counted in (self._aborts, self._fencings, self._not_opened):
            counted.labels(task, partition)

    @override
    def revoked(self, task: str, partition: int) -> None:
        self._owned.labels(task).dec()
        for gauge in (self._restored_rows, self._restored_share):
            _take_back(gauge, task, partition)
        for topic in self._topics.pop((task, partition), ()):
            _take_back(self._lag, task, partition, topic)
            _take_back(self._lag_s, task, partition, topic)
        self._tasks.take_back(task, partition)

    @override
    def restoring(self, task: str, partition: int, *, rows: int, bytes_read: int) -> None:
        self._restored_rows.labels(task, partition).set(rows)

    @override
    def taking_up(self, task: str, partition: int, *, rows: int, rows_all: int) -> None:
        self._restored_share.labels(task, partition).set(rows / max(1, rows_all))

    @override
    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        self._restored_rows.labels(task, partition).set(rows)
        self._restored_share.labels(task, partition).set(1.0)

    @override
    def processed(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        self._records.labels(task, partition, topic).inc(records)
        self._seconds.labels(task, partition).observe(seconds)

    @override
    def lagging(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        self._topics.setdefault((task, partition), set()).add(topic)
        self._lag.labels(task, partition, topic).set(records)
        self._lag_s.labels(task, partition, topic).set(seconds)

    @override
    def committed(self, task: str, partition: int, *, seconds: float, records: int, outputs: int, rows: int) -> None:
        self._commits.labels(task, partition).observe(seconds)
        self._outputs.labels(task, partition).inc(outputs)
        self._rows.labels(task, partition).inc(rows)

    @override
    def delivered(self, task: str, partition: int, *, ages_ms: NDArray[np.int64]) -> None:
        self._ages.add(task, partition, ages_ms)

    @override
    def measured(self, task: str, partition: int, *, counts: Mapping[str, int], gauges: Mapping[str, float]) -> None:
        self._tasks.measured(task, partition, counts, gauges)

    @override
    def aborted(self, task: str, partition: int, *, reason: str) -> None:
        self._aborts.labels(task, partition).inc()

    @override
    def not_opened(self, task: str, partition: int, *, reason: str) -> None:
        self._not_opened.labels(task, partition).inc()

    @override
    def fenced(self, task: str, partition: int) -> None:
        self._fencings.labels(task, partition).inc()

    @override
    def input_lost(self, task: str, partition: int, topic: str, *, records: int) -> None:
        self._lost.labels(task, partition, topic).inc(records)

    @override
    def positions_differ(self, task: str, partition: int, topic: str, *, position: int, committed: int | None) -> None:
        self._differences.labels(task, partition, topic).inc()


def _take_back(gauge: Gauge, *labels: object) -> None:
    with suppress(KeyError):  # never set
        gauge.remove(*map(str, labels))
