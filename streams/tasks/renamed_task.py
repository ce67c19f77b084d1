"""A task whose topics have other names at the broker; it knows those of the table only."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streams.exactly_once.records.produced import Outputs, Produced, ProducedColumns, Rows, StateRow
from streams.exactly_once.records.read_records import ReadRecord, Record, Records
from streams.exactly_once.task import Measured, Measures, Paced, Task, TaskSpec
from streams.reading.topic_names import TopicNames


def renamed_spec(spec: TaskSpec, names: TopicNames) -> TaskSpec:
    """The same task for the topics at the broker."""
    return replace(
        spec,
        inputs=tuple(map(names.at_broker, spec.inputs)),
        state_topic=names.at_broker(spec.state_topic),
        broadcasts=tuple(map(names.at_broker, spec.broadcasts)),
        awaits=None if spec.awaits is None else names.at_broker(spec.awaits),
        make=lambda partition: RenamedTask(spec.make(partition), names),
    )


class RenamedTask:
    """Translates between the driver and a task."""

    def __init__(self, task: Task, names: TopicNames) -> None:
        self._task = task
        self._names = names

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the task."""
        self._task.restore(rows)

    def broadcast(self, topic: str, records: Sequence[Record]) -> Outputs:
        """Pass records of a broadcast topic on."""
        ours = self._names.ours(topic)
        named = [
            ReadRecord(ours, it.partition, it.offset, it.timestamp, it.key, it.value, tuple(it.headers))
            for it in records
        ]
        return self._there(self._task.broadcast(ours, named))

    def process(self, topic: str, records: Records) -> Outputs:
        """Pass a batch on."""
        records.topic = self._names.ours(topic)
        return self._there(self._task.process(records.topic, records))

    def moments(self, topic: str, records: Records) -> NDArray[np.int64]:
        """The moments of a task that keeps step."""
        assert isinstance(self._task, Paced)
        records.topic = self._names.ours(topic)
        return self._task.moments(records.topic, records)

    def tick(self, now_ms: int, behind: Collection[str]) -> Outputs:
        """Pass the clock on."""
        return self._there(self._task.tick(now_ms, frozenset(map(self._names.ours, behind))))

    def conclude(self) -> Outputs:
        """Pass on what is concluded."""
        return self._there(self._task.conclude())

    def changed(self) -> Rows:
        """Pass on changed rows."""
        return self._task.changed()

    def measures(self) -> Measures:
        """The measures of the task, if it has any."""
        return self._task.measures() if isinstance(self._task, Measured) else Measures({})

    def _there(self, outputs: Outputs) -> Iterator[Produced | ProducedColumns]:
        at_broker = self._names.at_broker
        return (it._replace(topic=at_broker(it.topic)) for it in outputs)
