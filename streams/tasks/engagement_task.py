"""The engagement task on the wire: `model` in settings, metrics and the name of its state topic."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from schemas.monitoring import DriftAlert, DriftIncident
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import Measures
from streams.tasks.broadcast import broadcast_message
from streams.tasks.intake import Intake
from streams.tasks.routing import produced


class EngagementTask:
    """Sums of engagement in; engagement metrics, drift alerts and incidents out."""

    def __init__(self, settings: DriftSettings) -> None:
        self.core = EngagementMonitor(settings)
        self._intake = Intake(self._count)
        self._own: Counter[str] = Counter()  # the core's are those of all tasks

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the monitors."""
        self.core.restore((row.key, row.value) for row in rows if row.value is not None)

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Apply co-clusters, for labels and generation."""
        for record in records:
            broadcast_message(topic, record, self.core.put_co_clusters, self._count)
        return ()

    def process(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Process one batch of sums."""
        arrivals, dead = self._intake.read(topic, records)
        messages = self.core.engagement(sums for _, sums in arrivals)
        self._own["drift_alerts"] += sum(isinstance(message, DriftAlert) for message in messages)
        told = [message for message in messages if isinstance(message, DriftIncident)]
        self._own["drift_incidents"] += sum(message.state == "open" for message in told)
        return [*dead, *map(produced, messages)]

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:  # noqa: ARG002  all get the same
        """Do nothing: buckets close by event time."""
        return ()

    def conclude(self) -> Iterable[Produced]:
        """Do nothing: alerts follow from closed buckets alone."""
        return ()

    def changed(self) -> Iterable[StateRow]:
        """Rows of state that have changed."""
        return [StateRow(key, value) for key, value in self.core.changed_rows()]

    def measures(self) -> Measures:
        """Number of alerts, dead letters of this task, and the monitored generation."""
        counts = {**self._own, "engagement_late": self.core.counters["engagement_late"]}
        return Measures(counts, {"generation": self.core.generation})

    def _count(self, reason: str) -> None:
        self.core.counters[f"dead_letters_{reason}"] += 1
        self._own[f"dead_letters_{reason}"] += 1
