"""A task with pinned broadcast state: read from a file instead of the topics."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from streams.exactly_once.records.produced import Outputs, Produced, ProducedColumns, Rows, StateRow
from streams.exactly_once.records.read_records import Record, Records
from streams.exactly_once.task import Measures, Task, TaskSpec, measures_of
from streams.pinned_model import PinnedModel


class PinnedTask:
    """Passes the pinned records to a task after its restore, and delegates everything else."""

    def __init__(self, task: Task, pinned: PinnedModel) -> None:
        self._task = task
        self._pinned = pinned
        self._waiting: list[Produced | ProducedColumns] = []

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the state, then apply the pinned records as if they had just been read."""
        self._task.restore(rows)
        for topic, records in self._pinned.items():
            self._waiting.extend(self._task.broadcast(topic, records))

    def broadcast(self, topic: str, records: Sequence[Record]) -> Outputs:  # noqa: ARG002  the protocol's
        """Refuse: a pinned task reads no broadcast topic."""
        raise AssertionError(f"a pinned task was given {topic}")

    def process(self, topic: str, records: Records) -> Outputs:
        """Delegate."""
        return [*self._waited(), *self._task.process(topic, records)]

    def tick(self, now_ms: int, behind: Collection[str]) -> Outputs:
        """Delegate."""
        return [*self._waited(), *self._task.tick(now_ms, behind)]

    def conclude(self) -> Outputs:
        """Delegate."""
        return self._task.conclude()

    def changed(self) -> Rows:
        """Delegate."""
        return self._task.changed()

    def measures(self) -> Measures:
        """The metrics of the task, if it has any."""
        return measures_of(self._task) or Measures({})

    def _waited(self) -> list[Produced | ProducedColumns]:
        waiting, self._waiting = self._waiting, []
        return waiting


def pinned_spec(spec: TaskSpec, model: PinnedModel) -> TaskSpec:
    """The same task, with its broadcast topics pinned to the model, which has none that are outputs of tasks."""
    pinned = {topic: model.get(topic, []) for topic in spec.broadcasts}
    return replace(spec, broadcasts=(), make=lambda partition: PinnedTask(spec.make(partition), pinned))
