"""Metrics of tasks for Prometheus: important ones have their own name, all others a label."""

from collections.abc import Mapping
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge

_LABELS = ("task", "partition")
DEAD_LETTERS = "dead_letters_"
COUNTED = {
    "outcomes_settled": ("exposures_settled", "Exposures that have settled"),
    "outcomes_corrected": ("exposures_corrected", "Settled exposures that a later stream has corrected"),
    "drift_alerts": ("drift_alerts", "Drift alerts given"),
    "drift_incidents": ("drift_incidents", "Incidents of drift opened"),
}
GAUGED = {
    "exposures_open": ("exposures_open", "Exposures waiting for their horizon"),
    "generation": ("cocluster_generation", "Generation of the co-clusters in a task"),
}


class TaskMetrics:
    """Metrics of the tasks; their names are documented where the task counts them.

    >>> registry = CollectorRegistry(); metrics = TaskMetrics(registry)
    >>> metrics.measured("listeners", 0, {"outcomes_settled": 7, "dead_letters_not_json": 2}, {"generation": 3})
    >>> place = {"task": "listeners", "partition": "0"}
    >>> registry.get_sample_value("shelfwise_dead_letters_total", {**place, "reason": "not_json"})
    2.0
    >>> metrics.take_back("listeners", 0); registry.get_sample_value("shelfwise_cocluster_generation", place)
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counted = {
            name: Counter(f"shelfwise_{metric}", text, _LABELS, registry=registry)
            for name, (metric, text) in COUNTED.items()
        }
        self._gauged = {
            name: Gauge(f"shelfwise_{metric}", text, _LABELS, registry=registry)
            for name, (metric, text) in GAUGED.items()
        }
        self._dead = Counter(
            "shelfwise_dead_letters", "Dead letters by reason", (*_LABELS, "reason"), registry=registry
        )
        self._other = Counter(
            "shelfwise_counted", "Other counters of tasks, by name", (*_LABELS, "what"), registry=registry
        )
        self._kept = Gauge("shelfwise_kept", "Other gauges of tasks, by name", (*_LABELS, "what"), registry=registry)
        self._known: dict[tuple[str, int], set[str]] = {}

    def measured(self, task: str, partition: int, counts: Mapping[str, int], gauges: Mapping[str, float]) -> None:
        """Add increments of counts, and set gauges."""
        for name, count in counts.items():
            if name in self._counted:
                self._counted[name].labels(task, partition).inc(count)
            elif name.startswith(DEAD_LETTERS):
                self._dead.labels(task, partition, name.removeprefix(DEAD_LETTERS)).inc(count)
            else:
                self._other.labels(task, partition, name).inc(count)
        self._known.setdefault((task, partition), set()).update(gauges)
        for name, value in gauges.items():
            if name in self._gauged:
                self._gauged[name].labels(task, partition).set(value)
            else:
                self._kept.labels(task, partition, name).set(value)

    def take_back(self, task: str, partition: int) -> None:
        """Remove the gauges of a partition that another worker owns now."""
        for name in self._known.pop((task, partition), ()):
            with suppress(KeyError):
                if name in self._gauged:
                    self._gauged[name].remove(task, str(partition))
                else:
                    self._kept.remove(task, str(partition), name)
