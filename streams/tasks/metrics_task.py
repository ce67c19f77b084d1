"""The metrics task on the wire."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from processors.metrics.metrics_core import Metrics
from processors.metrics.metrics_settings import MetricsSettings
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import Measures
from streams.tasks.broadcast import broadcast_keyed, either
from streams.tasks.intake import Intake
from streams.tasks.publish_rhythm import PublishRhythm
from streams.tasks.routing import produced, topic_of


class MetricsTask:
    """Signals in; windows of metrics, decisions and alarms out, at most once per `publish_interval_ms`."""

    def __init__(self, settings: MetricsSettings) -> None:
        self.core = Metrics(settings)
        self.counters: Counter[str] = Counter()
        self._rhythm = PublishRhythm(settings.publish_interval_ms)
        self._intake = Intake(self._count)

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the sums."""
        self.core.restore((row.key, row.value) for row in rows if row.value is not None)

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Take definitions of experiments, and their withdrawals."""
        put = either(self.core.put_definition, self.core.withdraw_definition)
        for record in records:
            broadcast_keyed(topic, record, put, self._count)
        return ()

    def process(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Process one batch of signals."""
        arrivals, dead = self._intake.read(topic, records)
        self.core.take(message for _, message in arrivals)
        return dead

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:  # noqa: ARG002  all get the same
        """Publish if it is due."""
        if not self._rhythm.is_due(now_ms):
            return []
        messages, withdrawn = self.core.publish()
        if messages or withdrawn:
            self._rhythm.published(now_ms)
            self.counters["metric_messages_published"] += len(messages)
        gone = [Produced(topic_of(kind), key.encode(), None) for kind, key in withdrawn]
        return [*gone, *map(produced, messages)]

    def conclude(self) -> Iterable[Produced]:
        """Do nothing: the task publishes on a tick."""
        return ()

    def changed(self) -> Iterable[StateRow]:
        """Changed rows of the sums."""
        return [StateRow(key, value) for key, value in self.core.changed_rows()]

    def measures(self) -> Measures:
        """Counters, number of sums and of experiments, and of open alarms."""
        return Measures(
            {**self.core.counters, **self.counters},
            {
                "metric_sums_kept": len(self.core.cells),
                "experiments_judged": len(self.core.definitions),
                "metric_alarms_open": self.core.alarms.open_count,
            },
        )

    def _count(self, reason: str) -> None:
        self.counters[f"dead_letters_{reason}"] += 1
