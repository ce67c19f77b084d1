"""What a task does in one call: broadcast records, batches, the clock, and the conclusion of a transaction."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.produced import Produced, ProducedColumns, RowColumns, StateRow
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import Measures, Task, measures_of


class Work(NamedTuple):
    """Broadcast topics with new records, then batches; then the clock, if ``behind`` has the inputs with a backlog."""

    announced: Sequence[tuple[str, Sequence[Record]]] = ()
    batches: Sequence[Batch] = ()
    behind: Collection[str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.announced or self.batches) and self.behind is None


NOTHING = Work()


class Done(NamedTuple):
    """Output, the seconds of each batch and, if a transaction was concluded, changed rows and metrics."""

    produced: list[Produced | ProducedColumns]
    seconds: list[float]
    rows: list[StateRow | RowColumns]
    measures: Measures | None


def do(task: Task, work: Work, clock_ms: Callable[[], int], *, concludes: bool) -> Done:
    """Let a task do its work, and then conclude a transaction if asked to."""
    produced: list[Produced | ProducedColumns] = []
    seconds: list[float] = []
    for topic, records in work.announced:
        produced += task.broadcast(topic, records)
    for batch in work.batches:
        started_s = time.perf_counter()
        produced += task.process(batch.topic, batch.records)
        seconds.append(time.perf_counter() - started_s)
    if work.behind is not None:
        produced += task.tick(clock_ms(), work.behind)
    if not concludes:
        return Done(produced, seconds, [], None)
    produced += task.conclude()
    return Done(produced, seconds, list(task.changed()), measures_of(task))
