"""An open task: its writer, its state restored, its positions, and what it produced since its last commit."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TypeVar

from aiokafka import TopicPartition

from streams.exactly_once.batch import Batch
from streams.exactly_once.errors import TaskFailed
from streams.exactly_once.past import Past
from streams.exactly_once.restore import PROGRESS_S, Restored, format_row, read_state
from streams.exactly_once.surroundings import Surroundings
from streams.exactly_once.task import Outputs, Produced, ProducedColumns, Record, StateRow, Task, TaskSpec, record_count
from streams.exactly_once.writer import Transaction, TransactionalWriter

_T = TypeVar("_T")


class OpenTask:
    """From opening to the first failure; afterwards of no use.

    ``seek`` is the number that its batches carry. Of its transactions one may be under way at a time.
    """

    def __init__(self, spec: TaskSpec, number: int, around: Surroundings, writer: TransactionalWriter) -> None:
        self.seek = 0
        self._spec = spec
        self._number = number
        self._state = TopicPartition(spec.state_topic, number)
        self._inputs = [TopicPartition(topic, number) for topic in spec.inputs]
        self._around = around
        self._writer = writer
        self._task: Task = _guarded(lambda: spec.make(number))
        self._produced: list[Produced | ProducedColumns] = []
        self._produced_count = 0
        self._input_count = 0
        self._positions: dict[TopicPartition, int] = {}
        self._needs_format = False

    @classmethod
    async def open(cls, spec: TaskSpec, number: int, around: Surroundings, past: Past) -> "OpenTask":
        """Fence, sweep, restore, seek; in this order, since nothing may change after it has been read.

        ``past`` is what this worker knows of its predecessors.

        Raises ReopenNeeded, KafkaError or OSError when the broker is not up to it, StateFormatError,
        TaskFailed.
        """
        await spec.until_ready()
        transactional_id = f"{around.settings.group}-{spec.name}-{number}"
        writer = TransactionalWriter(
            around.settings, transactional_id, around.clock_ms, around.feed.await_leaders, past
        )
        try:
            await writer.open()
            opened = cls(spec, number, around, writer)
            await writer.sweep({opened._state, *past.places})
            restored = await read_state(around.settings, opened._state, spec.state_format, opened._restoring)
            await opened._begin(restored)
        except BaseException:
            await writer.discard()
            raise
        return opened

    @property
    def places(self) -> frozenset[TopicPartition]:
        """The partitions that it has written to."""
        return self._writer.swept

    @property
    def held_count(self) -> int:
        """How much the next transaction holds by now."""
        return max(self._input_count, self._produced_count)

    async def broadcast(self, topic: str, records: Sequence[Record]) -> None:
        """Let the task see records of a broadcast topic."""
        await self._take(partial(self._task.broadcast, topic, records))

    async def process(self, batch: Batch) -> None:
        """Let the task process a batch."""
        started_s = time.perf_counter()
        await self._take(partial(self._task.process, batch.topic, batch.records))
        self._positions[TopicPartition(batch.topic, batch.partition)] = int(batch.records.offsets[-1]) + 1
        count = len(batch.records)
        self._input_count += count
        seconds = time.perf_counter() - started_s
        self._around.observer.processed(self._spec.name, self._number, batch.topic, records=count, seconds=seconds)

    async def tick(self, behind: Collection[str]) -> None:
        """Let the task see the clock, and which of its inputs have more to read."""
        await self._take(partial(self._task.tick, self._around.clock_ms(), behind))

    async def collect(self) -> Transaction | None:
        """Take everything since the last time out of here, for one transaction; None, if there is nothing.

        The task goes on meanwhile: what it produces from now on belongs to the next transaction.
        """
        concluded, rows = await self._run(lambda: (list(self._task.conclude()), list(self._task.changed())))
        self._keep(concluded)
        if not (rows or self._produced or self._input_count):
            return None
        if self._needs_format:
            rows.append(format_row(self._spec.state_format))
            self._needs_format = False
        collected = Transaction(self._produced, rows, self._state, {**self._positions}, self._input_count, self._number)
        self._produced, self._produced_count, self._input_count = [], 0, 0
        return collected

    async def commit(self, collected: Transaction) -> None:
        """Write a transaction; after a failure this task is of no use.

        Raises what TransactionalWriter.transact raises.
        """
        started_s = time.perf_counter()
        await self._writer.transact(collected)
        self._around.observer.committed(
            self._spec.name,
            self._number,
            seconds=time.perf_counter() - started_s,
            records=collected.input_count,
            outputs=record_count(collected.produced),
            rows=record_count(collected.rows),
        )

    @property
    def is_unsettled(self) -> bool:
        """Whether ``settle`` has something to do."""
        return self._writer.is_unsettled

    async def settle(self) -> None:
        """Make sure that what was committed can be seen; raises as ``commit`` does."""
        await self._writer.settle()

    async def seek_again(self) -> None:
        """Let the input flow from where the task stands: whatever was under way has been dropped."""
        self.seek = await self._around.feed.seek(self._positions)

    async def discard(self) -> None:
        """Let go of the producer, in bounded time; what was not committed is left to whoever opens next."""
        await self._writer.discard()

    async def _begin(self, restored: Restored) -> None:
        around, spec = self._around, self._spec
        self._needs_format = not restored.has_format
        row_count = len(restored.rows)
        _guarded(lambda: self._task.restore(self._followed(restored, row_count)))
        starts = await around.feed.start_offsets([TopicPartition(topic, self._number) for topic in spec.inputs])
        self._positions = {tp: offset for tp, (offset, _) in starts.items()}
        self.seek = await around.feed.seek(self._positions)
        around.observer.restored(
            spec.name, self._number, rows=row_count, bytes_read=restored.bytes_read, seconds=restored.seconds
        )
        for tp, (_, lost) in starts.items():
            if lost:
                around.observer.input_lost(spec.name, self._number, tp.topic, records=lost)

    def _followed(self, restored: Restored, row_count: int) -> Iterator[StateRow]:
        """Give the rows, and tell about once a second how many the task has taken."""
        told_s = time.monotonic()
        for number, row in enumerate(restored.consume_rows()):
            if time.monotonic() - told_s >= PROGRESS_S:
                told_s = time.monotonic()
                self._around.observer.taking_up(self._spec.name, self._number, rows=number, rows_all=row_count)
            yield row

    def _restoring(self, rows: int, bytes_read: int) -> None:
        self._around.observer.restoring(self._spec.name, self._number, rows=rows, bytes_read=bytes_read)

    async def _take(self, call: Callable[[], Outputs]) -> None:
        self._keep(await self._run(lambda: list(call())))

    def _keep(self, produced: list[Produced | ProducedColumns]) -> None:
        self._produced.extend(produced)
        self._produced_count += record_count(produced)

    async def _run(self, call: Callable[[], _T]) -> _T:
        """Run the task's own code where it is to run: one call at a time, for whoever owns the task awaits it."""
        return await asyncio.to_thread(_guarded, call) if self._spec.in_thread else _guarded(call)


def _guarded(call: Callable[[], _T]) -> _T:
    """Run the task's own code: what it raises is a bug of the task, not of the broker."""
    try:
        return call()
    except Exception as error:
        raise TaskFailed(error) from error
