"""The learner task on the wire."""

from collections.abc import Callable, Collection, Iterable, Sequence

from processors.learner import Learner
from processors.wire.batch import Column
from processors.wire.interactions import read_interactions
from schemas.interactions import FORGOTTEN_KEY
from schemas.monitoring import DriftIncident
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record, Records
from streams.exactly_once.task import Measures
from streams.tasks.broadcast import broadcast_keyed
from streams.tasks.intake import Intake
from streams.tasks.publish_rhythm import PublishRhythm
from streams.tasks.routing import produced

_FORGOTTEN = FORGOTTEN_KEY.encode()


class LearnerTask:
    """Interactions in; co-clusters and card groups out, at most once per `publish_interval_ms`."""

    def __init__(self, core: Learner, publish_interval_ms: int) -> None:
        self.core = core
        self._rhythm = PublishRhythm(publish_interval_ms)
        self._intake = Intake(self._count)

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the learner."""
        self.core.restore((row.key, row.value) for row in rows if row.value is not None)

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Apply the catalogue, editors' names of groups, and incidents of drift."""
        incidents: list[tuple[str, DriftIncident | None]] = []
        put: dict[str, Callable[..., None]] = {
            "catalogue": self.core.put_card,
            "card-group-names": self.core.put_name,
            "drift-incidents": lambda key, incident: incidents.append((key, incident)),
        }
        for record in records:
            broadcast_keyed(topic, record, put[topic], self._count)
        if incidents:
            self.core.put_incidents(incidents)
        return ()

    def process(self, topic: str, records: Records) -> Iterable[Produced]:
        """Learn from one batch of interactions, and forget listeners, in the order of the log."""
        dead: list[Produced] = []
        start = 0
        for place, key in enumerate(records.keys.each()):
            if key == _FORGOTTEN:
                self._learn(topic, records[start:place], dead)
                for _, message in self._intake.each(topic, [records[place]], dead):
                    self.core.forget(message.user_id)
                start = place + 1
        self._learn(topic, records[start:], dead)
        return dead

    def _learn(self, topic: str, records: Records, dead: list[Produced]) -> None:
        if len(records):
            slow = self._intake.canonical(topic, records, dead)
            self.core.learn(read_interactions(Column(*records.values), slow))

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:  # noqa: ARG002  all get the same
        """Publish if it is due."""
        if not self._rhythm.is_due(now_ms):
            return []
        messages = self.core.publish()
        if messages:
            self._rhythm.published(now_ms)
        gone = [Produced("card-groups", name.encode(), None) for name in self.core.withdrawn()]
        return [*gone, *map(produced, messages)]

    def conclude(self) -> Iterable[Produced]:
        """Do nothing: the task publishes on a tick."""
        return ()

    def changed(self) -> Iterable[StateRow]:
        """Changed rows of the learner."""
        return [StateRow(key, value) for key, value in self.core.changed_rows()]

    def measures(self) -> Measures:
        """Counters, number of learned streams, and the generation."""
        state = self.core.learner.state
        gauges = {"streams_learned": state.events_count, "generation": state.generation}
        return Measures(self.core.counters, gauges)

    def _count(self, reason: str) -> None:
        self.core.counters[f"dead_letters_{reason}"] += 1
