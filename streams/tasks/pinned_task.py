"""A task whose broadcast state is pinned: it starts with what a file says, and hears nothing of the topics."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from streams.exactly_once.records.produced import Outputs, Produced, ProducedColumns, Rows, StateRow
from streams.exactly_once.records.read_records import Record, Records
from streams.exactly_once.task import Measures, Task, TaskSpec, measures_of
from streams.pinned_model import PinnedModel


class PinnedTask:
    """Hands the pinned records to a task once it is restored, and passes all else on."""

    def __init__(self, task: Task, pinned: PinnedModel) -> None:
        self._task = task
        self._pinned = pinned
        self._waiting: list[Produced | ProducedColumns] = []

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Take up the state, then the pinned records, as if they had just been read."""
        self._task.restore(rows)
        for topic, records in self._pinned.items():
            self._waiting.extend(self._task.broadcast(topic, records))

    def broadcast(self, topic: str, records: Sequence[Record]) -> Outputs:  # noqa: ARG002  the protocol's
        """Take nothing: a pinned task reads no broadcast topic."""
        raise AssertionError(f"a pinned task was given {topic}")

    def process(self, topic: str, records: Records) -> Outputs:
        """Pass a batch on."""
        return [*self._waited(), *self._task.process(topic, records)]

    def tick(self, now_ms: int, behind: Collection[str]) -> Outputs:
        """Pass the clock on."""
        return [*self._waited(), *self._task.tick(now_ms, behind)]

    def conclude(self) -> Outputs:
        """Pass on that a transaction ends."""
        return self._task.conclude()

    def changed(self) -> Rows:
        """Pass the rows on."""
        return self._task.changed()

    def measures(self) -> Measures:
        """What the task measures; nothing where it does not."""
        return measures_of(self._task) or Measures({})

    def _waited(self) -> list[Produced | ProducedColumns]:
        waiting, self._waiting = self._waiting, []
        return waiting


def pinned_spec(spec: TaskSpec, model: PinnedModel) -> TaskSpec:
    """The same task, with its broadcast topics pinned to the model."""
    pinned = {topic: model[topic] for topic in spec.broadcasts}
    return replace(spec, broadcasts=(), make=lambda partition: PinnedTask(spec.make(partition), pinned))
